#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the unit tests of one build folder and replays the fuzz seeds: scripts/unit.sh build. Prints what failed, then the
# sum. A test program that hangs is ended after TEST_SECONDS and counts as failed. Traps of WebAssembly are signals in
# which the engine allocates: TSan is told not to mind. One PostgreSQL serves all tests (tests/databases.py).
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
[ -n "${TEST_POSTGRES:-}" ] || exec python3 tests/databases.py with scripts/unit.sh "$@"
out=$1
limit=${TEST_SECONDS:-600}
passed=0 failed=0 skipped=0
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0} TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:report_signal_unsafe=0}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

for t in "$out"/test/*; do
    [ -x "$t" ] && [ -f "$t" ] || continue
    # The engine hands memory from thread to thread while it compiles, in Rust that TSan did not instrument.
    [ "$(basename "$out")/$(basename "$t")" != tsan/engine_test ] || continue
    timeout -k 5 "$limit" "$t" >"$log" 2>&1
    rc=$?
    p=$(grep -ac '^\[       OK \]' "$log") f=$(grep -ac '^\[  FAILED  \] [^0-9]' "$log") s=$(grep -ac '^\[  SKIPPED \] [^0-9]' "$log")
    # cmocka names each failed test twice: when it fails and in its summary.
    f=$((f > 1 ? f / 2 : f))
    if [ $rc != 0 ] && [ "$f" = 0 ]; then f=1; fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    if [ "$f" != 0 ]; then
        echo "FAIL $t (status $rc)"
        grep -av '^\[ RUN\|^\[       OK' "$log" | tail -n 40
    fi
done
for t in "$out"/fuzz/*; do
    # Decoders have one thread; the engine that some of them call has several (see above).
    [ -x "$t" ] && [ -f "$t" ] && [ "$(basename "$out")" != tsan ] || continue
    name=$(basename "$t" _fuzz)
    seeds=$(find src contracts -type d -path "*/seeds/$name" | head -n 1)
    if [ -n "$seeds" ] && timeout -k 5 "$limit" "$t" "$seeds" >"$log" 2>&1; then
        passed=$((passed + 1))
    else
        echo "FAIL $t on its seeds (${seeds:-none found in */seeds/$name})"
        tail -n 40 "$log"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
