#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""outlayer-devnet as clients read it: queries, pages, changes, and blocks as neardata serves them."""
import base64, threading, time

import kit, near
from devnet_world import Devnet, ROOT, error, probe_code
from kit import check, equal
from near import Key, NEAR


def test_query():
    with kit.folder() as home, Devnet(home) as net:
        a = net.probe()
        a.send(a.id, near.call("set", b"first"))
        old = net.rpc("block", {"finality": "final"})["result"]["header"]
        a.send(a.id, near.call("set", b"second"))
        equal("view call", bytes(near.view(net.url, a.id, "get")["result"]["result"]), b"second")
        equal("view call at an older block",
              bytes(near.view(net.url, a.id, "get", block_id=old["hash"])["result"]["result"]), b"first")
        got = near.view(net.url, a.id, "get", block_id=old["height"])["result"]
        equal("it says which", (got["block_height"], got["block_hash"]), (old["height"], old["hash"]))
        text = near.view(net.url, a.id, "nothing")["result"]["error"]
        equal("no such method", text, "wasm execution failed with error: MethodResolveError(MethodNotFound)")
        panic = kit.rpc(net.url, "query", {"request_type": "call_function", "account_id": a.id, "method_name": "boom",
                                           "finality": "final",
                                           "args_base64": base64.b64encode(b"no luck").decode()})["result"]["error"]
        equal("a view that panics", panic,
              'wasm execution failed with error: HostError(GuestPanic { panic_msg: "no luck" })')
        state = net.rpc("query", {"request_type": "view_state", "finality": "final", "account_id": a.id,
                                  "prefix_base64": ""})["result"]
        equal("state", state["values"], [{"key": "aw==", "value": base64.b64encode(b"second").decode()}])
        none = net.rpc("query", {"request_type": "view_state", "finality": "final", "account_id": a.id,
                                 "prefix_base64": "eg=="})["result"]
        equal("state under another prefix", none["values"], [])
        code = net.rpc("query", {"request_type": "view_code", "finality": "final", "account_id": a.id})["result"]
        equal("code", base64.b64decode(code["code_base64"]), probe_code())
        account = net.rpc("query", {"request_type": "view_account", "finality": "final", "account_id": a.id})["result"]
        equal("account's code hash", account["code_hash"], code["hash"])
        keys = net.rpc("query", {"request_type": "view_access_key_list", "finality": "final",
                                 "account_id": a.id})["result"]["keys"]
        equal("keys", [(k["public_key"], k["access_key"]["permission"]) for k in keys], [(a.key.public, "FullAccess")])
        limited = Key()
        a.send(a.id, near.add_call_key(limited.public, a.id, ["set"], NEAR))
        got = net.rpc("query", {"request_type": "view_access_key", "finality": "final", "account_id": a.id,
                                "public_key": limited.public})["result"]
        equal("a function-call key", got["permission"],
              {"FunctionCall": {"allowance": str(NEAR), "receiver_id": a.id, "method_names": ["set"]}})
        for path, key in (("account/" + a.id, "amount"), (f"access_key/{a.id}/{a.key.public}", "nonce"),
                          ("access_key/" + a.id, "keys"),
                          ("code/" + a.id, "code_base64"), ("contract/" + a.id, "values"),
                          (f"call/{a.id}/get", "result")):
            got = net.rpc("query", [path, ""])
            check(f"by path {path.split('/')[0]}", key in got.get("result", {}), got)


def test_newer_views():
    """EXPERIMENTAL_view_… and EXPERIMENTAL_call_function: the same looks as `query`, and what is missing is an
    error."""
    with kit.folder() as home, Devnet(home) as net:
        a = net.probe()
        a.send(a.id, near.call("set", b"value"))
        key, other = a.key.public, Key().public

        def view(what, account=a.id, **more):
            return net.call("EXPERIMENTAL_" + what, {"account_id": account, "finality": "final", **more})
        for what, more in (("view_account", {}), ("view_code", {}), ("view_state", {"prefix_base64": ""}),
                           ("view_access_key", {"public_key": key}),
                           ("view_access_key_list", {}), ("call_function", {"method_name": "get", "args_base64": ""})):
            status, answer = view(what, **more)
            older = net.rpc("query", {"request_type": what, "account_id": a.id, "finality": "final", **more})["result"]
            got = answer.get("result", {})
            equal(f"{what} gives what query gives", (status, {**got, "block_hash": 0, "block_height": 0}),
                  (200, {**older, "block_hash": 0, "block_height": 0}))
            check(f"{what}: of which block", got.get("block_hash") and got.get("block_height"), got)

        def fails(name, call, status, cause, data, **info):
            got_status, answer = call
            kind, got, got_info, got_data = error(answer)
            block = {k: (got_info or {}).pop(k, None) for k in ("block_hash", "block_height")}
            equal(name, (got_status, kind, got, got_info, got_data), (status, "HANDLER_ERROR", cause, info, data))
            check(f"{name}: of which block", all(block.values()), answer)
        for what in ("view_account", "view_code", "view_state", "call_function"):
            fails(f"{what} of nobody", view(what, "x.near", prefix_base64="", method_name="get", args_base64=""), 200,
                  "UNKNOWN_ACCOUNT",
                  "account x.near does not exist while viewing", requested_account_id="x.near")
        for account in (a.id, "x.near"):
            fails(f"view_access_key, no such key of {account}", view("view_access_key", account, public_key=other), 200,
                  "UNKNOWN_ACCESS_KEY",
                  f"Access key for public key {other} has never been observed on the node", public_key=other)
        fails("view_code, no code", view("view_code", ROOT), 200, "NO_CONTRACT_CODE",
              f"Contract code for contract ID #{ROOT} has never been observed on the node", contract_account_id=ROOT)
        for method, args, vm_error, text in (
                ("nothing", b"", {"MethodResolveError": "MethodNotFound"}, "MethodResolveError(MethodNotFound)"),
                ("boom", b"no luck", {"ExecutionError": "Smart contract panicked: no luck"},
                 'ExecutionError(String("Smart contract panicked: no luck"))'),
                ("boom", b'{"a": [1]}', {"ExecutionError": {"a": [1]}}, 'ExecutionError({"a":[1]})')):
            call = view("call_function", method_name=method, args_base64=base64.b64encode(args).decode())
            fails(f"call_function {method} {args}", call, 200, "CONTRACT_EXECUTION_ERROR",
                  "Function call returned an error: " + text, vm_error=vm_error)
        fails("call_function without a contract", view("call_function", ROOT, method_name="get", args_base64=""), 200,
              "CONTRACT_EXECUTION_ERROR",
              f'Function call returned an error: CompilationError(CodeDoesNotExist {{ account_id: "{ROOT}" }})',
              vm_error={"CompilationError": {"CodeDoesNotExist": {"account_id": ROOT}}})
        equal("an unknown block", error(net.rpc("EXPERIMENTAL_view_account",
                                                {"account_id": ROOT, "block_id": 10 ** 9}))[1], "UNKNOWN_BLOCK")
        for bad in ({}, [a.id], {"account_id": a.id}, {"finality": "final"}):
            equal(f"without its parameters {bad}",
                  (net.call("EXPERIMENTAL_view_account", bad)[0], error(net.rpc("EXPERIMENTAL_view_account", bad))[1]),
                  (400, "PARSE_ERROR"))
        # The older form gives a missing key, also one of nobody, as a result, and nobody's list of keys is empty.
        got = net.rpc("query", {"request_type": "view_access_key", "finality": "final", "account_id": "x.near",
                                "public_key": other})["result"]
        equal("query: a key of nobody", (got["error"], got["logs"]),
              (f"access key {other} does not exist while viewing", []))
        got = net.rpc("query",
                      {"request_type": "view_access_key_list", "finality": "final", "account_id": "x.near"})["result"]
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
            net.rpc("sandbox_patch_state", {"records": [{"Data": {"account_id": me, "data_key": b64(k),
                                                                  "value": b64(v)}} for k, v in values.items()]})

        def view(prefix="p", **more):
            return net.rpc("query", {"request_type": "view_state", "account_id": me, "finality": "final",
                                     "prefix_base64": b64(prefix), **more})
        put(**{f"p{i:03}": "v" * 300 for i in range(300)}, q="behind", o="before")
        whole = [b64(f"p{i:03}") for i in range(300)]
        for limit, want in ((100, [100, 100, 100]), (299, None), (10 ** 6, None)):
            entries, sizes = pages(view, "values", "after_key_base64", limit=limit)
            equal(f"pages of {limit}: all keys once, in order", [e["key"] for e in entries], whole)
            check(f"pages of {limit}: their sizes", sizes == want if want else all(s * 300 < 51000 for s in sizes),
                  sizes)
        entries, sizes = pages(view, "values", "after_key_base64", after_key_base64=b64("p150"))
        equal("from a key on", [e["key"] for e in entries], whole[151:])
        name, cause, info, data = error(view())
        equal("90 kB at once", (name, cause, info.get("contract_account_id"), data),
              ("HANDLER_ERROR", "TOO_LARGE_CONTRACT_STATE", me, f"State of contract {me} is too large to be viewed"))
        equal("a small part at once", [e["key"] for e in view("p00")["result"]["values"]], whole[:10])
        equal("a last page has no cursor", "last_key" in view("p00", limit=10)["result"], False)
        for bad in ({"limit": 0}, {"limit": -1}, {"limit": 2 ** 32}, {"limit": "5"}, {"limit": 1.5},
                    {"after_key_base64": b64("q")}, {"after_key_base64": "?"},
                    {"limit": 1, "include_proof": True}):
            equal(f"not a page {bad}", error(view(**bad))[1], "PARSE_ERROR")
        put(r0="r" * 200000, r1="small")
        equal("a value beyond a page's bytes comes alone",
              pages(lambda **m: view("r", **m), "values", "after_key_base64", limit=10)[1], [1, 1])
        status, answer = net.call("EXPERIMENTAL_view_state",
                                  {"account_id": me, "finality": "final", "prefix_base64": b64("p"), "limit": 7})
        equal("the newer method, too", (status, answer["result"]["last_key"], len(answer["result"]["values"])),
              (200, b64("p006"), 7))


def test_keys_by_pages():
    with kit.folder() as home, Devnet(home) as net:
        me = net.root.create("me." + ROOT, 9 * NEAR)

        def add(n):
            net.rpc("sandbox_patch_state",
                    {"records": [{"AccessKey": {"account_id": me.id, "public_key": Key().public, "access_key":
                                                         {"nonce": 0, "permission": "FullAccess"}}} for _ in range(n)]})

        def view(**more):
            return net.rpc("query",
                           {"request_type": "view_access_key_list", "account_id": me.id, "finality": "final", **more})
        add(99)
        whole = [k["public_key"] for k in view()["result"]["keys"]]
        equal("a hundred keys at once", (len(whole), me.key.public in whole), (100, True))
        add(50)
        name, cause, info, data = error(view())
        equal("more than a hundred keys at once",
              (name, cause, info.get("requested_account_id"), info.get("limit"), data),
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
        got = net.rpc("EXPERIMENTAL_changes", {"block_id": block, "changes_type": "data_changes", "account_ids": [a.id],
                                               "key_prefix_base64": ""})["result"]
        equal("data changes", [(c["type"], c["change"]) for c in got["changes"]],
              [("data_update",
                {"account_id": a.id, "key_base64": "aw==", "value_base64": base64.b64encode(b"value").decode()})])
        got = net.rpc("EXPERIMENTAL_changes",
                      {"block_id": block, "changes_type": "account_changes", "account_ids": [a.id]})["result"]
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
        equal("last optimistic block: part and key stay", (status, headers["Location"]),
              (302, f"/v0/block_opt/{head}/headers?apiKey=k"))
        equal("the first block", kit.get(f"{net.url}/v0/first_block", redirects=False)[1]["Location"], "/v0/block/1")
        blocks = {h: kit.get_json(f"{net.url}/v0/block/{h}")[1] for h in range(1, head + 1)}
        equal("every block is there", [b["block"]["header"]["height"] for b in blocks.values()],
              list(range(1, head + 1)))
        equal("and follows the one before", [blocks[h]["block"]["header"]["prev_hash"] for h in range(2, head + 1)],
              [blocks[h]["block"]["header"]["hash"] for h in range(1, head)])
        executed = {o["execution_outcome"]["id"]: o for b in blocks.values()
                    for o in b["shards"][0]["receipt_execution_outcomes"]}
        txs = {t["transaction"]["hash"]: t for b in blocks.values() for t in b["shards"][0]["chunk"]["transactions"]}
        receipts = {r["receipt_id"] for b in blocks.values() for r in b["shards"][0]["chunk"]["receipts"]}
        tx_hash = done["transaction"]["hash"]
        equal("the transaction", txs[tx_hash]["outcome"]["execution_outcome"], done["transaction_outcome"])
        for o in done["receipts_outcome"]:
            equal("an outcome is the one that JSON-RPC gives", executed[o["id"]]["execution_outcome"], o)
            check("its receipt was delivered", o["id"] in receipts, o["id"])
        equal("outcomes name their transaction", executed[done["receipts_outcome"][0]["id"]]["tx_hash"], tx_hash)
        check("state changes",
              any(c["type"] == "data_update" for b in blocks.values() for c in b["shards"][0]["state_changes"]),
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
        waiters = [threading.Thread(target=lambda h=head + 1: answers.append(kit.get_json(f"{net.url}/v0/block/{h}",
                                                                                          timeout=120)))
                   for _ in range(20)]
        for w in waiters:
            w.start()
        time.sleep(0.3)
        equal("a next block is awaited", answers, [])
        net.root.send(a.id, near.call("set", b"next"), wait="FINAL")  # gas that comes back makes a block, too
        for w in waiters:
            w.join(60)
        equal("and given when it is there", len(answers), 20)
        equal("all the same", {b["block"]["header"]["height"] for _, b in answers}, {head + 1})
        head = net.height()
        net.rpc("sandbox_fast_forward", {"delta_height": 5})
        equal("a skipped height is null", kit.get_json(f"{net.url}/v0/block/{head + 2}"), (200, None))
        equal("the height after it is not",
              kit.get_json(f"{net.url}/v0/block/{head + 5}")[1]["block"]["header"]["prev_height"], head)


if __name__ == "__main__":
    kit.main(globals())
