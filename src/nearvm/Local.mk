# SPDX-License-Identifier: Apache-2.0
# The engine's headers are system headers to us: our warnings do not apply to them.
cflags_nearvm := -isystem build/engine/include
$(eval $(call unit,nearvm,base codec crypto near wasm ledger,))
$(patsubst %.c,$(O)/obj/%.o,$(wildcard src/nearvm/*.c)): build/engine.made
