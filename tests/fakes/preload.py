# SPDX-License-Identifier: Apache-2.0
"""Libraries that tests load into a daemon before its own: `clock` (its wall clock is shifted), `halt` (it stops at a call
that the test names)."""
import atexit, functools, os, shutil, subprocess, tempfile


@functools.cache
def library(name):
    """The path of this folder's NAME.c, compiled."""
    folder = tempfile.mkdtemp(prefix="outlayer-preload-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = os.path.join(folder, f"{name}.so")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.c")
    made = subprocess.run(["cc", "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-o", path, source,
                           "-ldl"], capture_output=True, text=True)
    if made.returncode:
        raise RuntimeError(made.stderr[-800:])
    return path
