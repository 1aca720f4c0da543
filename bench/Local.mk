# SPDX-License-Identifier: Apache-2.0
PROGRAMS += bench/coordinator
bench/coordinator.sources := bench/coordinator.c
bench/coordinator.units := coordinator
PROGRAMS += bench/doors
bench/doors.sources := bench/doors.c
bench/doors.units := coordinator
PROGRAMS += bench/queue
bench/queue.sources := bench/queue.c
bench/queue.units := queue
PROGRAMS += bench/meter
bench/meter.sources := bench/meter.c
bench/meter.units := wasm
PROGRAMS += bench/exec
bench/exec.sources := bench/exec.c
bench/exec.units := executor
PROGRAMS += bench/dcap
bench/dcap.sources := bench/dcap.c
bench/dcap.units := dcap
bench/dcap.libs := -Wl,--wrap=dcap_p256_verify
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
bench.flags := -isystem build/engine/include
