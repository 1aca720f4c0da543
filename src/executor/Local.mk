# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,executor,base codec crypto wasm sandbox,-lsodium))
$(eval $(call program,bin,outlayer-executor,src/executor/main.c,executor,-Wl$(comma)--wrap=connect))
