# SPDX-License-Identifier: Apache-2.0
# The engine's headers are system headers to us: our warnings do not apply to them.
src/nearvm.flags := -isystem build/engine/include
UNITS += nearvm
nearvm.needs := base codec crypto near wasm ledger
$(patsubst %.c,$(O)/obj/%.o,$(wildcard src/nearvm/*.c)): build/engine.made
