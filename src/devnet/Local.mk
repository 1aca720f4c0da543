# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,devnet,base codec crypto http near wasm,-lsqlite3))
