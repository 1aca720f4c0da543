# SPDX-License-Identifier: Apache-2.0
"""The coordinator as it was before the newest migration, built once from the history and kept by the hash of its
sources."""
import hashlib, os, shutil, subprocess, tempfile

import kit

MISSING = "the program before the newest migration is not in this copy's history: git fetch --unshallow brings it"
PARTS = ["src", "third_party", "scripts", "Makefile"]  # what the coordinator is made from


def git(*command, **more):
    return subprocess.run(["git", "-C", kit.ROOT, *command], capture_output=True, **more)


def commit_before():
    """The parent of the commit that put the newest migration into src/queue/database.c; None where the history does not
    go back to it: a shallow clone, or a copy of the sources alone."""
    found = git("log", "-1", "--format=%H %P", "--pickaxe-regex", "-S", r"\.version = [0-9]", "--", "src/queue/database.c", text=True)
    words = found.stdout.split()
    there = not found.returncode and len(words) > 1 and not git("cat-file", "-e", words[1]).returncode
    return words[1] if there else None


def build(commit, into):
    """Its coordinator and broker, in a folder of their own that appears whole."""
    os.makedirs(os.path.dirname(into), exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="outlayer-before-") as place:
        sources = git("archive", commit)
        subprocess.run(["tar", "x", "-C", place], input=sources.stdout, check=True)
        clean = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "BUILD_DIR")}
        programs = ["outlayer-coordinator", "outlayer-broker"]
        made = subprocess.run(["make", f"-j{os.cpu_count()}", *(f"build/bin/{p}" for p in programs)], cwd=place, env=clean,
                              capture_output=True, text=True)
        if made.returncode:
            raise RuntimeError(f"the coordinator of {commit} is not built: {(made.stdout + made.stderr)[-1500:]}")
        half = tempfile.mkdtemp(dir=os.path.dirname(into))
        for p in programs:
            shutil.copy2(os.path.join(place, "build/bin", p), half)
        try:
            os.rename(half, into)
        except OSError:  # somebody else was first
            shutil.rmtree(half)


def programs():
    """The folder with them."""
    commit = commit_before()
    trees = git("ls-tree", commit, *PARTS, check=True).stdout
    cache = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "outlayer", "before")
    into = os.path.join(cache, hashlib.sha256(trees).hexdigest()[:20])
    if not os.path.exists(into):
        build(commit, into)
    return into
