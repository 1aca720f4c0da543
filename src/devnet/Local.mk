# SPDX-License-Identifier: Apache-2.0
# The engine's headers are system headers to us: our warnings do not apply to them.
cflags_devnet := -isystem build/engine/include
$(eval $(call unit,devnet,base codec crypto http near wasm,-lsqlite3))
$(eval $(call program,bin,outlayer-devnet,src/devnet/main.c,devnet,))
$(patsubst %.c,$(O)/obj/%.o,$(wildcard src/devnet/*.c)): build/engine.made
