#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A switch whose cases are our enums' names (UPPER_CASE of a known prefix) must name all of them: no `default:`."""
import pathlib, re, sys
enum_names = set()
for p in pathlib.Path("src").rglob("*.h"):
    for body in re.findall(r"enum \w+ \{([^}]*)\}", p.read_text(errors="replace")):
        enum_names.update(re.findall(r"\b([A-Z][A-Z0-9_]+)\b\s*(?:=[^,]*)?[,/}\n]", body))
for path in sys.argv[1:]:
    text = open(path, errors="replace").read()
    for m in re.finditer(r"\bswitch\s*\(", text):
        depth, i = 0, text.find("{", m.start())
        j = i
        while j < len(text):
            depth += (text[j] == "{") - (text[j] == "}")
            if depth == 0: break
            j += 1
        body = text[i:j]
        cases = re.findall(r"\bcase ([A-Z][A-Z0-9_]+)\s*:", body)
        if "default:" in body and cases and all(c in enum_names for c in cases):
            print(f"{path}:{text.count(chr(10), 0, m.start()) + 1}: default over an enum ({cases[0]}, …)")
