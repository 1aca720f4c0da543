#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Line coverage of all tests together, as a table, and what of it is too little.

    scripts/coverage.py SUMMARY.json    the export of llvm-cov (scripts/coverage.sh makes it)
    scripts/coverage.py --list          only looks whether scripts/coverage_reasons.txt names files that exist

Code that handles money, leases, access or foreign bytes (CRITICAL) must have LEAST per cent of its lines run by tests.
A file that has less is a line in coverage_reasons.txt: its path, the least per cent that it may have, and why."""
import collections, json, os, re, sys

LEAST = 90
CRITICAL = re.compile(
    r"^(src/(codec|crypto|dcap|blobs|near|protocol|repo|secrets|tee|collateral|keystore|store"
    r"|coordinator|worker|egress|wasm|ledger|nearvm|chain)/"
    r"|src/http/(server|router|deferred)\.c|src/sandbox/(wire|slot_wire|cgroup|confine)|src/executor/(wire|verdict|cache|code)\.c"
    r"|src/builder/(git|recipe|source|tree|artifact|branch)\.c|contracts/(outlayer|sdk)/)")
REASONS = "scripts/coverage_reasons.txt"


def reasons():
    found = {}
    with open(REASONS) as f:
        for number, line in enumerate(f, 1):
            if line.strip() and not line.startswith("#"):
                path, least, why = line.rstrip("\n").split(None, 2)
                if not os.path.exists(path):
                    print(f"{REASONS}:{number}: there is no {path}")
                found[path] = (int(least), why)
    return found


def files(summary):
    """{path: (lines, lines that ran)} of what is not itself a test."""
    with open(summary) as f:
        data = json.load(f)["data"][0]
    root = os.getcwd() + "/"
    for one in data["files"]:
        path = one["filename"].removeprefix(root)
        if not re.search(r"^tests/|^bench/|/(kit|mock|abi|wasmref)/|_(test|fuzz)\.c$|main_\w+\.c$", path):
            yield path, one["summary"]["lines"]["count"], one["summary"]["lines"]["covered"]


def main(summary):
    allowed, sums, faults = reasons(), collections.defaultdict(lambda: [0, 0]), []
    for path, lines, ran in sorted(files(summary)):
        per_cent = 100 * ran / lines if lines else 100
        critical = bool(CRITICAL.search(path))
        print(f"{per_cent:6.1f} %  {ran:5d} of {lines:5d}  {'*' if critical else ' '} {path}")
        for group in ("all", "*" if critical else None, os.path.dirname(path)):
            if group:
                sums[group][0] += lines
                sums[group][1] += ran
        least = allowed.pop(path, (LEAST, ""))[0]
        if critical and per_cent < least:
            faults.append(f"{path} has {per_cent:.1f} %, less than {least}: test it, or say in {REASONS} why not")
        elif least < LEAST <= per_cent:
            faults.append(f"{path} has {per_cent:.1f} %: its line in {REASONS} can go")
    print()
    for group, (lines, ran) in sorted(sums.items()):
        print(f"{100 * ran / max(lines, 1):6.1f} %  {ran:5d} of {lines:5d}  "
              f"{ {'all': 'everything', '*': 'money, leases, access, foreign bytes'}.get(group, group) }")
    for fault in faults:
        print(f"FAIL {fault}")
    return not faults


if sys.argv[1] == "--list":
    reasons()
else:
    sys.exit(0 if main(sys.argv[1]) else 1)
