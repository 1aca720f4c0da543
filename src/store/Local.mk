# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,store,base codec crypto,-lsqlite3 -lpq))
cflags_store := $(shell pkg-config --cflags libpq 2>/dev/null)
