# SPDX-License-Identifier: Apache-2.0
UNITS += store
store.needs := base codec crypto
store.libs := -lsqlite3 -lpq
src/store.flags := $(shell pkg-config --cflags libpq 2>/dev/null)
