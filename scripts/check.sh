#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Source checks that compile nothing. Each prints what it found and where; the last line is the sum.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
failed=0 passed=0 skipped=0
report() { # NAME TEXT: a check whose text is not empty has failed
    if [ -n "$2" ]; then
        echo "FAIL $1"
        echo "${2}" | head -n 40 | sed 's/^/    /'
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
}
mapfile -t sources < <(git ls-files -c -o --exclude-standard '*.c' '*.h')

report "format: make format" "$(clang-format-14 --dry-run -Werror "${sources[@]}" 2>&1 | grep -E 'error:' | cut -d: -f1 | sort -u)"
report "each file names its licence in line 1" "$(for f in "${sources[@]}"; do
    head -n 1 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' || echo "$f"; done)"
report "no unfinished work" "$(grep -nE '\b(TODO|FIXME|XXX|HACK)\b' "${sources[@]}")"
report "a section's ruler is '// --- its name' and nothing below it (the formatter breaks longer ones)" \
    "$(grep -nE '^ *// -{4,}|^ *// --- .{118,}' "${sources[@]}")"
report "layers: a unit includes only units that its Local.mk names" "$(python3 scripts/check_layers.py)"
report "lengths: functions up to 60 lines, files up to 800" "$(python3 scripts/check_lengths.py "${sources[@]}")"
report "every decoder of foreign bytes has a fuzz target with seeds" "$(python3 scripts/check_fuzz.py)"
report "a .c file includes its own header first" "$(for f in "${sources[@]}"; do
    h=${f%.c}.h; [ "$h" != "$f" ] && [ -e "$h" ] || continue
    first=$(grep -m1 '^#include' "$f"); case $first in *"\"${h#src/}\""* | *"\"$(basename "$h")\""*) ;; *) echo "$f: $first" ;; esac
done)"
report "condition variables and their ends are those of base/sync.h" "$(grep -nE \
    'pthread_cond_(init|timedwait|clockwait)|pthread_condattr|PTHREAD_COND_INITIALIZER' "${sources[@]}" |
    grep -vE '^(src/base/sync\.c|[a-z/_]*_test\.c):')"
report "what pages and comments point to is there" "$(python3 scripts/check_references.py)"
report "the book has every page and no dead link: make book" "$(mkdir -p build && flock build/book.lock /usr/bin/python3 scripts/book.py build/docs 2>&1 >/dev/null)"
report "a name belongs to one header, is used, and takes its arguments in order" "$(python3 scripts/check_names.py)"
report "the list of what tests do not reach names files that exist" "$(python3 scripts/coverage.py --list)"
mapfile -t shells < <(git ls-files -c -o --exclude-standard '*.sh'; echo run; echo .ci/run)
report "shellcheck" "$(shellcheck -S warning "${shells[@]}" 2>&1)"
mapfile -t pythons < <(git ls-files -c -o --exclude-standard '*.py')
report "Python: pyflakes" "$(pyflakes3 "${pythons[@]}" 2>&1)"
report "docs/api-reference.md is made of docs/openapi.json: make api" "$(python3 scripts/api_reference.py --check)"
report "no path of one machine" "$(git grep -nE '/work/(main|shared|[.]library)|/root/' -- . ':!scripts/check.sh' ':!*.lock' | head)"
if command -v npm >/dev/null 2>&1; then
    report "the dashboard: types, and scripts/dashboard.sh format" "$(scripts/dashboard.sh check 2>&1)"
    report "the dashboard: files up to 300 lines, each with its licence in line 1" "$(git ls-files -c -o --exclude-standard \
        'dashboard/*.ts' 'dashboard/*.tsx' 'tests/browser/*.mjs' | while read -r f; do
        head -n 1 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' || echo "$f: no licence"
        case $f in tests/browser/page.mjs) ;; *) [ "$(wc -l <"$f")" -le 300 ] || echo "$f: $(wc -l <"$f") lines" ;; esac
    done)"
else
    echo "skip the dashboard's types: npm is not installed"
    skipped=1
fi
report "switches over our enums have no default" "$(python3 scripts/check_switches.py "${sources[@]}")"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
