# SPDX-License-Identifier: Apache-2.0
"""Guests for tests, built from tests/guests/NAME or examples/NAME as components, inside the tree that workers build in
(build/guest/root), so that they are what a worker would make. Kept outside the checkout by a hash of all that they are
made from, as the toolchains are. Needs root; crates come through cargo, once."""
import hashlib, os, shutil, subprocess, tempfile
import kit

LINKER = "/usr/lib/rustlib/x86_64-unknown-linux-gnu/bin/wasm-component-ld"
# In a mount namespace of its own: the tree's system, the project and cargo's downloads; then the build, without
# network.
INSIDE = r"""
set -eu
mount -t tmpfs none "$1"; cd "$1"
for d in usr guest; do mkdir $d; mount --bind "$2/$d" $d; done
for d in bin sbin lib lib64; do ln -s usr/$d $d; done
mkdir dev proc tmp src cargo; mount --rbind /dev dev; mount -t proc none proc; mount --bind "$3" src
[ -z "$4" ] || mount --bind "$4" cargo
exec chroot . /bin/sh -ec 'cd /src; exec env -i PATH=/guest/bin:/usr/bin:/bin HOME=/tmp CARGO_HOME=/cargo sh -ec "$0"' "$5"
"""
CARGO = (f"CARGO_TARGET_WASM32_WASIP1_LINKER={LINKER} RUSTC=/guest/bin/rustc CARGO_INCREMENTAL=0 cargo build -q --offline --locked "
         "--release --target wasm32-wasip1")
MAKE = "make -s CC=wasm32-wasip2-clang AR=wasm32-wasi-ar CFLAGS=-O2 LDFLAGS=-Wl,--strip-all"


def source_of(name):
    for top in ("tests/guests", "examples"):
        path = os.path.join(kit.ROOT, top, name)
        if os.path.isdir(path):
            return path
    raise FileNotFoundError(name)


def stamp(folder, tree):
    h = hashlib.sha256(f"{os.path.realpath(tree)}\0{LINKER}\0{INSIDE}\0{CARGO}\0{MAKE}\0".encode())
    for path, dirs, files in os.walk(folder):
        dirs[:] = sorted(d for d in dirs if d != "target")
        for f in sorted(files):
            with open(os.path.join(path, f), "rb") as text:
                h.update(f.encode() + b"\0" + text.read())
    return h.hexdigest()[:16]


def component(name):
    """The path of the built component, made where it is not there yet."""
    if os.geteuid() != 0:
        raise kit.Skip("guests are built as root")
    tree, source = os.path.join(kit.ROOT, "build", "guest", "root"), source_of(name)
    if not os.path.isdir(tree):
        raise kit.Skip(f"{tree} is not built")
    cache = os.environ.get("OUTLAYER_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "outlayer")
    out = os.path.join(cache, "test-guests", f"{name}-{stamp(source, tree)}.wasm")
    if os.path.exists(out):
        return out
    os.makedirs(os.path.dirname(out), mode=0o755, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="outlayer-guest-") as work:
        copy, root = os.path.join(work, "src"), os.path.join(work, "root")
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("target", "*.wasm"))
        os.mkdir(root)
        rust = os.path.exists(os.path.join(copy, "Cargo.toml"))
        cargo = os.environ.get("CARGO_HOME", os.path.expanduser("~/.cargo")) if rust else ""
        if rust:
            subprocess.run(["/usr/bin/cargo", "fetch", "-q", "--locked", "--target", "wasm32-wasip1"], cwd=copy,
                           check=True)
        subprocess.run(["unshare", "-m", "-n", "--propagation", "private", "sh", "-c", INSIDE, "sh", root, tree, copy,
                        cargo,
                        CARGO if rust else MAKE], check=True)
        where = os.path.join(copy, "target/wasm32-wasip1/release") if rust else copy
        made = [f for f in os.listdir(where) if f.endswith(".wasm")]
        shutil.copyfile(os.path.join(where, made[0]), out + ".new")
        os.rename(out + ".new", out)
    return out
