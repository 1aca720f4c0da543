#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`outlayer init` and `outlayer run FOLDER`: what a newcomer types first. A project in each language builds and runs as it
was written, here and on a chain, as a module and as a component."""
import json, os, queue, signal, subprocess, threading

import kit
from kit import check, equal
from stack_test import Stack

LANGUAGES = ("c", "rust", "cpp")
TARGETS = ("wasm32-wasip1", "wasm32-wasip2")
CHANGED_SECONDS = 60


def outlayer(home, *args, cwd=None):
    env = {k: v for k, v in os.environ.items() if not k.startswith("OUTLAYER_")} | {"OUTLAYER_HOME": home}
    return subprocess.run([kit.program("outlayer"), *args], env=env, cwd=cwd or home, capture_output=True, text=True,
                          timeout=180)


def answer_of(done):
    lines = done.stdout.strip().splitlines()
    return json.loads(lines[-1]) if lines else {}


def test_every_language_here_and_on_a_chain():
    """A project that does not run as it comes is a newcomer's last."""
    with kit.folder() as home:
        stack = Stack(home)
        for language in LANGUAGES:
            name = f"my-{language}"
            done = outlayer(home, "init", name, "--lang", language)
            check(f"{language}: written, and told what next", done.returncode == 0
                  and f"outlayer run ./{name}" in done.stdout, done)
            for target in TARGETS:
                done = outlayer(home, "run", ".", "--target", target, "--input", "World", "--json",
                                cwd=os.path.join(home, name))
                here = answer_of(done)
                equal(f"{language}, {target}: runs here", (done.returncode, here.get("output"), here.get("stderr")),
                      (0, "Hello, World!\n", ""))
                rc, there, err = stack.request(os.path.join(home, name), "World", "--target", target)
                equal(f"{language}, {target}: runs on a chain", (rc, there.get("output")), (0, "Hello, World!\n"))
                equal(f"{language}, {target}: the same module", there.get("wasm_hash"), here.get("wasm_hash"))
            done = outlayer(home, "run", name, "--json")
            refused = answer_of(done)
            equal(f"{language}: refuses an empty input with a sentence",
                  (done.returncode, refused.get("exit_status"), refused.get("stderr")),
                  (1, 1, "the input is empty: it takes a name\n"))
        stack.stop()


def test_refused():
    """A name or a place that cannot be is said in a sentence, and nothing is left behind."""
    with kit.folder() as home:
        for name in ("there", "empty"):
            os.mkdir(os.path.join(home, name))
        with open(os.path.join(home, "there", "notes.txt"), "w") as f:
            f.write("no program\n")
        for args, words in ((["init"], "no name given"), (["init", "x"], "no language given"),
                            (["init", "x", "--lang", "go"], "--lang is c, rust or cpp"),
                            (["init", "1x", "--lang", "c"], "begins with a letter"),
                            (["init", "there", "--lang", "c"], "is there already"),
                            (["init", "none/x", "--lang", "c"], "No such file or directory"),
                            (["init", "/proc/x", "--lang", "c"], "cannot make a folder in '/proc'"),
                            (["run", "nowhere"], "outlayer init NAME --lang c"),
                            (["run", "empty", "--input", "x"], "there are no files in it"),
                            (["run", "there", "--input", "x"], "neither outlayer.toml nor Cargo.toml nor Makefile")):
            done = outlayer(home, *args)
            check(f"outlayer {' '.join(args)}", done.returncode in (1, 2) and words in done.stderr, done)
        equal("nothing has come", [n for n in sorted(os.listdir(home)) if n not in ("repos", "run")], ["empty", "there"])


def test_a_build_that_fails():
    """The compiler's words reach whoever made the mistake; a script sees them as JSON."""
    with kit.folder() as home:
        outlayer(home, "init", "x", "--lang", "c")
        with open(os.path.join(home, "x", "main.c"), "a") as f:
            f.write("int more(void) { return nothing; }\n")
        done = outlayer(home, "run", "x")
        check("for people", done.returncode == 1 and "use of undeclared identifier 'nothing'" in done.stderr, done)
        done = outlayer(home, "run", "x", "--json")
        answer = answer_of(done)
        check("for scripts", done.returncode == 1 and answer["success"] is False and answer["end"] == "build_failed"
              and "nothing" in answer["error"], done)


class Watched:
    """`outlayer run . --watch --json`: each line that it prints is one answer."""

    def __init__(self, home, folder):
        env = {k: v for k, v in os.environ.items() if not k.startswith("OUTLAYER_")} | {"OUTLAYER_HOME": home}
        self.process = subprocess.Popen([kit.program("outlayer"), "run", ".", "--watch", "--json", "--input", "you"],
                                        cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        kit.running.append(self)

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def next(self):
        return self.lines.get(timeout=CHANGED_SECONDS)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(kit.STOP_SECONDS)


# Of each language: its source, what greets in it, where a mistake goes, and a file that does not count.
SOURCES = [("c", "main.c", '"Hello, %s!', "int main(void) {", "ignored.wasm"),
           ("cpp", "main.cpp", '"Hello, "', "int main() {", "ignored.wasm"),
           ("rust", "src/main.rs", '"Hello, {name}', "fn main() -> ExitCode {", "target/ignored.wasm")]


def replace(home, path, old, new):
    """As editors do: a new file takes the old one's name. It is written elsewhere, or what is there before that might be
    run, too."""
    draft = os.path.join(home, "draft")
    with open(path) as f:
        text = f.read()
    with open(draft, "w") as f:
        f.write(text.replace(old, new))
    os.rename(draft, path)


def watch(home, lang, source, greeting, begin, ignored):
    outlayer(home, "init", lang, "--lang", lang)
    folder = os.path.join(home, lang)
    main = os.path.join(folder, source)
    watched = Watched(home, folder)
    equal(f"{lang}: the first run", watched.next()["output"], "Hello, you!\n")
    replace(home, main, greeting, greeting.replace("Hello", "Bye"))
    equal(f"{lang}: after a change", watched.next()["output"], "Bye, you!\n")
    replace(home, main, begin, begin + " mistake")
    equal(f"{lang}: after a mistake", watched.next()["end"], "build_failed")
    os.makedirs(os.path.dirname(os.path.join(folder, ignored)), exist_ok=True)
    with open(os.path.join(folder, ignored), "w") as f:
        f.write("no part of the project")
    replace(home, main, begin + " mistake", begin)
    equal(f"{lang}: and after it was mended", watched.next()["output"], "Bye, you!\n")
    watched.process.send_signal(signal.SIGINT)
    equal(f"{lang}: Ctrl-C ends it", watched.process.wait(kit.STOP_SECONDS), 0)
    check(f"{lang}: and nothing was run for a file that does not count", watched.lines.empty())
    check(f"{lang}: nor was anything said", watched.process.stderr.read() == "")


def test_watch():
    """Whoever changes a file sees what it does now, also after a mistake; Ctrl-C ends it well."""
    with kit.folder() as home:
        for source in SOURCES:
            watch(home, *source)


if __name__ == "__main__":
    kit.main(globals())
