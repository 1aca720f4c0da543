# SPDX-License-Identifier: Apache-2.0
# What people call; the building itself is in the Makefile.
.PHONY: toolchains engine-crates help setup demo test unit check coverage api format fuzz hostile fleet many bench bench-programs clean book recording pictures
help:
	@echo 'make demo     installs what is missing, builds, and shows one whole request of each kind, live'
	@echo 'make test     everything: source checks, unit tests (also under sanitizers), fuzz seeds, black-box tests'
	@echo 'make          builds the programs (build/bin) and the contracts (build/contracts)'
	@echo 'make dashboard  makes the dashboard, which the coordinator serves (build/dashboard; needs npm)'
	@echo 'make unit     unit tests and fuzz seeds of this flavour only (FLAVOUR=release|asan|tsan|clang)'
	@echo 'make check    source checks, which compile nothing: format, layers, lengths, names, references'
	@echo 'make web      makes the page and the ES module that check quotes (build/web/verify; needs npm)'
	@echo 'make book     makes build/docs, the pages of docs/ as HTML, from docs/README.md (needs python3-markdown)'
	@echo 'make recording  records the first minute at a terminal anew (docs/pictures; needs asciinema and termtosvg)'
	@echo 'make pictures  makes docs/pictures/dashboard.png anew, by the dashboard'"'"'s test in a browser'
	@echo 'make coverage runs the tests with programs that count, and prints line coverage per file (takes an hour; needs llvm-14)'
	@echo 'make api      writes the description of the coordinator'"'"'s routes (docs/openapi.json, docs/api-reference.md)'
	@echo 'make format   formats the sources'
	@echo 'make fuzz     fuzzes every decoder for FUZZ_SECONDS (30) each'
	@echo 'make hostile  runs programs that try to get out of every confinement, with its guards and without'
	@echo 'make fleet    2,000 requests to a fleet of which each process is killed, frozen, cut off, restarted and upgraded, on both databases'
	@echo 'make many     that nothing costs more after a million executions (make unit: after thirty thousand)'
	@echo 'make bench    prints figures and ratios'
	@echo 'make setup    installs the packages and toolchains alone'
	@echo 'make engine-crates  lists the crates in the WASM engine, with version and licence'
	@echo 'make clean    removes build/ (the engine and the toolchains stay in ~/.cache/outlayer)'

setup:
	@scripts/setup.sh

# What is built once per machine, outside the checkout.
toolchains: build/engine.made guest-tree

# What the engine is made of, for whoever looks for advisories (SECURITY.md).
engine-crates: build/engine.made
	@cat build/engine/crates

# For tests alone: the kernel of the machine that qemu boots.
build/kernel.made: FORCE
	@mkdir -p build && dir=$$(scripts/kernel.sh) && \
		{ [ "$$(readlink build/kernel)" = "$$dir" ] && [ -e $@ ] || { ln -sfn "$$dir" build/kernel && touch $@; }; }

demo:
	@scripts/setup.sh
	@$(MAKE) all
	@$(MAKE) dashboard || echo 'no dashboard, for the reason above: the coordinator serves none' >&2
	@$(MAKE) book || echo 'no book, for the reason above: the coordinator serves none' >&2
	@build/bin/outlayer demo

test:
	@scripts/setup.sh test
	@scripts/test.sh

unit: tests
	@scripts/unit.sh $(O)

check:
	@scripts/check.sh

# Debian's own Python has Debian's markdown.
book:
	@mkdir -p build && flock build/book.lock /usr/bin/python3 scripts/book.py build/docs

recording:
	@scripts/recording.sh

pictures:
	@scripts/setup.sh test
	@$(MAKE) all dashboard
	@PAGES_ONLY='one execution' python3 tests/dashboard_test.py pages
	@cp build/shots/execution-top-wide-light.png docs/pictures/dashboard.png

coverage:
	@scripts/setup.sh test
	@$(MAKE) build/bin/outlayer-executor
	@$(MAKE) FLAVOUR=coverage all tests
	@scripts/coverage.sh

# From the coordinator's tables; tests/api_test.py and make check hold both equal to them.
api: $(O)/help/api-document
	@$(O)/help/api-document > docs/openapi.json.new && mv docs/openapi.json.new docs/openapi.json
	@python3 scripts/api_reference.py

format:
	@git ls-files '*.c' '*.h' | xargs clang-format-14 -i
	@! command -v npm >/dev/null 2>&1 || scripts/dashboard.sh format

fuzz:
	@scripts/setup.sh test
	@$(MAKE) FLAVOUR=fuzz fuzz-programs
	@scripts/fuzz.sh

fuzz-programs: $(call programs_of,fuzz)

hostile:
	@scripts/setup.sh test
	@$(MAKE) hostile-programs
	@$(MAKE) FLAVOUR=unguarded hostile-programs
	@python3 tests/hostile_test.py

fleet:
	@scripts/setup.sh test
	@$(MAKE) all
	@TEST_SECONDS=3600 FLEET_REQUESTS=2000 FLEET_FAULTS=100 FLEET_MINUTES=20 python3 tests/fleet_test.py
	@TEST_SECONDS=3600 FLEET_FORM=sqlite FLEET_REQUESTS=2000 FLEET_FAULTS=100 FLEET_MINUTES=20 python3 tests/fleet_test.py

many: $(O)/test/many_test
	@MANY_EXECUTIONS=1000000 python3 tests/databases.py with $(O)/test/many_test

bench:
	@scripts/setup.sh test
	@$(MAKE) all bench-programs
	@scripts/bench.sh

bench-programs: $(call programs_of,bench) $(O)/help/dcap-reports

clean:
	@rm -rf build
