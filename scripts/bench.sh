#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs every benchmark and prints its figures, each beside the figure it is measured against. Machines are noisy: what
# counts are ratios inside one run.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
for b in build/bench/*; do
    [ -x "$b" ] && [ -f "$b" ] || continue
    echo "== $(basename "$b")"
    "$b" || echo "   failed with status $?"
done
echo "== coordinator over PostgreSQL"
python3 tests/databases.py durable build/bench/coordinator || echo "   failed with status $?"
echo "== coordinator over PostgreSQL and Redis"
python3 tests/databases.py both build/bench/coordinator || echo "   failed with status $?"
echo "== doors over PostgreSQL"
python3 tests/databases.py with build/bench/doors || echo "   failed with status $?"
for s in bench/*.sh bench/*.py; do
    [ -e "$s" ] || continue
    echo "== $(basename "$s")"
    case $s in *.py) python3 "$s" ;; *) bash "$s" ;; esac || echo "   failed with status $?"
done
