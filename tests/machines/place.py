# SPDX-License-Identifier: Apache-2.0
"""The folder in which a kind of machine finds what it is to run, at the same path in each: programs, toolchains, tests
and examples, bound read-only, and guests and programs that are compiled here. The mounts live in a mount namespace of
the machine's own and go with it."""
import os, subprocess

import kit

USER = 61235  # the ordinary user of these machines: a number that no account has
SECONDS = 1200  # of one machine, everything together: far more than it takes on one that is not busy
ELSEWHERE = ("engine", "kernel")  # of build/: not needed to run what is built


class Place:
    def __init__(self, path):
        self.path = path
        self.build = os.path.join(path, "build")
        self.state = os.path.join(path, "state")  # the only folder that is written
        self.binds = [(kit.ROOT, os.path.join(path, "tree"))]
        self._bind_build()
        for name in ("build", "state", "own"):
            os.makedirs(os.path.join(path, name), exist_ok=True)
        os.chmod(path, 0o755)
        self._compile()

    def _bind_build(self):
        for name in ("bin", "contracts", "hostile"):
            folder = os.path.join(kit.BUILD, name)
            self.binds.append((folder if os.path.isdir(folder) else kit.built(name), os.path.join(self.build, name)))
        for entry in os.scandir(os.path.join(kit.ROOT, "build")):
            if entry.is_symlink() and entry.name not in ELSEWHERE:
                self.binds.append((os.path.realpath(entry.path), os.path.join(self.build, entry.name)))

    def _compile(self):
        here, own = os.path.dirname(os.path.abspath(__file__)), os.path.join(self.path, "own")
        component = os.path.join(kit.built("guest"),
                                 "root/usr/lib/rustlib/x86_64-unknown-linux-gnu/bin/wasm-component-ld")
        for target, more in (("p1", []), ("p2", [f"-fuse-ld={component}"])):
            # Without -O: with it clang has wasm-opt, where there is one, work on a component, which that cannot read.
            subprocess.run(["clang-19", "--target=wasm32-wasi", *more, "-o", os.path.join(own, f"guest-{target}.wasm"),
                            os.path.join(here, "guest.c")], check=True)
        subprocess.run(["gcc", "-O1", "-D_GNU_SOURCE", "-Wall", "-Werror", "-static", "-o", os.path.join(own, "hog"),
                        os.path.join(here, "hog.c")], check=True)

    def environment(self):
        return {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", "HOME": self.state,
                "TMPDIR": self.state,
                "BUILD_DIR": self.build, "LOG_LEVEL": "info"}

    def inside(self, kind):
        """The command that runs the checks."""
        return ["/usr/bin/python3", "-B", os.path.join(self.path, "tree", "tests", "machines", "inside.py"), kind]

    def mounted(self, command, below="", first=""):
        """A command that makes the mounts (below a folder that `first` has made a root) and becomes another one."""
        lines = ["set -eu", first]
        for source, target in self.binds:
            lines += [f'mkdir -p "{below}{target}"', f'mount --bind "{source}" "{below}{target}"',
                      f'mount -o remount,bind,ro "{below}{target}"']
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", "\n".join(lines) + '\nexec "$@"', "sh",
                *command]


def run(command, seconds=SECONDS, **more):
    """Its output, standard error after standard output, and status; None for a status: it was ended at its time."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                               start_new_session=True, **more)
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        out, err = process.communicate()
        return out.decode(errors="replace"), err.decode(errors="replace"), None
    return out.decode(errors="replace"), err.decode(errors="replace"), process.returncode
