#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Size of the contracts and, where NEARVM names a program that runs calls through NEAR's own VM, the gas of each call
of one round trip and of the other methods (VM part: loading, instructions, host functions, promises) beside the figures
it is measured against. --write puts the table into docs/contract.md."""
import json, os, struct, subprocess, sys, tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WASM = os.path.join(ROOT, "build/contracts/outlayer.wasm")
OTHER_SIZE, SIZE_AIM = 363433, 40000
REQUEST = {"code_source": {"repo": "https://github.com/near/x-example", "commit": "main",
                           "build_target": "wasm32-wasip1"},
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
            + text("" if success else "exit status 3") + text("") + struct.pack("<BB", 0, 3 if success
                                                                                else 0) + text(output)).hex()


def call(label, method, who, args, aim=None, other=None, **more):
    return dict(label=label, method=method, predecessor=who, args=args, aim=aim, other=other, **more)


def request(label, args=REQUEST, **more):
    return call(label, "request_execution", "alice.near", args, deposit=str(10**23), **more)


def resolve(label, i, **more):
    return call(label, "resolve_execution", "worker.near",
                {"request_id": i, "response": {"success": True, "output": {"Json": json.loads(OUTPUT)}, "error": None,
                                               "resources_used": USED, "compilation_note": None}}, **more)


def callback(label, yield_of, result, **more):
    return call(label, "on_execution_response", "outlayer.near", {}, yield_of=yield_of, promise_results=[result],
                **more)


def operator(label, method, args, **more):
    return call(label, method, "worker.near", args, **more)


def owner(method, args, label=None, **more):
    return call(label or method, method, "owner.near", args, **more)


def alice(method, args, label=None, **more):
    return call(label or method, method, "alice.near", args, **more)


BLOB = "A" * 200
SECRET = {"repo": "github.com/alice/project", "profile": "default"}
STORE = dict(SECRET, encrypted_secrets_base64=BLOB, access="AllowAll")
KEY = "ed25519:6E8sCci9badyRkXb3JoRpBj5p8C6Tw41ELDZoiihKEtp"
NEAR = 10**24
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
    operator("submit_…_and_resolve, 2000 B Text", "submit_execution_output_and_resolve",
         {"request_id": 3, "output": {"Text": "x" * 2000}, "success": True, "error": None, "resources_used": USED,
          "compilation_note": None}, other=2.6699),
    request("request_execution, 10 KiB of input", dict(REQUEST, input_data="x" * 10240), aim=3.7, other=6.5287),
    request("request_execution, another payer", dict(REQUEST, payer_account_id="bob.near")),
    callback("on_execution_response, another payer", 11, {"$hex": payload(True, OUTPUT)}, aim=1.35),
    call("on_refund_transferred, arrived", "on_refund_transferred", "outlayer.near",
         {"request_id": 5, "payer_account_id": "bob.near", "sender_id": "alice.near", "amount": str(NEAR)},
         promise_results=[""]),
    call("on_refund_transferred, came back", "on_refund_transferred", "outlayer.near",
         {"request_id": 5, "payer_account_id": "bob.near", "sender_id": "alice.near", "amount": str(NEAR)},
         promise_results=["$failed"]),
    alice("claim_refund", {"account_id": "bob.near"}),
    request("request_execution, with secrets",
            dict(REQUEST, secrets_ref={"profile": "default", "account_id": "alice.near"})),
    operator("extend_execution", "extend_execution", {"request_id": 6}),
    callback("on_execution_response, extension", 16, {"$hex": "02"}),
    operator("submit_execution_output, 2000 B", "submit_execution_output",
             {"request_id": 6, "output": {"Text": "x" * 2000}}),
    owner("emergency_cancel_execution", {"request_id": 6}),
    request("request to be cancelled"),
    alice("cancel_stale_execution", {"request_id": 7}, timestamp=2 * 10**18),
    alice("store_secrets", STORE, deposit=str(NEAR // 100), aim=1.25, other=1.57),
    alice("store_secrets", STORE, label="store_secrets, the same again", deposit="0"),
    alice("store_secrets", dict(STORE, branch="main"), label="store_secrets, with a branch", deposit=str(NEAR // 100)),
    alice("update_access", dict(SECRET, new_access={"Whitelist": {"accounts": ["bob.near"]}}),
          deposit=str(NEAR // 100)),
    alice("delete_secrets", SECRET),
    owner("set_pricing", {"base_fee": "1000000000000000000000"}),
    owner("set_paused", {"paused": False}),
    owner("set_keystore_key", {"public_key": KEY}),
    owner("add_operator", {"account_id": "worker2.near"}),
    call("resolve_execution, second operator", "resolve_execution", "worker2.near", {"request_id": 4, "response": {
        "success": True, "output": {"Json": json.loads(OUTPUT)}, "resources_used": USED}}),
    owner("remove_operator", {"account_id": "worker2.near"}),
    owner("set_operator", {"new_operator_id": "worker.near"}),
    owner("withdraw_fees", {"amount": "1"}),
    owner("clear_all_pending_requests", {"limit": 2}, label="clear_all_pending_requests, 2"),
    owner("set_owner", {"new_owner_id": "alice.near"}),
    alice("accept_owner", {}),
]


def gas(nearvm):
    keep = ("label", "method", "predecessor", "args", "deposit", "yield_of", "promise_results", "timestamp")
    scenario = {"pv": 86,
                "defaults": {"wasm": WASM, "account": "outlayer.near", "signer": "alice.near", "gas": 300 * 10**12},
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
    refund = 223182562500  # executing the receipt of a transfer
    round_trip = sum(done[i]["gas"]["tx_plus_receipt"] for i in (1, 2)) + done[3]["gas"]["receipt_gas_burnt"] + refund
    print(f"whole round trip with its receipts and the refund: {round_trip / 1e12:.2f} Tgas (aim 7.4, other 8.76)")
    return done


def write_table(done, page):
    """The table between <!-- gas --> and <!-- end gas --> of the page."""
    other = lambda c: f"{c['other']:.2f}" if c["other"] else ""
    rows = "".join(f"| {c['label']} | {d['gas']['vm_burnt'] / 1e12:.2f} | {other(c)} |\n" for c, d in zip(CALLS, done))
    text = open(page).read()
    before, rest = text.split("<!-- gas -->\n", 1)
    after = rest[rest.index("<!-- end gas -->"):]
    open(page, "w").write(before + "<!-- gas -->\n| call | Tgas | reference |\n|---|---|---|\n" + rows + after)


def main():
    for name in ("outlayer", "asker"):
        path = os.path.join(ROOT, f"build/contracts/{name}.wasm")
        extra = f" (aim {SIZE_AIM}, other {OTHER_SIZE}: {os.path.getsize(path) / OTHER_SIZE:.3f} of it)" if name == "outlayer" else ""
        print(f"{name}.wasm: {os.path.getsize(path)} bytes{extra}")
    nearvm = os.environ.get("NEARVM")
    if not nearvm:
        print("gas of the calls that are gated, on the devnet (each call in NEAR's own VM: NEARVM=path of the nearvm program)")
        return subprocess.run([sys.executable, os.path.join(ROOT, "tests/contract_gas_test.py")]).returncode
    done = gas(nearvm)
    if "--write" in sys.argv:
        write_table(done, os.path.join(ROOT, "docs/contract.md"))
    return 0 if all(d["ok"] for d in done) else 1


sys.exit(main())
