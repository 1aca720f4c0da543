#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# npm.sh FOLDER: installs the packages that FOLDER/package-lock.json pins, without running any script of theirs, into a
# folder of build/npm that is named by the lock's hash, and prints that folder. The checkout stays clean.
set -eu
cd "$(dirname "$0")/.." || exit 1
name=$(sha256sum "$1/package-lock.json" | cut -c1-16)
target=$PWD/build/npm/$name
mkdir -p "$target"
exec 9>"$target/lock" # two jobs of one make install once
flock 9
if [ ! -e "$target/.whole" ]; then
    cp "$1/package.json" "$1/package-lock.json" "$1/.npmrc" "$target"
    if ! (cd "$target" && npm ci --ignore-scripts >"$target/log" 2>&1); then
        tail -n 20 "$target/log" >&2
        echo "npm.sh: npm ci failed in $target, for the reason above; try again once npm reaches its registry" >&2
        exit 1
    fi
    touch "$target/.whole"
fi
echo "$target"
