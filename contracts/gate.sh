#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# gate.sh FILE.wasm FOLDER: the module is plain WebAssembly 1.0, and imports and exports exactly what FOLDER/imports.txt
# and FOLDER/exports.txt list (one name a line, sorted; all imports are of module env): a new host function or method is
# a change that is seen. Where there is FOLDER/size.txt the module has at most that many bytes: each costs gas in every call.
set -euo pipefail
wasm=$1 folder=$2
for feature in mutable-globals saturating-float-to-int sign-extension simd multi-value bulk-memory reference-types; do
    wasm-validate "--disable-$feature" "$wasm" || { echo "$wasm: needs more than WebAssembly 1.0 ($feature)" >&2; exit 1; }
done
names() { # Import|Export PATTERN
    wasm-objdump -x -j "$1" "$wasm" 2>&1 | sed -nE "s/^ - (func|memory|global|table)\[[0-9]+\].*$2.*/\2/p" | sed 's/^env\.//' | LC_ALL=C sort
}
differ() { # Import|Export PATTERN FILE
    diff -u --label "$3" "$3" --label "$wasm" <(names "$1" "$2") >&2 || { echo "$wasm: its ${1,,}s are not those of $3" >&2; exit 1; }
}
differ Import '<- ([A-Za-z0-9_.]+)' "$folder/imports.txt"
differ Export '-> "([A-Za-z0-9_]+)"' "$folder/exports.txt"
[ ! -e "$folder/size.txt" ] || [ "$(stat -c %s "$wasm")" -le "$(cat "$folder/size.txt")" ] || {
    echo "$wasm: has $(stat -c %s "$wasm") bytes, more than the $(cat "$folder/size.txt") of $folder/size.txt" >&2; exit 1; }
