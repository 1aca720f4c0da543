#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fuzzes every target for FUZZ_SECONDS (30) each, starting from its seeds; finds go to build/fuzz/found.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
mkdir -p build/fuzz/found
bad=0
for t in build/fuzz/fuzz/*_fuzz; do
    name=$(basename "$t" _fuzz)
    seeds=$(find src contracts -type d -path "*/seeds/$name" | head -n 1)
    corpus=build/fuzz/corpus/$name
    mkdir -p "$corpus"
    echo "== $name"
    "$t" -max_total_time="${FUZZ_SECONDS:-30}" -artifact_prefix="build/fuzz/found/$name-" -print_final_stats=1 "$corpus" "$seeds" 2>&1 |
        grep -E 'stat::|ERROR|SUMMARY|artifact' || bad=1
    [ "${PIPESTATUS[0]}" = 0 ] || bad=1
done
exit $bad
