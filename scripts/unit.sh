#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the unit tests of one build folder and replays the fuzz seeds: scripts/unit.sh build. Prints what failed, then the
# sum. A test program that hangs is ended after TEST_SECONDS and counts as failed. Traps of WebAssembly are signals in
# which the engine allocates: TSan is told not to mind. One PostgreSQL serves all tests (tests/databases.py).
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
[ -n "${TEST_POSTGRES:-}" ] || exec python3 tests/databases.py with scripts/unit.sh "$@"
out=$1
limit=${TEST_SECONDS:-1800} # several times what the longest takes on two busy processors
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0} TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:report_signal_unsafe=0}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# one_test PROGRAM: what failed, then "= passed failed skipped"; in one piece, since tests run beside each other.
one_test() {
    local t=$1 log p f s rc
    log=$work/$(basename "$t").log
    env --default-signal=INT,QUIT timeout -k 5 "$limit" "$t" >"$log" 2>&1
    rc=$?
    p=$(grep -ac '^\[       OK \]' "$log") f=$(grep -ac '^\[  FAILED  \] [^0-9]' "$log") s=$(grep -ac '^\[  SKIPPED \] [^0-9]' "$log")
    # cmocka names each failed test twice: when it fails and in its summary.
    f=$((f > 1 ? f / 2 : f))
    if [ $rc != 0 ] && [ "$f" = 0 ]; then f=1; fi
    {
        if [ "$f" != 0 ]; then
            echo "FAIL $t (status $rc)"
            grep -av '^\[ RUN\|^\[       OK' "$log" | tail -n 40
        fi
        echo "= $p $f $s"
    } >"$log.said"
}

one_fuzz() {
    local t=$1 name log seeds
    name=$(basename "$t" _fuzz)
    log=$work/$name.log
    seeds=$(find src contracts -type d -path "*/seeds/$name" | head -n 1)
    if [ -n "$seeds" ] && env --default-signal=INT,QUIT timeout -k 5 "$limit" "$t" "$seeds" >"$log" 2>&1; then
        echo "= 1 0 0" >"$log.said"
    else
        { echo "FAIL $t on its seeds (${seeds:-none found in */seeds/$name})"; tail -n 40 "$log"; echo "= 0 1 0"; } >"$log.said"
    fi
}

# at_once FUNCTION PROGRAM: twice as many beside each other as there are processors, for most tests wait. What a shell
# runs in the background ignores the signals of a terminal, which tests send: env gives them back.
places=$((2 * $(nproc)))
at_once() {
    [ -x "$2" ] && [ -f "$2" ] || return 0
    while [ "$(jobs -rp | wc -l)" -ge "$places" ]; do wait -n; done
    "$@" &
}

# What takes longest begins first, so that it is not waited for alone at the end.
mapfile -t programs < <(printf '%s\n' "$out"/test/{law,hopeless,builder,audit}_test "$out"/test/* | awk '!seen[$0]++')
for t in "${programs[@]}"; do
    # The engine hands memory from thread to thread while it compiles, in Rust that TSan did not instrument.
    [ "$(basename "$out")/$(basename "$t")" = tsan/engine_test ] || at_once one_test "$t"
done
for t in "$out"/fuzz/*; do
    # Decoders have one thread; the engine that some of them call has several (see above).
    [ "$(basename "$out")" = tsan ] || at_once one_fuzz "$t"
done
wait
cat "$work"/*.said | grep -av '^= [0-9 ]*$'
read -r passed failed skipped < <(cat "$work"/*.said | awk '/^= [0-9 ]*$/ { p += $2; f += $3; s += $4 } END { print p + 0, f + 0, s + 0 }')
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
