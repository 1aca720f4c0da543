# SPDX-License-Identifier: Apache-2.0
UNITS += store
store.needs := base codec crypto
store.libs := -lsqlite3 -lpq
