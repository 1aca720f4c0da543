#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A unit under src/ includes headers only of itself and of the units that its Local.mk names (and of what those need).
Contracts share one header with the programs, and that header needs no other."""
import pathlib, re
needs = {}
for mk in pathlib.Path("src").glob("*/Local.mk"):
    for m in re.finditer(r"call unit,(\w+),([\w ]*),", mk.read_text()):
        needs[m[1]] = m[2].split()

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

SHARED = ("protocol/contract.h", "repo/rules.h")
TESTS = ("base/test.h", "repo/spellings.h")
for f in sorted(pathlib.Path("contracts").rglob("*.[ch]")):
    for i, line in enumerate(f.read_text().split("\n"), 1):
        m = re.match(r'#include "((\w+)/.*)"', line)
        if m and m[1] not in SHARED + TESTS and m[2] in needs and not pathlib.Path("contracts", m[2]).is_dir():
            print(f"{f}:{i}: {line.strip()}: of src/ a contract may use {' and '.join(SHARED)} alone")
for f in SHARED:
    if '#include "' in pathlib.Path("src", f).read_text(): print(f"src/{f}: needs no other header of ours")
