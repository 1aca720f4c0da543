#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The gas of the contract's calls, on the devnet, against ceilings that only go down: a change that makes a call dearer
is seen. Counted is what the code can change: loading, instructions and host functions. Fees of promises are the
protocol's: with 0.38 Tgas for a yield and 0.22 for a transfer these are the figures of NEAR's own VM
(bench/contract_gas.py)."""
import contextlib, json

import kit, near
from kit import check, folder
from keystore_world import CONTRACT, World

TGAS = near.TGAS
# Tgas. What is lower by much should be lowered here.
CEILINGS = {
    "request_execution": 0.778, "request_execution, 10 KiB of input": 4.385, "resolve_execution": 1.574,
            "callback": 0.717,
    "callback, another payer": 0.75, "store_secrets": 0.755, "whole round trip": 7.25,
}
OUTPUT = {"random_number": 42}


def vm_gas(outcome):
    profile = outcome["outcome"]["metadata"]["gas_profile"] or []
    return sum(int(x["gas_used"]) for x in profile if x["cost_category"] == "WASM_HOST_COST")


def burnt(result):
    """Gas of a transaction and its receipts, without those that give unused gas back."""
    of_system = {x["receipt_id"] for x in result["receipts"] if x["predecessor_id"] == "system"}
    return sum(int(x["outcome"]["gas_burnt"]) for x in [result["transaction_outcome"], *result["receipts_outcome"]]
               if x["id"] not in of_system)


class Calls:
    def __init__(self, w):
        self.w, self.next, self.found = w, 0, {}

    def note(self, name, gas):
        print(f"   {name:40} {gas / TGAS:.4f} Tgas")
        check(f"{name}: at most {CEILINGS[name]} Tgas", 0 < gas <= CEILINGS[name] * TGAS, gas / TGAS)

    def first(self, answer):
        """VM gas of a transaction's only call."""
        return vm_gas(answer["result"]["receipts_outcome"][0])

    def request(self, **more):
        """(hash, id): it waits for its answer."""
        args = {"code_source": {"repo": "https://github.com/near/x-example", "commit": "main",
                                "build_target": "wasm32-wasip1"},
                "resource_limits": {"max_instructions": 10_000_000_000, "max_memory_mb": 128,
                                    "max_execution_seconds": 60},
                "input_data": '{"min":1,"max":100}', "response_format": "Json", **more}
        raw, tx = self.w.alice.signed(CONTRACT,
                                      near.call("request_execution", args, gas=200 * TGAS, deposit=near.NEAR // 10))
        kit.rpc(self.w.url, "send_tx", {"signed_tx_base64": raw, "wait_until": "INCLUDED"})
        id = self.next
        self.next += 1
        kit.until(lambda: near.view_value(self.w.url, CONTRACT, "get_request", {"request_id": id}))
        return tx, id

    def whole(self, tx, who):
        return kit.rpc(self.w.url, "EXPERIMENTAL_tx_status",
                       {"tx_hash": tx, "sender_account_id": who, "wait_until": "FINAL"})["result"]

    def runs(self, tx):
        """The contract's outcomes of a request: its own and its callback's."""
        return [x for x in self.whole(tx, self.w.alice.id)["receipts_outcome"]
                if x["outcome"]["executor_id"] == CONTRACT]

    def answer(self, id):
        return self.w.operator.send(CONTRACT, near.call("resolve_execution", {"request_id": id, "response": {
            "success": True, "output": {"Json": OUTPUT}, "error": None, "compilation_note": None,
            "resources_used": {"instructions": 1234567, "time_ms": 5, "compile_time_ms": None}}}, gas=100 * TGAS))


def test_gas():
    with contextlib.ExitStack() as stack, folder() as home:
        w = World(stack, home)
        c = Calls(w)
        tx, id = c.request()
        resolved = c.answer(id)
        run = c.runs(tx)
        check("a request and its callback", len(run) == 2
              and json.loads(near.value_of({"status": run[1]["outcome"]["status"]})) == OUTPUT, run)
        c.note("request_execution", vm_gas(run[0]))
        c.note("callback", vm_gas(run[1]))
        c.note("resolve_execution", c.first(resolved))
        c.note("whole round trip",
               burnt(c.whole(tx, w.alice.id)) + burnt(c.whole(resolved["result"]["transaction"]["hash"],
                                                              w.operator.id)))
        tx, id = c.request(input_data="x" * 10240)
        c.answer(id)
        c.note("request_execution, 10 KiB of input", vm_gas(c.runs(tx)[0]))
        tx, id = c.request(payer_account_id=w.bob.id)
        c.answer(id)
        c.note("callback, another payer", vm_gas(c.runs(tx)[1]))
        stored = w.alice.send(CONTRACT, near.call("store_secrets", {
            "repo": "github.com/alice/project", "profile": "default", "encrypted_secrets_base64": "A" * 200,
                                                                    "access": "AllowAll"}, deposit=near.NEAR // 100))
        c.note("store_secrets", c.first(stored))


if __name__ == "__main__":
    kit.main(globals())
