#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What strangers wrote and people read: a terminal obeys none of it, and a pipe has every byte."""
import os, pty, subprocess

import kit
from kit import check, equal

# A title for the window, red, and one of the control characters that are two bytes long.
EVIL = "\\1b]0;owned\\07\\1b[31mred\\c2\\9b31m"
OBEYED = (b"\x1b", b"\x07", b"\xc2\x9b")
PRINTS = f"""(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\08\\00\\00\\00\\17\\00\\00\\00{EVIL}")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 100)))
    (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 100)))))"""
IMPORTS = f"""(module (import "{EVIL}" "f" (func)) (func (export "_start")))"""


def module(home, name, text):
    path = os.path.join(home, name)
    with open(path + ".wat", "w") as f:
        f.write(text)
    subprocess.run(["wat2wasm", path + ".wat", "-o", path], check=True)
    return path


def on_a_terminal(*argv):
    """What the terminal is told."""
    pid, tty = pty.fork()
    if pid == 0:
        os.execv(argv[0], argv)
    screen = b""
    try:
        while piece := os.read(tty, 4096):
            screen += piece
    except OSError:
        pass  # its last reader's end
    os.waitpid(pid, 0)
    return screen


def test_run():
    with kit.folder() as home:
        outlayer = kit.program("outlayer")
        for name, text, words in (("output", PRINTS, b"red"), ("imports", IMPORTS, b"owned")):
            guest = module(home, name, text)
            screen = on_a_terminal(outlayer, "run", guest)
            check(f"{name}: a terminal obeys nothing of it", words in screen and not any(x in screen for x in OBEYED),
                  screen)
            screen = on_a_terminal(outlayer, "run", "--json", guest)
            check(f"{name}: nor of it in JSON", words in screen and not any(x in screen for x in OBEYED), screen)
            done = subprocess.run([outlayer, "run", guest], capture_output=True)
            check(f"{name}: nor is it told raw elsewhere", words in done.stdout + done.stderr
                  and not any(x in done.stderr for x in OBEYED), done)
            if name == "output":
                equal("a pipe has every byte", done.stdout, b"\x1b]0;owned\x07\x1b[31mred\xc2\x9b31m")


def test_log():
    """A daemon's first line, with its name, about a setting that somebody else may have written."""
    for daemon in ("outlayer-worker", "outlayer-coordinator", "outlayer-keystore"):
        done = subprocess.run([kit.program(daemon)], capture_output=True, env={"LOG_LEVEL": "\x1b[31m\u009b31m"})
        check(f"{daemon}: by its name", f" {daemon} ".encode() in done.stderr and b" outlayer " not in done.stderr,
              done.stderr)
        check(f"{daemon}: nothing to be obeyed", not any(x in done.stderr for x in OBEYED), done.stderr)


if __name__ == "__main__":
    kit.main(globals())
