#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# rust_contract.sh FOLDER: builds the NEAR contract of FOLDER (a Cargo package with its lock) as Debian's compiler makes it,
# and prints where the module is. For tests: people use `cargo near build`, which wants rustup. Debian has Rust's standard
# library for contracts as source only, so it is made once per machine, for plain WebAssembly (mvp), which each version of
# NEAR's VM takes; it and each contract are kept outside the checkout by the hash of what they are made from.
set -eu
me=rust_contract
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/cache.sh
. "$here/cache.sh"
cache_open
folder=$(cd "$1" && pwd) target=wasm32-unknown-unknown host=x86_64-unknown-linux-gnu rust=/usr/lib/rustlib
flags='-C target-cpu=mvp'
made_with=$(cat "$0"; dpkg-query -W -f='${Package} ${Version}\n' rustc-web cargo-web rust-web-src lld-19)
std=$cache/contract-std-$(echo "$made_with" | sha256sum | cut -c1-16)
exec 9>"$cache/contract.lock"; flock 9
log=$cache/contract.log
: >"$log"
failed() { tail -n 20 "$log" >&2; cache_refuse "$1 (whole log: $log)" "$2"; }
run_cargo() { # FOLDER RUSTC RUSTFLAGS ARGUMENT…
    dir=$1 rustc=$2 rustflags=$3; shift 3
    (cd "$dir" && env -i HOME="$HOME" PATH=/usr/bin:/bin RUSTC="$rustc" RUSTFLAGS="$rustflags" CARGO_INCREMENTAL=0 ${build:+RUSTC_BOOTSTRAP=1} \
        CARGO_HOME="$cache/cargo" ${SSL_CERT_FILE:+CARGO_HTTP_CAINFO="$SSL_CERT_FILE"} /usr/bin/cargo build --release --target $target "$@") >>"$log" 2>&1
}

if ! [ -e "$std/.whole" ]; then
    echo "rust_contract: making Rust's standard library for contracts (a minute or two, once per machine)" >&2
    build=$std.build; rm -rf "$std" "$build"; mkdir -p "$build/src" "$std/lib/rustlib/$target/lib"
    printf '[package]\nname = "seed"\nversion = "0.0.0"\nedition = "2021"\n' >"$build/Cargo.toml"
    : >"$build/src/lib.rs"
    # RUSTC_BOOTSTRAP: building the standard library is an unstable option of cargo; what it makes is the stable library.
    run_cargo "$build" /usr/bin/rustc "$flags -C embed-bitcode=yes" --offline -Zbuild-std=std,panic_abort \
        --config 'source.crates-io.replace-with="vendor"' --config "source.vendor.directory=\"$rust/src/rust/library/vendor\"" ||
        failed "Rust's standard library cannot be built" "are rust-web-src and rustc-web installed? scripts/setup.sh test installs them"
    cp "$build/target/$target/release/deps"/lib*.rlib "$std/lib/rustlib/$target/lib/"
    rm -rf "$std/lib/rustlib/$target/lib"/libseed-*.rlib "$build"
    ln -s "$rust/$host" "$std/lib/rustlib/$host" # of macros and build scripts
    # shellcheck disable=SC2016
    printf '#!/bin/sh\nexec /usr/bin/rustc --sysroot "${0%%/rustc}" "$@"\n' >"$std/rustc"
    chmod 755 "$std/rustc"
    cache_seal "$std"
    unset build
fi
cache_usable "$std" || cache_refuse "'$std' is not whole" "remove it and try again"

sources=$(cd "$folder" && find . -path ./target -prune -o -type f -print | LC_ALL=C sort | while read -r f; do echo "$f"; cat "$f"; done | sha256sum)
out=$cache/contracts/$(basename "$folder")-$(echo "$std $sources" | sha256sum | cut -c1-16)
if ! [ -e "$out/.whole" ]; then
    work=$out.work; rm -rf "$out" "$work"; mkdir -p "$out"
    cp -R "$folder" "$work"
    rm -rf "$work/target"
    run_cargo "$work" "$std/rustc" "$flags -C linker=/usr/bin/wasm-ld-19 -C linker-flavor=wasm-ld" --locked ||
        failed "the contract in '$folder' cannot be built" "see the compiler's words"
    cp "$work/target/$target/release"/*.wasm "$out/contract.wasm"
    rm -rf "$work"
    cache_seal "$out"
fi
cache_usable "$out" || cache_refuse "'$out' is not whole" "remove it and try again"
echo "$out/contract.wasm"
