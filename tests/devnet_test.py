#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""outlayer-devnet from outside: JSON-RPC results and error shapes, waits, neardata, faucet, sandbox methods, restart."""
import base64, json, os, socket, subprocess, threading, time

import kit, near
from kit import check, equal
from near import NEAR, Account, Key

ROOT = "test.near"
COMPILED = {}


def compiled(name):
    """A compiled test contract's path."""
    if name not in COMPILED:
        path = os.path.join(kit.BUILD, name + ".wasm")
        os.makedirs(kit.BUILD, exist_ok=True)
        own = f"{path}.{os.getpid()}"  # another run of these tests may read the file just now
        try:
            subprocess.run(["wat2wasm", os.path.join(kit.ROOT, "tests", "contracts", name + ".wat"), "-o", own], check=True)
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


def test_reads():
    with kit.folder() as home, Devnet(home) as net:
        status = net.rpc("status", [])["result"]
        equal("status: chain id", status["chain_id"], "devnet")
        check("status: a block", status["sync_info"]["latest_block_height"] >= 1 and not status["sync_info"]["syncing"], status)
        equal("GET /status is the same chain", kit.get_json(net.url + "/status")[1]["genesis_hash"], status["genesis_hash"])
        equal("GET /health", kit.get_json(net.url + "/health"), (200, {"status": "ok"}))
        equal("health", net.rpc("health", []).get("result", 0), None)
        block = net.rpc("block", {"finality": "final"})["result"]
        header = block["header"]
        for key in ("hash", "prev_hash", "epoch_id", "random_value", "chunk_headers_root", "outcome_root", "timestamp_nanosec"):
            check(f"block header has {key}", isinstance(header.get(key), str) and header[key], header)
        equal("block by height", net.rpc("block", {"block_id": header["height"]})["result"], block)
        equal("block by hash", net.rpc("block", {"block_id": header["hash"]})["result"], block)
        equal("block by list", net.rpc("block", [header["hash"]])["result"], block)
        equal("block with a null id beside finality", "result" in net.rpc("block", {"block_id": None, "finality": "final"}), True)
        equal("the earliest block", net.rpc("block", {"sync_checkpoint": "genesis"})["result"]["header"]["height"], 1)
        chunk = block["chunks"][0]["chunk_hash"]
        by_hash = net.rpc("chunk", [chunk])["result"]
        equal("chunk by hash", by_hash["header"]["chunk_hash"], chunk)
        equal("chunk by block and shard", net.rpc("chunk", {"block_id": header["height"], "shard_id": 0})["result"], by_hash)
        equal("chunk by list", net.rpc("chunk", [[header["hash"], 0]])["result"], by_hash)
        equal("gas price", net.rpc("gas_price", [None])["result"], {"gas_price": "100000000"})
        for params in ([None], "latest", {"block_id": header["height"]}, {"epoch_id": header["epoch_id"]}):
            got = net.rpc("validators", params)
            check(f"validators {params}", got.get("result", {}).get("current_validators", [{}])[0].get("stake"), got)
        config = net.rpc("EXPERIMENTAL_protocol_config", {"finality": "final"})["result"]
        equal("protocol config: storage price", config["runtime_config"]["storage_amount_per_byte"], "10000000000000000000")
        equal("protocol config: version", config["protocol_version"], 86)
        check("genesis config", net.rpc("EXPERIMENTAL_genesis_config", {})["result"]["avg_hidden_validator_seats_per_shard"], "")
        equal("network_info", net.rpc("network_info", [])["result"]["num_active_peers"], 0)
        _, headers, _ = kit.http("POST", net.url, {"jsonrpc": "2.0", "id": 1, "method": "health"}, {"Origin": "http://x.example"})
        equal("CORS: any origin", headers.get("Access-Control-Allow-Origin"), "*")
        status, headers, _ = kit.http("OPTIONS", net.url, None, {"Origin": "http://x.example", "Access-Control-Request-Method": "POST"})
        check("CORS: preflight", status in (200, 204) and headers.get("Access-Control-Allow-Origin") == "*", (status, headers))


def test_errors():
    with kit.folder() as home, Devnet(home) as net:
        name, cause, info, data = error(net.rpc("query", {"request_type": "view_account", "finality": "final", "account_id": "x.near"}))
        equal("unknown account", (name, cause, info["requested_account_id"], data),
              ("HANDLER_ERROR", "UNKNOWN_ACCOUNT", "x.near", "account x.near does not exist while viewing"))
        check("unknown account: of which block", isinstance(info["block_height"], int) and info["block_hash"], info)
        key = Key().public
        got = net.rpc("query", {"request_type": "view_access_key", "finality": "final", "account_id": ROOT, "public_key": key})["result"]
        equal("unknown key is a result with an error", (got["error"], got["logs"]), (f"access key {key} does not exist while viewing", []))
        check("unknown key: of which block", got["block_hash"] and got["block_height"], got)
        got = near.view(net.url, ROOT, "get")["result"]["error"]
        equal("a call of no contract", got, 'wasm execution failed with error: CompilationError(CodeDoesNotExist { account_id: "test.near" })')
        equal("code of no contract", error(net.rpc("query", {"request_type": "view_code", "finality": "final", "account_id": ROOT}))[1], "NO_CONTRACT_CODE")
        equal("unknown block by height", error(net.rpc("block", {"block_id": 10 ** 9}))[1:],
              ("UNKNOWN_BLOCK", {}, "DB Not Found Error: BLOCK HEIGHT: 1000000000 \n Cause: Unknown"))
        some = "4GXvjMFN6wSxnU9jEVT8HbXP5Yk6yELX9faRSKp6n9fX"
        equal("unknown block by hash", error(net.rpc("block", [some]))[1:], ("UNKNOWN_BLOCK", {}, f"DB Not Found Error: BLOCK HEADER: {some} \n Cause: Unknown"))
        for wanted, text in ((10 ** 9, "BLOCK HEIGHT: 1000000000 \n Cause: Unknown"), (some, f"BLOCK HEADER: {some}")):
            equal(f"query of the unknown block {wanted}", error(near.view(net.url, ROOT, "get", block_id=wanted))[1:],
                  ("UNKNOWN_BLOCK", {"block_reference": {"block_id": wanted}}, "DB Not Found Error: " + text))
        equal("unknown chunk", error(net.rpc("chunk", [some]))[1:],
              ("UNKNOWN_CHUNK", {"chunk_hash": some}, f"Chunk Missing (unavailable on the node): ChunkHash(`{some}`) \n Cause: Unknown"))
        equal("unknown shard", error(net.rpc("chunk", {"block_id": 1, "shard_id": 9}))[1], "INVALID_SHARD_ID")
        equal("unknown transaction, not waited for", error(net.rpc("tx", {"tx_hash": some, "sender_account_id": ROOT, "wait_until": "NONE"}))[1:],
              ("UNKNOWN_TRANSACTION", {"requested_transaction_hash": some}, f"Transaction {some} doesn't exist"))
        equal("unknown receipt", error(net.rpc("EXPERIMENTAL_receipt", {"receipt_id": some}))[1:3], ("UNKNOWN_RECEIPT", {"receipt_id": some}))
        equal("unknown method", error(net.rpc("no_such", {})), ("REQUEST_VALIDATION_ERROR", "METHOD_NOT_FOUND", {"method_name": "no_such"}, "no_such"))
        for params in ({}, {"request_type": "view_account", "finality": "final"}, {"request_type": "nonsense", "finality": "final", "account_id": ROOT},
                       {"request_type": "view_account", "account_id": ROOT}, {"request_type": "view_account", "finality": "soon", "account_id": ROOT},
                       {"request_type": "view_account", "finality": "final", "account_id": "No Account"}, 7, "text", ["nonsense/a", ""]):
            equal(f"bad query {json.dumps(params)[:60]}", error(net.rpc("query", params))[:2], ("REQUEST_VALIDATION_ERROR", "PARSE_ERROR"))
        for bad in ("AAAA", "!!!", "", base64.b64encode(os.urandom(300)).decode()):
            equal(f"bad transaction {bad[:8]!r}", error(net.rpc("send_tx", {"signed_tx_base64": bad}))[1], "PARSE_ERROR")
        status, _, body = kit.http("POST", net.url, b"{not json")
        equal("not JSON: status 400 and a parse error", (status, json.loads(body)["error"]["code"]), (400, -32700))
        large = b'{"jsonrpc":"2.0","id":1,"method":"health","x":"' + b"x" * (11 << 20) + b'"}'
        for body, how in ((large, "announced"), (iter((large,)), "in chunks")):
            status, _, body = kit.http("POST", net.url, body)
            answer = json.loads(body)
            equal(f"a body over 10 MiB, {how}: an error in JSON-RPC's shape", (status, answer.get("jsonrpc")) + error(answer)[:2],
                  (413, "2.0", "REQUEST_VALIDATION_ERROR", "PARSE_ERROR"))
        _, _, body = kit.http("POST", net.url, [{"jsonrpc": "2.0", "id": i, "method": m, "params": ["account/test.near", ""]}
                                                for i, m in enumerate(("query", "block", "query"))])
        batch = json.loads(body)
        equal("batch: ids and only query", [(b["id"], "result" in b) for b in batch], [(0, True), (1, False), (2, True)])


def test_statuses():
    """Clients retry by the HTTP status: what may be tried again must differ from what never succeeds."""
    with kit.folder() as home, Devnet(home) as net:
        some, query = "1" * 32, {"request_type": "view_account", "account_id": ROOT}
        for method, params, want, cause in (
                ("block", {"finality": "final"}, 200, None),
                ("query", {**query, "finality": "final", "account_id": "x.near"}, 200, "UNKNOWN_ACCOUNT"),
                ("block", {"blob": 1}, 400, "PARSE_ERROR"), ("no_such", {}, 400, "METHOD_NOT_FOUND"),
                ("block", {"block_id": some}, 422, "UNKNOWN_BLOCK"), ("query", {**query, "block_id": some}, 422, "UNKNOWN_BLOCK"),
                ("block", {"block_id": 0}, 422, "UNKNOWN_BLOCK"), ("block", {"block_id": 10 ** 9}, 200, "UNKNOWN_BLOCK"),
                ("query", {**query, "block_id": 10 ** 9}, 200, "UNKNOWN_BLOCK"),
                ("tx", {"tx_hash": some, "sender_account_id": ROOT, "wait_until": "NONE"}, 200, "UNKNOWN_TRANSACTION")):
            status, answer = net.call(method, params)
            equal(f"status of {method} {params}", (status, error(answer)[1]), (want, cause))


def test_invalid_transactions():
    with kit.folder() as home, Devnet(home) as net:
        root = net.root
        alice = root.create("alice." + ROOT, 5 * NEAR)

        def refused(name, answer, want):
            e = answer.get("error", {})
            got = (e.get("data") or {}).get("TxExecutionError", {}).get("InvalidTxError") if isinstance(e.get("data"), dict) else e
            kind = got if isinstance(got, str) else next(iter(got or {"": 0}))
            check(name, e.get("cause", {}).get("name") == "INVALID_TRANSACTION" and kind == want, answer)
            return got[kind] if isinstance(got, dict) else None

        nonce = alice.nonce()
        info = refused("a nonce that was used", alice.send(ROOT, near.transfer(1), nonce=nonce), "InvalidNonce")
        equal("it says both nonces", info, {"tx_nonce": nonce, "ak_nonce": nonce})
        refused("a nonce far ahead", alice.send(ROOT, near.transfer(1), nonce=10 ** 15), "NonceTooLarge")
        refused("a nonce beyond 2^63", alice.send(ROOT, near.transfer(1), nonce=2 ** 64 - 1), "NonceTooLarge")
        info = refused("more than there is", alice.send(ROOT, near.transfer(6 * NEAR)), "NotEnoughBalance")
        check("it says balance and cost", int(info["cost"]) > int(info["balance"]), info)
        refused("a foreign key", Account(net.url, ROOT, Key()).send(ROOT, near.transfer(1), nonce=5), "InvalidAccessKeyError")
        refused("a signer that is not there", Account(net.url, "no.near", Key()).send(ROOT, near.transfer(1), nonce=5), "SignerDoesNotExist")
        refused("a block that is not there", alice.send(ROOT, near.transfer(1), block_hash=near.b58(os.urandom(32))), "Expired")
        raw, _ = alice.signed(ROOT, near.transfer(1))
        broken = bytearray(base64.b64decode(raw))
        broken[-1] ^= 1
        refused("a wrong signature", net.rpc("send_tx", [base64.b64encode(bytes(broken)).decode()]), "InvalidSignature")
        broken = base64.b64encode(bytes(broken)).decode()
        answer = net.rpc("broadcast_tx_async", [broken])
        check("sent without waiting: only the hash comes back", isinstance(answer.get("result"), str), answer)
        answer = net.rpc("send_tx", {"signed_tx_base64": broken, "wait_until": "NONE"})
        equal("send_tx without waiting tells nothing, as nodes do", answer.get("result"), {"final_execution_status": "NONE"})
        refused("broadcast_tx_commit tells", net.rpc("broadcast_tx_commit", [broken]), "InvalidSignature")
        refused("looking at a whole transaction that is invalid", net.rpc("tx", [broken]), "InvalidSignature")
        raw, _ = alice.signed(ROOT, near.transfer(1))
        waiting = []
        thread = threading.Thread(target=lambda: waiting.append(net.rpc("tx", [raw])))  # nobody sends it
        thread.start()
        time.sleep(0.3)
        equal("a whole transaction that can still come is waited for", waiting, [])
        alice.send(ROOT, near.transfer(2))  # with the same nonce
        thread.join(5)
        refused("until its nonce is used by another", waiting[0] if waiting else {}, "InvalidNonce")
        refused("no gas", alice.send(ROOT, near.call("x", gas=0)), "ActionsValidation")


def test_transactions():
    with kit.folder() as home, Devnet(home) as net:
        probe_account = net.probe()
        result = net.root.send(probe_account.id, near.call("set", b"hello"))["result"]
        equal("value of a call", near.value_of(result), b"hello")
        equal("log of a call", result["receipts_outcome"][0]["outcome"]["logs"], ["hello"])
        outcome = result["transaction_outcome"]["outcome"]
        equal("the transaction's outcome", (outcome["executor_id"], outcome["metadata"]["version"], list(outcome["status"])),
              (ROOT, 1, ["SuccessReceiptId"]))
        check("gas profile of the receipt", any(p["cost"] == "WASM_INSTRUCTION" for p in result["receipts_outcome"][0]["outcome"]["metadata"]["gas_profile"]),
              result["receipts_outcome"][0]["outcome"]["metadata"])
        tx = result["transaction"]
        equal("the transaction itself", (tx["signer_id"], tx["receiver_id"], list(tx["actions"][0])), (ROOT, probe_account.id, ["FunctionCall"]))
        for wait in ("NONE", "INCLUDED", "EXECUTED_OPTIMISTIC", "INCLUDED_FINAL", "EXECUTED", "FINAL"):
            got = net.rpc("tx", {"tx_hash": tx["hash"], "sender_account_id": ROOT, "wait_until": wait})
            equal(f"tx, waiting for {wait}", near.value_of(got["result"]), b"hello")
        final = net.rpc("EXPERIMENTAL_tx_status", {"tx_hash": tx["hash"], "sender_account_id": ROOT, "wait_until": "FINAL"})["result"]
        equal("final", final["final_execution_status"], "FINAL")
        equal("a receipt for each outcome", [r["receipt_id"] for r in final["receipts"]], [o["id"] for o in final["receipts_outcome"]])
        check("refunds are among them", any(r["predecessor_id"] == "system" for r in final["receipts"]), final["receipts"])
        receipt = net.rpc("EXPERIMENTAL_receipt", {"receipt_id": final["receipts"][0]["receipt_id"]})["result"]
        equal("the receipt by its id", receipt, final["receipts"][0])
        raw, tx_hash = net.root.signed(probe_account.id, near.call("set", b"again"))
        equal("send and do not wait", net.rpc("send_tx", {"signed_tx_base64": raw, "wait_until": "NONE"})["result"], {"final_execution_status": "NONE"})
        equal("then ask", near.value_of(net.rpc("tx", [tx_hash, ROOT])["result"]), b"again")
        equal("the same transaction again gives its outcome", near.value_of(net.rpc("send_tx", [raw])["result"]), b"again")
        raw, tx_hash = net.root.signed(probe_account.id, near.call("set", b"commit"))
        equal("broadcast_tx_async gives the hash", net.rpc("broadcast_tx_async", [raw])["result"], tx_hash)
        equal("broadcast_tx_commit waits", near.value_of(net.rpc("broadcast_tx_commit", [raw])["result"]), b"commit")
        panic = net.root.send(probe_account.id, near.call("boom", b"no luck"))["result"]["status"]
        equal("a panic", panic, {"Failure": {"ActionError": {"index": 0, "kind": {"FunctionCallError": {"ExecutionError": "Smart contract panicked: no luck"}}}}})
        gone = net.root.send("nobody." + ROOT, near.transfer(1))["result"]["status"]
        equal("a transfer to nobody", gone, {"Failure": {"ActionError": {"index": 0, "kind": {"AccountDoesNotExist": {"account_id": "nobody." + ROOT}}}}})


def test_promises_and_yield():
    with kit.folder() as home, Devnet(home) as net:
        a, b = net.probe("a." + ROOT), net.probe("b." + ROOT)
        result = net.root.send(a.id, near.call("relay_then", b.id.encode()))["result"]
        equal("promise and callback", near.value_of(result), b"1")
        equal("the other contract was called", bytes(near.view(net.url, b.id, "get")["result"]["result"]), b"relayed")
        equal("callback after a failure", near.value_of(net.root.send(a.id, near.call("relay_boom", b.id.encode()))["result"]), b"2")
        before = int(net.rpc("query", {"request_type": "view_account", "finality": "final", "account_id": b.id})["result"]["amount"])
        net.root.send(a.id, near.call("pay", b.id.encode()))
        after = int(net.rpc("query", {"request_type": "view_account", "finality": "final", "account_id": b.id})["result"]["amount"])
        equal("a contract pays", after - before, NEAR)
        raw, tx_hash = net.root.signed(a.id, near.call("wait", b""))
        waiting = net.rpc("send_tx", {"signed_tx_base64": raw, "wait_until": "INCLUDED"})["result"]
        check("a yield keeps the transaction open", waiting["status"] in ("Started", "NotStarted"), waiting["status"])
        answers = []
        thread = threading.Thread(target=lambda: answers.append(net.rpc("tx", [tx_hash, ROOT])))
        thread.start()
        time.sleep(0.3)
        equal("nobody was answered yet", answers, [])
        start = time.monotonic()
        b_calls = net.root.send(a.id, near.call("answer", b"at last"))
        thread.join(10)
        check("resuming answers who waited", answers and near.value_of(answers[0]["result"]) == b"at last", (answers, b_calls))
        check("at once", time.monotonic() - start < 2, time.monotonic() - start)
        raw, tx_hash = net.root.signed(a.id, near.call("wait", b""))
        net.rpc("send_tx", {"signed_tx_base64": raw, "wait_until": "INCLUDED"})
        net.rpc("sandbox_fast_forward", {"delta_height": 201})
        equal("a yield times out after 200 blocks", near.value_of(net.rpc("tx", [tx_hash, ROOT])["result"]), b"timeout")


def failure(answer):
    """The kind of the ActionError that a transaction ended with."""
    return answer.get("result", {}).get("status", {}).get("Failure", {}).get("ActionError", {}).get("kind", answer)


def test_yields_with_ids():
    with kit.folder() as home, Devnet(home, BLOCK_IDLE_MS="0") as net:
        a, b = net.contract(code_of("hosts"), "a." + ROOT), net.contract(code_of("hosts"), "b." + ROOT)
        name, other = b"an id that the contract has made"[:32], os.urandom(32)

        def start(id_):
            raw, tx_hash = net.root.signed(a.id, near.call("yield_id", id_))
            net.rpc("send_tx", {"signed_tx_base64": raw, "wait_until": "INCLUDED"})
            return tx_hash

        def ask(contract, method, args):
            return near.value_of(net.root.send(contract.id, near.call(method, args))["result"])
        equal("an id that nobody waits under", ask(a, "resume_id", name + b"early"), b"0")
        first = start(name)
        equal("an id that waits is taken", ask(a, "yield_id", name), b"taken")
        second = start(other)
        equal("another account has ids of its own", ask(b, "resume_id", name + b"foreign"), b"0")
        equal("the id resumes", ask(a, "resume_id", name + b"the answer"), b"1")
        equal("with its payload", near.value_of(net.rpc("tx", [first, ROOT])["result"]), b"the answer")
        equal("once", ask(a, "resume_id", name + b"again"), b"0")
        third = start(name)
        net.rpc("sandbox_fast_forward", {"delta_height": 201})
        for waiting in (second, third):
            equal("what nobody resumes times out", near.value_of(net.rpc("tx", [waiting, ROOT])["result"]), b"timeout")
        fourth = start(name)
        equal("and its id is free again", ask(a, "resume_id", name + b"late"), b"1")
        equal("with what came for it", near.value_of(net.rpc("tx", [fourth, ROOT])["result"]), b"late")
        got = failure(net.root.send(a.id, near.call("yield_id", name[:31])))
        check("an id has 32 bytes", "malformed" in got.get("FunctionCallError", {}).get("ExecutionError", ""), got)


def test_refund_to():
    with kit.folder() as home, Devnet(home) as net:
        a, heir = net.contract(code_of("hosts"), "a." + ROOT), net.root.create("heir." + ROOT, NEAR)
        before, own = net.account(heir.id), net.account(a.id)
        done = net.root.send(a.id, near.call("refund", heir.id.encode()), wait="FINAL")["result"]
        check("the call fails", any("Failure" in o["outcome"]["status"] for o in done["receipts_outcome"]), done)
        equal("its deposit goes to whom the contract named", net.account(heir.id)[0] - before[0], NEAR)
        check("and not back", net.account(a.id)[0] < own[0] - NEAR + NEAR // 100, (own, net.account(a.id)))
        got = failure(net.root.send(a.id, near.call("refund", b"No Account")))
        equal("a name that is none", got, {"FunctionCallError": {"ExecutionError": "VM Logic returned an invalid account id"}})


def test_stake():
    with kit.folder() as home, Devnet(home) as net:
        alice = net.root.create("alice." + ROOT, 5 * NEAR)
        equal("nothing to take back", failure(alice.send(alice.id, near.stake(0, alice.key.public))), {"TriesToUnstake": {"account_id": alice.id}})
        amount = net.account(alice.id)[0]
        alice.send(alice.id, near.stake(3 * NEAR, alice.key.public), wait="FINAL")
        now = net.account(alice.id)
        check("what is staked is locked", now[1] == 3 * NEAR and 0 < amount - 3 * NEAR - now[0] < NEAR // 1000, (amount, now))
        got = failure(alice.send(alice.id, near.stake(9 * NEAR, alice.key.public)))
        equal("more than there is", (list(got), got["TriesToStake"]["stake"], got["TriesToStake"]["locked"]), (["TriesToStake"], str(9 * NEAR), str(3 * NEAR)))
        equal("an account that has stake stays", failure(alice.send(alice.id, near.delete_account(ROOT))), {"DeleteAccountStaking": {"account_id": alice.id}})
        alice.send(alice.id, near.stake(NEAR, alice.key.public), wait="FINAL")
        equal("less stake", net.account(alice.id)[1], NEAR)
        equal("only its own account stakes", failure(net.root.send(alice.id, near.stake(NEAR, alice.key.public))),
              {"ActorNoPermission": {"account_id": alice.id, "actor_id": ROOT}})
        a = net.contract(code_of("hosts"), "a." + ROOT)
        net.root.send(a.id, near.call("stake", b""), wait="FINAL")
        equal("a contract stakes", net.account(a.id)[1], NEAR)


def test_delegate():
    """Somebody else sends, and pays for, what an account has signed."""
    with kit.folder() as home, Devnet(home) as net:
        alice, bob = net.root.create("alice." + ROOT, 5 * NEAR), net.root.create("bob." + ROOT, NEAR)
        nonce, height = alice.nonce() + 1, net.height()

        def sent(receiver=alice.id, key=alice.key, n=None, until=height + 1000, **more):
            action = near.delegate(alice.id, key, bob.id, nonce if n is None else n, until, near.transfer(NEAR), **more)
            return net.root.send(receiver, action, wait="FINAL")
        stranger = Key()
        for name, answer, want in (
                ("a foreign signature", sent(signer=stranger), "DelegateActionInvalidSignature"),
                ("its height has passed", sent(until=height - 1), "DelegateActionExpired"),
                ("sent to another account", sent(receiver=bob.id), {"DelegateActionSenderDoesNotMatchTxReceiver": {"sender_id": alice.id, "receiver_id": bob.id}}),
                ("a key that the account does not have", sent(key=stranger),
                 {"DelegateActionAccessKeyError": {"AccessKeyNotFound": {"account_id": alice.id, "public_key": stranger.public}}}),
                ("a nonce that was used", sent(n=nonce - 1), {"DelegateActionInvalidNonce": {"delegate_nonce": nonce - 1, "ak_nonce": nonce - 1}})):
            equal(name, failure(answer), want)
        check("a nonce far ahead", "DelegateActionNonceTooLarge" in failure(sent(n=10 ** 15)), "")
        before = [net.account(x)[0] for x in (alice.id, bob.id, ROOT)]
        done = sent()
        check("what is signed is done", "SuccessValue" in done["result"]["status"], done)
        signer, receiver, sender = (net.account(x)[0] - b for x, b in zip((alice.id, bob.id, ROOT), before))
        equal("its receiver has it, and who signed has paid neither gas nor deposit", (receiver, signer), (NEAR, 0))
        check("who sent it has", -NEAR - NEAR // 1000 < sender < -NEAR, sender)
        equal("the key's nonce is used", alice.nonce(), nonce)
        equal("and so it is done once", failure(sent()), {"DelegateActionInvalidNonce": {"delegate_nonce": nonce, "ak_nonce": nonce}})


def test_lack_of_balance_for_state():
    with kit.folder() as home, Devnet(home) as net:
        a = net.contract(code_of("hosts"), "a." + ROOT)
        _, _, used = net.account(a.id)
        price = 10 ** 19
        # Beyond 770 bytes an account has to cover what it stores: a call that stores more than that is undone.
        answer = a.send(ROOT, near.transfer(net.account(a.id)[0] - used * price - NEAR // 50))  # for gas, and 2,000 bytes
        check("an account may give what its state does not need", "SuccessValue" in answer.get("result", {}).get("status", {}), answer)
        amount, _, used = net.account(a.id)
        got = failure(net.root.send(a.id, near.call("keep", b"x" * 100000)))
        lack = (used + 100000 + 1 + 40) * price - amount
        equal("a call that stores more than its account covers", got, {"LackBalanceForState": {"account_id": a.id, "amount": str(lack)}})
        equal("is undone", net.account(a.id)[2], used)
        answer = net.root.send(a.id, near.call("keep", b"x" * 100))
        check("a little is covered", "SuccessValue" in answer["result"]["status"] and net.account(a.id)[2] == used + 141, answer)
        amount, _, used = net.account(a.id)
        answer = a.send(ROOT, near.transfer(amount - used * price))
        invalid = error(answer)[3]["TxExecutionError"]["InvalidTxError"]["LackBalanceForState"]
        check("a transaction that would leave too little is refused", invalid["signer_id"] == a.id and 0 < int(invalid["amount"]) < NEAR // 100, answer)


def test_resume_in_the_last_block():
    """A resume that is under way when the window ends wins; one that comes after the end is too late."""
    with kit.folder() as home, Devnet(home, BLOCK_IDLE_MS="0") as net:
        a = net.probe()

        def height_of(outcome):
            return net.rpc("block", [outcome["block_hash"]])["result"]["header"]["height"]
        for late, want in ((0, b"in time"), (1, b"timeout")):
            raw, tx_hash = a.signed(a.id, near.call("wait", b""))  # signed by itself: it runs in its transaction's block
            end = height_of(net.rpc("send_tx", {"signed_tx_base64": raw, "wait_until": "INCLUDED"})["result"]["transaction_outcome"]) + 200
            net.rpc("sandbox_fast_forward", {"delta_height": end - 2 + late - net.height()})
            resume = height_of(net.root.send(a.id, near.call("answer", b"in time"))["result"]["receipts_outcome"][0])  # a block later
            check(f"resumed {'after' if late else 'in'} the window's last block", resume > end if late else resume == end, (resume, end))
            equal("the yield's value", near.value_of(net.rpc("tx", [tx_hash, a.id])["result"]), want)


def test_wait_times_out():
    with kit.folder() as home, Devnet(home, BLOCK_IDLE_MS="600") as net:  # 200 blocks, the yield's end, take longer
        a = net.probe()
        raw, tx_hash = net.root.signed(a.id, near.call("wait", b""))
        start = time.monotonic()
        got = error(net.rpc("send_tx", {"signed_tx_base64": raw, "wait_until": "EXECUTED"}))
        took = time.monotonic() - start
        equal("a transaction that is not done in 10 s", got[:2] + got[3:], ("HANDLER_ERROR", "TIMEOUT_ERROR", "Timeout"))
        check("after 10 s", 9.5 < took < 12, took)


def test_unknown_is_waited_for():
    """A node cannot tell a transaction that was never sent from one that is on its way to it: it waits and says TIMEOUT."""
    with kit.folder() as home, Devnet(home) as net:
        raw, tx_hash = net.root.signed(ROOT, near.transfer(1))
        answers = []
        threads = [threading.Thread(target=lambda h=h: answers.append((net.call("tx", [h, ROOT]), time.monotonic()))) for h in (tx_hash, "1" * 32)]
        start = time.monotonic()
        for t in threads:
            t.start()
        time.sleep(1)
        equal("neither is answered before it is sent", answers, [])
        net.rpc("send_tx", [raw])
        threads[0].join(3)
        check("the one that comes later is answered", answers and answers[0][0][0] == 200 and near.value_of(answers[0][0][1]["result"]) == b"", answers)
        threads[1].join(15)
        ((status, answer), when) = answers[-1]
        equal("the other: TIMEOUT", (status,) + error(answer), (408, "HANDLER_ERROR", "TIMEOUT_ERROR", None, "Timeout"))
        check("after 10 s", 9.5 < when - start < 12, when - start)


def test_query():
    with kit.folder() as home, Devnet(home) as net:
        a = net.probe()
        a.send(a.id, near.call("set", b"first"))
        old = net.rpc("block", {"finality": "final"})["result"]["header"]
        a.send(a.id, near.call("set", b"second"))
        equal("view call", bytes(near.view(net.url, a.id, "get")["result"]["result"]), b"second")
        equal("view call at an older block", bytes(near.view(net.url, a.id, "get", block_id=old["hash"])["result"]["result"]), b"first")
        got = near.view(net.url, a.id, "get", block_id=old["height"])["result"]
        equal("it says which", (got["block_height"], got["block_hash"]), (old["height"], old["hash"]))
        text = near.view(net.url, a.id, "nothing")["result"]["error"]
        equal("no such method", text, "wasm execution failed with error: MethodResolveError(MethodNotFound)")
        panic = kit.rpc(net.url, "query", {"request_type": "call_function", "account_id": a.id, "method_name": "boom", "finality": "final",
                                           "args_base64": base64.b64encode(b"no luck").decode()})["result"]["error"]
        equal("a view that panics", panic, 'wasm execution failed with error: HostError(GuestPanic { panic_msg: "no luck" })')
        state = net.rpc("query", {"request_type": "view_state", "finality": "final", "account_id": a.id, "prefix_base64": ""})["result"]
        equal("state", state["values"], [{"key": "aw==", "value": base64.b64encode(b"second").decode()}])
        none = net.rpc("query", {"request_type": "view_state", "finality": "final", "account_id": a.id, "prefix_base64": "eg=="})["result"]
        equal("state under another prefix", none["values"], [])
        code = net.rpc("query", {"request_type": "view_code", "finality": "final", "account_id": a.id})["result"]
        equal("code", base64.b64decode(code["code_base64"]), probe_code())
        account = net.rpc("query", {"request_type": "view_account", "finality": "final", "account_id": a.id})["result"]
        equal("account's code hash", account["code_hash"], code["hash"])
        keys = net.rpc("query", {"request_type": "view_access_key_list", "finality": "final", "account_id": a.id})["result"]["keys"]
        equal("keys", [(k["public_key"], k["access_key"]["permission"]) for k in keys], [(a.key.public, "FullAccess")])
        limited = Key()
        a.send(a.id, near.add_call_key(limited.public, a.id, ["set"], NEAR))
        got = net.rpc("query", {"request_type": "view_access_key", "finality": "final", "account_id": a.id, "public_key": limited.public})["result"]
        equal("a function-call key", got["permission"], {"FunctionCall": {"allowance": str(NEAR), "receiver_id": a.id, "method_names": ["set"]}})
        for path, key in (("account/" + a.id, "amount"), (f"access_key/{a.id}/{a.key.public}", "nonce"), ("access_key/" + a.id, "keys"),
                          ("code/" + a.id, "code_base64"), ("contract/" + a.id, "values"), (f"call/{a.id}/get", "result")):
            got = net.rpc("query", [path, ""])
            check(f"by path {path.split('/')[0]}", key in got.get("result", {}), got)


def test_newer_views():
    """EXPERIMENTAL_view_… and EXPERIMENTAL_call_function: the same looks as `query`, and what is missing is an error."""
    with kit.folder() as home, Devnet(home) as net:
        a = net.probe()
        a.send(a.id, near.call("set", b"value"))
        key, other = a.key.public, Key().public

        def view(what, account=a.id, **more):
            return net.call("EXPERIMENTAL_" + what, {"account_id": account, "finality": "final", **more})
        for what, more in (("view_account", {}), ("view_code", {}), ("view_state", {"prefix_base64": ""}), ("view_access_key", {"public_key": key}),
                           ("view_access_key_list", {}), ("call_function", {"method_name": "get", "args_base64": ""})):
            status, answer = view(what, **more)
            older = net.rpc("query", {"request_type": what, "account_id": a.id, "finality": "final", **more})["result"]
            got = answer.get("result", {})
            equal(f"{what} gives what query gives", (status, {**got, "block_hash": 0, "block_height": 0}), (200, {**older, "block_hash": 0, "block_height": 0}))
            check(f"{what}: of which block", got.get("block_hash") and got.get("block_height"), got)

        def fails(name, call, status, cause, data, **info):
            got_status, answer = call
            kind, got, got_info, got_data = error(answer)
            block = {k: (got_info or {}).pop(k, None) for k in ("block_hash", "block_height")}
            equal(name, (got_status, kind, got, got_info, got_data), (status, "HANDLER_ERROR", cause, info, data))
            check(f"{name}: of which block", all(block.values()), answer)
        for what in ("view_account", "view_code", "view_state", "call_function"):
            fails(f"{what} of nobody", view(what, "x.near", prefix_base64="", method_name="get", args_base64=""), 200, "UNKNOWN_ACCOUNT",
                  "account x.near does not exist while viewing", requested_account_id="x.near")
        for account in (a.id, "x.near"):
            fails(f"view_access_key, no such key of {account}", view("view_access_key", account, public_key=other), 200, "UNKNOWN_ACCESS_KEY",
                  f"Access key for public key {other} has never been observed on the node", public_key=other)
        fails("view_code, no code", view("view_code", ROOT), 200, "NO_CONTRACT_CODE",
              f"Contract code for contract ID #{ROOT} has never been observed on the node", contract_account_id=ROOT)
        for method, args, vm_error, text in (
                ("nothing", b"", {"MethodResolveError": "MethodNotFound"}, "MethodResolveError(MethodNotFound)"),
                ("boom", b"no luck", {"ExecutionError": "Smart contract panicked: no luck"}, 'ExecutionError(String("Smart contract panicked: no luck"))'),
                ("boom", b'{"a": [1]}', {"ExecutionError": {"a": [1]}}, 'ExecutionError({"a":[1]})')):
            call = view("call_function", method_name=method, args_base64=base64.b64encode(args).decode())
            fails(f"call_function {method} {args}", call, 200, "CONTRACT_EXECUTION_ERROR", "Function call returned an error: " + text, vm_error=vm_error)
        fails("call_function without a contract", view("call_function", ROOT, method_name="get", args_base64=""), 200, "CONTRACT_EXECUTION_ERROR",
              f'Function call returned an error: CompilationError(CodeDoesNotExist {{ account_id: "{ROOT}" }})',
              vm_error={"CompilationError": {"CodeDoesNotExist": {"account_id": ROOT}}})
        equal("an unknown block", error(net.rpc("EXPERIMENTAL_view_account", {"account_id": ROOT, "block_id": 10 ** 9}))[1], "UNKNOWN_BLOCK")
        for bad in ({}, [a.id], {"account_id": a.id}, {"finality": "final"}):
            equal(f"without its parameters {bad}", (net.call("EXPERIMENTAL_view_account", bad)[0], error(net.rpc("EXPERIMENTAL_view_account", bad))[1]), (400, "PARSE_ERROR"))
        # The older form gives a missing key, also one of nobody, as a result, and nobody's list of keys is empty.
        got = net.rpc("query", {"request_type": "view_access_key", "finality": "final", "account_id": "x.near", "public_key": other})["result"]
        equal("query: a key of nobody", (got["error"], got["logs"]), (f"access key {other} does not exist while viewing", []))
        got = net.rpc("query", {"request_type": "view_access_key_list", "finality": "final", "account_id": "x.near"})["result"]
        equal("query: nobody's keys", got["keys"], [])


def pages(ask, field, cursor, **more):
    """All entries by pages of ask(…), and how many each page had."""
    entries, sizes, after = [], [], {}
    while len(sizes) < 100:
        got = ask(**more, **after).get("result", {})
        entries += got.get(field, [])
        sizes.append(len(got.get(field, [])))
        if "last_key" not in got:
            return entries, sizes
        after = {cursor: got["last_key"]}
    return entries, sizes


def b64(text):
    return base64.b64encode(text.encode()).decode()


def test_state_by_pages():
    with kit.folder() as home, Devnet(home) as net:
        me = net.root.create("me." + ROOT, 9 * NEAR).id

        def put(**values):
            net.rpc("sandbox_patch_state", {"records": [{"Data": {"account_id": me, "data_key": b64(k), "value": b64(v)}} for k, v in values.items()]})

        def view(prefix="p", **more):
            return net.rpc("query", {"request_type": "view_state", "account_id": me, "finality": "final", "prefix_base64": b64(prefix), **more})
        put(**{f"p{i:03}": "v" * 300 for i in range(300)}, q="behind", o="before")
        whole = [b64(f"p{i:03}") for i in range(300)]
        for limit, want in ((100, [100, 100, 100]), (299, None), (10 ** 6, None)):
            entries, sizes = pages(view, "values", "after_key_base64", limit=limit)
            equal(f"pages of {limit}: all keys once, in order", [e["key"] for e in entries], whole)
            check(f"pages of {limit}: their sizes", sizes == want if want else all(s * 300 < 51000 for s in sizes), sizes)
        entries, sizes = pages(view, "values", "after_key_base64", after_key_base64=b64("p150"))
        equal("from a key on", [e["key"] for e in entries], whole[151:])
        name, cause, info, data = error(view())
        equal("90 kB at once", (name, cause, info.get("contract_account_id"), data),
              ("HANDLER_ERROR", "TOO_LARGE_CONTRACT_STATE", me, f"State of contract {me} is too large to be viewed"))
        equal("a small part at once", [e["key"] for e in view("p00")["result"]["values"]], whole[:10])
        equal("a last page has no cursor", "last_key" in view("p00", limit=10)["result"], False)
        for bad in ({"limit": 0}, {"limit": -1}, {"limit": 2 ** 32}, {"limit": "5"}, {"limit": 1.5}, {"after_key_base64": b64("q")}, {"after_key_base64": "?"},
                    {"limit": 1, "include_proof": True}):
            equal(f"not a page {bad}", error(view(**bad))[1], "PARSE_ERROR")
        put(r0="r" * 200000, r1="small")
        equal("a value beyond a page's bytes comes alone", pages(lambda **m: view("r", **m), "values", "after_key_base64", limit=10)[1], [1, 1])
        status, answer = net.call("EXPERIMENTAL_view_state", {"account_id": me, "finality": "final", "prefix_base64": b64("p"), "limit": 7})
        equal("the newer method, too", (status, answer["result"]["last_key"], len(answer["result"]["values"])), (200, b64("p006"), 7))


def test_keys_by_pages():
    with kit.folder() as home, Devnet(home) as net:
        me = net.root.create("me." + ROOT, 9 * NEAR)

        def add(n):
            net.rpc("sandbox_patch_state", {"records": [{"AccessKey": {"account_id": me.id, "public_key": Key().public, "access_key":
                                                         {"nonce": 0, "permission": "FullAccess"}}} for _ in range(n)]})

        def view(**more):
            return net.rpc("query", {"request_type": "view_access_key_list", "account_id": me.id, "finality": "final", **more})
        add(99)
        whole = [k["public_key"] for k in view()["result"]["keys"]]
        equal("a hundred keys at once", (len(whole), me.key.public in whole), (100, True))
        add(50)
        name, cause, info, data = error(view())
        equal("more than a hundred keys at once", (name, cause, info.get("requested_account_id"), info.get("limit"), data),
              ("HANDLER_ERROR", "TOO_MANY_ACCESS_KEYS", me.id, 100,
               f"Account {me.id} has more than 100 access keys; use a paginated view_access_key_list request"))
        for limit, want in ((60, [60, 60, 30]), (1000, [100, 50]), (50, [50, 50, 50])):
            entries, sizes = pages(view, "keys", "after_key", limit=limit)
            equal(f"pages of {limit}", (sizes, len({k["public_key"] for k in entries})), (want, 150))
        for bad in ({"limit": 0}, {"after_key": "ed25519:x"}):
            equal(f"not a page {bad}", error(view(**bad))[1], "PARSE_ERROR")
        status, answer = net.call("EXPERIMENTAL_view_access_key_list", {"account_id": me.id, "finality": "final"})
        equal("the newer method, too", (status, error(answer)[1]), (200, "TOO_MANY_ACCESS_KEYS"))


def test_changes():
    with kit.folder() as home, Devnet(home) as net:
        a = net.probe()
        done = a.send(a.id, near.call("set", b"value"))["result"]
        block = done["receipts_outcome"][0]["block_hash"]
        got = net.rpc("EXPERIMENTAL_changes", {"block_id": block, "changes_type": "data_changes", "account_ids": [a.id], "key_prefix_base64": ""})["result"]
        equal("data changes", [(c["type"], c["change"]) for c in got["changes"]],
              [("data_update", {"account_id": a.id, "key_base64": "aw==", "value_base64": base64.b64encode(b"value").decode()})])
        got = net.rpc("EXPERIMENTAL_changes", {"block_id": block, "changes_type": "account_changes", "account_ids": [a.id]})["result"]
        check("account changes", got["changes"] and all(c["type"] == "account_update" for c in got["changes"]), got)
        keys = {"changes_type": "single_access_key_changes", "keys": [{"account_id": a.id, "public_key": a.key.public}]}
        got = net.rpc("EXPERIMENTAL_changes", {"block_id": done["transaction_outcome"]["block_hash"], **keys})["result"]
        check("key changes", [c["type"] for c in got["changes"]] == ["access_key_update"], got)
        got = net.rpc("EXPERIMENTAL_changes_in_block", {"block_id": block})["result"]["changes"]
        check("changes in the block", {"type": "data_touched", "account_id": a.id} in got, got)


def test_neardata():
    with kit.folder() as home, Devnet(home, BLOCK_IDLE_MS="0") as net:
        a = net.probe()
        done = net.root.send(a.id, near.call("set", b"value"), wait="FINAL")["result"]
        check("the call succeeds", "SuccessValue" in done["status"], done["status"])
        head = net.height()
        status, headers, body = kit.get(f"{net.url}/v0/last_block/final", redirects=False)
        equal("last block: to its address", (status, headers["Location"]), (302, f"/v0/block/{head}"))
        status, headers, _ = kit.get(f"{net.url}/v0/last_block/optimistic/headers?apiKey=k", redirects=False)
        equal("last optimistic block: part and key stay", (status, headers["Location"]), (302, f"/v0/block_opt/{head}/headers?apiKey=k"))
        equal("the first block", kit.get(f"{net.url}/v0/first_block", redirects=False)[1]["Location"], "/v0/block/1")
        blocks = {h: kit.get_json(f"{net.url}/v0/block/{h}")[1] for h in range(1, head + 1)}
        equal("every block is there", [b["block"]["header"]["height"] for b in blocks.values()], list(range(1, head + 1)))
        equal("and follows the one before", [blocks[h]["block"]["header"]["prev_hash"] for h in range(2, head + 1)],
              [blocks[h]["block"]["header"]["hash"] for h in range(1, head)])
        executed = {o["execution_outcome"]["id"]: o for b in blocks.values() for o in b["shards"][0]["receipt_execution_outcomes"]}
        txs = {t["transaction"]["hash"]: t for b in blocks.values() for t in b["shards"][0]["chunk"]["transactions"]}
        receipts = {r["receipt_id"] for b in blocks.values() for r in b["shards"][0]["chunk"]["receipts"]}
        tx_hash = done["transaction"]["hash"]
        equal("the transaction", txs[tx_hash]["outcome"]["execution_outcome"], done["transaction_outcome"])
        for o in done["receipts_outcome"]:
            equal("an outcome is the one that JSON-RPC gives", executed[o["id"]]["execution_outcome"], o)
            check("its receipt was delivered", o["id"] in receipts, o["id"])
        equal("outcomes name their transaction", executed[done["receipts_outcome"][0]["id"]]["tx_hash"], tx_hash)
        check("state changes", any(c["type"] == "data_update" for b in blocks.values() for c in b["shards"][0]["state_changes"]),
              [(h, [c["type"] for c in b["shards"][0]["state_changes"]]) for h, b in blocks.items()])
        whole = blocks[head]
        equal("headers", kit.get_json(f"{net.url}/v0/block/{head}/headers")[1], whole["block"])
        equal("shard", kit.get_json(f"{net.url}/v0/block/{head}/shard/0")[1], whole["shards"][0])
        equal("chunk", kit.get_json(f"{net.url}/v0/block/{head}/chunk/0")[1], whole["shards"][0]["chunk"])
        equal("no such shard", kit.get_json(f"{net.url}/v0/block/{head}/chunk/5")[1], None)
        equal("optimistic", kit.get_json(f"{net.url}/v0/block_opt/{head}")[1], whole)
        equal("cache of a block", kit.get(f"{net.url}/v0/block/{head}")[1]["Cache-Control"], "public, max-age=31536000")
        for path, want in (("0", (404, "BLOCK_HEIGHT_TOO_LOW")), (str(head + 100), (404, "BLOCK_DOES_NOT_EXIST")),
                           ("10000000000000000", (404, "BLOCK_HEIGHT_TOO_HIGH")), ("x", (400, None))):
            status, body = kit.get_json(f"{net.url}/v0/block/{path}")
            equal(f"block {path}", (status, body.get("type")), want)
        answers = []
        waiters = [threading.Thread(target=lambda h=head + 1: answers.append(kit.get_json(f"{net.url}/v0/block/{h}", timeout=20))) for _ in range(20)]
        for w in waiters:
            w.start()
        time.sleep(0.3)
        equal("a next block is awaited", answers, [])
        start = time.monotonic()
        net.root.send(a.id, near.call("set", b"next"), wait="FINAL")  # gas that comes back makes a block, too
        for w in waiters:
            w.join(10)
        check("and given as soon as it is there", len(answers) == 20 and time.monotonic() - start < 2, (len(answers), time.monotonic() - start))
        equal("all the same", {b["block"]["header"]["height"] for _, b in answers}, {head + 1})
        head = net.height()
        net.rpc("sandbox_fast_forward", {"delta_height": 5})
        equal("a skipped height is null", kit.get_json(f"{net.url}/v0/block/{head + 2}"), (200, None))
        equal("the height after it is not", kit.get_json(f"{net.url}/v0/block/{head + 5}")[1]["block"]["header"]["prev_height"], head)


def test_faucet_and_patch():
    with kit.folder() as home, Devnet(home) as net:
        key = Key()
        status, _, body = kit.http("POST", net.url + "/account", {"newAccountId": "dev.testnet", "newAccountPublicKey": key.public})
        equal("the faucet makes an account", (status, json.loads(body).get("account_id")), (200, "dev.testnet"))
        dev = Account(net.url, "dev.testnet", key)
        done = dev.send(ROOT, near.transfer(NEAR))
        check("that can pay", "SuccessValue" in done.get("result", {}).get("status", {}), done)
        status, _, _ = kit.http("POST", net.url + "/account", {"newAccountId": "dev.testnet", "newAccountPublicKey": key.public})
        equal("not twice", status, 409)
        status, _, _ = kit.http("POST", net.url + "/account", {"newAccountId": "x"})
        equal("not without a key", status, 400)
        other = Key()
        patch = [{"Account": {"account_id": "rich.near", "account": {"amount": str(7 * NEAR), "locked": "0", "code_hash": "1" * 32, "storage_usage": 182, "version": "V1"}}},
                 {"AccessKey": {"account_id": "rich.near", "public_key": other.public, "access_key": {"nonce": 0, "permission": "FullAccess"}}},
                 {"Contract": {"account_id": "rich.near", "code": base64.b64encode(probe_code()).decode()}},
                 {"Data": {"account_id": "rich.near", "data_key": "aw==", "value": base64.b64encode(b"patched").decode()}}]
        equal("state is patched", net.rpc("sandbox_patch_state", {"records": patch}).get("result"), {})
        equal("a patched contract runs", bytes(near.view(net.url, "rich.near", "get")["result"]["result"]), b"patched")
        done = Account(net.url, "rich.near", other).send(ROOT, near.transfer(NEAR))
        check("a patched key signs", "SuccessValue" in done.get("result", {}).get("status", {}), done)
        bad = net.rpc("sandbox_patch_state", {"records": patch[:1] + [{"Data": {"account_id": "rich.near"}, "More": 1}]})
        equal("a wrong record", error(bad)[1], "PARSE_ERROR")


def outcomes(net, hashes):
    return [net.rpc("EXPERIMENTAL_tx_status", {"tx_hash": h, "sender_account_id": ROOT, "wait_until": "FINAL"}).get("result") for h in hashes]


def test_restart():
    with kit.folder() as home:
        with Devnet(home) as net:
            a = net.probe()
            hashes = [net.root.send(a.id, near.call("set", b"%d" % i), wait="FINAL")["result"]["transaction"]["hash"] for i in range(3)]
            raw, waiting = net.root.signed(a.id, near.call("wait", b""))
            net.rpc("send_tx", {"signed_tx_base64": raw, "wait_until": "INCLUDED"})
            before, height = outcomes(net, hashes), net.height()
            genesis = net.rpc("status", [])["result"]["genesis_hash"]
            block = net.rpc("block", {"block_id": height})["result"]
            equal("SIGTERM ends it well", net.stop(), 0)
        with Devnet(home) as net:
            check("heights go on", net.height() >= height, (net.height(), height))
            equal("the same chain", net.rpc("status", [])["result"]["genesis_hash"], genesis)
            equal("the same block", net.rpc("block", {"block_id": height})["result"], block)
            equal("transactions are found", outcomes(net, hashes), before)
            equal("state is there", bytes(near.view(net.url, a.id, "get")["result"]["result"]), b"2")
            a.url = net.url
            equal("a yield outlives the restart", a.send(a.id, near.call("answer", b"after"))["result"]["final_execution_status"] != "", True)
            equal("and is resumed", near.value_of(net.rpc("tx", [waiting, ROOT])["result"]), b"after")
            other = subprocess.run([kit.program("outlayer-devnet")], env={**os.environ, "OUTLAYER_HOME": home, "PORT": "0"},
                                   capture_output=True, text=True, timeout=20)
            check("a second one on the same home is refused", other.returncode != 0 and "lock" in other.stderr + other.stdout, other.stderr)


def test_genesis_time():
    """A contract that looks at dates is tried at the day that its data are of."""
    began = 1_750_320_802

    def seconds(net):
        return net.rpc("block", {"finality": "final"})["result"]["header"]["timestamp"] / 1e9

    with kit.folder() as home:
        with Devnet(home, GENESIS_TIME=str(began)) as net:
            first = seconds(net)
            check("the chain begins at its time", began <= first < began + 60, first)
            check("its time passes", kit.until(lambda: seconds(net) > first + 0.2))
            last = seconds(net)
        with Devnet(home) as net:
            check("and goes on after a restart that says nothing", last <= seconds(net) < began + 120, seconds(net))
        with Devnet(home, GENESIS_TIME=str(began + 1_000_000)) as net:
            check("a later setting changes nothing", seconds(net) < began + 180, seconds(net))
    with kit.folder() as home:
        with Devnet(home) as net:
            check("else it is the clock's", abs(seconds(net) - time.time()) < 60, seconds(net))
        with Devnet(home, GENESIS_TIME=str(began)) as net:
            check("which stays", abs(seconds(net) - time.time()) < 120, seconds(net))


def test_kill_9():
    """Whatever a client saw before a crash is there after it."""
    with kit.folder() as home:
        with Devnet(home) as net:
            a = net.probe()
            net.root.send(a.id, near.call("set", b"0"))
        seen = b"0"
        for round_ in range(6):
            net = Devnet(home, BLOCK_IDLE_MS="1")
            equal(f"crash {round_}: what was seen is there", bytes(near.view(net.url, a.id, "get")["result"]["result"]), seen)
            hashes, stop, heights = [], threading.Event(), [net.height()]

            def watch():
                while not stop.is_set():
                    try:
                        heights.append(net.height())
                    except (OSError, ValueError, KeyError):
                        return

            watcher = threading.Thread(target=watch)
            watcher.start()
            for i in range(round_ + 1):
                value = b"%d-%d" % (round_, i)
                result = net.root.send(a.id, near.call("set", value))["result"]
                seen = near.value_of(result)
                hashes.append(result["transaction"]["hash"])
            net.kill()
            stop.set()
            watcher.join(10)
            with Devnet(home) as again:
                check(f"crash {round_}: no height is lost", again.height() >= max(heights), (again.height(), max(heights)))
                check(f"crash {round_}: transactions are found", all(outcomes(again, hashes)), hashes)


def test_interval():
    with kit.folder() as home, Devnet(home, BLOCK_MS="100") as net:
        first, start = net.height(), time.monotonic()
        time.sleep(2)
        made, took = net.height() - first, time.monotonic() - start
        check("a block each 100 ms", 0.7 * took * 10 <= made <= 1.2 * took * 10, (made, took))
        result = net.root.send("new." + ROOT, near.create_account(), near.transfer(NEAR), near.add_key(Key().public))["result"]
        check("transactions go through", "SuccessValue" in result["status"], result)


def test_settings():
    with kit.folder() as home:
        key = Key()
        genesis = os.path.join(home, "genesis.json")
        with open(genesis, "w") as f:
            json.dump({"chain_id": "mine", "accounts": [{"account_id": "me.near", "public_key": key.public, "balance": str(5 * NEAR)}]}, f)
        with kit.Daemon("outlayer-devnet", {"GENESIS": genesis, "BLOCK_MS": "0"}, home=home) as net:
            equal("a genesis of one's own", kit.rpc(net.url, "status", [])["result"]["chain_id"], "mine")
            equal("ready line", net.ready, {"port": net.port, "chain_id": "mine"})
            got = kit.rpc(net.url, "query", ["account/me.near", ""])["result"]["amount"]
            equal("its account", got, str(5 * NEAR))
        def status_of(**env):
            clean = {k: v for k, v in os.environ.items() if not k.startswith("OUTLAYER_")}
            return subprocess.run([kit.program("outlayer-devnet")], env={**clean, "OUTLAYER_HOME": home, "PORT": "0", **env},
                                  capture_output=True, text=True, timeout=20)
        got = status_of()
        check("another chain's home is refused", got.returncode == 1 and "holds the chain 'mine'" in got.stderr, got.stderr)
        got = status_of(BLOCK_MS="soon")
        check("a wrong setting is named", got.returncode == 1 and "BLOCK_MS" in got.stderr, got.stderr)
        with open(genesis, "w") as f:
            f.write('{"chain_id":"mine","accounts":[]}')
        got = status_of(GENESIS=genesis)
        check("a genesis without accounts is refused", got.returncode == 1 and "1 to" in got.stderr, got.stderr)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            with kit.folder() as other:
                got = status_of(PORT=str(taken.getsockname()[1]), OUTLAYER_HOME=other)
                check("a taken port is named", got.returncode == 1 and str(taken.getsockname()[1]) in got.stderr, got.stderr)


if __name__ == "__main__":
    kit.main(globals())
