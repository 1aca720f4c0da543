#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# recording.sh: records a newcomer's first minute at a terminal, beside an `outlayer up` of its own, in a home that goes
# afterwards: docs/pictures/first-minute.cast (`asciinema play` shows it) and first-minute.svg, which moves without any
# script. Every command runs; only the typing is pretended. `recording.sh session` is what is recorded.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$PWD/docs/pictures/first-minute

show() { # COMMAND: types it, and runs it
    local i
    printf '\033[1;32m$\033[0m '
    for ((i = 0; i < ${#1}; i++)); do
        printf '%s' "${1:i:1}"
        sleep 0.03
    done
    sleep 0.4
    echo
    eval "$1"
    sleep "${2:-1.5}"
    echo
}

session() {
    cd "$HOME"
    show 'outlayer init hello --lang c' 2
    show 'outlayer run hello --input World' 2
    show '# the same on a chain: `outlayer up` runs one in another terminal' 1
    show 'outlayer request --repo ./hello --input World' 0
}

if [ "${1:-}" = session ]; then
    session
    exit
fi
for tool in asciinema termtosvg; do
    command -v "$tool" >/dev/null 2>&1 || { echo "recording: no $tool here: apt-get install asciinema termtosvg" >&2; exit 2; }
done
[ -x build/bin/outlayer ] || { echo "recording: build/bin/outlayer is not built: make" >&2; exit 2; }

home=$(mktemp -d)
up=''
trap '[ -z "$up" ] || { kill "$up" && wait "$up"; } || true; rm -rf "$home"' EXIT
export HOME=$home PATH=$PWD/build/bin:$PATH LANG=C.UTF-8 TERM=xterm-256color
unset OUTLAYER_HOME
mkfifo "$home/ready"
outlayer up --json >"$home/ready" 2>"$home/up.log" &
up=$!
# It says a line once everything answers, or ends.
read -r _ <"$home/ready" || { cat "$home/up.log" >&2; exit 1; }
mkdir -p "${out%/*}"
asciinema rec -q --overwrite --cols 116 --rows 33 -t 'OutLayer: the first minute' -c "$PWD/scripts/recording.sh session" "$out.cast.new"
termtosvg render "$out.cast.new" "$out.svg.new" -t gjm8_single_loop -M 3000 >/dev/null
mv "$out.cast.new" "$out.cast"
mv "$out.svg.new" "$out.svg"
echo "recording: $out.svg, $(wc -c <"$out.svg") bytes"
