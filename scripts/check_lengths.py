#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Functions over 60 lines and files over 800, unless the line before the function says why (a comment with "long:")."""
import re, sys
for path in sys.argv[1:]:
    lines = open(path, errors="replace").read().split("\n")
    if len(lines) > 801: print(f"{path}: {len(lines)} lines")
    depth, start, name = 0, 0, ""
    for i, line in enumerate(lines, 1):
        s = re.sub(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])*\'|//.*', "", line)
        if depth == 0 and "{" in s:
            head = " ".join(lines[max(0, i - 4):i])
            m = re.findall(r"(\w+)\s*\(", head)
            start, name = i, (m[0] if m and ")" in head and "=" not in s.split("{")[0] else "")
        depth += s.count("{") - s.count("}")
        if depth <= 0:
            depth = 0
            if name and i - start > 60 and not any("long:" in l for l in lines[max(0, start - 6):start]):
                print(f"{path}:{start}: {name} has {i - start} lines")
            name = ""
