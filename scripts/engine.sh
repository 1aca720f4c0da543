#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the WASM engine (third_party/wasmtime) once per machine and prints the folder that holds it:
#   libengine.a  include/  rustc (the compiler's version)  crates (name, version and licence of each crate in it)
# The folder's name is a hash of everything that goes in, so a change builds anew and an old checkout finds its own. It is
# sealed when it is whole, and looked over at each use (cache.sh).
#   engine.sh          the folder, made where it is not there yet; for who works on the crate: where the cache has a folder
#                      engine-target, cargo works in that and what it leaves there stays
#   engine.sh check    reads everything again and compares
set -eu
me=engine
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/cache.sh
. "$here/scripts/cache.sh"
crate=$here/third_party/wasmtime
cargo=${CARGO:-}
for c in /usr/bin/cargo "$HOME/.cargo/bin/cargo"; do [ -n "$cargo" ] || [ ! -x "$c" ] || cargo=$c; done
[ -n "$cargo" ] || cache_refuse "no cargo found" "run scripts/setup.sh first"
# cargo and rustc must be of one toolchain: take the rustc beside cargo.
RUSTC=${RUSTC:-$(dirname "$cargo")/rustc}; export RUSTC

key=$( (cat "$crate/Cargo.toml" "$crate/Cargo.lock" "$crate"/src/*.rs "$0"; "$RUSTC" --version --verbose) | sha256sum | cut -c1-16)
cache_open
out=$cache/engine-$key
case ${1:-} in
'') if cache_usable "$out"; then echo "$out"; exit 0; fi ;;
check) cache_usable "$out" || cache_refuse "there is none yet" "make it: make toolchains"
    cache_check "$out"; echo "$out"; exit 0 ;;
*) cache_refuse "unknown word '$1'" "say nothing or check" ;;
esac

exec 9>"$cache/engine.lock"; flock 9            # two builds at once would take twice the memory for the same result
if cache_usable "$out"; then echo "$out"; exit 0; fi
echo "engine: building wasmtime's C API (231 crates, about 6 minutes on two cores, once per machine)" >&2
start=$(date +%s)
kept=$cache/engine-target target=$cache/engine-build; rm -rf "$target" "$out"
[ ! -d "$kept" ] || target=$kept
"$cargo" build --release --locked --manifest-path "$crate/Cargo.toml" --target-dir "$target" >&2
mkdir -p "$out"
cp "$target/release/liboutlayer_engine.a" "$out/libengine.a"
headers=$(dirname "$(find "$target/release/build" -path '*/out/include/wasmtime.h' | head -n 1)")
[ -f "$headers/wasmtime/conf.h" ] || cache_refuse "the build left no headers in '$target'" "remove that folder and try again"
cp -R "$headers" "$out/include"
"$RUSTC" --version > "$out/rustc"
# What is in it: not what Cargo.lock names for other systems and for tests.
"$cargo" tree --locked --offline --manifest-path "$crate/Cargo.toml" --edges normal,build --prefix none --format '{p} | {l}' |
    sed 's/ (\*)$//; s/ ([^|]*) |/ |/; s/ | /  /' | LC_ALL=C sort -u > "$out/crates"
[ "$target" = "$kept" ] || rm -rf "$target"
chmod -R go-w "$out"
cache_seal "$out"
echo "engine: built in $(($(date +%s) - start)) s" >&2
echo "$out"
