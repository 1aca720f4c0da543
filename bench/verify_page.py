#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The verifier of quotes in a browser: how large it is, and how long one verification of a real quote takes there, in
Node.js and natively, in the same run."""
import os, statistics, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests"))
import kit, verify_page_test as page

MODULE_MAX, MS_MAX = 60 << 10, 50


def line(name, times):
    first, others, again = times[0], times[1:len(times) // 2], times[len(times) // 2:]
    print(f"{name:<24} first {first:8.2f} ms   others p50 {statistics.median(others):7.2f} ms   "
          f"the same again p50 {statistics.median(again):7.2f} ms", flush=True)


folder = page.made()
for file, most in (("dcap.wasm", f" (at most {MODULE_MAX:,})"), ("page.js", ""), ("verify.js", "")):
    print(f"{file:<24} {os.path.getsize(os.path.join(folder, file)):>9,} bytes{most}")
# Real quotes whose verification goes through to a status, each with its own collateral; then all of them once more.
whole = [q for q, v in page.real() if "check_at" in v and v["expect"] != "TCB_NOT_SUPPORTED"]
questions = whole + whole
print(f"{len(whole)} real quotes with collateral, nine signatures each where none is known yet")
line("natively", [float(ms) for ms in page.native(questions, "times")])
with kit.folder() as home:
    line("Node.js", page.in_node(home, questions)["times"])
    line(f"Chromium (aim {MS_MAX})", page.in_chromium(home, questions)["times"])
