#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the WASM engine (third_party/wasmtime) once per machine and prints the folder that holds it:
#   libengine.a  include/  rustc (the compiler's version)
# The folder's name is a hash of everything that goes in, so a change builds anew and an old checkout finds its own.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
crate=$here/third_party/wasmtime
cache=${OUTLAYER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/outlayer}
cargo=${CARGO:-}
for c in /usr/bin/cargo "$HOME/.cargo/bin/cargo"; do [ -n "$cargo" ] || [ ! -x "$c" ] || cargo=$c; done
[ -n "$cargo" ] || { echo "engine: no cargo found: run scripts/setup.sh first" >&2; exit 2; }
# cargo and rustc must be of one toolchain: take the rustc beside cargo.
RUSTC=${RUSTC:-$(dirname "$cargo")/rustc}; export RUSTC

key=$( (cat "$crate/Cargo.toml" "$crate/Cargo.lock" "$crate"/src/*.rs "$0"; "$RUSTC" --version --verbose) | sha256sum | cut -c1-16)
out=$cache/engine-$key
if [ -e "$out/.whole" ]; then echo "$out"; exit 0; fi

mkdir -p "$cache"
exec 9>"$cache/engine.lock"; flock 9            # two builds at once would take twice the memory for the same result
if [ -e "$out/.whole" ]; then echo "$out"; exit 0; fi
echo "engine: building wasmtime's C API (231 crates, about 6 minutes on two cores, once per machine)" >&2
start=$(date +%s)
target=$cache/engine-build; rm -rf "$target" "$out"
"$cargo" build --release --locked --manifest-path "$crate/Cargo.toml" --target-dir "$target" >&2
mkdir -p "$out"
cp "$target/release/liboutlayer_engine.a" "$out/libengine.a"
headers=$(dirname "$(find "$target/release/build" -path '*/out/include/wasmtime.h' | head -n 1)")
[ -f "$headers/wasmtime/conf.h" ] || { echo "engine: the build left no headers in $target" >&2; exit 1; }
cp -R "$headers" "$out/include"
"$RUSTC" --version > "$out/rustc"
rm -rf "$target"
: > "$out/.whole"
echo "engine: built in $(($(date +%s) - start)) s" >&2
echo "$out"
