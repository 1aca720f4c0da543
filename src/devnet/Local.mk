# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,devnet,base codec crypto http near ledger chain,-lsqlite3))
$(eval $(call program,bin,outlayer-devnet,src/devnet/main.c,devnet,))
