#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The keystore from outside: a chain with the contract, rows stored by their owners, sessions opened with keys that may
and may not resolve, and everything that somebody between keystore and worker, or beside them, could try."""
import base64, hashlib, json, os, struct, time

import figures, kit, near
from keystore_world import (CONTRACT, NETWORK, OPERATOR, REPO, Session, digest, reserved_names, scope, text, verify,
                            world)
from kit import check, equal


# --- keys
def test_keys_are_signed_and_only_for_the_token():
    # whoever could swap a key on its way would read what is sealed with it
    with world() as w:
        k = w.pubkey("alice.test.near", "main")
        equal("names come back normal", (k["repo_normalized"], k["branch"], k["owner"]),
              (REPO, "main", "alice.test.near"))
        record = digest(text("outlayer-pubkey-v1"), scope("alice.test.near", REPO, "main"),
                        struct.pack("<I", k["generation"]), bytes.fromhex(k["pubkey"]))
        check("the key is signed by the identity that the contract publishes",
              verify(w.identity, record, k["signature"])
              and near.view_value(w.url, CONTRACT, "get_keystore_key") == w.identity)
        check("other branch, other key", w.pubkey("alice.test.near")["pubkey"] != k["pubkey"])
        equal("any spelling, one key",
              w.pubkey("alice.test.near", "main", "https%3A%2F%2Fgithub.com%2Falice%2Fproject.git")["pubkey"],
              k["pubkey"])
        check("a question without a nonce has the old answer alone", "fresh_signature" not in k)
        nonce = os.urandom(32)
        status, a = w.ask("POST", "/pubkey",
                          {"repo": REPO, "owner": "alice.test.near", "branch": "main", "nonce": nonce.hex()})
        fresh = lambda n: digest(text("outlayer-fresh-pubkey-v1"), scope("alice.test.near", REPO, "main"),
                                 struct.pack("<I", a["generation"]), bytes.fromhex(a["pubkey"]), n)
        check("with a nonce it is signed for this question", status == 200
              and verify(w.identity, fresh(nonce), a["fresh_signature"]) and verify(w.identity, record, a["signature"]),
              a)
        check("and for no other", not verify(w.identity, fresh(os.urandom(32)), a["fresh_signature"]))
        for bad in ("00" * 31, "zz" * 32, 7, ""):
            equal(f"the nonce {bad!r:.20}",
                  w.ask("POST", "/pubkey", {"repo": REPO, "owner": "alice.test.near", "nonce": bad})[0], 400)
        for path in ("/pubkey?repo=a/b&owner=a.near", "/sessions"):
            equal(f"{path} wants the token", w.ask("GET", path, token=None)[0], 401)
            equal(f"{path} wants this token", w.ask("GET", path, token="x")[0], 401)
        equal("health is open", w.ask("GET", "/health", token=None), (200, {"status": "ok", "tee_mode": "None"}))
        equal("by its other name, too", w.ask("GET", "/healthz", token=None)[0], 200)
        equal("its figures are the operator's alone", w.ask("GET", "/metrics", token=None)[0], 404)
        equal("who finds them where it listens for him", kit.get(w.keystore.status_url + "/readyz")[0], 200)
        shown = figures.read(w.keystore.status_url)
        equal("nothing is decided yet", [shown[f'outlayer_keystore_decisions_total{{verdict="{v}"}}']
                                         for v in ("allowed", "refused", "failed")], [0, 0, 0])
        check("and the chain was looked at just now", shown["outlayer_keystore_chain_view_age_seconds"] < 60
              and shown["outlayer_keystore_chain_height"] > 0, shown)
        status, a = w.ask("POST", "/pubkey",
                          {"repo": REPO, "owner": "alice.test.near", "secrets_json": '{"A":"s3cr3t"}'})
        check("secrets sent for a key are refused, and not repeated", status == 400 and "s3cr3t" not in json.dumps(a),
              a)
        for name in ("NEAR_SENDER_ID", "PROTECTED_X", "1A", "A=B", ""):
            status, a = w.ask("POST", "/pubkey", {"repo": REPO, "owner": "alice.test.near", "names": ["FINE", name]})
            check(f"the name '{name}' is refused", status == 400 and name in a["error"]["message"], a)
        equal("names that are fine",
              w.ask("POST", "/pubkey", {"repo": REPO, "owner": "alice.test.near", "names": ["FINE"]})[0], 200)
        for query in ("", "?repo=x&owner=a.near", "?repo=a/b", "?repo=a/b&owner=A"):
            equal(f"/pubkey{query}", w.ask("GET", "/pubkey" + query)[0], 400)


# --- sessions
def test_sessions_are_for_keys_that_may_resolve():
    with world() as w:
        s = Session(w)
        check("a worker's key", s.status == 200 and s.answer["session_id"] == s.id.hex(), s.answer)
        check("the keystore signs the session", verify(w.identity, s.id, s.answer["signature"]))
        equal("the operator's full key", Session(w, w.operator.key).status, 200)
        equal("a challenge works once", w.ask("POST", "/session", s.body, None)[0], 401)
        equal("a key that the chain does not know", Session(w, near.Key()).status, 403)
        equal("another account's full key", Session(w, w.alice.key, "alice.test.near").status, 403)
        other = near.Key()
        w.ok(w.operator.send(OPERATOR, near.add_call_key(other.public, CONTRACT, ["set_paused"])))
        equal("a key for another method", Session(w, other).status, 403)
        w.ok(w.operator.send(OPERATOR, near.delete_key(other.public),
                             near.add_call_key(other.public, "alice.test.near")))
        equal("a key for another contract", Session(w, other).status, 403)
        equal("signed for another network", Session(w, network="mainnet").status, 401)
        equal("a challenge that is a transaction's hash",
              Session(w, challenge=hashlib.sha256(b"tx").hexdigest()).status, 401)
        equal("for ever", Session(w, expires=int(time.time()) + 10 ** 6).status, 400)
        equal("over already", Session(w, expires=int(time.time()) - 1).status, 400)
        status, a = w.ask("GET", "/sessions")
        check("sessions are listed", status == 200 and {x["session_id"] for x in a} >= {s.id.hex()} and len(a) == 2, a)
        equal("revoked", w.ask("DELETE", f"/sessions/{s.id.hex()}")[0], 204)
        w.put(w.alice, w.seal({"A": "1"}, "alice.test.near"))
        equal("a revoked session is over", s.decrypt(w.request(w.bob))[0], 401)
        with open(os.path.join(w.store, "audit.log")) as f:
            check("the audit has the revocation",
                  any(x["what"] == "revoke" and x["session"] == s.id.hex() for x in map(json.loads, f)))


# --- decrypt
def test_secrets_reach_the_worker_and_nobody_else():
    with world() as w:
        w.put(w.alice, w.seal({"API_KEY": "s3cr3t-value", "B": "ä\n\""}, "alice.test.near"))
        n, s = w.request(w.bob), Session(w)
        status, a, values = s.decrypt(n, "main")
        equal("values", (status, values), (200, {"API_KEY": "s3cr3t-value", "B": "ä\n\""}))
        check("nothing of them in the answer's text", "s3cr3t-value" not in json.dumps(a))
        equal("a counter is used once", s.decrypt(n, counter=1)[0], 401)
        equal("nor a smaller one", s.decrypt(n, counter=0)[0], 401)
        equal("the next one", s.decrypt(n, counter=7)[0], 200)
        equal("a session's id alone is worth nothing", s.decrypt(n, key=near.Key())[0], 401)
        equal("signed for another request", s.decrypt(n, sign_as=n + 1)[0], 401)
        shown = figures.read(w.keystore.status_url)
        equal("the operator sees what was given", shown['outlayer_keystore_decisions_total{verdict="allowed"}'], 2)
        equal("and who was refused", shown['outlayer_keystore_refusals_total{reason="unauthorized"}'], 4)
        equal("and how long it took", shown["outlayer_keystore_decision_seconds_count"], 2)
        s.refused("a request that is not there", n + 1000, "Secrets are given only to a request that waits")
        s.refused("a request that asks for none", w.request(w.bob, secrets=False), "The request asks for no secrets")
        s.refused("a profile without secrets", w.request(w.bob, profile="test"),
                  "Secrets not found: alice.test.near has stored none as profile test")
        s.refused("another repository", w.request(w.bob, repo="https://github.com/alice/other"), "Secrets not found")
        s.refused("a repository without a normal form", w.request(w.bob, repo="https://example.com/a/b/c"),
                  "Secrets not found")
        equal("the value is in no answer, log or file", [p for d, _, names in os.walk(w.store) for p in names
              if b"s3cr3t-value" in open(os.path.join(d, p), "rb").read()] + ["s3cr3t-value" in w.keystore.output()],
              [False])
        with open(os.path.join(w.store, "audit.log")) as f:
            lines = [json.loads(x) for x in f]
        check("the audit names who, what and the verdict",
              any(x["what"] == "decrypt" and x["verdict"] == "allowed" and x["caller"] == "bob.test.near"
              and x["owner"] == "alice.test.near" and x["request_id"] == n for x in lines), lines[-3:])
        nonce = os.urandom(32)
        ask = lambda owner="alice.test.near", **more: w.ask("POST", "/audit", {"owner": owner, "nonce": nonce.hex(), **more})
        status, a = ask()
        shown = [json.loads(x) for x in a["lines"]]
        equal("an owner is shown who asked for his secrets", (status, [x for x in shown if x["verdict"] == "allowed" and
              x["what"] == "decrypt"][-1]["caller"], a["next"]), (200, "bob.test.near", None))
        equal("all of it, the newest first", [x["n"] for x in shown],
              [x["n"] for x in reversed(lines) if x.get("owner") == "alice.test.near"])
        signed = hashlib.sha256(text("outlayer-audit-v1") + text(NETWORK) + text(CONTRACT) + text("alice.test.near") + nonce +
                                struct.pack("<QQ", 0, 0) + hashlib.sha256("".join(x + "\n" for x in a["lines"]).encode()).digest())
        check("signed by the keystore", verify(w.identity, signed.digest(), a["signature"]))
        first = shown[-1]["n"]
        equal("from a line on", ask(before=first + 1)[1]["lines"], a["lines"][-1:])
        equal("another sees nothing of it", [json.loads(x) for x in ask("bob.test.near")[1]["lines"]], [])
        equal("without a token", w.ask("POST", "/audit", {"owner": "alice.test.near", "nonce": nonce.hex()}, None)[0], 401)
        equal("what is no question", [w.ask("POST", "/audit", body)[0] for body in (
            {}, {"owner": "alice.test.near"}, {"owner": "A", "nonce": nonce.hex()}, {"owner": "a.near", "nonce": "x"},
            {"owner": "a.near", "nonce": nonce.hex(), "x": 1}, {"owner": "a.near", "nonce": nonce.hex(), "before": -1})], [400] * 6)
        check("and who asked with a counter or a key that will not do",
              sum(x["what"] == "decrypt" and x["verdict"] == "refused" and x.get("account") == OPERATOR
              and ("counter" in x["why"] or "signature" in x["why"]) for x in lines) >= 4,
              [x for x in lines if x["what"] == "decrypt"])
        w.ok(w.operator.send(CONTRACT,
                             near.call("resolve_execution",
                                       {"request_id": n, "response": {"success": True, "output": {"Text": "x"},
             "resources_used": {"instructions": 1, "time_ms": 1}}})))
        s.refused("a settled request", n, "Secrets are given only to a request that waits")
        w.ok(w.operator.send(OPERATOR, near.delete_key(w.worker.public)))
        m = w.request(w.bob)
        gone = kit.until(lambda: s.decrypt(m)[0] == 401, step=0.5)
        check("the session of a removed key ends", gone)
        equal("and stays over", s.decrypt(m)[0], 401)


def test_branches():
    # a branch's secrets must not reach a build whose branch is not known, nor another's row stand in for it
    with world() as w:
        s = Session(w)
        w.put(w.alice, w.seal({"A": "any"}, "alice.test.near"))
        n = w.request(w.bob)
        equal("no branch is needed where none has a row", s.decrypt(n)[2], {"A": "any"})
        w.put(w.alice, w.seal({"A": "main"}, "alice.test.near", "main"), branch="main")
        equal("its own row", s.decrypt(n, "main")[2], {"A": "main"})
        equal("a branch without one", s.decrypt(n, "dev")[2], {"A": "any"})
        s.refused("no branch where branches have rows", n, "the branch of this commit could not be found")
        w.put(w.bob, w.seal({"A": "b"}, "bob.test.near", "main"), branch="main")
        s.refused("only a row of another branch", w.request(w.bob, "bob.test.near"), "Secrets not found", branch="dev")


def test_access_conditions_are_the_requests_senders():
    with world() as w:
        s, alice, bob = Session(w), w.request(w.alice), w.request(w.bob)
        def case(name, access, allowed):
            w.put(w.alice, w.seal({"A": "1"}, "alice.test.near"), access)
            for who, n, yes in (("alice", alice, allowed[0]), ("bob", bob, allowed[1])):
                if yes:
                    equal(f"{name}: {who} is served", s.decrypt(n)[0], 200)
                else:
                    s.refused(f"{name}: {who} is refused", n, "Access denied: ")
        case("whitelist", {"Whitelist": {"accounts": ["alice.test.near"]}}, (1, 0))
        case("not", {"Not": {"condition": {"Whitelist": {"accounts": ["alice.test.near"]}}}}, (0, 1))
        case("pattern", {"AccountPattern": {"pattern": "alice\\..*"}}, (1, 0))
        case("a part of the name is not enough", {"AccountPattern": {"pattern": "alice"}}, (0, 0))
        case("balance", {"NearBalance": {"operator": "Gte", "value": str(10 * near.NEAR)}}, (1, 1))
        case("too high a balance", {"NearBalance": {"operator": "Gt", "value": str(10 ** 30)}}, (0, 0))
        case("a bad pattern is no key", {"Not": {"condition": {"AccountPattern": {"pattern": "*"}}}}, (0, 0))
        case("nor one that explodes", {"Not": {"condition": {"AccountPattern": {"pattern": "(.|.|.|.|.|.)*(!|,)"}}}},
             (0, 0))
        case("a contract that is not there",
             {"Not": {"condition": {"FtBalance": {"contract": "nobody.near", "operator": "Gt", "value": "0"}}}}, (0, 0))
        case("a contract without the method", {"NftOwned": {"contract": CONTRACT, "token_id": None}}, (0, 0))
        case("logic",
             {"Logic": {"operator": "And",
                        "conditions": ["AllowAll",
                                       {"Not": {"condition": {"Whitelist": {"accounts": ["bob.test.near"]}}}}]}},
             (1, 0))


def test_access_conditions_ask_real_contracts():
    with world() as w:
        meta = {"spec": "ft-1.0.0", "name": "Token", "symbol": "TOK", "decimals": 6}
        ft, nft, dao = (w.root.create(f"{x}.test.near", 20 * near.NEAR) for x in ("ft", "nft", "dao"))
        w.deploy(ft, "ft", {"owner_id": w.alice.id, "total_supply": "1000", "metadata": meta})
        w.deploy(nft, "nft", {"owner_id": nft.id, "metadata": {"spec": "nft-1.0.0", "name": "Things", "symbol": "THG"}})
        w.deploy(dao, "dao", {"policy": {"roles": [{"name": "all", "kind": "Everyone"},
                                                   {"name": "council", "kind": {"Group": [w.alice.id]}},
                                                   {"name": "heavy", "kind": {"Member": "100"}}]}})
        w.ok(nft.send(nft.id,
                      near.call("nft_mint", {"token_id": "7", "token_owner_id": w.alice.id}, deposit=near.NEAR)))
        w.ok(dao.send(dao.id, near.call("delegate", {"account_id": w.bob.id, "amount": "100"})))
        w.ok(dao.send(dao.id, near.call("delegate", {"account_id": w.alice.id, "amount": "99"})))
        s, alice, bob = Session(w), w.request(w.alice), w.request(w.bob)
        def case(name, access, allowed):
            w.put(w.alice, w.seal({"A": "1"}, "alice.test.near"), access)
            for who, n, yes in (("alice", alice, allowed[0]), ("bob", bob, allowed[1])):
                if yes:
                    equal(f"{name}: {who} is served", s.decrypt(n)[0], 200)
                else:
                    s.refused(f"{name}: {who} is refused", n, "Access denied: ")
        case("token balance", {"FtBalance": {"contract": ft.id, "operator": "Gte", "value": "1000"}}, (1, 0))
        case("token balance of nothing", {"FtBalance": {"contract": ft.id, "operator": "Eq", "value": "0"}}, (0, 1))
        w.ok(w.bob.send(ft.id, near.call("storage_deposit", {}, deposit=near.NEAR // 10)))
        w.ok(w.alice.send(ft.id, near.call("ft_transfer", {"receiver_id": w.bob.id, "amount": "1"}, deposit=1)))
        case("token balance after a transfer", {"FtBalance": {"contract": ft.id, "operator": "Gte", "value": "1"}},
             (1, 1))
        case("any token", {"NftOwned": {"contract": nft.id, "token_id": None}}, (1, 0))
        case("this token", {"NftOwned": {"contract": nft.id, "token_id": "7"}}, (1, 0))
        case("a token that is not there", {"NftOwned": {"contract": nft.id, "token_id": "8"}}, (0, 0))
        w.ok(w.alice.send(nft.id, near.call("nft_transfer", {"receiver_id": w.bob.id, "token_id": "7"}, deposit=1)))
        case("this token after a transfer", {"NftOwned": {"contract": nft.id, "token_id": "7"}}, (0, 1))
        role = lambda x: {"DaoMember": {"dao_contract": dao.id, "role": x}}
        case("everyone's role", role("all"), (1, 1))
        case("a group's role", role("council"), (1, 0))
        case("a role by weight", role("heavy"), (0, 1))
        case("a role that is not there", role("nobody"), (0, 0))
        case("a contract that is no DAO", role("all") | {"DaoMember": {"dao_contract": ft.id, "role": "all"}}, (0, 0))
        case("not of an error", {"Not": {"condition": {"DaoMember": {"dao_contract": ft.id, "role": "all"}}}}, (0, 0))


# --- blobs
def test_blobs_that_are_not_the_owners_do_not_open():
    with world() as w:
        s, good = Session(w), w.seal({"A": "1"}, "alice.test.near")
        n = w.request(w.bob)
        def stored(name, blob, sentence="Secrets cannot be opened"):
            w.put(w.alice, blob)
            s.refused(name, n, sentence)
        stored("sealed for another owner", w.seal({"A": "1"}, "bob.test.near"))
        stored("for another branch", w.seal({"A": "1"}, "alice.test.near", "main"))
        stored("for another profile", w.seal({"A": "1"}, "alice.test.near", profile="test"))
        stored("for another repository", w.seal({"A": "1"}, "alice.test.near", repo="github.com/alice/other"))
        k = w.pubkey("alice.test.near")
        for what, contract, network in (("contract", "other.near", NETWORK), ("network", CONTRACT, "mainnet")):
            info = text("outlayer-secrets-v1") + text(network) + text(contract) + text("alice.test.near") + text(REPO) + b"\0" + text("prod") + struct.pack("<I", k["generation"])
            stored(f"for another {what}", w.seal({"A": "1"}, "alice.test.near", info=info))
        stored("truncated", good[:-1])
        stored("empty but for its head", good[:5])
        stored("of a generation that is not there", good[:1] + struct.pack("<I", 9) + good[5:])
        stored("another version", b"\2" + good[1:])
        stored("a point of low order", good[:5] + bytes(32) + good[37:])
        for i in (0, 1, 4, 5, 36, 37, len(good) - 1):
            stored(f"byte {i} flipped", good[:i] + bytes([good[i] ^ 1]) + good[i + 1:])
        for values in ({"NEAR_SENDER_ID": "mallory.near"}, {"A": 1}, {"A=B": "x"}, b"[]", b"{"):
            stored(f"contents {values}", w.seal(values, "alice.test.near"))
        w.put(w.alice, good)
        equal("the right one still opens", s.decrypt(n)[2], {"A": "1"})


def test_no_reserved_name_is_opened():
    # a stored NEAR_SENDER_ID would let its owner forge who calls the guest; a client of others may seal what ours
    # refuses
    with world() as w:
        s, n = Session(w), w.request(w.bob)
        for name in reserved_names():
            w.put(w.alice, w.seal({"FINE": "1", name: "x"}, "alice.test.near"))
            s.refused(f"{name} is not opened", n, f"Secrets cannot be opened: the name '{name}' is reserved")
            equal(f"{name} gets no key",
                  w.ask("POST", "/pubkey", {"repo": REPO, "owner": "alice.test.near", "names": ["FINE", name]})[0], 400)


# --- generated secrets
def sealed_record(ask, answer, nonce, before=bytes(32)):
    """What `blob_signature` is made over, from docs/secrets.md."""
    blob = base64.b64decode(answer["encrypted_data_base64"])
    made = [text(x["name"]) + text(x["generation_type"]) for x in ask["new_secrets"]]
    names = [text(x) for x in answer["all_keys"]]
    return digest(text("outlayer-sealed-v2"), scope(ask["owner"], ask["repo"], ask.get("branch")), text(ask["profile"]),
                  before, hashlib.sha256(blob).digest(),
                  b"\0" if nonce is None else b"\1" + nonce, struct.pack("<I", len(made)), *made,
                  struct.pack("<I", len(names)), *names)


def test_a_generated_answer_is_bound_to_its_question():
    # whoever stands between keystore and owner must not be able to weaken, rename or repeat what was made
    with world() as w:
        nonce = os.urandom(32)
        ask = {"repo": REPO, "owner": "alice.test.near", "profile": "prod", "nonce": base64.b64encode(nonce).decode(),
               "new_secrets": [{"name": "PROTECTED_T", "generation_type": "hex32"},
                               {"name": "PROTECTED_U", "generation_type": "password:9"}]}
        status, a = w.ask("POST", "/add_generated_secret", ask)
        check("signed: names, types, what is in it, the nonce", status == 200
              and verify(w.identity, sealed_record(ask, a, nonce), a["blob_signature"]), a)
        weaker = {**ask,
                  "new_secrets": [{"name": "PROTECTED_T", "generation_type": "password:8"}, ask["new_secrets"][1]]}
        check("not for another type", not verify(w.identity, sealed_record(weaker, a, nonce), a["blob_signature"]))
        check("nor another nonce", not verify(w.identity, sealed_record(ask, a, os.urandom(32)), a["blob_signature"]))
        check("nor with names left out", not verify(w.identity, sealed_record(ask, {**a, "all_keys": a["all_keys"][:1]},
                                                                              nonce), a["blob_signature"]))
        plain = {k: v for k, v in ask.items() if k != "nonce"}
        status, a = w.ask("POST", "/add_generated_secret", plain)
        check("a client without a nonce is served", status == 200
              and verify(w.identity, sealed_record(plain, a, None), a["blob_signature"]), a)
        more = {**ask, "encrypted_secrets_base64": "AAAA", "public_key": w.alice.key.public,
                "signature": base64.b64encode(bytes(64)).decode()}
        status, e = w.ask("POST", "/add_generated_secret", {**more, "callback_url": "https://x/" + "y" * 100000})
        check("an address of 100 KB is refused", status == 413 and "callback_url" in e["error"]["message"], (status, e))
        many = {**more, "new_secrets": [{"name": f"PROTECTED_{i:0118d}", "generation_type": "password:00000256"[:16]}
                                        for i in range(100)]}
        equal("the longest of all is only not signed", w.ask("POST", "/add_generated_secret", many)[0], 401)
        for name, value in (("short", base64.b64encode(b"x" * 31).decode()), ("no base64", "?"), ("no text", 7)):
            equal(f"a nonce that is {name}", w.ask("POST", "/add_generated_secret", {**ask, "nonce": value})[0], 400)


def test_generated_secrets():
    with world() as w:
        s, n = Session(w), w.request(w.bob)
        ask = {"repo": REPO, "owner": "alice.test.near", "profile": "prod",
               "new_secrets": [{"name": "PROTECTED_T", "generation_type": "hex32"}]}
        status, a = w.ask("POST", "/add_generated_secret", ask)
        check("made", status == 200 and a["all_keys"] == ["PROTECTED_T"], a)
        blob = base64.b64decode(a["encrypted_data_base64"])
        w.put(w.alice, blob)
        first = s.decrypt(n)[2]
        check("it reaches the guest", len(first["PROTECTED_T"]) == 64, first)
        more = {**ask, "encrypted_secrets_base64": a["encrypted_data_base64"],
                "new_secrets": [{"name": "PROTECTED_U", "generation_type": "password:12"}]}
        equal("secrets that are there need their owner", w.ask("POST", "/add_generated_secret", more)[0], 401)
        def signed(by, new="PROTECTED_U (password:12)"):
            message = (f"OutLayer: add generated secrets to my sealed secrets.\nContract: {CONTRACT} ({NETWORK})\nRepository: {REPO}\nBranch: (any)\n"
                       f"Profile: prod\nOwner: alice.test.near\nSealed secrets (SHA-256): {hashlib.sha256(blob).hexdigest()}\nNew: {new}")
            nonce = os.urandom(32)
            record = digest(struct.pack("<I", 2 ** 31 + 413), text(message), nonce, text(CONTRACT), b"\0")
            return {**more, "public_key": by.public, "nonce": base64.b64encode(nonce).decode(),
                    "signature": base64.b64encode(by.sign(record)).decode()}
        equal("signed by somebody else", w.ask("POST", "/add_generated_secret", signed(w.bob.key))[0], 403)
        equal("signed for other names",
              w.ask("POST", "/add_generated_secret", signed(w.alice.key, "PROTECTED_V (password:12)"))[0], 401)
        equal("signed for another type",
              w.ask("POST", "/add_generated_secret", signed(w.alice.key, "PROTECTED_U (hex64)"))[0], 401)
        equal("signed, without its nonce",
              w.ask("POST", "/add_generated_secret", {k: v for k, v in signed(w.alice.key).items() if k != "nonce"})[0],
              400)
        asked = signed(w.alice.key)
        status, a = w.ask("POST", "/add_generated_secret", asked)
        check("signed by the owner", status == 200 and a["all_keys"] == ["PROTECTED_T", "PROTECTED_U"], a)
        check("and bound to what was there",
              verify(w.identity, sealed_record(asked, a, base64.b64decode(asked["nonce"]),
                                               hashlib.sha256(blob).digest()), a["blob_signature"]))
        w.put(w.alice, base64.b64decode(a["encrypted_data_base64"]))
        values = s.decrypt(n)[2]
        check("both reach the guest, the first unchanged", values["PROTECTED_T"] == first["PROTECTED_T"]
              and len(values["PROTECTED_U"]) == 12, values)
        for name, kind in (("T", "hex32"), ("PROTECTED_A", "hex"), ("PROTECTED_A", "password:1000000")):
            equal(f"{name} {kind} is refused",
                  w.ask("POST", "/add_generated_secret",
                        {**ask, "new_secrets": [{"name": name, "generation_type": kind}]})[0], 400)


# --- the master, and a chain that fails
def test_rotation_and_restarts():
    with world() as w:
        n = w.request(w.bob)
        w.put(w.alice, w.seal({"A": "old"}, "alice.test.near"))
        w.keystore.signal(10)  # SIGUSR1
        check("a new generation", kit.until(lambda: w.pubkey("alice.test.near")["generation"] == 2))
        equal("what was sealed before opens", Session(w).decrypt(n)[2], {"A": "old"})
        w.put(w.bob, w.seal({"A": "new"}, "bob.test.near"))
        before, m = w.identity, w.request(w.bob, "bob.test.near")
        w.keystore.kill()
        w.start(w.stack)
        equal("killed and started: the same identity", w.identity, before)
        s = Session(w)
        equal("both generations open", (s.decrypt(n)[2], s.decrypt(m)[2]), ({"A": "old"}, {"A": "new"}))
        w.keystore.stop()
        key = os.path.join(w.store, "master.key")
        os.rename(key, key + ".away")
        try:
            w.start(w.stack)
            check("a keystore without its master does not start", False)
        except RuntimeError as why:
            check("a keystore without its master says so", "not its master secret" in str(why), why)


if __name__ == "__main__":
    kit.main(globals())
