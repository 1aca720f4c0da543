#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs everything, in order of speed: source checks, unit tests and fuzz seeds (gcc, then clang with ASan+UBSan, then
# TSan), then the black-box tests with real daemons. Each part prints what failed; the last line is the sum. In CI a
# skip is a failure. The log of each part stays in build/log.
set -uo pipefail
unset MAKEFLAGS MFLAGS MAKELEVEL # the makes below share no job slots with the one that may have called this
cd "$(dirname "$0")/.." || exit 1
logs=build/log
mkdir -p "$logs"
sums=$(mktemp)
trap 'rm -f "$sums"' EXIT
start=$(date +%s)

# part NAME COMMAND…: the command's last line "N passed, N failed, N skipped" counts; a part without one is one test.
# What it prints comes at once when it ends, since parts run beside each other.
part() {
    local name=$1 log=$logs/$1.log t0 rc sum
    shift
    t0=$(date +%s)
    env --default-signal=INT,QUIT "$@" >"$log" 2>&1 # which a shell ignores for what it runs in the background
    rc=$?
    [ $rc != 124 ] && [ $rc != 137 ] || echo "FAIL $name hung and was ended" >>"$log"
    sum=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" | tail -n 1)
    local p=0 f=0 s=0
    if [ -n "$sum" ]; then
        read -r p f s < <(echo "$sum" | tr -cd '0-9 \n')
        [ $rc = 0 ] || [ "$f" != 0 ] || f=1
    elif [ $rc = 0 ]; then p=1; else f=1; fi
    echo "$p $f $s" >>"$sums"
    sum=$(
        printf '%-26s %5d passed %4d failed %4d skipped  %4d s\n' "$name" "$p" "$f" "$s" $(($(date +%s) - t0))
        if [ "$f" != 0 ]; then
            grep -aE '^(FAIL|\[  FAILED|\[  ERROR)|error:|Error|assert|ERROR: |SUMMARY|is not equal|fail_msg' "$log" | head -n 25 | sed 's/^/    /'
            echo "    whole log: $log"
        fi
        [ "$s" = 0 ] || grep -aE '^skip' "$log" | head -n 10 | sed 's/^/    /'
    )
    echo "$sum"
}

part check make check
part build make all tests hostile-programs bench-programs
part build-unguarded make FLAVOUR=unguarded hostile-programs
part unit make unit
part unit-asan make FLAVOUR=asan unit
part unit-tsan make FLAVOUR=tsan unit
part build-clang make FLAVOUR=clang all tests
# They have homes of their own and wait more than they work: one more at once than there are processors.
for t in tests/*_test.py; do
    while [ "$(jobs -rp | wc -l)" -gt "$(nproc)" ]; do wait -n; done
    # One that hangs is ended, so that the others are heard of; a hanging test in it ends earlier (tests/kit.py).
    part "$(basename "$t" .py)" timeout --foreground -s INT -k 60 3600 python3 "$t" &
done
wait
echo "whole run: $(($(date +%s) - start)) s"
read -r passed failed skipped < <(awk '{ p += $1; f += $2; s += $3 } END { print p, f, s }' "$sums")
[ -z "${CI:-}" ] || { failed=$((failed + skipped)); [ "$skipped" = 0 ] || echo "skipped tests count as failed in CI"; }
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
