#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Three laws of what headers under src/ declare. A name belongs to one header: a reader who finds it elsewhere knows
where it is from, and no two units fail to link into one program. A function is used by somebody. One that reads a value
takes what it fills first (CONTRIBUTING.md, One order of arguments)."""
import collections, pathlib, re

PROTOTYPE = re.compile(r"^(?:\[\[nodiscard\]\] )?(?:const |unsigned |_Noreturn |static inline )*(?:struct |enum )?\w+[ *]+"
                       r"(\w+)\((?!\*)([^{;]*)", re.M)


def code(path):
    """The file's text without comments, a macro in one line."""
    text = re.sub(r'("(?:\\.|[^"\\\n])*")|/\*.*?\*/|//[^\n]*', lambda m: m[1] or "", path.read_text(), flags=re.S)
    return text.replace("\\\n", " ")


texts = {p: code(p) for top in ("src", "contracts", "bench", "tests")
         for p in sorted(pathlib.Path(top).rglob("*.[chS]"))}
words = {p: set(re.findall(r"\w+", t)) for p, t in texts.items()}
headers = [p for p in texts if p.suffix == ".h" and p.parts[0] == "src"]
pasted = {m for t in texts.values() for m in re.findall(r"(\w+)##", t)}
homes = collections.defaultdict(set)
for path in headers:
    text = texts[path]
    names = {f"{kind} {name}" for kind, name in re.findall(r"\b(struct|enum|union) (\w+) \{", text)}
    names |= {m for m in re.findall(r"^ *# *define (\w+)", text, re.M) if f"#undef {m}" not in text}
    names |= {m for m in re.findall(r"^typedef\b[^;{]*?\b(\w+)(?:\([^;]*\))?;", text, re.M)}
    for function, parameters in PROTOTYPE.findall(text):
        names.add(function)
        if re.search(r"_(?:parse|decode)$", function) and parameters.startswith("struct arena"):
            print(f"{path}: {function} takes its arena first; what it fills comes before it")
        used = sum(len(re.findall(rf"\b{function}\b", t)) for p, t in texts.items() if function in words[p])
        inline = re.search(rf"^static inline .*\b{function}\(", text, re.M)
        if used <= (1 if inline else 2) and not any(function.startswith(stem) for stem in pasted):
            print(f"{path}: nobody uses {function}")
    for name in names:
        homes[name].add(path)
for name, paths in sorted(homes.items()):
    if len(paths) > 1 and name not in ("memcmp", "memcpy"):  # the C library's, said again where there is none
        print(f"{name} is in {' and in '.join(map(str, sorted(paths)))}")
