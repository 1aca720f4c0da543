#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/tutorial.md as a newcomer follows it: each command of its console blocks is run, in one shell in a home of its own,
against the deployment that it starts itself, and prints what the page says. The contract in Rust is built by Debian's compiler
beforehand, as `cargo near build` would build it. What differs each time is not compared:
digits, hexadecimal and base58, units of time, and blanks; and a line `…` stands for any lines, `…` in a line for any text."""
import os, re, select, shutil, socket, subprocess, time

import kit
from coin_flip_test import RUST, rust_contract
from near_api_js_test import installed, node

PAGE = os.path.join(kit.ROOT, "docs", "tutorial.md")
COMMAND_SECONDS = 180
END = "--- end of command"


def blocks(text):
    """[[(command, lines that it prints)]] of each console block."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.S | re.M):
        steps = []
        for line in block.splitlines():
            if line.startswith("$ "):
                steps.append((line[2:], []))
            else:
                steps[-1][1].append(line)
        found.append(steps)
    return found


def normal(line):
    """The line without what differs each time."""
    line = re.sub(r"\b(?:[0-9a-f]{12,}|[1-9A-HJ-NP-Za-km-z]{43,44})\b", "#", line)
    line = re.sub(r"\b[0-9][0-9,.]*(?: (?:ms|us|s)\b)?", "#", line)
    line = re.sub(r", compiled in #| in all", "", line)  # only the first run of a module is compiled
    return " ".join(line.split())


def matches(want, got):
    """Whether the lines are those of the page."""
    parts = []
    for line in want:
        if line.strip() == "…":
            parts.append(r"(?:[^\n]*\n)*?")
        else:
            parts.append(".*".join(map(re.escape, normal(line).split("…"))) + "\n")
    return re.fullmatch("".join(parts), "".join(normal(line) + "\n" for line in got)) is not None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Shell:
    """One bash that gets one command after the other."""

    def __init__(self, home, path):
        env = {"HOME": home, "PATH": path, "LANG": "C.UTF-8", "TERM": "dumb"}
        env |= {k: v for k, v in os.environ.items() if k.startswith(("OUTLAYER_CACHE", "XDG_CACHE"))}
        self.process = subprocess.Popen(["bash", "--noprofile", "--norc"], cwd=kit.ROOT, env=env, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        kit.running.append(self)

    def run(self, command):
        """(status, lines), both streams as a terminal shows them."""
        self.process.stdin.write(f"{command}\necho; echo '{END}' $?\n".encode())
        self.process.stdin.flush()
        text, until = b"", time.monotonic() + COMMAND_SECONDS
        while not (done := re.search(rb"\n" + END.encode() + rb" (\d+)\n$", text)):
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise RuntimeError(f"'{command}' did not end: {text[-600:]}")
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                raise RuntimeError(f"the shell ended at '{command}': {text[-600:]}")
            text += piece
        return int(done[1]), text[:done.start()].decode().splitlines()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(kit.STOP_SECONDS)


class Up:
    """The second terminal."""

    def __init__(self, home, command):
        self.log = open(os.path.join(home, "up.log"), "w+b")
        self.process = subprocess.Popen(["bash", "-c", f"exec {command} --json"], stdout=subprocess.PIPE, stderr=self.log,
                                        env={"HOME": home, "PATH": os.environ["PATH"], "LOG_LEVEL": "warn"},
                                        stdin=subprocess.DEVNULL)
        kit.running.append(self)
        self.ready = self.process.stdout.readline()

    def kill(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(kit.STOP_SECONDS)


def near_cli(home):
    """A folder with the program `near`."""
    packages, folder = installed(os.path.join(kit.ROOT, "tests", "js", "near_cli")), os.path.join(home, "bin")
    os.makedirs(folder)
    path = os.path.join(folder, "near")
    with open(path, "w") as f:
        f.write(f'#!/bin/sh\nexec "{node()}" "{packages}/node_modules/near-cli/bin/near" "$@"\n')
    os.chmod(path, 0o755)
    return folder


def test_normal():
    """The rule itself: it must not take one answer for another."""
    kit.check("numbers and hashes are not compared", matches(["used 25,713 instructions, 13 ms"], ["used  9 instructions, 1.2 s"]))
    kit.check("words are", not matches(["Hello, World!"], ["Hello, Bob!"]))
    kit.check("a line too much", not matches(["a"], ["a", "b"]))
    kit.check("lines that are left out", matches(["a", "…", "d"], ["a", "b", "c", "d"]))
    kit.check("and not what follows them", not matches(["…", "d"], ["a", "b"]))


def test_tutorial():
    if not shutil.which("npm"):
        raise kit.Skip("npm is not installed")
    kit.program("outlayer")
    with open(PAGE) as f:
        text = f.read()
    near_folder = os.path.join(RUST, "target", "near")  # where `cargo near build` leaves it
    os.makedirs(near_folder, exist_ok=True)
    shutil.copy(rust_contract(), os.path.join(near_folder, "coin_flip.wasm"))
    rpc, coordinator = free_port(), free_port()
    text = text.replace("3030", str(rpc)).replace("3040", str(coordinator))
    with kit.folder() as home:
        shell = Shell(home, near_cli(home) + ":" + os.environ["PATH"])
        count = 0
        for steps in blocks(text):
            for command, want in steps:
                count += 1
                if command.startswith("outlayer up"):
                    kit.check(command, Up(home, f"{kit.BUILD}/bin/{command}").ready, "it did not start")
                    continue
                _, got = shell.run(command)
                got = [line for line in got if not line.startswith(("isolation ", "  hint: isolation"))]
                while got and not got[-1]:
                    got.pop()
                if not kit.check(command, matches(want, got), f"got {got}"):
                    return
        kit.check("the page has its commands", count > 20, count)


if __name__ == "__main__":
    kit.main(globals())
