#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the guests' toolchain once per machine and prints the folder that holds it:
#   bin/wasm32-wasip1-clang  bin/wasm32-wasip2-clang   C compilers for the two targets (a module, a component)
#   bin/wasm32-wasi-ar  bin/rustc  bin/wasm-ld         what else a build finds first in its PATH
#   sysroot/                                           Rust's standard library for wasm32-wasip1, built here, offline
#   toolchain                                          versions of all of it; its hash is part of every build key
# The folder's name is a hash of everything that goes in. Builds see it read-only as /guest.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${OUTLAYER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/outlayer}
umask 022 # builds run as somebody else and read it

packages='clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32 rustc-web cargo-web rust-web-src rust-web-llvm'
wasi=/usr/lib/wasm32-wasi rust=/usr/lib/rustlib host=x86_64-unknown-linux-gnu
versions=$(for p in $packages; do
    v=$(dpkg-query -W -f='${Version}' "$p" 2>/dev/null) && [ -n "$v" ] ||
        { echo "guest: package $p is not installed: run scripts/setup.sh first" >&2; exit 2; }
    echo "$p $v"
done)
ar=''
for v in 19 20 21 22; do [ ! -x "/usr/bin/llvm-ar-$v" ] || ar=llvm-ar-$v; done
[ -n "$ar" ] || { echo "guest: no llvm-ar found: run scripts/setup.sh first" >&2; exit 2; }
versions="$versions
ar $ar
recipe $(sha256sum "$here/guest.sh" | cut -c1-16)"

key=$(printf '%s' "$versions" | sha256sum | cut -c1-16)
out=$cache/guest-$key
if [ -e "$out/.whole" ]; then echo "$out"; exit 0; fi

mkdir -p "$cache"
exec 9>"$cache/guest.lock"; flock 9
if [ -e "$out/.whole" ]; then echo "$out"; exit 0; fi
echo "guest: building Rust's standard library for WASI (22 crates, about 30 seconds, once per machine)" >&2
start=$(date +%s)
rm -rf "$out"
build=$cache/guest-build; rm -rf "$build"
mkdir -p "$build/src" "$out/bin" "$out/sysroot/lib/rustlib/$host" "$out/sysroot/lib/rustlib/wasm32-wasip1/lib/self-contained"

printf '[package]\nname = "seed"\nversion = "0.0.0"\nedition = "2021"\n' > "$build/Cargo.toml"
echo 'fn main() {}' > "$build/src/main.rs"
vendor=$rust/src/rust/library/vendor
# RUSTC_BOOTSTRAP: building the standard library is an unstable option of cargo; what it makes is the stable library.
# Bitcode inside, or a guest's link-time optimisation finds none. Nothing of the caller's cargo or rustup has a say.
(cd "$build" && env -i HOME="$build" CARGO_HOME="$build/cargo" PATH=/usr/bin:/bin RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
    RUSTFLAGS="-C link-self-contained=no -C embed-bitcode=yes -L native=$wasi -C link-arg=$wasi/crt1-command.o -C linker=/usr/bin/wasm-ld-19" \
    /usr/bin/cargo build --offline --release -Zbuild-std=std,panic_abort --target wasm32-wasip1 \
    --config 'source.crates-io.replace-with="vendor"' --config "source.vendor.directory=\"$vendor\"" >&2)
cp "$build"/target/wasm32-wasip1/release/deps/lib*.rlib "$out/sysroot/lib/rustlib/wasm32-wasip1/lib/"
cp "$wasi/crt1-command.o" "$wasi/libc.a" "$out/sysroot/lib/rustlib/wasm32-wasip1/lib/self-contained/"
# Build scripts and procedural macros run on this machine and take its own library.
ln -s "$rust/$host/lib" "$out/sysroot/lib/rustlib/$host/lib"

component_ld=$rust/$host/bin/wasm-component-ld
[ -x "$component_ld" ] || { echo "guest: $component_ld is missing" >&2; exit 1; }
ln -s /usr/bin/wasm-ld-19 "$out/bin/wasm-ld"
ln -s "/usr/bin/$ar" "$out/bin/wasm32-wasi-ar"
script() { printf '#!/bin/sh\n%s\n' "$2" > "$out/bin/$1"; chmod 755 "$out/bin/$1"; }
script wasm32-wasip1-clang 'exec /usr/bin/clang-19 --target=wasm32-wasi "$@"'
script wasm32-wasip2-clang "exec /usr/bin/clang-19 --target=wasm32-wasi -fuse-ld=$component_ld \"\$@\""
# shellcheck disable=SC2016
script rustc 'exec /usr/bin/rustc --sysroot "${0%/bin/*}/sysroot" "$@"'
printf '%s\n' "$versions" > "$out/toolchain"
rm -rf "$build"
: > "$out/.whole"
echo "guest: built in $(($(date +%s) - start)) s" >&2
echo "$out"
