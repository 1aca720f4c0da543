# SPDX-License-Identifier: Apache-2.0
$(eval $(call program,bench,coordinator,bench/coordinator.c,coordinator,))
$(eval $(call program,bench,meter,bench/meter.c,wasm,))
$(eval $(call program,bench,exec,bench/exec.c,executor,))
$(eval $(call program,bench,dcap,bench/dcap.c,dcap,-Wl$(comma)--wrap=dcap_p256_verify))
$(O)/bench/exec: | $(O)/bin/outlayer-executor
# The guests that are measured, for the engine and as native programs.
build/bench/guests/%.wasm: bench/guests/%.c
	@mkdir -p $(@D)
	@clang-19 --target=wasm32-wasi -O2 -o $@ $<
build/bench/guests/%: bench/guests/%.c
	@mkdir -p $(@D)
	@gcc -O2 -o $@ $<
BENCH_GUESTS := $(foreach g,sha256 sieve matrix,build/bench/guests/$(g).wasm build/bench/guests/$(g))
$(O)/bench/meter: | $(BENCH_GUESTS)
cflags_bench := -isystem build/engine/include
