# SPDX-License-Identifier: Apache-2.0
# For tests only: the reference that the rewriter of src/wasm is held against. No program links it.
cflags_wasmref := -isystem build/engine/include
$(eval $(call unit,wasmref,base wasm,build/engine/libengine.a -lpthread -ldl -lm))
$(patsubst %.c,$(O)/obj/%.o,$(wildcard src/wasmref/*.c)): build/engine.made
