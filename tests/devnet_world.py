# SPDX-License-Identifier: Apache-2.0
"""A devnet of a test's own, and the contract that probes the VM."""
import json, os, subprocess

import kit, near
from near import Account, Key, NEAR

ROOT = "test.near"
COMPILED = {}


def compiled(name):
    """A compiled test contract's path."""
    if name not in COMPILED:
        path = os.path.join(kit.BUILD, name + ".wasm")
        os.makedirs(kit.BUILD, exist_ok=True)
        own = f"{path}.{os.getpid()}"  # another run of these tests may read the file just now
        try:
            subprocess.run(["wat2wasm", os.path.join(kit.ROOT, "tests", "contracts", name + ".wat"), "-o", own],
                           check=True)
            os.replace(own, path)
        except FileNotFoundError:
            raise kit.Skip("wat2wasm (package wabt) is not installed")
        COMPILED[name] = path
    return COMPILED[name]


def probe():
    return compiled("probe")


def code_of(name):
    with open(compiled(name), "rb") as f:
        return f.read()


def probe_code():
    return code_of("probe")


class Devnet(kit.Daemon):
    """A devnet in a folder; blocks at once unless told otherwise. `root` signs for test.near."""

    def __init__(self, home, **env):
        super().__init__("outlayer-devnet", {"BLOCK_MS": "0", "BLOCK_IDLE_MS": "50", **env}, home=home)
        with open(os.path.join(home, ROOT + ".json")) as f:
            self.root = Account(self.url, ROOT, Key.parse(json.load(f)["private_key"]))

    def rpc(self, method, params=None, **more):
        return kit.rpc(self.url, method, params if params is not None else {}, **more)

    def call(self, method, params):
        """(HTTP status, answer) of a call."""
        status, _, body = kit.http("POST", self.url, {"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        return status, json.loads(body)

    def height(self):
        return self.rpc("status", [])["result"]["sync_info"]["latest_block_height"]

    def contract(self, code, name):
        account = self.root.create(name, 20 * NEAR)
        done = account.send(name, near.deploy(code))
        if "SuccessValue" not in done.get("result", {}).get("status", {}):
            raise RuntimeError(f"cannot deploy: {json.dumps(done)[:600]}")
        return account

    def probe(self, name="probe." + ROOT):
        return self.contract(probe_code(), name)

    def account(self, name):
        """Amount, locked amount and used bytes of an account."""
        got = self.rpc("query", {"request_type": "view_account", "finality": "final", "account_id": name})["result"]
        return int(got["amount"]), int(got["locked"]), got["storage_usage"]


def error(answer):
    """(name, cause, info, data) of an answer's error."""
    e = answer.get("error", {})
    return e.get("name"), e.get("cause", {}).get("name"), e.get("cause", {}).get("info"), e.get("data")
