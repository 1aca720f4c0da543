# SPDX-License-Identifier: Apache-2.0
UNITS += codec
codec.needs := base
codec.libs := -ljansson -lsodium
