#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The register contract on the devnet: real quotes at their dates, the table of cases, a flipped byte here and there,
registrations with real rights, and what all this costs. Gas is counted by the protocol's prices, so that the ceilings
here are the budget; they only go down."""
import base64, contextlib, json, os, random

import kit, near, tee_test
from kit import Daemon, check, equal, folder

REGISTER, MAIN, NETWORK = "worker.test.near", "outlayer.test.near", "devnet"
VECTORS = os.path.join(kit.ROOT, "tests", "vectors", "dcap")
TGAS = near.TGAS
REAL = "qvl_tdx_v4_b0c06f"
METHODS = ["resolve_execution", "submit_execution_output", "submit_execution_output_and_resolve", "extend_execution", "cancel_stale_execution"]
# Tgas of the VM: loading, instructions, host functions. What is lower by much should be lowered here.
CEILINGS = {"registration, collateral in the call": 17.34, "registration, pushed before": 6.26, "push of the root's list": 3.5, "push of a PCK list": 2.54,
            "push of a TCB info": 4.22, "push of a QE identity": 2.14, "everything anew": 11.16, "judging a key again": 0.77}


def read(name):
    with open(os.path.join(VECTORS, name), "rb") as f:
        return f.read()


def collateral_of(name):
    return json.loads(read(name))


def manifest():
    return json.loads(read("manifest.json"))


class World:
    """A devnet at some date with the contract on the operator's account."""

    def __init__(self, stack, home, when, **new):
        key = near.Key()
        genesis = os.path.join(home, "genesis.json")
        with open(genesis, "w") as f:
            json.dump({"chain_id": new.pop("chain", NETWORK), "accounts": [
                {"account_id": "test.near", "public_key": key.public, "balance": str(10 ** 33)}]}, f)
        os.mkdir(os.path.join(home, "chain"))
        self.net = stack.enter_context(Daemon("outlayer-devnet", {
            "BLOCK_MS": "0", "BLOCK_IDLE_MS": "0", "GENESIS": genesis, "GENESIS_TIME": str(when)}, home=os.path.join(home, "chain")))
        self.url = self.net.url
        self.root = near.Account(self.url, "test.near", key)
        self.owner = self.root.create(REGISTER, 1000 * near.NEAR)
        self.payer = self.root.create("payer.test.near", 1000 * near.NEAR)
        self.deployed = self.deploy(self.owner, **new)

    def deploy(self, account, **new):
        with open(kit.built("contracts/register.wasm"), "rb") as f:
            code = f.read()
        args = {"owner_id": account.id, "init_worker_account": self.payer.id, "outlayer_contract_id": MAIN, "min_tcb_eval": 1, "min_qe_eval": 1, **new}
        return account.send(account.id, near.deploy(code), near.call("new", args))

    def call(self, who, method, args, deposit=0, gas=300):
        return who.send(REGISTER, near.call(method, args, gas=gas * TGAS, deposit=deposit), wait="FINAL")

    def ok(self, who, method, args, **more):
        answer = self.call(who, method, args, **more)
        if "SuccessValue" not in answer.get("result", {}).get("status", {}):
            raise RuntimeError(f"{method}: {json.dumps(answer)[:1500]}")
        return answer["result"]

    def refusal(self, who, method, args, **more):
        return json.dumps(self.call(who, method, args, **more))

    def view(self, method, args=None, contract=REGISTER):
        return near.view_value(self.url, contract, method, args or {})

    def usage(self):
        return kit.rpc(self.url, "query", {"request_type": "view_account", "finality": "final", "account_id": REGISTER})["result"]["storage_usage"]


def vm_gas(result):
    """Of the contract's own call: what its code decides."""
    profile = result["receipts_outcome"][0]["outcome"]["metadata"]["gas_profile"] or []
    return sum(int(x["gas_used"]) for x in profile if x["cost_category"] == "WASM_HOST_COST")


def note(name, result):
    gas = vm_gas(result)
    print(f"   {name:40} {gas / TGAS:.3f} Tgas")
    check(f"{name}: at most {CEILINGS[name]} Tgas", 0 < gas <= CEILINGS[name] * TGAS, gas / TGAS)


def test_real_quotes():
    """Each vector of the manifest by its collateral, at its date."""
    m = manifest()
    with contextlib.ExitStack() as stack, folder() as home:
        w = World(stack, home, 1_750_320_802)
        for v in m["vectors"] + m["cross"]:
            if not v.get("collateral") or "check_at" not in v:
                continue
            got = w.view("check_quote", {"tdx_quote_hex": read(v["quote"]).hex(), "collateral": collateral_of(v["collateral"]), "at": v["check_at"]})
            name = f"{v['quote']} with {v['collateral']}"
            want = v["expect"]
            if "error" in got:
                check(f"{name}: {want}", got["status"] is None and got["error"]["code"] in want, (got, want))
                continue
            check(f"{name}: {want}", got["status"] == want and sorted(got["advisory_ids"]) == sorted(v["advisory_ids"]), (got["status"], got["advisory_ids"]))
            if "rtmr" in v and got["tee"] == "TDX":
                check(f"{name}: its measurements", [got[f"rtmr{i}"] for i in range(4)] == v["rtmr"] and got["mrtd"] == v["mrtd"], got)
            late = w.view("check_quote", {"tdx_quote_hex": read(v["quote"]).hex(), "collateral": collateral_of(v["collateral"]), "at": v["not_after"] + 1})
            check(f"{name}: not after its window", late["status"] is None and "EXPIRED" in late["error"]["code"], late)
        for v in m["negative"]:
            got = w.view("check_quote", {"tdx_quote_hex": read(v["quote"]).hex(), "collateral": collateral_of(v["collateral"]), "at": 1_751_624_191})
            check(f"{v['quote']} with {v['collateral']} is refused", got["status"] is None and got["verdict"] in ("false", "uncheckable"), got)


def test_registration_of_a_real_quote():
    """The whole way with what Intel signed, and its gas."""
    v = next(x for x in manifest()["vectors"] if x["name"] == REAL)
    quote, collateral = read(v["quote"]), collateral_of(v["collateral"])
    key = "ed25519:" + near.b58(bytes.fromhex(v["report_data"])[:32])
    args = {"public_key": key, "tdx_quote_hex": quote.hex(), "collateral": collateral}
    measurements = {"mrtd": v["mrtd"], **{f"rtmr{i}": v["rtmr"][i] for i in range(4)}}
    with contextlib.ExitStack() as stack, folder() as home:
        w = World(stack, home, v["check_at"])
        check("the bare key alone is refused", "The quote binds the bare key" in w.refusal(w.payer, "register_worker_key", args))
        w.ok(w.owner, "set_policy", {"allow_plain_report_data": True})
        for name in ("event_lo", "event_logs", ""):
            refused = w.refusal(w.payer, "register_worker_key", {**args, name: ""})
            check(f"an argument is known by its whole name, not as {name!r}", f'unknown field \\"{name}\\"' in refused, refused[:300])
        refused = w.refusal(w.payer, "register_worker_key", args)
        check("an unapproved image is refused, with its RTMR3", f"Worker RTMR3 {v['rtmr'][3]} not approved for registration. Contact admin to add this RTMR3." in refused, refused[:3000])
        check("and a log names all five registers", v["mrtd"] in refused, refused[:300])
        seen = w.view("check_quote", args)
        deep = {}
        for _ in range(15):
            deep = {"a": deep}
        log = {"version": 1, "events": [{"event": "x", "payload": "00", "more": deep}]}
        check("a log that is nested as deeply as it may be is read",
              {"code": "EVENT_LOG"} in w.view("check_quote", {**args, "event_log": json.dumps(log)})["refused"])
        equal("check_quote shows what there is to approve", seen["mrtd"], v["mrtd"])
        w.ok(w.owner, "add_approved_measurements", {"measurements": measurements})
        before = w.usage()
        result = w.ok(w.payer, "register_worker_key", args)
        note("registration, collateral in the call", result)
        got = kit.rpc(w.url, "query", {"request_type": "view_access_key", "finality": "final", "account_id": REGISTER, "public_key": key})["result"]
        rights = got["permission"]["FunctionCall"]
        check("the key may answer, and nothing else", rights["receiver_id"] == MAIN and rights["method_names"] == METHODS, rights)
        equal("with an allowance of 10 NEAR", rights["allowance"], str(10 * near.NEAR))
        worker = w.view("get_worker", {"rtmr3": v["rtmr"][3]})
        check("get_worker finds it", worker["public_key"] == key and worker["state"] == "active" and worker["fmspc"] == v["fmspc"], worker)
        grown = w.usage() - before
        w.ok(w.owner, "remove_worker_keys", {"public_keys": [key]})
        check("its removal gives its storage back but the tombstone", w.usage() < before + grown - 300, (before, grown, w.usage()))
        gone = kit.rpc(w.url, "query", {"request_type": "view_access_key", "finality": "final", "account_id": REGISTER, "public_key": key})
        check("its rights are gone", "error" in gone or "error" in gone.get("result", {}), gone)
        refused = w.refusal(w.payer, "register_worker_key", args)
        check("it never comes back", "never registered again" in refused, refused[:600])


def test_stake():
    """Where there is no registrar anybody registers, and pays what the account's state grows by, to the byte."""
    v = next(x for x in manifest()["vectors"] if x["name"] == REAL)
    key = "ed25519:" + near.b58(bytes.fromhex(v["report_data"])[:32])
    with contextlib.ExitStack() as stack, folder() as home:
        w = World(stack, home, v["check_at"], init_worker_account=None)
        w.ok(w.owner, "set_policy", {"allow_plain_report_data": True})
        w.ok(w.owner, "add_approved_measurements", {"measurements": {"mrtd": v["mrtd"], **{f"rtmr{i}": v["rtmr"][i] for i in range(4)}}})
        w.ok(w.owner, "update_collateral", {"collateral": collateral_of(v["collateral"])})
        before = w.usage()
        result = w.ok(w.payer, "register_worker_key", {"public_key": key, "tdx_quote_hex": read(v["quote"]).hex()}, deposit=near.NEAR)
        grown = w.usage() - before
        equal("the rest of the deposit comes back", near.NEAR - given_back(w, result), grown * 10 ** 19)
        before = w.usage()
        result = w.ok(w.owner, "remove_worker_keys", {"public_keys": [key]})
        equal("and what the removal frees, access key included", given_back(w, result), (before - w.usage()) * 10 ** 19)


def given_back(w, result):
    """What this contract transfers to the payer in a transaction's receipts."""
    tx = result["transaction"]
    whole = kit.rpc(w.url, "EXPERIMENTAL_tx_status", {"tx_hash": tx["hash"], "sender_account_id": tx["signer_id"], "wait_until": "FINAL"})["result"]
    return sum(int(a["Transfer"]["deposit"]) for r in whole["receipts"] if r["predecessor_id"] == REGISTER and r["receiver_id"] == w.payer.id
               for a in r["receipt"]["Action"]["actions"] if "Transfer" in a)


def test_gas():
    """What each way costs, with what Intel signed."""
    v = next(x for x in manifest()["vectors"] if x["name"] == REAL)
    quote, c = read(v["quote"]), collateral_of(v["collateral"])
    key = "ed25519:" + near.b58(bytes.fromhex(v["report_data"])[:32])

    def part(*names):
        return {"collateral": {n: c[n] for n in names}}

    with contextlib.ExitStack() as stack, folder() as home:
        w = World(stack, home, v["check_at"])
        w.ok(w.owner, "set_policy", {"allow_plain_report_data": True})
        w.ok(w.owner, "add_approved_measurements", {"measurements": {"mrtd": v["mrtd"], **{f"rtmr{i}": v["rtmr"][i] for i in range(4)}}})
        note("push of the root's list", w.ok(w.payer, "update_collateral", part("root_ca_crl", "pck_crl_issuer_chain")))
        note("push of a PCK list", w.ok(w.payer, "update_collateral", part("pck_crl", "pck_crl_issuer_chain")))
        note("push of a TCB info", w.ok(w.payer, "update_collateral", part("tcb_info", "tcb_info_signature", "tcb_info_issuer_chain")))
        note("push of a QE identity", w.ok(w.payer, "update_collateral", part("qe_identity", "qe_identity_signature", "qe_identity_issuer_chain")))
        note("registration, pushed before", w.ok(w.payer, "register_worker_key", {"public_key": key, "tdx_quote_hex": quote.hex()}))
        note("judging a key again", w.ok(w.payer, "recheck_keys", {}))
    with contextlib.ExitStack() as stack, folder() as home:
        w = World(stack, home, v["check_at"])
        note("everything anew", w.ok(w.payer, "update_collateral", {"collateral": c}))


def test_table_of_cases():
    """The same table as natively and in browsers."""
    with open(kit.built("dcap_cases.json")) as f:
        cases = json.load(f)
    roots = sorted({c["root_key"] for c in cases})
    with contextlib.ExitStack() as stack, folder() as home:
        w = World(stack, home, 1_750_320_802)
        contract = {}
        for i, root in enumerate(roots):
            account = w.root.create(f"r{i}.test.near", 100 * near.NEAR)
            w.deploy(account, root_public_key=root)
            contract[root] = account.id
        wrong = []
        for c in cases:
            log = {"event_log": c["event_log"]} if "event_log" in c else {}
            got = w.view("check_quote", {"tdx_quote_hex": c["quote"], "collateral": c["collateral"], "at": c["at"], **log}, contract[c["root_key"]])
            if not agrees(got, c):
                wrong.append((c["name"], c["expect"], {k: got.get(k) for k in ("status", "error", "advisory_ids", "refused")}))
        check(f"{len(cases)} cases under {len(roots)} roots", not wrong, (len(wrong), wrong[:20]))
        one = cases[0]
        none = kit.rpc(w.url, "query", {"request_type": "call_function", "finality": "final", "account_id": REGISTER, "method_name": "check_quote",
                                        "args_base64": base64.b64encode(json.dumps({"tdx_quote_hex": one["quote"], "collateral": one["collateral"], "at": one["at"]}).encode()).decode()})
        seen = json.loads(bytes(none["result"]["result"]))
        equal("nothing of it passes under Intel's root", (seen["status"], seen["error"]["code"]), (None, "UNTRUSTED_ROOT"))


def agrees(got, c):
    want = c["expect"]
    if "error" in want:
        return got["status"] is None and (want["error"] == "*" or got["error"]["code"] == want["error"]) and \
            ("part" not in want or got["error"]["part"] == want["part"])
    own = {"REPORT_DATA", "IMAGE", "PLATFORM", "TEE"}  # what this contract asks beside the policy
    if want.get("log", "OK") != "OK":
        want = dict(want, refused=[*want["refused"], "EVENT_LOG"])
    return got["status"] == want["status"] and sorted(got["advisory_ids"]) == sorted(want["advisories"]) and \
        ("policy" in c or {x["code"] for x in got["refused"]} - own == set(want.get("refused", [])))


def test_flipped_bytes():
    """500 places of a real quote and its collateral, by a seed: each change is noticed."""
    v = next(x for x in manifest()["vectors"] if x["name"] == REAL)
    quote, collateral, rng = read(v["quote"])[:-v["trailing_bytes"]], collateral_of(v["collateral"]), random.Random(20261129)
    with contextlib.ExitStack() as stack, folder() as home:
        w = World(stack, home, v["check_at"])
        passed = []
        for _ in range(500):
            changed = bytearray(quote)
            at = rng.randrange(len(changed))
            changed[at] ^= 1 << rng.randrange(8)
            answer = near.view(w.url, REGISTER, "check_quote", {"tdx_quote_hex": changed.hex(), "collateral": collateral, "at": v["check_at"]})
            if "result" in answer.get("result", {}) and json.loads(bytes(answer["result"]["result"]))["status"] is not None:
                passed.append(at)
        # Bytes that nothing vouches for: the header's QE SVN and PCE SVN, and what a PEM text may have otherwise.
        check("500 flipped bits", not passed, passed)


def test_renewal_and_removal_under_way():
    """A key is renewed, and another one removed, while it answers: answers that were taken count, others are refused, and
    another key of the same account gives them."""
    with folder() as home:
        m = tee_test.Machine(home)
        m.approve()
        made = tee_test.answer(m.tee("register", "--json"))
        payer = near.Account(m.rpc, tee_test.PAYER, key_of(m.key_file(tee_test.PAYER)))
        worker = near.Account(m.rpc, tee_test.REGISTER, key_of(made["key_file"]))
        for number in range(4):
            ask(payer, number)
        worker.send(tee_test.CONTRACT, answer_of(3), wait="FINAL")
        raw, _ = worker.signed(tee_test.CONTRACT, answer_of(0))
        before = tee_test.rights(m, made["public_key"])
        renewed = tee_test.answer(m.tee("register", "--renew", "--json"))
        equal("the key is renewed between an answer's signature and its way", renewed["result"], "renewed")
        check("its allowance is partly used", int(before["allowance"]) < 10 * near.NEAR, before)
        equal("and its rights are the same afterwards, what is left of that too", tee_test.rights(m, made["public_key"]), before)
        sent = kit.rpc(m.rpc, "send_tx", {"signed_tx_base64": raw, "wait_until": "FINAL"})
        check("the answer is taken", "SuccessValue" in sent["result"]["status"], sent)
        taken, _ = worker.signed(tee_test.CONTRACT, answer_of(1))
        late, _ = worker.signed(tee_test.CONTRACT, answer_of(2), nonce=worker.nonce() + 2)
        first = kit.rpc(m.rpc, "send_tx", {"signed_tx_base64": taken, "wait_until": "INCLUDED"})
        check("the next answer is on its way", "error" not in first, first)
        equal("the key is removed", tee_test.answer(m.tee("remove", "--json", by=tee_test.CONTRACT))["removed"], 1)
        check("the answer that was taken before counts", kit.until(lambda: pending(m, 1) is None), pending(m, 1))
        refused = kit.rpc(m.rpc, "send_tx", {"signed_tx_base64": late, "wait_until": "FINAL"})
        check("one that comes later does not", "InvalidAccessKeyError" in json.dumps(refused), refused)
        check("its request waits", pending(m, 2) is not None)
        other = tee_test.answer(m.tee("register", "--new-key", "--json"))
        worker = near.Account(m.rpc, tee_test.REGISTER, key_of(other["key_file"]))
        sent = worker.send(tee_test.CONTRACT, answer_of(2), wait="FINAL")
        check("and another key answers it", "SuccessValue" in sent["result"]["status"] and pending(m, 2) is None, sent)


def key_of(path):
    with open(path) as f:
        return near.Key.parse(json.load(f)["private_key"])


def ask(payer, number):
    source = {"repo": "https://github.com/near/x", "commit": "main", "build_target": "wasm32-wasip1"}
    raw, _ = payer.signed(tee_test.CONTRACT, near.call("request_execution", {"code_source": source, "input_data": str(number)}, gas=200 * TGAS, deposit=near.NEAR // 10))
    kit.rpc(payer.url, "send_tx", {"signed_tx_base64": raw, "wait_until": "INCLUDED"})
    kit.until(lambda: near.view_value(payer.url, tee_test.CONTRACT, "get_request", {"request_id": number}))


def pending(m, number):
    return near.view_value(m.rpc, tee_test.CONTRACT, "get_request", {"request_id": number})


def answer_of(number):
    return near.call("resolve_execution", {"request_id": number, "response": {"success": True, "output": {"Text": "x"}, "error": None,
                     "compilation_note": None, "resources_used": {"instructions": 1, "time_ms": 1, "compile_time_ms": None}}}, gas=100 * TGAS)


def test_chains_of_money():
    """A root key of one's own is for devnets."""
    for chain in ("mainnet", "testnet"):
        with contextlib.ExitStack() as stack, folder() as home:
            w = World(stack, home, 1_750_320_802, chain=chain, root_public_key="00" * 64)
            check(f"root_public_key is refused on {chain}", "only Intel's root key counts" in json.dumps(w.deployed), w.deployed)


if __name__ == "__main__":
    kit.main(globals())
