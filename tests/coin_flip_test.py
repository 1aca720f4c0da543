#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The coin flip of contracts/examples, in C and with near-sdk in Rust, played by near-api-js. If this fails, one of the
two does not do what the other does, and whoever wrote a contract from it loses money or trust."""
import os, subprocess

import kit
from near_api_js_test import node, script
from stack_test import Stack

RUST = os.path.join(kit.ROOT, "contracts", "examples", "coin_flip_rust")
RANDOM = os.path.join(kit.ROOT, "examples", "random-c")


def rust_contract():
    done = subprocess.run([os.path.join(kit.ROOT, "scripts", "rust_contract.sh"),
                           RUST], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-1200:])
    return done.stdout.strip()


def test_coin_flip_in_c_and_rust():
    js = script("coin_flip.mjs")
    contracts = (("c", kit.built("contracts/coin_flip.wasm")), ("rust", rust_contract()))
    with kit.folder() as home:
        stack = Stack(home)
        stack.request(RANDOM, '{"min":0,"max":1}')  # puts the folder where workers find it
        job, player = stack.job(), stack.info["accounts"][0]
        for name, wasm in contracts:
            run = subprocess.run([node(), js, stack.info["rpc_url"], player["account_id"], player["private_key"], wasm,
                                  f"coin-{name}", stack.info["contract_id"], job["repo"], job["commit"]],
                                 capture_output=True, text=True, timeout=300)
            for line in run.stdout.splitlines():
                kind, _, rest = line.partition(" ")
                if kind in ("ok", "FAIL"):
                    kit.report(kind, f"{name}: {rest}")
            kit.check(f"{name}: the script ran to its end", run.returncode == 0 and "the owner gets" in run.stdout,
                      (run.returncode, run.stdout[-300:], run.stderr[-600:]))
        stack.stop()


if __name__ == "__main__":
    kit.main(globals())
