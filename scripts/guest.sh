#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes what guests are built in and with, once per machine, and prints the folder that holds it:
#   root/         the whole system that a build sees, from the packages below and all that they need, as their archives
#                 have them: nothing of this machine's own. Builds see it read-only as /
#   root/guest/   what a build finds first: C compilers and linkers for the two targets, Rust's standard library for each
#   packages      the packages' versions
#   manifest, .whole    what is in it, and the hash of that, which is part of every build key (cache.sh, builder/tree.h)
# Works as anybody: nothing is installed, no package's script runs. What was downloaded stays in the cache, so that
# making it again needs no network. One file comes from Rust's registry, by cargo: an archive that Debian leaves out of its
# sources of the standard library, of the SHA-256 that Debian's own list of those sources gives.
#   guest.sh          the folder, made where it is not there yet
#   guest.sh renew    the same with today's versions of the packages; what runs keeps the old one
#   guest.sh check    reads everything again and compares
set -eu
me=guest
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/cache.sh
. "$here/cache.sh"

# A shell and the tools that makefiles take for granted; git for what is fetched; compilers for guests; a C compiler for
# the build scripts and procedural macros of Rust packages, which run in the box itself.
packages='dash bash coreutils diffutils findutils debianutils grep gzip sed tar mawk make git
    clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32 libc++-19-dev-wasm32 libc++abi-19-dev-wasm32
    rustc-web cargo-web rust-web-llvm gcc libc6-dev'
host=x86_64-unknown-linux-gnu rust=/usr/lib/rustlib

cache_open
link=$cache/guest-$(cat "$here/guest.sh" "$here/guest_libc.c" | sha256sum | cut -c1-16)
case ${1:-} in
'') if [ -d "$link" ] && out=$(cd "$link" && pwd -P) && cache_usable "$out"; then echo "$out"; exit 0; fi ;;
check) [ -d "$link" ] || cache_refuse "there is none yet" "make it: make toolchains"
    out=$(cd "$link" && pwd -P); cache_usable "$out"; cache_check "$out"; echo "$out"; exit 0 ;;
renew) ;;
*) cache_refuse "unknown word '$1'" "say nothing, renew or check" ;;
esac
exec 9>"$cache/guest.lock"; flock 9
# Somebody else may have made it meanwhile.
if [ -z "${1:-}" ] && [ -d "$link" ] && out=$(cd "$link" && pwd -P) && cache_usable "$out"; then echo "$out"; exit 0; fi

start=$(date +%s)
echo "guest: making the tree that guests are built in (290 MB to download, then some minutes, once per machine)" >&2
new=$cache/guest-new root=$cache/guest-new/root apt=$cache/apt log=$cache/guest.log
rm -rf "$new"; mkdir -p "$root/usr/bin" "$root/guest/bin" "$apt/lists/partial" "$apt/archives/partial" "$apt/none/partial"
: > "$log"
failed() { tail -n 20 "$log" >&2; cache_refuse "$1 (whole log: $log)" "$2"; }

# --- the packages: what a system without any would need. Debian's signatures are apt's to check.
: > "$apt/status"
private() { # apt-get with lists and archives of our own, for which no rights are needed
    apt-get -qq -y --no-install-recommends -o Dir::State::status="$apt/status" -o Dir::State::lists="$apt/lists" \
        -o Dir::Cache="$apt" -o Debug::NoLocking=1 -o Acquire::Languages=none -o Acquire::ForceHash=SHA256 "$@"
}
private update >>"$log" 2>&1 || echo "guest: no news of Debian's packages: going on with what is known" >&2
# shellcheck disable=SC2086
private -o Dir::Cache::archives="$apt/none" --print-uris install $packages >"$new/uris" 2>>"$log" ||
    failed "apt-get does not find the packages" "see that /etc/apt names a mirror of Debian 12 and its security updates"
# shellcheck disable=SC2086
private -d install $packages >>"$log" 2>&1 ||
    failed "the packages cannot be downloaded" "see that Debian's mirror can be reached, then run make toolchains"
sed -n "s/^'[^']*' \([^ ]*\) [0-9]* SHA256:\([0-9a-f]*\)\$/\2  \1/p" "$new/uris" | LC_ALL=C sort -k 2 >"$new/sums"
[ "$(wc -l <"$new/sums")" = "$(grep -c . "$new/uris")" ] || failed "apt-get lists packages in an unknown way" "report this"
(cd "$apt/archives" && sha256sum --quiet -c "$new/sums") >>"$log" 2>&1 || {
    rm -rf "$apt/archives"; failed "a downloaded package is not what Debian signed" "run make toolchains again"; }
cut -c67- "$new/sums" >"$new/names"
find "$apt/archives" -name '*.deb' -printf '%f\n' | grep -vxFf "$new/names" | (cd "$apt/archives" && xargs -r rm -f --)

# --- the tree: the archives' files, apart from what is for people, and the links that packages' scripts would have made
for l in bin sbin lib lib64; do mkdir -p "$root/usr/$l"; ln -s "usr/$l" "$root/$l"; done
# shellcheck disable=SC2016
(cd "$apt/archives" && xargs -P 2 -n 12 sh -c 'for deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$0" --keep-directory-symlink \
    --no-same-owner --no-same-permissions --exclude=./etc --exclude=./var --exclude="./usr/share/doc" --exclude="./usr/share/man" \
    --exclude="./usr/share/info" --exclude="./usr/share/locale" --exclude="./usr/share/lintian" --exclude="./usr/share/bug" || exit 255
    done' "$root" <"$new/names") >>"$log" 2>&1 || failed "the packages cannot be unpacked" "is there room in '$cache'?"
find "$root" -mindepth 1 -maxdepth 1 -type d ! -name usr ! -name guest -exec rm -rf {} +
ln -s gcc "$root/usr/bin/cc"; ln -s mawk "$root/usr/bin/awk"; ln -s which.debianutils "$root/usr/bin/which"
version() { sed -n "s/^$1_\(.*\)_[a-z0-9]*\.deb\$/\1/p" "$new/names" | sed 's/%3a/:/'; }
sed 's/_[a-z0-9]*\.deb$//; s/_/ /; s/%3a/:/' "$new/names" >"$new/packages"

# --- C and C++: for WASI its own headers and libraries alone, however the compiler is called
clang=$root/usr/lib/llvm-19
mkdir -p "$root/guest/wasi/include" "$root/guest/wasi/lib" "$clang/lib/clang/19/lib/wasm32-unknown-wasip1" \
    "$clang/lib/clang/19/lib/wasm32-unknown-wasip2"
for t in wasi wasip1 wasip2; do
    ln -s /usr/include/wasm32-wasi "$root/guest/wasi/include/wasm32-$t"
    ln -s /usr/lib/wasm32-wasi "$root/guest/wasi/lib/wasm32-$t"
    echo '--sysroot=/guest/wasi' >"$clang/bin/wasm32-unknown-$t.cfg"
    [ $t = wasi ] || ln -s ../wasi/libclang_rt.builtins-wasm32.a "$clang/lib/clang/19/lib/wasm32-unknown-$t/libclang_rt.builtins.a"
done
component_ld=$rust/$host/bin/wasm-component-ld
ar=$(cd "$root/usr/bin" && echo llvm-ar-*)
for f in "$root$component_ld" "$root/usr/bin/$ar"; do
    [ -x "$f" ] || failed "'$f' is missing" "report this with the packages: '$new/packages'"
done
ln -s /usr/bin/wasm-ld-19 "$root/guest/bin/wasm-ld"
ln -s "$component_ld" "$root/guest/bin/wasm-component-ld"
# The linker that rustc calls where nobody names one.
ln -s /usr/bin/lld-19 "$root/guest/bin/rust-lld"
ln -s "/usr/bin/$ar" "$root/guest/bin/wasm32-wasi-ar"
script() { printf '#!/bin/sh\n%s\n' "$2" >"$root/guest/bin/$1"; chmod 755 "$root/guest/bin/$1"; }
script wasm32-wasip1-clang 'exec /usr/bin/clang-19 --target=wasm32-wasi "$@"'
script wasm32-wasip2-clang "exec /usr/bin/clang-19 --target=wasm32-wasi -fuse-ld=$component_ld \"\$@\""
# Debian's C++ library is made without exceptions.
script wasm32-wasip1-clang++ 'exec /usr/bin/clang++-19 --target=wasm32-wasi -fno-exceptions "$@"'
script wasm32-wasip2-clang++ "exec /usr/bin/clang++-19 --target=wasm32-wasi -fno-exceptions -fuse-ld=$component_ld \"\$@\""

# --- Rust: the standard library for both targets, which Debian has as source only. This machine's compilers make it, so
# they must be the tree's versions.
for p in rustc-web cargo-web rust-web-src clang-19; do
    here_is=$(dpkg-query -W -f='${Version}' "$p" 2>/dev/null || true)
    wanted=$(version "$p"); [ -n "$wanted" ] || wanted=$(version rustc-web)
    [ "$here_is" = "$wanted" ] ||
        failed "$p is ${here_is:-not installed} here, and $wanted at Debian's mirror" "run apt-get update, then apt-get install $p"
done
build=$new/build source=$rust/src/rust/library/vendor wasi=/usr/lib/wasm32-wasi
vendor=$build/vendor
mkdir -p "$build/src" "$vendor"
printf '[package]\nname = "seed"\nversion = "0.0.0"\nedition = "2021"\n' >"$build/Cargo.toml"
: >"$build/src/lib.rs"
for f in "$source"/*; do ln -s "$f" "$vendor/"; done

# What Debian has taken out of a crate's sources (it was compiled already) is had from the registry; Debian's list of the
# crate's files as they were tells what it has to be.
missing=src/rt/libwit_bindgen_cabi.a
registry_has() { # CRATE VERSION SHA-256-OF-THE-CRATE FILE: where cargo leaves that file
    [ ! -e "$cache/crates/$1-$2/$4" ] || { echo "$cache/crates/$1-$2/$4"; return; }
    rm -rf "$build/take"; mkdir -p "$build/take/src" "$cache/crates"
    : >"$build/take/src/lib.rs"
    printf '[package]\nname = "take"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n%s = { version = "=%s", default-features = false }\n[workspace]\n' \
        "$1" "$2" >"$build/take/Cargo.toml"
    printf 'version = 3\n[[package]]\nname = "take"\nversion = "0.0.0"\ndependencies = ["%s"]\n[[package]]\nname = "%s"\nversion = "%s"\nsource = "registry+https://github.com/rust-lang/crates.io-index"\nchecksum = "%s"\n' \
        "$1" "$1" "$2" "$3" >"$build/take/Cargo.lock"
    (cd "$build/take" && RUSTC=/usr/bin/rustc /usr/bin/cargo vendor --locked --versioned-dirs "$build/taken") >>"$log" 2>&1 || return
    rm -rf "$cache/crates/$1-$2"; mv "$build/taken/$1-$2" "$cache/crates/$1-$2"
    echo "$cache/crates/$1-$2/$4"
}
for f in "$source"/wit-bindgen-*; do
    [ -d "$f" ] && [ ! -e "$f/$missing" ] || continue
    was=$(sed -n "s,.*\"$missing\":\"\([0-9a-f]*\)\".*,\1,p" "$f/.cargo-checksum.json.orig" 2>>"$log") || was=
    sum=$(sed -n 's/.*"package":"\([0-9a-f]*\)".*/\1/p' "$f/.cargo-checksum.json")
    name=$(basename "$f")
    had=$(registry_has wit-bindgen "${name#wit-bindgen-}" "$sum" "$missing") ||
        failed "$name cannot be had from Rust's registry" "see that cargo can reach it, then run make toolchains"
    echo "$was  $had" | sha256sum --quiet -c - >>"$log" 2>&1 || {
        rm -rf "$cache/crates"; failed "$missing of $name is not what Debian's list of its files says" "run make toolchains again"; }
    rm "$vendor/$name"; cp -R "$f" "$vendor/$name"; cp "$had" "$vendor/$name/$missing"
done
# RUSTC_BOOTSTRAP: building the standard library is an unstable option of cargo; what it makes is the stable library.
# Bitcode inside, or a guest's link-time optimisation finds none. Nothing of the caller's cargo or rustup has a say.
(cd "$build" && env -i HOME="$build" CARGO_HOME="$build/cargo" PATH=/usr/bin:/bin RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
    RUSTFLAGS="-C embed-bitcode=yes" \
    /usr/bin/cargo build --offline --release -Zbuild-std=std,panic_abort --target wasm32-wasip1 --target wasm32-wasip2 \
    --config 'source.crates-io.replace-with="vendor"' --config "source.vendor.directory=\"$vendor\"") >>"$log" 2>&1 ||
    failed "Rust's standard library cannot be built" "is there room in '$cache'?"
sysroot=$root/guest/sysroot/lib/rustlib
# The C library below it, and what Debian's lacks of what the standard library calls.
/usr/bin/clang-19 --target=wasm32-wasi -std=c17 -O2 -c "$here/guest_libc.c" -o "$build/guest_libc.o" >>"$log" 2>&1 &&
    printf 'create %s/libc.a\naddlib %s/libc.a\naddmod %s/guest_libc.o\nsave\nend\n' "$build" "$wasi" "$build" | "/usr/bin/$ar" -M >>"$log" 2>&1 ||
    failed "the C library for Rust's cannot be made" "report this with the log"
mkdir -p "$sysroot/$host"
for t in wasm32-wasip1 wasm32-wasip2; do
    mkdir -p "$sysroot/$t/lib/self-contained"
    cp "$build/target/$t"/release/deps/lib*.rlib "$sysroot/$t/lib/"
    rm -f "$sysroot/$t"/lib/libseed-*.rlib
    cp "$build/libc.a" "$sysroot/$t/lib/self-contained/"
    for f in crt1-command.o crt1-reactor.o; do ln -s "$wasi/$f" "$sysroot/$t/lib/self-contained/$f"; done
done
# Build scripts and procedural macros run in the box and take its own library.
ln -s "$rust/$host/lib" "$sysroot/$host/lib"
# shellcheck disable=SC2016
script rustc 'exec /usr/bin/rustc --sysroot "${0%/bin/*}/sysroot" "$@"'
# Build scripts of repositories ask rustup for the targets: both are there.
# shellcheck disable=SC2016
script rustup 'case "$*" in
"target add wasm32-wasip1" | "target add wasm32-wasip2" | "target add wasm32-wasip1 wasm32-wasip2") ;;
"target list" | "target list --installed" | "target list --toolchain "*)
    for t in wasm32-wasip1 wasm32-wasip2; do
        case "$*" in *--installed*) echo "$t" ;; *) echo "$t (installed)" ;; esac
    done ;;
*) echo "error: there is no rustup here, and no other toolchain: rustc and cargo build for wasm32-wasip1 and wasm32-wasip2" >&2; exit 1 ;;
esac'

# --- whole: builds run as somebody else and read it
find "$root" ! -type l ! -perm 755 ! -perm 644 -exec chmod u=rwX,go=rX {} +
rm -rf "$build" "$new/uris" "$new/sums" "$new/names"
cache_manifest "$new" >"$new/manifest"
out=$link-$(sha256sum <"$new/manifest" | cut -c1-16)
if ! cache_usable "$out"; then
    rm -rf "$out"; mv "$new" "$out"
    cache_seal "$out"
fi
rm -rf "$new"
ln -sfn "$(basename "$out")" "$link"
echo "guest: made in $(($(date +%s) - start)) s: $out" >&2
echo "$out"
