# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,store,base codec crypto,-lsqlite3))
