#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The book that docs/ is made into: whole, readable by people and programs, and able to run under a strict policy. If
this fails, a page is missing, a link is dead, or a reader's browser refuses what the coordinator serves."""
import os, re, shutil, subprocess

import kit
from kit import check, equal
from near_api_js_test import installed, node

BROWSER = os.path.join(kit.ROOT, "tests", "browser")


def made():
    done = subprocess.run(["make", "--no-print-directory", "book"], cwd=kit.ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-800:])
    return os.path.join(kit.ROOT, "build", "docs")


def test_pages():
    """In Chromium, under the policy that the pages are served with."""
    if not shutil.which("npm"):
        raise kit.Skip("npm is not installed")
    packages = installed(BROWSER)
    script = shutil.copy(os.path.join(BROWSER, "book.mjs"), packages)
    done = subprocess.run([node(), script, made()], capture_output=True, text=True, timeout=240)
    for line in done.stdout.splitlines():
        kind, _, rest = line.partition(" ")
        kit.report(kind, *rest.split(" got ", 1) if kind == "FAIL" and " got " in rest else (rest,))
    check("the script ran to its end", done.returncode in (0, 1) and done.stdout.count("\n") > 10, done.stderr[-600:])


def test_for_programs():
    """llms.txt leads to every page as text; llms-full.txt is all of it."""
    book = made()
    with open(os.path.join(book, "llms.txt")) as f:
        short = f.read()
    with open(os.path.join(book, "llms-full.txt")) as f:
        full = f.read()
    check("it begins as llmstxt.org has it", short.startswith("# OutLayer\n\n> "), short[:60])
    paths = re.findall(r"\]\(/docs/([^)]+)\)", short)
    equal("each page is there as text", [p for p in paths if not os.path.exists(os.path.join(book, p))], [])
    pages = {n for n in os.listdir(book) if n.endswith(".md")} - {"index.md"}
    equal("and is listed", sorted(pages - set(paths)), [])
    for name in paths:
        with open(os.path.join(book, name)) as f:
            if f.read().strip() not in full:
                check(f"llms-full.txt has {name}", False)


def test_refusals():
    """A page that nobody lists, and a link that leads nowhere, are not built around."""
    with kit.folder() as home:
        for name in ("docs", "examples", "scripts"):
            shutil.copytree(os.path.join(kit.ROOT, name), os.path.join(home, name))
        for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md"):
            shutil.copy(os.path.join(kit.ROOT, name), home)
        os.makedirs(os.path.join(home, "web", "verify"))
        shutil.copy(os.path.join(kit.ROOT, "web", "verify", "README.md"), os.path.join(home, "web", "verify"))

        def make():
            return subprocess.run(["/usr/bin/python3", os.path.join(home, "scripts", "book.py"), os.path.join(home, "out")],
                                  capture_output=True, text=True)
        equal("as it is, it can be made", make().returncode, 0)
        page = os.path.join(home, "docs", "stray.md")
        with open(page, "w") as f:
            f.write("# Stray\n")
        check("a page that is not listed", "does not list docs/stray.md" in make().stderr, make())
        os.remove(page)
        with open(os.path.join(home, "docs", "near.md"), "a") as f:
            f.write("\n[there](nowhere.md)\n")
        check("a link that leads nowhere", "the link 'nowhere.md' leads nowhere" in make().stderr, make())
        check("what was made before is still there", os.path.exists(os.path.join(home, "out", "near.html")))


if __name__ == "__main__":
    kit.main(globals())
