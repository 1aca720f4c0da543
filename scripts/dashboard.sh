#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# dashboard.sh build|check|format|test: makes the dashboard into build/dashboard, says what its compiler and its formatter
# find, formats its sources, or runs its unit tests. What it is made with comes from npm by the lock file, without running any script of a package.
set -eu
cd "$(dirname "$0")/.." || exit 1
packages=$(scripts/npm.sh dashboard)
node=$(scripts/node.sh)
ln -sfn "../build/npm/${packages##*/}/node_modules" dashboard/node_modules
cd dashboard
"$node" schema.ts ../docs/openapi.json src/api/schema.ts
case ${1:-} in
build)
    # Made beside it and put in its place whole: a build that fails leaves the one before.
    rm -rf ../build/dashboard.new
    "$node" node_modules/typescript/bin/tsc
    "$node" node_modules/vite/bin/vite.js build --outDir ../build/dashboard.new --emptyOutDir --logLevel warn
    rm -rf ../build/dashboard
    mv ../build/dashboard.new ../build/dashboard
    ;;
check)
    "$node" node_modules/typescript/bin/tsc
    "$node" node_modules/prettier/bin/prettier.cjs --config .prettierrc --log-level warn --check . ../tests/browser/dashboard
    ;;
format) "$node" node_modules/prettier/bin/prettier.cjs --config .prettierrc --log-level warn --write . ../tests/browser/dashboard ;;
test) "$node" --test --test-reporter=spec "src/**/*.test.ts" ;;
*) echo "usage: dashboard.sh build|check|format|test" >&2 && exit 2 ;;
esac
