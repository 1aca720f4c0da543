#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the unit tests, the seeds of the fuzz targets and the black-box tests with programs that count which lines run, and
# prints a table per file (scripts/coverage.py). The counters are in files that all processes of a program share, so that
# daemons that are killed count, too; what runs in a jail with a root of its own cannot reach them and counts nowhere.
# A test that fails is named and does not end the run: coverage says what ran, `make test` what is right.
#   scripts/coverage.sh [TEST…]   only these black-box tests, such as worker_test
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
out=build/coverage
command -v llvm-cov-14 >/dev/null || { echo "coverage: needs llvm-14 (apt-get install llvm-14)" >&2; exit 2; }
mkdir -p "$out/log"
rm -rf "$out/raw"
ln -sfn ../guest "$out/guest" # where programs look for the toolchain, and for the demo's guests
ln -sfn ../examples build/examples
TEST_SECONDS=${TEST_SECONDS:-1200} scripts/unit.sh "$out" >"$out/log/unit.log" 2>&1
echo "unit tests and seeds: $(tail -n 1 "$out/log/unit.log")"
tests=("$@")
[ ${#tests[@]} != 0 ] || for t in tests/*_test.py; do
    # These two run programs that they build or start in machines of their own.
    case $t in */hostile_test.py | */machines_test.py) ;; *) tests+=("$(basename "$t" .py)") ;; esac
done
for t in "${tests[@]}"; do
    BUILD_DIR=$out python3 "tests/$t.py" >"$out/log/$t.log" 2>&1
    echo "$t: $(tail -n 1 "$out/log/$t.log")"
done
llvm-profdata-14 merge -sparse "$out"/raw/*.profraw -o "$out/all.profdata" || exit 1
objects=()
for program in "$out"/bin/* "$out"/test/* "$out"/fuzz/*; do
    [ -x "$program" ] && [ -f "$program" ] && objects+=(-object "$program")
done
llvm-cov-14 export -summary-only -instr-profile="$out/all.profdata" "${objects[@]}" >"$out/summary.json" 2>/dev/null || exit 1
python3 scripts/coverage.py "$out/summary.json"
