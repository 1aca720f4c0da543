#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A unit under src/ includes headers only of itself and of the units that its Local.mk names (and of what those need)."""
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
