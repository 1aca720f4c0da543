#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""outlayer-devnet from outside: JSON-RPC results and error shapes, transactions, promises and waits."""
import base64, hashlib, json, os, struct, threading, time

import kit, near
from devnet_world import Devnet, ROOT, code_of, compiled, error
from kit import check, equal
from near import Account, Key, NEAR


def test_reads():
    with kit.folder() as home, Devnet(home) as net:
        status = net.rpc("status", [])["result"]
        equal("status: chain id", status["chain_id"], "devnet")
        check("status: a block", status["sync_info"]["latest_block_height"] >= 1 and not status["sync_info"]["syncing"],
              status)
        equal("GET /status is the same chain", kit.get_json(net.url + "/status")[1]["genesis_hash"],
              status["genesis_hash"])
        equal("GET /health", kit.get_json(net.url + "/health"), (200, {"status": "ok"}))
        equal("health", net.rpc("health", []).get("result", 0), None)
        block = net.rpc("block", {"finality": "final"})["result"]
        header = block["header"]
        for key in ("hash", "prev_hash", "epoch_id", "random_value", "chunk_headers_root", "outcome_root",
                    "timestamp_nanosec"):
            check(f"block header has {key}", isinstance(header.get(key), str) and header[key], header)
        equal("block by height", net.rpc("block", {"block_id": header["height"]})["result"], block)
        equal("block by hash", net.rpc("block", {"block_id": header["hash"]})["result"], block)
        equal("block by list", net.rpc("block", [header["hash"]])["result"], block)
        equal("block with a null id beside finality",
              "result" in net.rpc("block", {"block_id": None, "finality": "final"}), True)
        equal("the earliest block", net.rpc("block", {"sync_checkpoint": "genesis"})["result"]["header"]["height"], 1)
        chunk = block["chunks"][0]["chunk_hash"]
        by_hash = net.rpc("chunk", [chunk])["result"]
        equal("chunk by hash", by_hash["header"]["chunk_hash"], chunk)
        equal("chunk by block and shard", net.rpc("chunk", {"block_id": header["height"], "shard_id": 0})["result"],
              by_hash)
        equal("chunk by list", net.rpc("chunk", [[header["hash"], 0]])["result"], by_hash)
        equal("gas price", net.rpc("gas_price", [None])["result"], {"gas_price": "100000000"})
        for params in ([None], "latest", {"block_id": header["height"]}, {"epoch_id": header["epoch_id"]}):
            got = net.rpc("validators", params)
            check(f"validators {params}", got.get("result", {}).get("current_validators", [{}])[0].get("stake"), got)
        config = net.rpc("EXPERIMENTAL_protocol_config", {"finality": "final"})["result"]
        equal("protocol config: storage price", config["runtime_config"]["storage_amount_per_byte"],
              "10000000000000000000")
        equal("protocol config: version", config["protocol_version"], 86)
        check("genesis config",
              net.rpc("EXPERIMENTAL_genesis_config", {})["result"]["avg_hidden_validator_seats_per_shard"], "")
        equal("network_info", net.rpc("network_info", [])["result"]["num_active_peers"], 0)
        _, headers, _ = kit.http("POST", net.url, {"jsonrpc": "2.0", "id": 1, "method": "health"},
                                 {"Origin": "http://x.example"})
        equal("CORS: any origin", headers.get("Access-Control-Allow-Origin"), "*")
        status, headers, _ = kit.http("OPTIONS", net.url, None,
                                      {"Origin": "http://x.example", "Access-Control-Request-Method": "POST"})
        check("CORS: preflight", status in (200, 204) and headers.get("Access-Control-Allow-Origin") == "*",
              (status, headers))


def test_errors():
    with kit.folder() as home, Devnet(home) as net:
        name, cause, info, data = error(net.rpc("query", {"request_type": "view_account", "finality": "final",
                                                          "account_id": "x.near"}))
        equal("unknown account", (name, cause, info["requested_account_id"], data),
              ("HANDLER_ERROR", "UNKNOWN_ACCOUNT", "x.near", "account x.near does not exist while viewing"))
        check("unknown account: of which block", isinstance(info["block_height"], int) and info["block_hash"], info)
        key = Key().public
        got = net.rpc("query", {"request_type": "view_access_key", "finality": "final", "account_id": ROOT,
                                "public_key": key})["result"]
        equal("unknown key is a result with an error", (got["error"], got["logs"]),
              (f"access key {key} does not exist while viewing", []))
        check("unknown key: of which block", got["block_hash"] and got["block_height"], got)
        got = near.view(net.url, ROOT, "get")["result"]["error"]
        equal("a call of no contract", got,
              'wasm execution failed with error: CompilationError(CodeDoesNotExist { account_id: "test.near" })')
        equal("code of no contract", error(net.rpc("query", {"request_type": "view_code", "finality": "final",
                                                             "account_id": ROOT}))[1], "NO_CONTRACT_CODE")
        equal("unknown block by height", error(net.rpc("block", {"block_id": 10 ** 9}))[1:],
              ("UNKNOWN_BLOCK", {}, "DB Not Found Error: BLOCK HEIGHT: 1000000000 \n Cause: Unknown"))
        some = "4GXvjMFN6wSxnU9jEVT8HbXP5Yk6yELX9faRSKp6n9fX"
        equal("unknown block by hash", error(net.rpc("block", [some]))[1:],
              ("UNKNOWN_BLOCK", {}, f"DB Not Found Error: BLOCK HEADER: {some} \n Cause: Unknown"))
        for wanted, text in ((10 ** 9, "BLOCK HEIGHT: 1000000000 \n Cause: Unknown"), (some, f"BLOCK HEADER: {some}")):
            equal(f"query of the unknown block {wanted}", error(near.view(net.url, ROOT, "get", block_id=wanted))[1:],
                  ("UNKNOWN_BLOCK", {"block_reference": {"block_id": wanted}}, "DB Not Found Error: " + text))
        equal("unknown chunk", error(net.rpc("chunk", [some]))[1:],
              ("UNKNOWN_CHUNK", {"chunk_hash": some},
               f"Chunk Missing (unavailable on the node): ChunkHash(`{some}`) \n Cause: Unknown"))
        equal("unknown shard", error(net.rpc("chunk", {"block_id": 1, "shard_id": 9}))[1], "INVALID_SHARD_ID")
        equal("unknown transaction, not waited for",
              error(net.rpc("tx", {"tx_hash": some, "sender_account_id": ROOT, "wait_until": "NONE"}))[1:],
              ("UNKNOWN_TRANSACTION", {"requested_transaction_hash": some}, f"Transaction {some} doesn't exist"))
        equal("unknown receipt", error(net.rpc("EXPERIMENTAL_receipt", {"receipt_id": some}))[1:3],
              ("UNKNOWN_RECEIPT", {"receipt_id": some}))
        equal("unknown method", error(net.rpc("no_such", {})),
              ("REQUEST_VALIDATION_ERROR", "METHOD_NOT_FOUND", {"method_name": "no_such"}, "no_such"))
        for params in ({}, {"request_type": "view_account", "finality": "final"},
                       {"request_type": "nonsense", "finality": "final", "account_id": ROOT},
                       {"request_type": "view_account", "account_id": ROOT},
                       {"request_type": "view_account", "finality": "soon", "account_id": ROOT},
                       {"request_type": "view_account", "finality": "final", "account_id": "No Account"}, 7, "text",
                       ["nonsense/a", ""]):
            equal(f"bad query {json.dumps(params)[:60]}", error(net.rpc("query", params))[:2],
                  ("REQUEST_VALIDATION_ERROR", "PARSE_ERROR"))
        for bad in ("AAAA", "!!!", "", base64.b64encode(os.urandom(300)).decode()):
            equal(f"bad transaction {bad[:8]!r}", error(net.rpc("send_tx", {"signed_tx_base64": bad}))[1],
                  "PARSE_ERROR")
        status, _, body = kit.http("POST", net.url, b"{not json")
        equal("not JSON: status 400 and a parse error", (status, json.loads(body)["error"]["code"]), (400, -32700))
        large = b'{"jsonrpc":"2.0","id":1,"method":"health","x":"' + b"x" * (11 << 20) + b'"}'
        for body, how in ((large, "announced"), (iter((large,)), "in chunks")):
            status, _, body = kit.http("POST", net.url, body)
            answer = json.loads(body)
            equal(f"a body over 10 MiB, {how}: an error in JSON-RPC's shape",
                  (status, answer.get("jsonrpc")) + error(answer)[:2],
                  (413, "2.0", "REQUEST_VALIDATION_ERROR", "PARSE_ERROR"))
        _, _, body = kit.http("POST", net.url,
                              [{"jsonrpc": "2.0", "id": i, "method": m, "params": ["account/test.near", ""]}
                                                for i, m in enumerate(("query", "block", "query"))])
        batch = json.loads(body)
        equal("batch: ids and only query", [(b["id"], "result" in b) for b in batch],
              [(0, True), (1, False), (2, True)])


def test_statuses():
    """Clients retry by the HTTP status: what may be tried again must differ from what never succeeds."""
    with kit.folder() as home, Devnet(home) as net:
        some, query = "1" * 32, {"request_type": "view_account", "account_id": ROOT}
        for method, params, want, cause in (
                ("block", {"finality": "final"}, 200, None),
                ("query", {**query, "finality": "final", "account_id": "x.near"}, 200, "UNKNOWN_ACCOUNT"),
                ("block", {"blob": 1}, 400, "PARSE_ERROR"), ("no_such", {}, 400, "METHOD_NOT_FOUND"),
                ("block", {"block_id": some}, 422, "UNKNOWN_BLOCK"),
                                            ("query", {**query, "block_id": some}, 422, "UNKNOWN_BLOCK"),
                ("block", {"block_id": 0}, 422, "UNKNOWN_BLOCK"),
                                            ("block", {"block_id": 10 ** 9}, 200, "UNKNOWN_BLOCK"),
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
            got = (e.get("data") or {}).get("TxExecutionError", {}).get("InvalidTxError") if isinstance(e.get("data"),
                                                                                                        dict) else e
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
        refused("a foreign key", Account(net.url, ROOT, Key()).send(ROOT, near.transfer(1), nonce=5),
                "InvalidAccessKeyError")
        refused("a signer that is not there", Account(net.url, "no.near", Key()).send(ROOT, near.transfer(1), nonce=5),
                "SignerDoesNotExist")
        refused("a block that is not there", alice.send(ROOT, near.transfer(1), block_hash=near.b58(os.urandom(32))),
                "Expired")
        raw, _ = alice.signed(ROOT, near.transfer(1))
        broken = bytearray(base64.b64decode(raw))
        broken[-1] ^= 1
        refused("a wrong signature", net.rpc("send_tx", [base64.b64encode(bytes(broken)).decode()]), "InvalidSignature")
        broken = base64.b64encode(bytes(broken)).decode()
        answer = net.rpc("broadcast_tx_async", [broken])
        check("sent without waiting: only the hash comes back", isinstance(answer.get("result"), str), answer)
        answer = net.rpc("send_tx", {"signed_tx_base64": broken, "wait_until": "NONE"})
        equal("send_tx without waiting tells nothing, as nodes do", answer.get("result"),
              {"final_execution_status": "NONE"})
        refused("broadcast_tx_commit tells", net.rpc("broadcast_tx_commit", [broken]), "InvalidSignature")
        refused("looking at a whole transaction that is invalid", net.rpc("tx", [broken]), "InvalidSignature")
        raw, _ = alice.signed(ROOT, near.transfer(1))
        waiting = []
        thread = threading.Thread(target=lambda: waiting.append(net.rpc("tx", [raw])))  # nobody sends it
        thread.start()
        time.sleep(0.3)
        equal("a whole transaction that can still come is waited for", waiting, [])
        alice.send(ROOT, near.transfer(2))  # with the same nonce
        thread.join(60)
        refused("until its nonce is used by another", waiting[0] if waiting else {}, "InvalidNonce")
        refused("no gas", alice.send(ROOT, near.call("x", gas=0)), "ActionsValidation")
        long = "m" * 257
        for name, actions, want in (
                ("101 actions", [near.transfer(1)] * 101, "TotalNumberOfActionsExceeded"),
                ("a deletion that is not last", [near.delete_account(ROOT), near.transfer(1)], "DeleteActionMustBeFinal"),
                ("a long method", [near.call(long)], "FunctionCallMethodNameLengthExceeded"),
                ("a key for a long method", [near.add_call_key(Key().public, ROOT, [long])],
                 "AddKeyMethodNameLengthExceeded"),
                ("a key for many methods", [near.add_call_key(Key().public, ROOT, ["m" * 250] * 9)],
                 "AddKeyMethodNamesNumberOfBytesExceeded"),
                ("more gas than there can be", [near.call("x", gas=2 ** 63), near.call("x", gas=2 ** 63)],
                 "IntegerOverflow"),
                ("a key for what is no account", [near.add_call_key(Key().public, "No!")], "InvalidAccountId"),
                ("more gas than is allowed", [near.call("x", gas=10 ** 16)], "TotalPrepaidGasExceeded")):
            why = refused(name, alice.send(alice.id, *actions), "ActionsValidation")
            check("in these words", want in json.dumps(why), why)


def test_transactions():
    with kit.folder() as home, Devnet(home) as net:
        probe_account = net.probe()
        result = net.root.send(probe_account.id, near.call("set", b"hello"))["result"]
        equal("value of a call", near.value_of(result), b"hello")
        equal("log of a call", result["receipts_outcome"][0]["outcome"]["logs"], ["hello"])
        outcome = result["transaction_outcome"]["outcome"]
        equal("the transaction's outcome",
              (outcome["executor_id"], outcome["metadata"]["version"], list(outcome["status"])),
              (ROOT, 1, ["SuccessReceiptId"]))
        check("gas profile of the receipt",
              any(p["cost"] == "WASM_INSTRUCTION"
                  for p in result["receipts_outcome"][0]["outcome"]["metadata"]["gas_profile"]),
              result["receipts_outcome"][0]["outcome"]["metadata"])
        tx = result["transaction"]
        equal("the transaction itself", (tx["signer_id"], tx["receiver_id"], list(tx["actions"][0])),
              (ROOT, probe_account.id, ["FunctionCall"]))
        for wait in ("NONE", "INCLUDED", "EXECUTED_OPTIMISTIC", "INCLUDED_FINAL", "EXECUTED", "FINAL"):
            got = net.rpc("tx", {"tx_hash": tx["hash"], "sender_account_id": ROOT, "wait_until": wait})
            equal(f"tx, waiting for {wait}", near.value_of(got["result"]), b"hello")
        final = net.rpc("EXPERIMENTAL_tx_status",
                        {"tx_hash": tx["hash"], "sender_account_id": ROOT, "wait_until": "FINAL"})["result"]
        equal("final", final["final_execution_status"], "FINAL")
        equal("a receipt for each outcome", [r["receipt_id"] for r in final["receipts"]],
              [o["id"] for o in final["receipts_outcome"]])
        check("refunds are among them", any(r["predecessor_id"] == "system" for r in final["receipts"]),
              final["receipts"])
        receipt = net.rpc("EXPERIMENTAL_receipt", {"receipt_id": final["receipts"][0]["receipt_id"]})["result"]
        equal("the receipt by its id", receipt, final["receipts"][0])
        raw, tx_hash = net.root.signed(probe_account.id, near.call("set", b"again"))
        equal("send and do not wait", net.rpc("send_tx", {"signed_tx_base64": raw, "wait_until": "NONE"})["result"],
              {"final_execution_status": "NONE"})
        equal("then ask", near.value_of(net.rpc("tx", [tx_hash, ROOT])["result"]), b"again")
        equal("the same transaction again gives its outcome", near.value_of(net.rpc("send_tx", [raw])["result"]),
              b"again")
        raw, tx_hash = net.root.signed(probe_account.id, near.call("set", b"commit"))
        equal("broadcast_tx_async gives the hash", net.rpc("broadcast_tx_async", [raw])["result"], tx_hash)
        equal("broadcast_tx_commit waits", near.value_of(net.rpc("broadcast_tx_commit", [raw])["result"]), b"commit")
        panic = net.root.send(probe_account.id, near.call("boom", b"no luck"))["result"]["status"]
        equal("a panic", panic,
              {"Failure": {"ActionError": {"index": 0,
                                           "kind": {"FunctionCallError": {"ExecutionError": "Smart contract panicked: no luck"}}}}})
        gone = net.root.send("nobody." + ROOT, near.transfer(1))["result"]["status"]
        equal("a transfer to nobody", gone,
              {"Failure": {"ActionError": {"index": 0,
                                           "kind": {"AccountDoesNotExist": {"account_id": "nobody." + ROOT}}}}})


def test_promises_and_yield():
    with kit.folder() as home, Devnet(home) as net:
        a, b = net.probe("a." + ROOT), net.probe("b." + ROOT)
        result = net.root.send(a.id, near.call("relay_then", b.id.encode()))["result"]
        equal("promise and callback", near.value_of(result), b"1")
        equal("the other contract was called", bytes(near.view(net.url, b.id, "get")["result"]["result"]), b"relayed")
        equal("callback after a failure",
              near.value_of(net.root.send(a.id, near.call("relay_boom", b.id.encode()))["result"]), b"2")
        before = int(net.rpc("query", {"request_type": "view_account", "finality": "final",
                                       "account_id": b.id})["result"]["amount"])
        net.root.send(a.id, near.call("pay", b.id.encode()))
        after = int(net.rpc("query", {"request_type": "view_account", "finality": "final",
                                      "account_id": b.id})["result"]["amount"])
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
        thread.join(60)
        check("resuming answers who waited", answers and near.value_of(answers[0]["result"]) == b"at last",
              (answers, b_calls))
        check("before a wait's 10 s are over", time.monotonic() - start < 9, time.monotonic() - start)
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
        equal("a name that is none", got,
              {"FunctionCallError": {"ExecutionError": "VM Logic returned an invalid account id"}})


def keys_of(net, name):
    got = net.rpc("query", {"request_type": "view_access_key_list", "finality": "final", "account_id": name})
    return {k["public_key"]: k["access_key"] for k in got["result"]["keys"]}


def test_accounts_of_contracts():
    """A contract makes accounts and changes its own: what it may, and in the words of nodes what it may not."""
    first, second = (f"ed25519:{near.b58(letter * 32)}" for letter in (b"A", b"B"))
    with kit.folder() as home, Devnet(home) as net:
        a, heir = net.contract(code_of("accounts"), "a." + ROOT), net.root.create("heir." + ROOT, NEAR)

        def call(method, text):
            return net.root.send(a.id, near.call(method, text))["result"]["status"]
        done = call("make", b"sub.a.test.near")
        check("an account is made", "SuccessValue" in done, done)
        amount, _, _ = net.account("sub.a." + ROOT)
        equal("with its money and key", (amount, list(keys_of(net, "sub.a." + ROOT))), (NEAR, [first]))
        done = call("make", b"sub.a.test.near")
        check("once", "AccountAlreadyExists" in json.dumps(done), done)
        done = call("make", b"else.test.near")
        check("and none of another's", "CreateAccountNotAllowed" in json.dumps(done), done)
        done = call("grant", b"one,two")
        check("a key for calls is added", "SuccessValue" in done, done)
        equal("as it was meant", keys_of(net, a.id)[second]["permission"], {"FunctionCall": {
            "allowance": str(NEAR), "receiver_id": "r.near", "method_names": ["one", "two"]}})
        done = call("grant", b"one")
        check("once, too", "AddKeyAlreadyExists" in json.dumps(done), done)
        for methods, words in ((b"one,,two", "empty method name"), (b"one,", "empty method name"),
                               (b"\xff", "invalid method name")):
            done = call("grant", methods)
            check(f"not for {methods!r}", words in json.dumps(done), done)
        done = call("full", b"\0" + b"A" * 32)
        check("a key with all rights is added", "SuccessValue" in done, done)
        equal("with all of them", keys_of(net, a.id)[first]["permission"], "FullAccess")
        for bytes_ in (b"\0AAAA", b"\7" + b"A" * 32, b""):
            done = call("full", bytes_)
            check(f"but none of {len(bytes_)} bytes that is no key", "ublic key" in json.dumps(done), done)
        done = call("revoke", b"\0" + b"A" * 32)
        check("a key is taken", "SuccessValue" in done and first not in keys_of(net, a.id), done)
        done = call("revoke", b"\0" + b"A" * 32)
        check("once, as well", "DeleteKeyDoesNotExist" in json.dumps(done), done)
        before, (rest, _, _) = net.account(heir.id)[0], net.account(a.id)
        done = call("leave", heir.id.encode())
        gone = net.rpc("query", {"request_type": "view_account", "finality": "final", "account_id": a.id})
        check("the account goes", error(gone)[1] == "UNKNOWN_ACCOUNT", (done, gone))
        gained = net.account(heir.id)[0] - before
        check("and its money to the heir", abs(rest - gained) < NEAR // 100, (rest, gained))  # and its part of the gas


def test_words_and_facts():
    """Logs, ends and facts that few contracts ask for, as nodes give them."""
    with kit.folder() as home, Devnet(home) as net:
        w = net.contract(code_of("words"), "w." + ROOT)

        def call(method, text=b""):
            return net.root.send(w.id, near.call(method, text))["result"]

        def log(method, text):
            return next((o["outcome"]["logs"] for o in call(method, text)["receipts_outcome"] if o["outcome"]["logs"]),
                        None)
        wide = "a\u00e4\u20ac\U0001f600"
        equal("UTF-8", log("utf8", wide.encode()), [wide])
        equal("UTF-16", log("utf16", wide.encode("utf-16-le")), [wide])
        equal("UTF-8 up to a zero", log("utf8_end", b"one\0two"), ["one"])
        equal("UTF-16 up to a zero", log("utf16_end", "eins\0zwei".encode("utf-16-le")), ["eins"])
        for method, text, words in (
                ("utf8", b"\xff", "String encoding is bad UTF-8 sequence."),
                ("utf16", b"a", "String encoding is bad UTF-16 sequence."),
                ("utf16", b"\0\xd8a\0", "String encoding is bad UTF-16 sequence."),
                ("utf16", b"\0\xdc", "String encoding is bad UTF-16 sequence."),
                ("utf8", b"x" * 16385, "length of a log message 16385 exceeds the limit 16384"),
                ("utf8_end", b"x" * 20000, "length of a log message"),
                ("utf16_end", b"x\0" * 20000, "length of a log message"),
                ("utf16", b"x\0" * 20000, "length of a log message"),
                ("burn", b"\xff\xff\xff\x7f", "Exceeded the maximum amount of gas"),
                ("often", b"x", "The number of logs will exceed the limit 100"),
                ("panic", b"", "Smart contract panicked: explicit guest panic"),
                ("abort", b"", 'Smart contract panicked: no, filename: "f.ts" line: 7 col: 9'),
                ("iterate", b"", "Attempted to call deprecated host function storage_iter_prefix"),
                ("store", b"k" * 2049, "length of a storage key 2049 exceeds the limit 2048"),
                ("nobody", b"", "7 does not correspond to existing promises")):
            status = call(method, text)["status"]
            got = status.get("Failure", {}).get("ActionError", {}).get("kind", {}).get("FunctionCallError", {})
            check(f"{method} of {len(text)} bytes ends", words in str(got.get("ExecutionError")), status)
        equal("who", near.value_of(call("who")),
              f"{ROOT},{net.rpc('status', [])['result']['chain_id']},{ROOT},".encode())
        seeds = {near.value_of(call("seed")) for _ in range(3)}
        check("each block has a seed of its own", len(seeds) == 3 and all(len(s) == 32 for s in seeds), seeds)
        with open(compiled("words"), "rb") as f:
            equal("its code", near.value_of(call("code")), hashlib.sha256(f.read()).digest())
        before = net.height()
        height, epoch = struct.unpack("<QQ", near.value_of(call("when")))
        check("when", before < height <= net.height() and epoch <= height, (before, height, epoch))
        one, all_, own = (int.from_bytes(near.value_of(call("stakes", ROOT.encode()))[i:i + 16], "little")
                          for i in (0, 16, 32))
        equal("nobody has staked", (one, all_, own), (0, 0, 0))


def test_faults():
    """How a contract's own faults are called, as nodes call them."""
    with kit.folder() as home, Devnet(home) as net:
        f = net.contract(code_of("faults"), "f." + ROOT)

        def call(method):
            return net.root.send(f.id, near.call(method, b"", 200 * near.TGAS))["result"]
        for method, words in (
                ("outside", "Memory out of bounds trap."), ("null_call", "Indirect call to null."),
                ("wrong_call", "Call indirect incorrect signature trap."),
                ("divide", "An arithmetic exception, e.g. divided by zero."),
                ("convert", "An arithmetic exception, e.g. divided by zero."),
                ("key_outside", "Accessed memory outside the bounds."),
                ("range", "Attempted to call deprecated host function storage_iter_range"),
                ("next", "Attempted to call deprecated host function storage_iter_next"),
                ("no_method", "Tried to call an empty method name."),
                ("bad_method", "invalid method name"),
                ("joint_pay", "Actions can only be appended to non-joint promise."),
                ("joint_return", "Returning joint promise is currently prohibited."),
                ("joint_refund", "Cannot set refund_to on joint promise."),
                ("no_result", "Accessed invalid promise result index: 9"),
                ("poor", "Exceeded the account balance.")):
            status = call(method)["status"]
            got = status.get("Failure", {}).get("ActionError", {}).get("kind", {}).get("FunctionCallError", {})
            check(method, words in str(got.get("ExecutionError")), status)
        for method, error_ in (("", "MethodEmptyName"), ("takes", "MethodInvalidSignature"),
                               ("none", "MethodNotFound")):
            status = call(method)["status"]
            check(f"the method '{method}'", error_ in json.dumps(status), status)
        unlinked = net.contract(code_of("unlinked"), "u." + ROOT)
        status = net.root.send(unlinked.id, near.call("run", b""))["result"]["status"]
        check("a host function that is not there", "Link Error" in json.dumps(status), status)
        status = call("deep")["status"]
        check("a stack has an end", "Failure" in status, status)
        equal("two promises are waited for", near.value_of(call("join")), b"2")
        seen = near.view(net.url, f.id, "key_outside")
        check("a view may not write", "ProhibitedInView" in json.dumps(seen), seen)


def test_stake():
    with kit.folder() as home, Devnet(home) as net:
        alice = net.root.create("alice." + ROOT, 5 * NEAR)
        equal("nothing to take back", failure(alice.send(alice.id, near.stake(0, alice.key.public))),
              {"TriesToUnstake": {"account_id": alice.id}})
        amount = net.account(alice.id)[0]
        alice.send(alice.id, near.stake(3 * NEAR, alice.key.public), wait="FINAL")
        now = net.account(alice.id)
        check("what is staked is locked", now[1] == 3 * NEAR and 0 < amount - 3 * NEAR - now[0] < NEAR // 1000,
              (amount, now))
        got = failure(alice.send(alice.id, near.stake(9 * NEAR, alice.key.public)))
        equal("more than there is", (list(got), got["TriesToStake"]["stake"], got["TriesToStake"]["locked"]),
              (["TriesToStake"], str(9 * NEAR), str(3 * NEAR)))
        equal("an account that has stake stays", failure(alice.send(alice.id, near.delete_account(ROOT))),
              {"DeleteAccountStaking": {"account_id": alice.id}})
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
                ("sent to another account", sent(receiver=bob.id),
                 {"DelegateActionSenderDoesNotMatchTxReceiver": {"sender_id": alice.id, "receiver_id": bob.id}}),
                ("a key that the account does not have", sent(key=stranger),
                 {"DelegateActionAccessKeyError": {"AccessKeyNotFound": {"account_id": alice.id,
                                                                         "public_key": stranger.public}}}),
                ("a nonce that was used", sent(n=nonce - 1),
                 {"DelegateActionInvalidNonce": {"delegate_nonce": nonce - 1, "ak_nonce": nonce - 1}})):
            equal(name, failure(answer), want)
        check("a nonce far ahead", "DelegateActionNonceTooLarge" in failure(sent(n=10 ** 15)), "")
        before = [net.account(x)[0] for x in (alice.id, bob.id, ROOT)]
        done = sent()
        check("what is signed is done", "SuccessValue" in done["result"]["status"], done)
        signer, receiver, sender = (net.account(x)[0] - b for x, b in zip((alice.id, bob.id, ROOT), before))
        equal("its receiver has it, and who signed has paid neither gas nor deposit", (receiver, signer), (NEAR, 0))
        check("who sent it has", -NEAR - NEAR // 1000 < sender < -NEAR, sender)
        equal("the key's nonce is used", alice.nonce(), nonce)
        equal("and so it is done once", failure(sent()),
              {"DelegateActionInvalidNonce": {"delegate_nonce": nonce, "ak_nonce": nonce}})


def test_lack_of_balance_for_state():
    with kit.folder() as home, Devnet(home) as net:
        a = net.contract(code_of("hosts"), "a." + ROOT)
        _, _, used = net.account(a.id)
        price = 10 ** 19
        # Beyond 770 bytes an account has to cover what it stores: a call that stores more than that is undone.
        answer = a.send(ROOT,
                        near.transfer(net.account(a.id)[0] - used * price - NEAR // 50),  # for gas, and 2,000 bytes
                        wait="FINAL")  # what it gets back of its gas, too
        check("an account may give what its state does not need",
              "SuccessValue" in answer.get("result", {}).get("status", {}), answer)
        amount, _, used = net.account(a.id)
        got = failure(net.root.send(a.id, near.call("keep", b"x" * 100000)))
        lack = (used + 100000 + 1 + 40) * price - amount
        equal("a call that stores more than its account covers", got,
              {"LackBalanceForState": {"account_id": a.id, "amount": str(lack)}})
        equal("is undone", net.account(a.id)[2], used)
        answer = net.root.send(a.id, near.call("keep", b"x" * 100))
        check("a little is covered", "SuccessValue" in answer["result"]["status"]
              and net.account(a.id)[2] == used + 141, answer)
        amount, _, used = net.account(a.id)
        answer = a.send(ROOT, near.transfer(amount - used * price))
        invalid = error(answer)[3]["TxExecutionError"]["InvalidTxError"]["LackBalanceForState"]
        check("a transaction that would leave too little is refused", invalid["signer_id"] == a.id
              and 0 < int(invalid["amount"]) < NEAR // 100, answer)


def test_resume_in_the_last_block():
    """A resume that is under way when the window ends wins; one that comes after the end is too late."""
    with kit.folder() as home, Devnet(home, BLOCK_IDLE_MS="0") as net:
        a = net.probe()

        def height_of(outcome):
            return net.rpc("block", [outcome["block_hash"]])["result"]["header"]["height"]
        for late, want in ((0, b"in time"), (1, b"timeout")):
            raw, tx_hash = a.signed(a.id,
                                    near.call("wait", b""))  # signed by itself: it runs in its transaction's block
            end = height_of(net.rpc("send_tx", {"signed_tx_base64": raw,
                                                "wait_until": "INCLUDED"})["result"]["transaction_outcome"]) + 200
            net.rpc("sandbox_fast_forward", {"delta_height": end - 2 + late - net.height()})
            resume = height_of(net.root.send(a.id,
                                             near.call("answer",
                                                       b"in time"))["result"]["receipts_outcome"][0])  # a block later
            check(f"resumed {'after' if late else 'in'} the window's last block", resume > end if late
                  else resume == end, (resume, end))
            equal("the yield's value", near.value_of(net.rpc("tx", [tx_hash, a.id])["result"]), want)


def test_wait_times_out():
    with kit.folder() as home, Devnet(home, BLOCK_IDLE_MS="600") as net:  # 200 blocks, the yield's end, take longer
        a = net.probe()
        raw, tx_hash = net.root.signed(a.id, near.call("wait", b""))
        start = time.monotonic()
        got = error(net.rpc("send_tx", {"signed_tx_base64": raw, "wait_until": "EXECUTED"}))
        took = time.monotonic() - start
        equal("a transaction that is not done in 10 s", got[:2] + got[3:],
              ("HANDLER_ERROR", "TIMEOUT_ERROR", "Timeout"))
        check("after 10 s", 9.5 < took, took)


def test_unknown_is_waited_for():
    """A node cannot tell a transaction that was never sent from one that is on its way to it: it waits and says
    TIMEOUT."""
    with kit.folder() as home, Devnet(home) as net:
        raw, tx_hash = net.root.signed(ROOT, near.transfer(1))
        answers = []
        threads = [threading.Thread(target=lambda h=h: answers.append((net.call("tx", [h, ROOT]), time.monotonic())))
                   for h in (tx_hash, "1" * 32)]
        start = time.monotonic()
        for t in threads:
            t.start()
        time.sleep(1)
        equal("neither is answered before it is sent", answers, [])
        net.rpc("send_tx", [raw])
        threads[0].join(60)
        check("the one that comes later is answered", answers and answers[0][0][0] == 200
              and near.value_of(answers[0][0][1]["result"]) == b"", answers)
        threads[1].join(60)
        ((status, answer), when) = answers[-1]
        equal("the other: TIMEOUT", (status,) + error(answer), (408, "HANDLER_ERROR", "TIMEOUT_ERROR", None, "Timeout"))
        check("after 10 s", 9.5 < when - start, when - start)


if __name__ == "__main__":
    kit.main(globals())
