# SPDX-License-Identifier: Apache-2.0
# The engine's headers are system headers to us: our warnings do not apply to them.
cflags_wasm := -isystem build/engine/include
$(eval $(call unit,wasm,base codec crypto,build/engine/libengine.a -lpthread -ldl -lm))
$(patsubst %.c,$(O)/obj/%.o,$(wildcard src/wasm/*.c)): build/engine.made
