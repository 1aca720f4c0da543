#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The book that docs/ is made into: whole, readable by people and programs, and able to run under a strict policy. If
this fails, a page is missing, a link is dead, or a reader's browser refuses what the coordinator serves."""
import gzip, http.client, json, os, re, shutil, subprocess

import kit
from kit import check, equal
from near_api_js_test import installed, node

PICTURE_BYTES_MAX = 200_000
BROWSER = os.path.join(kit.ROOT, "tests", "browser")


def made():
    done = subprocess.run(["make", "--no-print-directory", "book"], cwd=kit.ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-800:])
    return os.path.join(kit.ROOT, "build", "docs")


def served(home, folder):
    return kit.Daemon("outlayer-coordinator", {"DOCS_DIR": folder, "PUBLIC_NEAR_RPC_URL": "https://rpc.example"}, home=home)


def step(coordinator, path):
    """(status, where it leads): a step from page to page is no answer that docs/openapi.json describes."""
    asked = http.client.HTTPConnection("127.0.0.1", coordinator.port, timeout=kit.ANSWER_SECONDS)
    asked.request("GET", path)
    answer = asked.getresponse()
    asked.close()
    return answer.status, answer.headers["Location"]


def test_files():
    """Whoever is served other bytes than were made, or old ones, reads what is not so any more."""
    book = made()
    with kit.folder() as home, served(os.path.join(home, "c"), book) as c:
        def file(name):
            with open(os.path.join(book, name), "rb") as f:
                return f.read()
        equal("its links are relative to /docs/", step(c, "/docs"), (302, "/docs/"))
        for path, name, kind in (("/docs/", "index.html", "text/html"), ("/docs/tutorial.html", "tutorial.html", "text/html"),
                                 ("/docs/tutorial.md", "tutorial.md", "text/markdown"),
                                 ("/docs/search.json", "search.json", "application/json"),
                                 ("/docs/book.css", "book.css", "text/css"), ("/docs/book.js", "book.js", "text/javascript"),
                                 ("/llms.txt", "llms.txt", "text/plain"), ("/llms-full.txt", "llms-full.txt", "text/plain")):
            status, headers, body = kit.get(c.url + path)
            equal(f"{path} is {name}", (status, headers["Content-Type"], body == file(name)),
                  (200, kind + "; charset=utf-8", True))
        policy = headers["Content-Security-Policy"]
        check("its pages run their own script and ask nobody else",
              "script-src 'self';" in policy and "connect-src 'self';" in policy and "unsafe" not in policy, policy)
        status, again, body = kit.get(c.url + "/llms-full.txt", headers={"If-None-Match": headers["ETag"]})
        equal("what is known is not sent again", (status, body, again["Cache-Control"]), (304, b"", "no-cache"))
        status, headers, body = kit.get(c.url + "/llms-full.txt", headers={"Accept-Encoding": "gzip"})
        equal("it comes compressed", (status, headers["Content-Encoding"], gzip.decompress(body) == file("llms-full.txt")),
              (200, "gzip", True))
        for path in ("/docs/none.html", "/docs/..%2fdocs%2findex.html", "/docs/llms.txt.gz", "/docs/a/b"):
            status, _, body = kit.get(c.url + path)
            check(f"{path} is an error in JSON", status == 404 and json.loads(body)["error"]["message"],
                  (status, body))
        equal("pages learn that it is there", kit.get_json(c.url + "/public/config")[1]["docs_url"], "/docs/")
        status, _, body = kit.get(c.url + "/")
        check("the book is no dashboard", status == 404 and "no dashboard" in json.loads(body)["error"]["message"], body)


def test_without_files():
    """A coordinator without the book says so; one whose folder is none does not start."""
    with kit.folder() as home:
        with kit.Daemon("outlayer-coordinator", home=os.path.join(home, "c")) as c:
            for path in ("/docs", "/docs/", "/docs/near.html", "/llms.txt", "/llms-full.txt"):
                status, _, body = kit.get(c.url + path)
                check(f"{path}: it says that it has none, and what makes one",
                      status == 404 and "serves no book" in json.loads(body)["error"]["message"] and b"make book" in body, body)
            equal("pages offer none", kit.get_json(c.url + "/public/config")[1]["docs_url"], None)
        for folder, words in ((home + "/none", "DOCS_DIR"), (home + "/c", "index.html")):
            try:
                served(os.path.join(home, "d"), folder).kill()
                check(f"{words} is refused at the start", False)
            except RuntimeError as why:
                check(f"{words} is refused at the start", words in str(why), why)


def test_pages():
    """In Chromium, as the coordinator serves them."""
    if not shutil.which("npm"):
        raise kit.Skip("npm is not installed")
    packages = installed(BROWSER)
    script = shutil.copy(os.path.join(BROWSER, "book.mjs"), packages)
    with kit.folder() as home, served(home, made()) as c:
        done = subprocess.run([node(), script, made(), c.url + "/docs/"], capture_output=True, text=True, timeout=240)
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
    dead = []
    for name in paths:
        with open(os.path.join(book, name)) as f:
            text = f.read()
        if text.strip() not in full:
            check(f"llms-full.txt has {name}", False)
        prose = re.sub(r"^```.*?^```$|`[^`\n]+`", "", text, flags=re.S | re.M)
        dead += [(name, link) for link in re.findall(r"\]\(([^)#\s]+)", prose)
                 if not re.match(r"https?:", link) and not os.path.exists(os.path.join(book, link))]
    equal("links in texts lead to texts, as they are served", dead, [])


def test_pictures():
    """What the pages show moves without a script, asks nobody, and is small enough for a checkout."""
    folder = os.path.join(kit.ROOT, "docs", "pictures")
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as f:
            body = f.read()
        check(f"{name} is small", len(body) <= PICTURE_BYTES_MAX, len(body))
        if name.endswith(".svg"):
            wrong = re.search(rb"<script|<foreignObject|\son\w+=|(?:href|src)=.(?!#)|url\((?!#)|@import", body)
            check(f"{name} has no script and no address", not wrong, wrong)


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
