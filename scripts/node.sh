#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# node.sh: prints where a Node.js is that runs TypeScript as it is (22.18 or newer), which tests and the dashboard's build
# need: the machine's own, else the one that npm has.
set -eu
cd "$(dirname "$0")/.." || exit 1
new='const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 22 || (major === 22 && minor >= 18) ? 0 : 1)'
if command -v node >/dev/null 2>&1 && node -e "$new"; then
    command -v node
    exit
fi
folder=$(scripts/npm.sh scripts/node)
for node in "$folder"/node_modules/node-linux-*/bin/node; do
    [ -x "$node" ] || { echo "node.sh: npm has no Node.js for this machine: install Node.js 22.18 or newer" >&2; exit 1; }
    echo "$node"
done
