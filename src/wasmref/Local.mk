# SPDX-License-Identifier: Apache-2.0
# For tests only: the reference that the rewriter of src/wasm is held against. No program links it.
src/wasmref.flags := -isystem build/engine/include
UNITS += wasmref
wasmref.needs := base wasm
wasmref.libs := build/engine/libengine.a -lpthread -ldl -lm
$(patsubst %.c,$(O)/obj/%.o,$(wildcard src/wasmref/*.c)): build/engine.made
