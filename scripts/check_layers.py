#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A unit under src/ includes headers only of itself and of the units that its Local.mk names (and of what those need).
Contracts share a few headers with the programs, which need no others."""
import pathlib, re
needs = {}
for mk in pathlib.Path("src").glob("*/Local.mk"):
    said = mk.read_text()
    for unit in re.findall(r"^UNITS \+= (\w+)$", said, re.M):
        m = re.search(rf"^{unit}\.needs := ([\w ]*)$", said, re.M)
        needs[unit] = m[1].split() if m else []

def closure(u):
    seen, todo = {u}, [u]
    while todo:
        for n in needs.get(todo.pop(), []):
            if n not in seen: seen.add(n); todo.append(n)
    return seen

for unit in sorted(needs):
    allowed = closure(unit)
    for f in sorted(pathlib.Path("src", unit).glob("*.[ch]")):
        for i, line in enumerate(f.read_text().split("\n"), 1):
            m = re.match(r'#include "(\w+)/', line)
            if m and m[1] not in allowed and pathlib.Path("src", m[1]).is_dir():
                print(f'{f}:{i}: {line.strip()}: {unit} may not use {m[1]}')

# What signs whatever a test wants is linked by the simulator alone.
FORGING, FORGER = "testpki", "outlayer-dstack-simulator"
for mk in [*pathlib.Path("src").glob("*/Local.mk"), *pathlib.Path("bench").glob("Local.mk")]:
    for m in re.finditer(r"^(bin|bench)/([\w-]+)\.units := ([\w ]*)$", mk.read_text(), re.M):
        if m[2] != FORGER and any(FORGING in closure(u) for u in m[3].split()):
            print(f"{mk}: {m[2]} links {FORGING}, which signs what nobody may believe: only {FORGER} does")

# The core of src/dcap is compiled into contracts and for browsers, too: it includes itself and three headers of C.
OWN = {f.name for f in pathlib.Path("src/dcap").glob("*.h")}
for f in sorted(pathlib.Path("src/dcap").glob("*.[ch]")):
    if f.name.endswith(("_test.c", "_test.h", "_fuzz.c", "_openssl.c")): continue
    for i, line in enumerate(f.read_text().split("\n"), 1):
        m = re.match(r"#include [<\"](?:dcap/)?([\w/.]+)", line)
        if m and m[1] not in OWN | {"stdbool.h", "stddef.h", "stdint.h"} and (f.name, m[1]) != ("bytes.h", "string.h"):
            print(f"{f}:{i}: {line.strip()}: the core of src/dcap is freestanding")

SHARED = ("protocol/contract.h", "protocol/register.h", "repo/rules.h") + tuple(f"dcap/{name}" for name in sorted(OWN))
TESTS = ("base/test.h", "repo/spellings.h")
MAKES_QUOTES = pathlib.Path("contracts/register/kit/sample.c") # linked as an object of its own
for f in sorted(pathlib.Path("contracts").rglob("*.[ch]")):
    for i, line in enumerate(f.read_text().split("\n"), 1):
        m = re.match(r'#include "((\w+)/.*)"', line)
        if m and m[1] not in SHARED + TESTS and m[2] in needs and not pathlib.Path("contracts", m[2]).is_dir() and f != MAKES_QUOTES:
            print(f"{f}:{i}: {line.strip()}: of src/ a contract may use {', '.join(SHARED[:3])} and src/dcap alone")
for f in SHARED[:3]:
    if '#include "' in pathlib.Path("src", f).read_text(): print(f"src/{f}: needs no other header of ours")
