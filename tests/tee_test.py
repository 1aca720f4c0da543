#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`outlayer tee`: what machines prove about themselves."""
import json, os, subprocess

import kit
from kit import check, equal

VECTORS = os.path.join(kit.ROOT, "tests", "vectors", "dcap")
# A machine of near/mpc: its compose file has no instances, its provider of keys is a local enclave.
MACHINE = "mpc_tdx_v4_b0c06f_1b075a77b"
PROVIDER = '{"name":"local-sgx","id":"1b7a49378403249b6986a907844cab0921eca32dd47e657f3c10311ccaeccf8b"}'


def run(*args, env=None, stdin=None, timeout=60):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OUTLAYER_", "DSTACK_", "NEAR_"))}
    return subprocess.run([kit.program("outlayer"), "tee", *args], env=clean | (env or {}), capture_output=True,
                          text=True, input=stdin or "", timeout=timeout)


def answer(done):
    lines = done.stdout.strip().splitlines()
    return json.loads(lines[-1]) if lines else {}


def test_measure():
    """If it fails, an owner approves a hash that no machine shows."""
    with open(os.path.join(VECTORS, MACHINE + ".tcb_info.json")) as f:
        machine = json.load(f)
    with open(os.path.join(VECTORS, MACHINE + ".quote.bin"), "rb") as f:
        quote = f.read()
    with kit.folder() as home:
        path = os.path.join(home, "app-compose.json")
        with open(path, "w") as f:
            f.write(machine["app_compose"])
        got = answer(run("measure", path, "--json"))
        equal("the compose hash is the machine's", got.get("compose_hash"), machine["compose_hash"])
        equal("so is MRCONFIGID, as its quote has it", got.get("mr_config_id"), quote[232:280].hex())
        equal("RTMR3 is not guessed", got.get("rtmr3"), None)
        known = answer(run("measure", path, "--key-provider", PROVIDER, "--json"))
        equal("RTMR3 is 48 bytes once its parts are known", len(known.get("rtmr3") or ""), 96)
        people = run("measure", path)
        check("people are told what is missing", "RTMR3         also depends on --key-provider" in people.stdout, people.stdout)
        for what, args in {"an instance where there are none": ["--instance-id", "00" * 20], "half an id": ["--app-id", "00" * 19],
                           "a provider that is no JSON": ["--key-provider", "kms"]}.items():
            done = run("measure", path, *args)
            equal(f"{what} is wrong usage", (done.returncode, done.stdout), (2, ""))
        with open(path, "a") as f:
            f.write(" ")
        check("one more space is another file", answer(run("measure", path, "--json"))["compose_hash"] != machine["compose_hash"])
    equal("no file is wrong usage", run("measure").returncode, 2)


kit.main(globals())
