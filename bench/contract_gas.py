#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Size of the contracts and, where NEARVM names a program that runs calls through NEAR's own VM, the gas of each call of
one round trip (VM part: loading, instructions, host functions, promises) beside the figures it is measured against."""
import json, os, struct, subprocess, sys, tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WASM = os.path.join(ROOT, "build/contracts/outlayer.wasm")
OTHER_SIZE, SIZE_AIM = 363433, 40000
REQUEST = {"code_source": {"repo": "https://github.com/near/x-example", "commit": "main", "build_target": "wasm32-wasip1"},
           "resource_limits": {"max_instructions": 10000000000, "max_memory_mb": 128, "max_execution_seconds": 60},
           "input_data": "{\"min\":1,\"max\":100}", "response_format": "Json"}
SECRET = {"repo": "github.com/near/x-example", "branch": None, "profile": "prod"}
STORED = dict(SECRET, encrypted_secrets_base64="A" * 400, access={"Whitelist": {"accounts": ["alice.near"]}})
USED = {"instructions": 1234567, "time_ms": 5, "compile_time_ms": None}
OUTPUT = '{"random_number":42}'


def payload(success, output):
    """The resume payload of a small answer, as the contract writes it (contracts/outlayer/settle.c)."""
    text = lambda t: struct.pack("<I", len(t)) + t.encode()
    return (struct.pack("<BBBQQBQBB", 1, success, 0, USED["instructions"], USED["time_ms"], 0, 0, 0, 0)
            + text("" if success else "exit status 3") + text("") + struct.pack("<BB", 0, 3 if success else 0) + text(output)).hex()


def call(label, method, who, args, aim=None, other=None, **more):
    return dict(label=label, method=method, predecessor=who, args=args, aim=aim, other=other, **more)


def request(label, args=REQUEST, **more):
    return call(label, "request_execution", "alice.near", args, deposit=str(10**23), **more)


def resolve(label, i, **more):
    return call(label, "resolve_execution", "worker.near",
                {"request_id": i, "response": {"success": True, "output": {"Json": json.loads(OUTPUT)}, "error": None,
                                               "resources_used": USED, "compilation_note": None}}, **more)


def callback(label, yield_of, result, **more):
    return call(label, "on_execution_response", "outlayer.near", {}, yield_of=yield_of, promise_results=[result], **more)


CALLS = [
    call("new", "new", "owner.near", {"owner_id": "owner.near", "operator_id": "worker.near"}),
    request("request_execution", aim=1.15, other=1.7233),
    resolve("resolve_execution, small Json", 0, aim=1.75, other=2.0923),
    callback("on_execution_response, success", 1, {"$hex": payload(True, OUTPUT)}, aim=0.95, other=1.4103),
    request("second request"),
    callback("on_execution_response, guest failed", 4, {"$hex": payload(False, "")}, other=1.3793),
    request("third request"),
    callback("on_execution_response, timed out", 6, "$failed", other=1.3729),
    request("request_execution, 1 KiB of input", dict(REQUEST, input_data="x" * 1024), other=2.1995),
    call("submit_…_and_resolve, 2000 B Text", "submit_execution_output_and_resolve", "worker.near",
         {"request_id": 3, "output": {"Text": "x" * 2000}, "success": True, "error": None, "resources_used": USED,
          "compilation_note": None}, other=2.6699),
    request("request_execution, 10 KiB of input", dict(REQUEST, input_data="x" * 10240), aim=3.7, other=6.5287),
    request("request_execution, other payer, secrets", dict(REQUEST, payer_account_id="bob.near",
                                                            secrets_ref={"profile": "prod", "account_id": "bob.near"})),
    resolve("resolve_execution of it", 5),
    callback("on_execution_response, other payer", 11, {"$hex": payload(True, OUTPUT)}, aim=1.35),
    call("store_secrets, 300 bytes", "store_secrets", "alice.near", STORED, deposit=str(10**23), aim=1.25, other=1.57),
    call("store_secrets, again", "store_secrets", "alice.near", STORED),
    call("store_secrets, another profile", "store_secrets", "alice.near", dict(STORED, profile="test"), deposit=str(10**23)),
    call("store_secrets, a branch's", "store_secrets", "alice.near", dict(STORED, branch="main"), deposit=str(10**23)),
    call("update_access", "update_access", "alice.near", dict(SECRET, new_access="AllowAll")),
    call("delete_secrets", "delete_secrets", "alice.near", SECRET),
    call("set_pricing", "set_pricing", "owner.near", {"base_fee": "1"}),
    call("withdraw_fees", "withdraw_fees", "owner.near", {}),
]


def gas(nearvm):
    keep = ("label", "method", "predecessor", "args", "deposit", "yield_of", "promise_results")
    scenario = {"pv": 86, "defaults": {"wasm": WASM, "account": "outlayer.near", "signer": "alice.near", "gas": 300 * 10**12},
                "calls": [{k: c[k] for k in keep if k in c} for c in CALLS]}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        json.dump(scenario, f)
        f.flush()
        done = json.loads(subprocess.run([nearvm, f.name], check=True, capture_output=True, text=True).stdout)["calls"]
    print(f"{'VM gas in Tgas':40} {'ours':>7} {'aim':>7} {'other':>7} {'ratio':>6}  loading  wasm   host   promises")
    for c, d in zip(CALLS, done):
        g = d["gas"]
        tgas = g["vm_burnt"] / 1e12
        aim, other = c["aim"], c["other"]
        print(f"{c['label']:40} {tgas:7.4f} {aim or '':>7} {other or '':>7} {f'{tgas / other:.2f}' if other else '':>6}"
              f"  {g['loading'] / 1e12:.4f}  {g['wasm'] / 1e12:.4f} {g['host'] / 1e12:.4f} {g['actions'] / 1e12:.4f}"
              + ("" if d["ok"] else f"  FAILED: {d['error']}"))
    return all(d["ok"] for d in done)


def main():
    for name in ("outlayer", "asker"):
        path = os.path.join(ROOT, f"build/contracts/{name}.wasm")
        extra = f" (aim {SIZE_AIM}, other {OTHER_SIZE}: {os.path.getsize(path) / OTHER_SIZE:.3f} of it)" if name == "outlayer" else ""
        print(f"{name}.wasm: {os.path.getsize(path)} bytes{extra}")
    nearvm = os.environ.get("NEARVM")
    if not nearvm:
        print("gas: not measured here; NEARVM=path of the nearvm program does it")
        return 0
    return 0 if gas(nearvm) else 1


sys.exit(main())
