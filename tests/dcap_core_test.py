#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The core of the verifier asks for nothing but its back end and what any compiler may call: no heap, no clock, no input or
output; and it keeps nothing between calls. So the same sources run in a contract and in a browser, and a verification
depends on its arguments alone."""
import os, subprocess
import kit

BACK_END = {"dcap_sha256", "dcap_p256_verify"}
COMPILERS = {"memcpy", "memcmp", "memset", "memmove", "strlen", "__stack_chk_fail", "_GLOBAL_OFFSET_TABLE_",
             "__memcpy_chk", "__memset_chk", "__memmove_chk"}


def core_objects():
    sources = sorted(f[:-2] for f in os.listdir(os.path.join(kit.ROOT, "src/dcap"))
                     if f.endswith(".c") and not f.endswith(("_test.c", "_fuzz.c", "_openssl.c")))
    objects = [os.path.join(kit.BUILD, "obj/src/dcap", name + ".o") for name in sources]
    missing = [o for o in objects if not os.path.exists(o)]
    if missing:
        raise kit.Skip(f"{missing[0]} is not built")
    return objects


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_asks_for_nothing():
    objects = core_objects()
    own = {line.split()[-1] for line in output("nm", "--defined-only", "-g", *objects).split("\n") if len(line.split()) == 3}
    asked = {line.split()[-1] for line in output("nm", "-u", *objects).split("\n") if line.startswith(" ")}
    kit.equal("what the core asks for", sorted(asked - own - BACK_END - COMPILERS), [])
    kit.check("it asks for its back end", BACK_END <= asked, sorted(asked))


def test_keeps_nothing():
    state = {}
    for o in core_objects():
        for line in output("size", "-A", o).split("\n"):
            name, *numbers = line.split() or [""]
            if (name.startswith((".data", ".bss", ".tdata", ".tbss")) and not name.startswith(".data.rel.ro")) and int(numbers[0]):
                state[os.path.basename(o)] = line
    kit.equal("what the core could change between calls", state, {})


kit.main(globals())
