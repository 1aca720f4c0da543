# SPDX-License-Identifier: Apache-2.0
# The engine's headers are system headers to us: our warnings do not apply to them.
src/wasm.flags := -isystem build/engine/include
UNITS += wasm
wasm.needs := base codec crypto
wasm.libs := build/engine/libengine.a -lpthread -ldl -lm
$(patsubst %.c,$(O)/obj/%.o,$(wildcard src/wasm/*.c)): build/engine.made
