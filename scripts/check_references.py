#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A newcomer's walk: what pages and comments point to is there. Links between pages and to their sections lead
somewhere; a file that is named exists; a section sign stands behind the name of a public document; a weakness that a
test is named by (wNN) is described; each setting of a program stands in the operators' table, and no other."""
import pathlib, re, subprocess

tracked = subprocess.run(["git", "ls-files", "-c", "-o", "--exclude-standard"], check=True, capture_output=True,
                         text=True).stdout.split("\n")
files = {f for f in tracked if f and pathlib.Path(f).is_file()}
ends = {"/".join(f.split("/")[i:]) for f in files for i in range(f.count("/") + 1)}
ours = [f for f in files if not f.startswith(("examples/", "third_party/"))]
# Files of others, or ones that a user writes or a program makes.
FOREIGN = re.compile(r"^(?:main|lib|x|x_test|x_fuzz|mod|stdio|stdlib|string|time|unistd|pthread|jansson|sqlite3)\.[a-z]+$")
NAMED = re.compile(r"(?<![\w/.*<>{}$~@-])((?:[\w-]+/)*[\w.-]*\w\.(?:md|c|h|py|sh|mk|S|mjs|txt))(?![\w*/.-]*[\w*/])")
MADE = {"imports.txt", "exports.txt"}


def anchor(heading):
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def links(page, text):
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, section = target.partition("#")
        there = (pathlib.Path(page).parent / path) if path else pathlib.Path(page)
        if not there.exists():
            yield f"{page}: the link '{target}' leads nowhere"
        elif section and section not in {anchor(h) for h in re.findall(r"^#+ (.*)$", there.read_text(), re.M)}:
            yield f"{page}: the link '{target}' names a section that is not there"


def named(page, number, text):
    for name in NAMED.findall(text):
        last = name.split("/")[-1]
        if (name not in ends and not re.search(r"\b[A-Z]{3,}[/.]", name) and not FOREIGN.match(last)
                and last not in MADE):
            yield f"{page}:{number}: names '{name}', which is not in this repository"


def comments(path, text):
    """(line number, text) of each comment; a block of // lines is one, so that a standard named in its first line
    counts for its others."""
    sign = "//" if path.endswith((".c", ".h", ".S", ".mjs", ".rs")) else "#"
    block, start = [], 0
    for number, line in enumerate(text.split("\n") + [""], 1):
        found = re.search(rf"(?:^|\s){sign}(?!include|define)\s?(.*)", line)
        if found:
            start = start or number
            block.append((number, found[1]))
        elif block:
            yield block
            block, start = [], 0


problems = []
weaknesses = set(re.findall(r"^\| (w\d\d) \|", pathlib.Path("docs/weaknesses.md").read_text(), re.M))
for f in sorted(ours):
    if f.endswith(".md"):
        text = pathlib.Path(f).read_text()
        problems += links(f, text)
        for number, line in enumerate(re.sub(r"^```.*?^```$", lambda m: "\n" * m[0].count("\n"), text,
                                             flags=re.S | re.M).split("\n"), 1):
            problems += named(f, number, line)
    elif f.endswith((".c", ".h", ".py", ".sh", ".mk", ".S", ".mjs")) and f != "scripts/check_references.py":
        text = pathlib.Path(f).read_text()
        for block in comments(f, text):
            for number, line in block:
                problems += named(f, number, line)
                if "§" in line and not re.search(r"RFC|NEP|nomicon", " ".join(t for _, t in block)):
                    problems.append(f"{f}:{number}: a section of no public document: {line.strip()}")
        if f.startswith("contracts/"):
            problems += [f"{f}: {w} is not in docs/weaknesses.md" for w in
                         sorted(set(re.findall(r"\b(w[0-2]\d)(?=_|\b)", text)) - weaknesses)]
SETTING = re.compile(r'SET_(?:TEXT|NEEDED|SECRET|U64|BOOL)\(\s*[\w ]+,\s*[\w.]+,\s*"(\w+)"')
settings = {name for f in files if f.startswith("src/") and f.endswith((".c", ".h")) and not f.startswith("src/base/settings")
            for name in SETTING.findall(pathlib.Path(f).read_text())}
table = pathlib.Path("docs/operate.md").read_text().partition("\n## Settings\n")[2]
told = set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \|", table, re.M))
problems += [f"docs/operate.md: its table of settings lacks '{s}'" for s in sorted(settings - told)]
problems += [f"docs/operate.md: no program has the setting '{s}'" for s in sorted(told - settings)]
everywhere = pathlib.Path("docs/map.md").read_text()
for folder in sorted({"/".join(f.split("/")[:2]) for f in files if f.startswith(("src/", "examples/"))}
                     | {"/".join(f.split("/")[:3]) for f in files if f.startswith("contracts/examples/")}):
    name = folder.split("/")[-1]
    if name not in ("kit", "Local.mk") and not re.search(rf"`(?:[\w/]+/)?{name}`", everywhere):
        problems.append(f"docs/map.md does not name {folder}")
print("\n".join(problems), end="\n" if problems else "")
