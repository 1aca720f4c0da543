#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing on Debian 12 and says what and how long: packages by apt, then (through make) the WASM engine
# and the system that guests are built in, which are made once per machine into ~/.cache/outlayer. Safe to repeat: a
# second run takes a fraction of a second. Works as root or through sudo.
#   scripts/setup.sh          what building and running need
#   scripts/setup.sh test     and what the tests need
set -eu
unset MAKEFLAGS MFLAGS MAKELEVEL # the makes below share no job slots with the one that may have called this
cd "$(dirname "$0")/.." || exit 1
want=${1:-build}

building='make gcc libc6-dev binutils pkg-config git ca-certificates cmake
    nodejs npm python3-markdown libmicrohttpd-dev libsqlite3-dev libpq-dev libhiredis-dev libjansson-dev libsodium-dev libssl-dev libcurl4-openssl-dev libseccomp-dev libsecp256k1-dev libpcre2-dev'
# Compilers for contracts, the engine and Rust's standard library for guests. Guests are compiled by the tree's own.
compilers='clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32 wabt binaryen
    cargo-web rustc-web rust-web-src rust-web-llvm'
testing='libcmocka-dev clang-14 lld-14 libclang-rt-14-dev clang-format-14 shellcheck python3 python3-venv python3-jsonschema pyflakes3 iproute2 openssl util-linux
    postgresql redis-server runc golang-github-containers-common qemu-system-x86 busybox-static systemd chromium-headless-shell fonts-liberation'
packages="$building $compilers"
[ "$want" != test ] || packages="$packages $testing"

has() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
missing=''
for p in $packages; do
    # Any node of version 18 or newer will do, however it came here; Debian's own is taken where there is none.
    case $p in nodejs|npm) ! command -v "${p%js}" >/dev/null 2>&1 || continue ;; esac
    has "$p" || missing="$missing $p"
done

if [ -n "$missing" ]; then
    command -v apt-get >/dev/null 2>&1 || { echo "setup: needs a Debian with apt-get, or by hand:$missing" >&2; exit 2; }
    sudo=''
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 || { echo "setup: run it as root, or install sudo; missing:$missing" >&2; exit 2; }
        sudo=sudo
    fi
    start=$(date +%s)
    echo "setup: installing $(echo "$missing" | wc -w) packages:$missing" >&2
    log=$(mktemp)
    # What the tests start themselves needs no service: a package that brings one is told not to start it.
    policy=/usr/sbin/policy-rc.d
    if [ "$want" = test ] && ! [ -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null && $sudo chmod 755 $policy
        trap '$sudo rm -f $policy' EXIT
    fi
    # shellcheck disable=SC2086
    if ! { $sudo apt-get update && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        echo "setup: apt-get failed (whole log: $log)" >&2
        exit 1
    fi
    rm -f "$log"
    echo "setup: packages installed in $(($(date +%s) - start)) s" >&2
fi
make --no-print-directory toolchains
[ "$want" != test ] || make --no-print-directory build/kernel.made
