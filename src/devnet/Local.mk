# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,devnet,base codec crypto http near store ledger chain,))
$(eval $(call program,bin,outlayer-devnet,src/devnet/main.c,devnet,))
