#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is made once per machine (the engine, the tree that guests are built in, a kernel for tests) is looked over
before each use: nobody else may have been able to write it, and it must be as it was made. scripts/engine.sh runs with
a cargo of the test's own, so that the engine is a small file."""
import hashlib, os, shutil, stat, subprocess

import kit
from kit import check, equal

CARGO = """#!/bin/sh
case $1 in
tree) echo "one v1.0.0 | MIT"; echo "two v2.0.0 (proc-macro) | MIT OR Apache-2.0"; echo "one v1.0.0 | MIT (*)"; exit ;;
esac
echo built >>"$(dirname "$0")/builds"
while [ "$1" != --target-dir ]; do shift; done
mkdir -p "$2/release/build/x/out/include/wasmtime"
echo library >"$2/release/liboutlayer_engine.a"
echo header >"$2/release/build/x/out/include/wasmtime.h"
echo header >"$2/release/build/x/out/include/wasmtime/conf.h"
"""


class Caches:
    """A cache folder, and checkouts with the scripts and the engine's crate."""

    def __init__(self, home):
        self.home, self.cache = home, os.path.join(home, "cache")
        for name, text in (("cargo", CARGO), ("rustc", "#!/bin/sh\necho rustc 1.0\n")):
            with open(os.path.join(home, name), "w") as f:
                f.write(text)
            os.chmod(os.path.join(home, name), 0o755)

    def checkout(self, name, line=""):
        path = os.path.join(self.home, name)
        for part in ("scripts", "third_party/wasmtime"):
            shutil.copytree(os.path.join(kit.ROOT, part), os.path.join(path, part))
        with open(os.path.join(path, "third_party/wasmtime/src/lib.rs"), "a") as f:
            f.write(line)
        return path

    def run(self, script, *args, checkout=None, **env):
        env = {**os.environ, "OUTLAYER_CACHE": self.cache, "CARGO": os.path.join(self.home, "cargo"),
               "RUSTC": os.path.join(self.home, "rustc"), **env}
        done = subprocess.run([os.path.join(checkout or kit.ROOT, "scripts", script), *args], env=env, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        return done.returncode, done.stdout.strip(), done.stderr

    def builds(self):
        try:
            with open(os.path.join(self.home, "builds")) as f:
                return len(f.readlines())
        except FileNotFoundError:
            return 0

    def tick(self, folder):
        """Until the clock of inodes has gone on since the folder was sealed."""
        name, whole = os.path.join(self.home, "tick"), os.stat(os.path.join(folder, ".whole")).st_ctime_ns

        def later():
            with open(name, "w"):
                os.utime(name)
            return os.stat(name).st_ctime_ns > whole
        kit.until(later, step=0.001)


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def read(path):
    with open(path) as f:
        return f.read()


def spoil(c, folder, script, file, calls):
    """Each way in which a cache can be spoilt is refused with a sentence that says what to do; then it is put right."""
    path = os.path.join(folder, file)
    text, times = read(path), os.stat(path)

    def same_size_and_times():
        write(path, "#" + text[1:])
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    more = os.path.join(folder, "more")
    ways = [("a changed file with its old size and times", same_size_and_times, lambda: write(path, text),
             "is not as it was made"),
            ("a file too many", lambda: write(more, ""), lambda: os.remove(more), "is not as it was made"),
            ("a file too few", lambda: os.remove(path), lambda: write(path, text), "is not as it was made"),
            ("another mode", lambda: os.chmod(path, 0o755), lambda: os.chmod(path, 0o644), "is not as it was made"),
            ("a file that others can write", lambda: os.chmod(path, 0o664), lambda: os.chmod(path, 0o644),
             "can be written by others"),
            ("a folder that others can write", lambda: os.chmod(folder, 0o777), lambda: os.chmod(folder, 0o755),
             "can be written by others"),
            ("a seal without a hash", lambda: write(os.path.join(folder, ".whole"), ""),
             lambda: write(os.path.join(folder, ".whole"), seal), "is not as it was made")]
    if os.geteuid() == 0:
        ways.append(("a file of somebody else's", lambda: os.chown(path, 12345, 12345), lambda: os.chown(path, 0, 0),
                     "belongs to somebody else"))
    seal = read(os.path.join(folder, ".whole"))
    for what, do, undo, says in ways:
        c.tick(folder)
        do()
        for args in calls:
            code, out, err = c.run(script, *args)
            check(f"{script} {' '.join(args)}: {what}", code == 2 and not out and says in err
                  and f"rm -rf '{folder}'" in err, (code, out, err))
        undo()
        equal(f"{script}: {what}, put right", c.run(script)[:2], (0, folder))


def test_engine():
    with kit.folder() as home:
        c = Caches(home)
        code, out, err = c.run("engine.sh")
        check("the engine is made", code == 0 and os.path.dirname(out) == os.path.realpath(c.cache), (code, out, err))
        equal("with a list of its crates", read(os.path.join(out, "crates")),
              "one v1.0.0  MIT\ntwo v2.0.0  MIT OR Apache-2.0\n")
        spoil(c, out, "engine.sh", "include/wasmtime.h", ((), ("check",)))
        spoil(c, out, "engine.sh", "libengine.a", ((), ("check",)))
        equal("it was built once", c.builds(), 1)
        os.remove(os.path.join(out, ".whole"))
        equal("what was not finished is made anew", (c.run("engine.sh")[:2], c.builds()), ((0, out), 2))


def test_two_checkouts():
    with kit.folder() as home:
        c = Caches(home)
        one, two = c.checkout("one"), c.checkout("two", "// another\n")
        folders = [c.run("engine.sh", checkout=x)[1] for x in (one, two, one, two, one)]
        check("each finds its own", folders[0] == folders[2] == folders[4] != folders[1] == folders[3] and all(folders),
              folders)
        equal("each was built once", c.builds(), 2)


def test_folder_of_caches():
    with kit.folder() as home:
        c = Caches(home)
        out = c.run("engine.sh")[1]
        for what, path in (("the cache's folder", c.cache), ("a folder above it", home)):
            mode = stat.S_IMODE(os.stat(path).st_mode)
            os.chmod(path, 0o777)
            code, text, err = c.run("engine.sh")
            check(f"{what} that others can write", code == 2 and not text
                  and f"chmod go-w '{os.path.realpath(path)}'" in err, (code, text, err))
            os.chmod(path, mode)
        for what, path in ((("the cache's folder", c.cache), ("a folder above it", home)) if os.geteuid() == 0 else ()):
            os.chown(path, 12345, 12345)
            code, text, err = c.run("engine.sh")
            check(f"{what} is somebody else's", code == 2 and not text
                  and f"'{os.path.realpath(path)}' belongs to somebody else" in err, (code, text, err))
            os.chown(path, 0, 0)
        equal("put right", c.run("engine.sh")[:2], (0, out))


def sealed(c, name, file):
    """A folder with one file that stands in the place of a large one, sealed by the same functions."""
    real = os.path.join(os.path.realpath(c.home), "cache", name)
    os.makedirs(os.path.dirname(os.path.join(real, file)))
    write(os.path.join(real, file), "what it is\n")
    for path, _, _ in os.walk(c.cache):
        os.chmod(path, 0o755)
    subprocess.run(["sh", "-ec", 'me=test; . scripts/cache.sh; cache_seal "$0"', real], cwd=kit.ROOT, check=True)
    return real


def test_tree_of_guests():
    with kit.folder() as home:
        c = Caches(home)
        made_of = b""
        for name in ("guest.sh", "guest_libc.c"):
            with open(os.path.join(kit.ROOT, "scripts", name), "rb") as f:
                made_of += f.read()
        key = hashlib.sha256(made_of).hexdigest()[:16]
        real = sealed(c, f"guest-{key}-0", "root/usr/bin/clang")
        os.symlink(os.path.basename(real), os.path.join(c.cache, f"guest-{key}"))
        equal("the tree is found", c.run("guest.sh")[:2], (0, real))
        spoil(c, real, "guest.sh", "root/usr/bin/clang", ((), ("check",)))


def test_kernel():
    with kit.folder() as home:
        c = Caches(home)
        real = sealed(c, "kernel-0", "boot/vmlinuz-0")
        equal("the kernel is found", c.run("kernel.sh")[:2], (0, real))
        spoil(c, real, "kernel.sh", "boot/vmlinuz-0", ((),))


if __name__ == "__main__":
    kit.main(globals())
