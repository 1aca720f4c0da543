#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The keystore from outside: a chain with the contract, rows stored by their owners, sessions opened with keys that may
and may not resolve, and everything that somebody between keystore and worker, or beside them, could try."""
import base64, contextlib, hashlib, http.server, json, os, re, struct, subprocess, sys, threading, time

import hpke, kit, near
from fakes.chain import Liar
from kit import Daemon, check, equal, folder

CONTRACT, OPERATOR, NETWORK = "outlayer.test.near", "operator.test.near", "devnet"
TOKEN = "keystore-token"
REPO = "github.com/alice/project"


# --- what is signed and sealed, said here once more from the documents ---------------------------------------------------
def text(s): return struct.pack("<I", len(s.encode())) + s.encode()
def option(s): return b"\0" if s is None else b"\1" + text(s)
def digest(*parts): return hashlib.sha256(b"".join(parts)).digest()
def scope(owner, repo, branch): return text(NETWORK) + text(CONTRACT) + text(owner) + text(repo) + option(branch)
def unsign(s): return near.unb58(s.split(":")[1])


def verify(key, message, signature):
    """ed25519 of RFC 8032, checked with the public key in its text form."""
    def unpack(raw):
        y = int.from_bytes(raw, "little") & (1 << 255) - 1
        x2 = (y * y - 1) * pow(near.D * y * y + 1, near.P - 2, near.P) % near.P
        x = pow(x2, (near.P + 3) // 8, near.P)
        if (x * x - x2) % near.P:
            x = x * pow(2, (near.P - 1) // 4, near.P) % near.P
        if x & 1 != raw[31] >> 7:
            x = near.P - x
        return x, y, 1, x * y % near.P
    raw, public = unsign(signature), unsign(key)
    s, h = int.from_bytes(raw[32:], "little"), near._hash(raw[:32], public, message) % near.L
    return near._pack(near._times(s, near.BASE)) == near._pack(near._add(unpack(raw[:32]), near._times(h, unpack(public))))


class World:
    """Devnet, contract, keystore, two people."""

    def __init__(self, stack, home):
        key = near.Key()
        genesis = os.path.join(home, "genesis.json")
        with open(genesis, "w") as f:
            json.dump({"chain_id": NETWORK, "accounts": [{"account_id": "test.near", "public_key": key.public, "balance": str(10 ** 33)}]}, f)
        os.mkdir(os.path.join(home, "chain"))
        self.net = stack.enter_context(Daemon("outlayer-devnet", {"BLOCK_MS": "0", "BLOCK_IDLE_MS": "0", "GENESIS": genesis}, home=os.path.join(home, "chain")))
        self.url, self.home = self.net.url, home
        root = near.Account(self.url, "test.near", key)
        self.owner = root.create(CONTRACT, 1000 * near.NEAR)
        self.operator = root.create(OPERATOR, 100 * near.NEAR)
        self.alice = root.create("alice.test.near", 1000 * near.NEAR)
        self.bob = root.create("bob.test.near", 1000 * near.NEAR)
        self.root = root
        self.deploy(self.owner, "outlayer", {"owner_id": CONTRACT, "operator_id": OPERATOR})
        self.worker = near.Key()
        self.ok(self.operator.send(OPERATOR, near.add_call_key(self.worker.public, CONTRACT, ["resolve_execution"])))
        self.store = os.path.join(home, "keystore")
        os.mkdir(self.store)
        self.start(stack)

    def start(self, stack, **env):
        settings = {"NEAR_RPC_URL": self.url, "OFFCHAINVM_CONTRACT_ID": CONTRACT, "SERVER_PORT": "0",
                    "ALLOWED_WORKER_TOKEN_HASHES": hashlib.sha256(TOKEN.encode()).hexdigest(), **env}
        self.keystore = stack.enter_context(Daemon("outlayer-keystore", settings, home=self.store))
        self.identity = self.keystore.ready["identity"]

    def ok(self, answer):
        if "SuccessValue" not in answer.get("result", {}).get("status", {}):
            raise RuntimeError(json.dumps(answer)[:800])
        return answer["result"]

    def deploy(self, account, name, args):
        with open(kit.built(f"contracts/{name}.wasm"), "rb") as f:
            self.ok(account.send(account.id, near.deploy(f.read()), near.call("new", args)))

    def publish(self):
        self.ok(self.owner.send(CONTRACT, near.call("set_keystore_key", {"public_key": self.identity})))

    def ask(self, method, path, body=None, token=TOKEN):
        status, _, raw = kit.http(method, self.keystore.url + path, body, {"Authorization": f"Bearer {token}"} if token else {})
        return status, json.loads(raw) if raw else None

    def pubkey(self, owner, branch=None, repo=REPO):
        return self.ask("GET", f"/pubkey?repo={repo}&owner={owner}" + (f"&branch={branch}" if branch else ""))[1]

    def seal(self, values, owner, branch=None, profile="prod", repo=REPO, **swap):
        k = self.pubkey(owner, branch, repo)
        info = text("outlayer-secrets-v1") + scope(owner, repo, branch) + text(profile) + struct.pack("<I", k["generation"])
        plain = values if isinstance(values, bytes) else json.dumps(values).encode()
        return struct.pack("<BI", 1, k["generation"]) + hpke.seal(bytes.fromhex(k["pubkey"]), swap.get("info", info), plain)

    def put(self, who, blob, access="AllowAll", branch=None, profile="prod", repo=REPO):
        return self.ok(who.send(CONTRACT, near.call("store_secrets", {"repo": repo, "branch": branch, "profile": profile, "access": access,
            "encrypted_secrets_base64": base64.b64encode(blob).decode()}, deposit=near.NEAR)))

    def request(self, who, owner="alice.test.near", profile="prod", repo="https://" + REPO, secrets=True):
        """A request that stays pending; its id."""
        args = {"code_source": {"repo": repo, "commit": "main"}, "input_data": "x"}
        if secrets:
            args["secrets_ref"] = {"profile": profile, "account_id": owner}
        raw, _ = who.signed(CONTRACT, near.call("request_execution", args, gas=200 * near.TGAS, deposit=near.NEAR // 10))
        before = self.pending()
        kit.rpc(self.url, "send_tx", {"signed_tx_base64": raw, "wait_until": "INCLUDED"})
        kit.until(lambda: self.pending() > before)
        return before

    def pending(self):
        """The id that the next request will get."""
        n = getattr(self, "next_id", 0)
        while near.view_value(self.url, CONTRACT, "get_request", {"request_id": n}):
            n += 1
        self.next_id = n
        return n


class Session:
    def __init__(self, w, key=None, account=OPERATOR, **change):
        self.w, self.key, self.pair, self.counter = w, key or w.worker, hpke.Pair(), 0
        challenge = change.get("challenge") or w.ask("POST", "/challenge", {}, None)[1]["challenge"]
        expires = change.get("expires", int(time.time()) + 600)
        record = digest(text("outlayer-session-v1"), text(change.get("network", NETWORK)), text(CONTRACT), unsign(w.identity), text(account),
                        bytes.fromhex(challenge), self.pair.public, struct.pack("<Q", expires))
        self.body = {"account_id": account, "public_key": self.key.public, "challenge": challenge, "session_key": self.pair.public.hex(),
                     "expires_at": expires, "signature": "ed25519:" + near.b58(self.key.sign(record))}
        self.status, self.answer = w.ask("POST", "/session", self.body, None)
        self.id = record

    def terms(self, tag, request_id, counter):
        return text(tag) + self.id + struct.pack("<QQ", counter, request_id)

    def decrypt(self, request_id, branch=None, counter=None, key=None, sign_as=None):
        """(status, answer, values); the answer's signature is checked."""
        self.counter = self.counter + 1 if counter is None else counter
        asked = request_id if sign_as is None else sign_as
        record = digest(text("outlayer-decrypt-v1"), text(NETWORK), text(CONTRACT), self.id, struct.pack("<QQ", self.counter, asked), option(branch))
        status, a = self.w.ask("POST", "/decrypt", {"session_id": self.id.hex(), "counter": self.counter, "request_id": request_id,
            "branch": branch, "signature": "ed25519:" + near.b58((key or self.key).sign(record))}, None)
        if status == 200:
            sealed = base64.b64decode(a["sealed"])
            check("an answer is signed", verify(self.w.identity, digest(self.terms("outlayer-answer-v1", request_id, self.counter), hashlib.sha256(sealed).digest()), a["signature"]))
            plain = hpke.open_sealed(self.pair, self.terms("outlayer-answer-info-v1", request_id, self.counter), sealed)
            return status, a, plain and json.loads(plain)
        return status, a, None

    def refused(self, name, request_id, sentence, **how):
        status, a, _ = self.decrypt(request_id, **how)
        message = (a.get("error") or {}).get("message", "")
        check(name, status in (400, 403, 404, 409) and sentence in message, (status, a))
        record = digest(self.terms("outlayer-refusal-v1", request_id, self.counter), text(a["error"]["code"]), text(message))
        check(f"{name}: the refusal is signed", "signature" in a and verify(self.w.identity, record, a["signature"]), a)


@contextlib.contextmanager
def world():
    with contextlib.ExitStack() as stack, folder() as home:
        w = World(stack, home)
        w.stack = stack
        w.publish()
        yield w


# --- keys ------------------------------------------------------------------------------------------------------------------
def test_keys_are_signed_and_only_for_the_token():
    # whoever could swap a key on its way would read what is sealed with it
    with world() as w:
        k = w.pubkey("alice.test.near", "main")
        equal("names come back normal", (k["repo_normalized"], k["branch"], k["owner"]), (REPO, "main", "alice.test.near"))
        record = digest(text("outlayer-pubkey-v1"), scope("alice.test.near", REPO, "main"), struct.pack("<I", k["generation"]), bytes.fromhex(k["pubkey"]))
        check("the key is signed by the identity that the contract publishes", verify(w.identity, record, k["signature"])
              and near.view_value(w.url, CONTRACT, "get_keystore_key") == w.identity)
        check("other branch, other key", w.pubkey("alice.test.near")["pubkey"] != k["pubkey"])
        equal("any spelling, one key", w.pubkey("alice.test.near", "main", "https%3A%2F%2Fgithub.com%2Falice%2Fproject.git")["pubkey"], k["pubkey"])
        check("a question without a nonce has the old answer alone", "fresh_signature" not in k)
        nonce = os.urandom(32)
        status, a = w.ask("POST", "/pubkey", {"repo": REPO, "owner": "alice.test.near", "branch": "main", "nonce": nonce.hex()})
        fresh = lambda n: digest(text("outlayer-fresh-pubkey-v1"), scope("alice.test.near", REPO, "main"), struct.pack("<I", a["generation"]), bytes.fromhex(a["pubkey"]), n)
        check("with a nonce it is signed for this question", status == 200 and verify(w.identity, fresh(nonce), a["fresh_signature"]) and verify(w.identity, record, a["signature"]), a)
        check("and for no other", not verify(w.identity, fresh(os.urandom(32)), a["fresh_signature"]))
        for bad in ("00" * 31, "zz" * 32, 7, ""):
            equal(f"the nonce {bad!r:.20}", w.ask("POST", "/pubkey", {"repo": REPO, "owner": "alice.test.near", "nonce": bad})[0], 400)
        for path in ("/pubkey?repo=a/b&owner=a.near", "/sessions"):
            equal(f"{path} wants the token", w.ask("GET", path, token=None)[0], 401)
            equal(f"{path} wants this token", w.ask("GET", path, token="x")[0], 401)
        equal("health is open", w.ask("GET", "/health", token=None), (200, {"status": "ok", "tee_mode": "None"}))
        status, a = w.ask("POST", "/pubkey", {"repo": REPO, "owner": "alice.test.near", "secrets_json": '{"A":"s3cr3t"}'})
        check("secrets sent for a key are refused, and not repeated", status == 400 and "s3cr3t" not in json.dumps(a), a)
        for name in ("NEAR_SENDER_ID", "PROTECTED_X", "1A", "A=B", ""):
            status, a = w.ask("POST", "/pubkey", {"repo": REPO, "owner": "alice.test.near", "names": ["FINE", name]})
            check(f"the name '{name}' is refused", status == 400 and name in a["error"]["message"], a)
        equal("names that are fine", w.ask("POST", "/pubkey", {"repo": REPO, "owner": "alice.test.near", "names": ["FINE"]})[0], 200)
        for query in ("", "?repo=x&owner=a.near", "?repo=a/b", "?repo=a/b&owner=A"):
            equal(f"/pubkey{query}", w.ask("GET", "/pubkey" + query)[0], 400)


# --- sessions ----------------------------------------------------------------------------------------------------------------
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
        w.ok(w.operator.send(OPERATOR, near.delete_key(other.public), near.add_call_key(other.public, "alice.test.near")))
        equal("a key for another contract", Session(w, other).status, 403)
        equal("signed for another network", Session(w, network="mainnet").status, 401)
        equal("a challenge that is a transaction's hash", Session(w, challenge=hashlib.sha256(b"tx").hexdigest()).status, 401)
        equal("for ever", Session(w, expires=int(time.time()) + 10 ** 6).status, 400)
        equal("over already", Session(w, expires=int(time.time()) - 1).status, 400)
        status, a = w.ask("GET", "/sessions")
        check("sessions are listed", status == 200 and {x["session_id"] for x in a} >= {s.id.hex()} and len(a) == 2, a)
        equal("revoked", w.ask("DELETE", f"/sessions/{s.id.hex()}")[0], 204)
        w.put(w.alice, w.seal({"A": "1"}, "alice.test.near"))
        equal("a revoked session is over", s.decrypt(w.request(w.bob))[0], 401)
        with open(os.path.join(w.store, "audit.log")) as f:
            check("the audit has the revocation", any(x["what"] == "revoke" and x["session"] == s.id.hex() for x in map(json.loads, f)))


# --- decrypt -----------------------------------------------------------------------------------------------------------------
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
        s.refused("a request that is not there", n + 1000, "Secrets are given only to a request that waits")
        s.refused("a request that asks for none", w.request(w.bob, secrets=False), "The request asks for no secrets")
        s.refused("a profile without secrets", w.request(w.bob, profile="test"), "Secrets not found: alice.test.near has stored none as profile test")
        s.refused("another repository", w.request(w.bob, repo="https://github.com/alice/other"), "Secrets not found")
        s.refused("a repository without a normal form", w.request(w.bob, repo="https://example.com/a/b/c"), "Secrets not found")
        equal("the value is in no answer, log or file", [p for d, _, names in os.walk(w.store) for p in names
              if b"s3cr3t-value" in open(os.path.join(d, p), "rb").read()] + ["s3cr3t-value" in w.keystore.output()], [False])
        with open(os.path.join(w.store, "audit.log")) as f:
            lines = [json.loads(x) for x in f]
        check("the audit names who, what and the verdict", any(x["what"] == "decrypt" and x["verdict"] == "allowed" and x["caller"] == "bob.test.near"
              and x["owner"] == "alice.test.near" and x["request_id"] == n for x in lines), lines[-3:])
        check("and who asked with a counter or a key that will not do", sum(x["what"] == "decrypt" and x["verdict"] == "refused" and x.get("account") == OPERATOR
              and ("counter" in x["why"] or "signature" in x["why"]) for x in lines) >= 4, [x for x in lines if x["what"] == "decrypt"])
        w.ok(w.operator.send(CONTRACT, near.call("resolve_execution", {"request_id": n, "response": {"success": True, "output": {"Text": "x"},
             "resources_used": {"instructions": 1, "time_ms": 1}}})))
        s.refused("a settled request", n, "Secrets are given only to a request that waits")
        w.ok(w.operator.send(OPERATOR, near.delete_key(w.worker.public)))
        m = w.request(w.bob)
        gone = kit.until(lambda: s.decrypt(m)[0] == 401, 8, 0.5)
        check("the session of a removed key ends within 5 s", gone)
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
        case("nor one that explodes", {"Not": {"condition": {"AccountPattern": {"pattern": "(.|.|.|.|.|.)*(!|,)"}}}}, (0, 0))
        case("a contract that is not there", {"Not": {"condition": {"FtBalance": {"contract": "nobody.near", "operator": "Gt", "value": "0"}}}}, (0, 0))
        case("a contract without the method", {"NftOwned": {"contract": CONTRACT, "token_id": None}}, (0, 0))
        case("logic", {"Logic": {"operator": "And", "conditions": ["AllowAll", {"Not": {"condition": {"Whitelist": {"accounts": ["bob.test.near"]}}}}]}}, (1, 0))


def test_access_conditions_ask_real_contracts():
    with world() as w:
        meta = {"spec": "ft-1.0.0", "name": "Token", "symbol": "TOK", "decimals": 6}
        ft, nft, dao = (w.root.create(f"{x}.test.near", 20 * near.NEAR) for x in ("ft", "nft", "dao"))
        w.deploy(ft, "ft", {"owner_id": w.alice.id, "total_supply": "1000", "metadata": meta})
        w.deploy(nft, "nft", {"owner_id": nft.id, "metadata": {"spec": "nft-1.0.0", "name": "Things", "symbol": "THG"}})
        w.deploy(dao, "dao", {"policy": {"roles": [{"name": "all", "kind": "Everyone"}, {"name": "council", "kind": {"Group": [w.alice.id]}},
                                                   {"name": "heavy", "kind": {"Member": "100"}}]}})
        w.ok(nft.send(nft.id, near.call("nft_mint", {"token_id": "7", "token_owner_id": w.alice.id}, deposit=near.NEAR)))
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
        case("token balance after a transfer", {"FtBalance": {"contract": ft.id, "operator": "Gte", "value": "1"}}, (1, 1))
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


# --- blobs -------------------------------------------------------------------------------------------------------------------
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


# The names of the public documents, all of them; what the worker sets is read from its source.
RESERVED = """NEAR_SENDER_ID NEAR_CONTRACT_ID NEAR_BLOCK_HEIGHT NEAR_BLOCK_TIMESTAMP NEAR_RECEIPT_ID NEAR_PREDECESSOR_ID NEAR_SIGNER_PUBLIC_KEY NEAR_GAS_BURNT
    NEAR_USER_ACCOUNT_ID NEAR_PAYMENT_YOCTO NEAR_TRANSACTION_HASH NEAR_MAX_INSTRUCTIONS NEAR_MAX_MEMORY_MB NEAR_MAX_EXECUTION_SECONDS NEAR_REQUEST_ID
    NEAR_NETWORK_ID OUTLAYER_PROJECT_ID OUTLAYER_PROJECT_UUID OUTLAYER_EXECUTION_TYPE OUTLAYER_CALL_ID OUTLAYER_PROJECT_NAME OUTLAYER_PROJECT_OWNER
    ATTACHED_USD USD_PAYMENT WALLET_ID NEAR_RPC_PROXY_AVAILABLE""".split()


def reserved_names():
    with open(os.path.join(kit.ROOT, "src", "worker", "guest_env.c")) as f:
        sets = set(re.findall(r'add(?:_number)?\(&?l, (?:a, )?"(\w+)"', f.read()))
    check("the worker's variables are found in its source", len(sets) >= 19 and {"NEAR_SENDER_ID", "NEAR_BLOCK_HEIGHT", "OUTLAYER_CALL_ID"} <= sets, sets)
    return sorted(sets | set(RESERVED))


def test_no_reserved_name_is_opened():
    # a stored NEAR_SENDER_ID would let its owner forge who calls the guest; a client of others may seal what ours refuses
    with world() as w:
        s, n = Session(w), w.request(w.bob)
        for name in reserved_names():
            w.put(w.alice, w.seal({"FINE": "1", name: "x"}, "alice.test.near"))
            s.refused(f"{name} is not opened", n, f"Secrets cannot be opened: the name '{name}' is reserved")
            equal(f"{name} gets no key", w.ask("POST", "/pubkey", {"repo": REPO, "owner": "alice.test.near", "names": ["FINE", name]})[0], 400)


# --- generated secrets ---------------------------------------------------------------------------------------------------------
def sealed_record(ask, answer, nonce, before=bytes(32)):
    """What `blob_signature` is made over, from docs/secrets.md."""
    blob = base64.b64decode(answer["encrypted_data_base64"])
    made = [text(x["name"]) + text(x["generation_type"]) for x in ask["new_secrets"]]
    names = [text(x) for x in answer["all_keys"]]
    return digest(text("outlayer-sealed-v2"), scope(ask["owner"], ask["repo"], ask.get("branch")), text(ask["profile"]), before, hashlib.sha256(blob).digest(),
                  b"\0" if nonce is None else b"\1" + nonce, struct.pack("<I", len(made)), *made, struct.pack("<I", len(names)), *names)


def test_a_generated_answer_is_bound_to_its_question():
    # whoever stands between keystore and owner must not be able to weaken, rename or repeat what was made
    with world() as w:
        nonce = os.urandom(32)
        ask = {"repo": REPO, "owner": "alice.test.near", "profile": "prod", "nonce": base64.b64encode(nonce).decode(),
               "new_secrets": [{"name": "PROTECTED_T", "generation_type": "hex32"}, {"name": "PROTECTED_U", "generation_type": "password:9"}]}
        status, a = w.ask("POST", "/add_generated_secret", ask)
        check("signed: names, types, what is in it, the nonce", status == 200 and verify(w.identity, sealed_record(ask, a, nonce), a["blob_signature"]), a)
        weaker = {**ask, "new_secrets": [{"name": "PROTECTED_T", "generation_type": "password:8"}, ask["new_secrets"][1]]}
        check("not for another type", not verify(w.identity, sealed_record(weaker, a, nonce), a["blob_signature"]))
        check("nor another nonce", not verify(w.identity, sealed_record(ask, a, os.urandom(32)), a["blob_signature"]))
        check("nor with names left out", not verify(w.identity, sealed_record(ask, {**a, "all_keys": a["all_keys"][:1]}, nonce), a["blob_signature"]))
        plain = {k: v for k, v in ask.items() if k != "nonce"}
        status, a = w.ask("POST", "/add_generated_secret", plain)
        check("a client without a nonce is served", status == 200 and verify(w.identity, sealed_record(plain, a, None), a["blob_signature"]), a)
        more = {**ask, "encrypted_secrets_base64": "AAAA", "public_key": w.alice.key.public, "signature": base64.b64encode(bytes(64)).decode()}
        status, e = w.ask("POST", "/add_generated_secret", {**more, "callback_url": "https://x/" + "y" * 100000})
        check("an address of 100 KB is refused", status == 413 and "callback_url" in e["error"]["message"], (status, e))
        many = {**more, "new_secrets": [{"name": f"PROTECTED_{i:0118d}", "generation_type": "password:00000256"[:16]} for i in range(100)]}
        equal("the longest of all is only not signed", w.ask("POST", "/add_generated_secret", many)[0], 401)
        for name, value in (("short", base64.b64encode(b"x" * 31).decode()), ("no base64", "?"), ("no text", 7)):
            equal(f"a nonce that is {name}", w.ask("POST", "/add_generated_secret", {**ask, "nonce": value})[0], 400)


def test_generated_secrets():
    with world() as w:
        s, n = Session(w), w.request(w.bob)
        ask = {"repo": REPO, "owner": "alice.test.near", "profile": "prod", "new_secrets": [{"name": "PROTECTED_T", "generation_type": "hex32"}]}
        status, a = w.ask("POST", "/add_generated_secret", ask)
        check("made", status == 200 and a["all_keys"] == ["PROTECTED_T"], a)
        blob = base64.b64decode(a["encrypted_data_base64"])
        w.put(w.alice, blob)
        first = s.decrypt(n)[2]
        check("it reaches the guest", len(first["PROTECTED_T"]) == 64, first)
        more = {**ask, "encrypted_secrets_base64": a["encrypted_data_base64"], "new_secrets": [{"name": "PROTECTED_U", "generation_type": "password:12"}]}
        equal("secrets that are there need their owner", w.ask("POST", "/add_generated_secret", more)[0], 401)
        def signed(by, new="PROTECTED_U (password:12)"):
            message = (f"OutLayer: add generated secrets to my sealed secrets.\nContract: {CONTRACT} ({NETWORK})\nRepository: {REPO}\nBranch: (any)\n"
                       f"Profile: prod\nOwner: alice.test.near\nSealed secrets (SHA-256): {hashlib.sha256(blob).hexdigest()}\nNew: {new}")
            nonce = os.urandom(32)
            record = digest(struct.pack("<I", 2 ** 31 + 413), text(message), nonce, text(CONTRACT), b"\0")
            return {**more, "public_key": by.public, "nonce": base64.b64encode(nonce).decode(), "signature": base64.b64encode(by.sign(record)).decode()}
        equal("signed by somebody else", w.ask("POST", "/add_generated_secret", signed(w.bob.key))[0], 403)
        equal("signed for other names", w.ask("POST", "/add_generated_secret", signed(w.alice.key, "PROTECTED_V (password:12)"))[0], 401)
        equal("signed for another type", w.ask("POST", "/add_generated_secret", signed(w.alice.key, "PROTECTED_U (hex64)"))[0], 401)
        equal("signed, without its nonce", w.ask("POST", "/add_generated_secret", {k: v for k, v in signed(w.alice.key).items() if k != "nonce"})[0], 400)
        asked = signed(w.alice.key)
        status, a = w.ask("POST", "/add_generated_secret", asked)
        check("signed by the owner", status == 200 and a["all_keys"] == ["PROTECTED_T", "PROTECTED_U"], a)
        check("and bound to what was there", verify(w.identity, sealed_record(asked, a, base64.b64decode(asked["nonce"]), hashlib.sha256(blob).digest()), a["blob_signature"]))
        w.put(w.alice, base64.b64decode(a["encrypted_data_base64"]))
        values = s.decrypt(n)[2]
        check("both reach the guest, the first unchanged", values["PROTECTED_T"] == first["PROTECTED_T"] and len(values["PROTECTED_U"]) == 12, values)
        for name, kind in (("T", "hex32"), ("PROTECTED_A", "hex"), ("PROTECTED_A", "password:1000000")):
            equal(f"{name} {kind} is refused", w.ask("POST", "/add_generated_secret", {**ask, "new_secrets": [{"name": name, "generation_type": kind}]})[0], 400)


# --- the master, and a chain that fails ------------------------------------------------------------------------------------------
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


@contextlib.contextmanager
def lying_chain(w, honest=False):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Liar.url, Liar.how = w.url, None
    Liar.waits.clear()
    w.keystore.stop()
    w.start(w.stack, NEAR_RPC_URL=f"http://127.0.0.1:{server.server_port}" + (f",{w.url}" if honest else ""))
    try:
        yield
    finally:
        Liar.how = None
        Liar.waits.set()
        server.shutdown()


TROUBLE = ("TIMEOUT_ERROR", "UNKNOWN_BLOCK", "INTERNAL_ERROR", "NO_SYNCED_BLOCKS", "UNAVAILABLE_SHARD", "GARBAGE_COLLECTED_BLOCK",
           "rate limit", "other block", "malformed")


def test_a_chain_that_lies_opens_nothing():
    # trouble of a server that counted as the chain's word would deny, for good and for money, who should be served
    with world() as w, lying_chain(w):
        w.put(w.alice, w.seal({"A": "1"}, "alice.test.near"), {"Not": {"condition": {"NearBalance": {"operator": "Gt", "value": str(10 ** 30)}}}})
        s, n = Session(w), w.request(w.bob)
        equal("the truth", s.decrypt(n)[0], 200)
        for about in ("view_account", "get_request", "get_secrets", "count_secret_branches", "block"):
            for how in ("behind", "malformed", "INTERNAL_ERROR") if about == "block" else TROUBLE:
                Liar.about, Liar.how = about, how
                status, a, values = s.decrypt(n)
                check(f"{about}, {how}: nothing is given, and nothing is decided", values is None and status in (502, 503, 504) and "signature" not in a, (status, a))
        Liar.how = None
        equal("the truth again", s.decrypt(n)[0], 200)
        for about in ("view_access_key", "is_operator"):
            for how in TROUBLE:
                Liar.about, Liar.how = about, how
                other = Session(w)
                check(f"{about}, {how}: no session", other.status in (502, 503, 504), (other.status, other.answer))
        Liar.how = None
        equal("a session again", Session(w).status, 200)


def test_servers_that_are_behind():
    # behind one address there are many servers, and a list of addresses is there for the day that one of them fails
    with world() as w, lying_chain(w):
        w.put(w.alice, w.seal({"A": "1"}, "alice.test.near"))
        s, n = Session(w), w.request(w.bob)
        Liar.about, Liar.how = "get_secrets", "lags"
        equal("a block that a server gets a moment later", s.decrypt(n)[0], 200)
    with world() as w, lying_chain(w, honest=True):
        w.put(w.alice, w.seal({"A": "1"}, "alice.test.near"), {"NearBalance": {"operator": "Gt", "value": "1"}})
        s, n = Session(w), w.request(w.bob)
        equal("the truth", s.decrypt(n)[0], 200)
        for about, how in (("block", "behind"), ("block", "INTERNAL_ERROR"), ("get_secrets", "UNKNOWN_BLOCK"), ("get_request", "TIMEOUT_ERROR"), ("view_account", "rate limit")):
            Liar.about, Liar.how = about, how
            for _ in range(3):  # whichever is asked first
                equal(f"{about}, {how}: the other server is asked", s.decrypt(n)[0], 200)


def test_a_slow_chain_holds_nobody_up():
    # conditions are strangers': one that asks without end, or asks a server that hangs, must not keep others waiting
    with world() as w, lying_chain(w):
        many = {"Logic": {"operator": "Or", "conditions": [{"FtBalance": {"contract": f"c{i}.near", "operator": "Gt", "value": "0"}} for i in range(33)]}}
        each = {"Not": {"condition": {"NearBalance": {"operator": "Gt", "value": str(10 ** 30)}}}}
        s, n = Session(w), w.request(w.bob)
        w.put(w.alice, w.seal({"A": "1"}, "alice.test.near"), {"Logic": {"operator": "And", "conditions": [each] * 32}})
        equal("32 questions", s.decrypt(n)[0], 200)
        w.put(w.alice, w.seal({"A": "1"}, "alice.test.near"), {"Logic": {"operator": "And", "conditions": [each] * 33}})
        s.refused("33 questions", n, "more than 32 questions")
        w.put(w.alice, w.seal({"A": "1"}, "alice.test.near"), {"Logic": {"operator": "Or", "conditions": [each, many]}})
        w.put(w.bob, w.seal({"B": "2"}, "bob.test.near"))
        m = w.request(w.bob, "bob.test.near")
        Liar.about, Liar.how = "view_account", "hangs"
        ends, sessions = [], [Session(w) for _ in range(7)]
        def hang(session):
            began = time.monotonic()
            ends.append((session.decrypt(n)[0], time.monotonic() - began))
        threads = [threading.Thread(target=hang, args=(x,)) for x in sessions]
        for t in threads:
            t.start()
        began = time.monotonic()
        equal("another owner's secrets meanwhile", s.decrypt(m)[2], {"B": "2"})
        check("at once", time.monotonic() - began < 5, time.monotonic() - began)
        equal("ready meanwhile", w.ask("GET", "/readyz", token=None)[0], 200)
        for t in threads:
            t.join()
        check("each decision has its end", len(ends) == 7 and all(x == 504 and y < 15 for x, y in ends), ends)
        hanging = threading.Thread(target=hang, args=(sessions[0],))
        hanging.start()
        time.sleep(0.3)  # it waits for the chain
        began = time.monotonic()
        equal("a keystore that waits for the chain stops", w.keystore.stop(), 0)
        check("at once", time.monotonic() - began < 3, time.monotonic() - began)
        hanging.join()


def test_nothing_of_it_is_for_others_to_read():
    # its memory holds every secret: no core dumps, no debugger, no program started from inside
    with world() as w:
        pid = w.keystore.process.pid
        with open(f"/proc/{pid}/status") as f:
            status = f.read()
        check("a system call filter", "Seccomp:\t2" in status, status[-600:])
        check("no new privileges", "NoNewPrivs:\t1" in status)
        with open(f"/proc/{pid}/limits") as f:
            check("no core dumps", any(x.startswith("Max core file size") and x.split()[4] == "0" for x in f))
        equal("the files are its user's", {oct(os.stat(os.path.join(w.store, x)).st_mode & 0o777) for x in ("master.key", "audit.log", "keystore.json")}, {"0o600"})


# --- without a chain: what is refused before the chain is asked ------------------------------------------------------------------
class Lone:
    """A keystore whose chain does not answer."""

    def __init__(self, stack, home, **env):
        self.store, self.home = os.path.join(home, "keystore"), home
        os.makedirs(self.store, exist_ok=True)
        self.start(stack, **env)

    def start(self, stack, **env):
        settings = {"NEAR_RPC_URL": "http://127.0.0.1:1", "OFFCHAINVM_CONTRACT_ID": CONTRACT, "SERVER_PORT": "0",
                    "ALLOWED_WORKER_TOKEN_HASHES": hashlib.sha256(TOKEN.encode()).hexdigest(), **env}
        self.keystore = stack.enter_context(Daemon("outlayer-keystore", settings, home=self.store))
        self.identity = self.keystore.ready["identity"]

    ask, pubkey = World.ask, World.pubkey

    def audit(self):
        with open(os.path.join(self.store, "audit.log")) as f:
            return [json.loads(x) for x in f]


@contextlib.contextmanager
def lone(**env):
    with contextlib.ExitStack() as stack, folder() as home:
        k = Lone(stack, home, **env)
        k.stack = stack
        yield k


GENERATE = {"repo": REPO, "owner": "alice.test.near", "profile": "prod", "new_secrets": [{"name": "PROTECTED_T", "generation_type": "hex32"}]}


def test_foreign_bytes_do_not_end_the_keystore():
    # a text that is cut inside a character must not be one that JSON, and with it the audit log, cannot hold
    with lone() as k:
        for n in (31, 32, 33):
            for path, token in (("/add_generated_secret", TOKEN), ("/session", None), ("/decrypt", None), ("/pubkey", TOKEN)):
                status, a = k.ask("POST", path, {"x" * (n % 2 + 1) + "\u00e9" * n: 1}, token)
                check(f"{path}: a field of {n} foreign letters", status == 400 and "unknown field" in a["error"]["message"], (status, a))
        cut = "x" + "\u00e9" * 60
        for name, change in (("a name", {"new_secrets": [{"name": cut, "generation_type": "hex32"}]}), ("a type", {"new_secrets": [{"name": "PROTECTED_T", "generation_type": cut}]}),
                             ("a password", {"new_secrets": [{"name": "PROTECTED_T", "generation_type": "password:" + cut}]}), ("an owner", {"owner": cut}), ("a repository", {"repo": cut})):
            status, a = k.ask("POST", "/add_generated_secret", {**GENERATE, **change})
            check(f"{name} of foreign letters", status in (400, 413) and "\ufffd" not in a["error"]["message"], (status, a))
        equal("bytes that are no text, in a query", k.ask("GET", "/pubkey?repo=a/b&owner=%ff%c3&branch=%c3")[0], 400)
        equal("and in a body", k.ask("POST", "/session", b'{"account_id":"\xff\xc3"}', None)[0], 400)
        check("each refusal is in the audit log", len([x for x in k.audit() if x["verdict"] == "refused"]) >= 11, k.audit()[-1])
        equal("it still serves", k.ask("GET", "/health", token=None)[0], 200)


def test_large_texts_do_not_end_the_keystore():
    # whatever a record is made of is bounded before anybody's signature is looked at
    with lone() as k:
        a = k.ask("POST", "/add_generated_secret", GENERATE)[1]
        key = near.Key()
        more = {**GENERATE, "encrypted_secrets_base64": a["encrypted_data_base64"], "public_key": key.public, "nonce": base64.b64encode(bytes(32)).decode(),
                "signature": base64.b64encode(bytes(64)).decode(), "new_secrets": [{"name": "PROTECTED_U", "generation_type": "hex32"}]}
        equal("as long as a URL may be: on to the signature", k.ask("POST", "/add_generated_secret", {**more, "callback_url": "u" * 2048})[0], 401)
        for n in (2049, 70000):
            status, a = k.ask("POST", "/add_generated_secret", {**more, "callback_url": "u" * n})
            check(f"a callback_url of {n} bytes", status == 413 and "'callback_url' has more than 2048 bytes" in a["error"]["message"], (status, a))
        signed = {"session_id": "00" * 32, "counter": 1, "signature": "ed25519:" + near.b58(bytes(64))}
        for n in (2 ** 63, 2 ** 64 - 1, str(2 ** 63), str(2 ** 64 - 1)):
            status, a = k.ask("POST", "/decrypt", {**signed, "request_id": n}, None)
            check(f"request {n!r}", status == 400 and a["error"]["message"], (status, a))
        for n in (str(2 ** 63 - 1), 2 ** 63 - 1):
            equal(f"request {n!r} is asked for by nobody's session", k.ask("POST", "/decrypt", {**signed, "request_id": n}, None)[0], 401)
        equal("it still serves", k.ask("GET", "/health", token=None)[0], 200)


def test_a_rotation_says_what_is_true():
    # "no new generation" beside one that is in force, or the other way round, and its owner rotates again or never
    with lone() as k:
        facts = os.path.join(k.store, "keystore.json")
        os.remove(facts)
        os.mkdir(facts)  # cannot be replaced by a file
        k.keystore.signal(10)  # SIGUSR1
        check("in force", kit.until(lambda: k.pubkey("alice.test.near")["generation"] == 2))
        check("the log says so, and what is missing", kit.until(lambda: "the new generation is in force; keystore.json" in k.keystore.output())
              and "no new generation" not in k.keystore.output(), k.keystore.output())
        check("the audit log, too", kit.until(lambda: [x for x in k.audit() if x["what"] == "rotate" and x["verdict"] == "allowed" and "keystore.json" in x["why"]]))
        os.rmdir(facts)
        os.rename(os.path.join(k.store, "master.key"), os.path.join(k.store, "away"))
        os.mkdir(os.path.join(k.store, "master.key"))
        k.keystore.signal(10)
        check("not in force: the log says so", kit.until(lambda: "no new generation" in k.keystore.output()), k.keystore.output())
        equal("and so it is", k.pubkey("alice.test.near")["generation"], 2)
        check("the audit log, too", kit.until(lambda: k.audit()[-1]["verdict"] == "failed"), k.audit())
        os.rmdir(os.path.join(k.store, "master.key"))
        os.rename(os.path.join(k.store, "away"), os.path.join(k.store, "master.key"))
        k.keystore.kill()
        with open(os.path.join(k.store, "master.key.tmp-aB3dE6"), "w") as f:
            f.write("identity 00")
        k.start(k.stack)
        equal("killed: the same generation", k.pubkey("alice.test.near")["generation"], 2)
        check("facts are there again, half-written masters are not", os.path.isfile(facts) and sorted(os.listdir(k.store)) == ["audit.log", "keystore.json", "keystore.lock", "master.key"], os.listdir(k.store))
        k.keystore.stop()
        os.chmod(os.path.join(k.store, "master.key"), 0o644)
        try:
            k.start(k.stack)
            check("a master that others can read", False)
        except RuntimeError as why:
            check("a master that others can read is refused", "master.key is open to others (mode 0644)" in str(why) and "chmod 600" in str(why), why)


def test_strangers_do_not_fill_the_audit_log():
    # whoever can reach it could write away who was given what
    with lone() as k:
        k.ask("POST", "/add_generated_secret", GENERATE)
        for _ in range(150):
            k.ask("POST", "/session", {"account_id": "mallory.near"}, None)
        junk = {**GENERATE, "public_key": near.Key().public, "nonce": base64.b64encode(bytes(32)).decode(), "signature": base64.b64encode(bytes(64)).decode()}
        for _ in range(100):  # a signature that nothing asks for proves nothing
            equal("it still gives", k.ask("POST", "/add_generated_secret", junk)[0], 200)
        whats = [x["what"] for x in k.audit()]
        check("of strangers as many as of a minute or two", whats.count("session") + whats.count("generate") <= 120, (len(whats), whats[-1]))
        k.keystore.stop()
        check("and how many more there were", sum(x.get("count", 1) for x in k.audit()) == 251, k.audit()[-1])


# --- its memory and its user -----------------------------------------------------------------------------------------------------
def status(pid, *names):
    with open(f"/proc/{pid}/status") as f:
        rows = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
    return [" ".join(rows[n].split()) for n in names]


def in_memory(pid, *values):
    """How often each of the values stands in the process's writable memory."""
    counts = [0] * len(values)
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for start, end in re.findall(r"^([0-9a-f]+)-([0-9a-f]+) rw", maps.read(), re.M):
            with contextlib.suppress(OSError, OverflowError, ValueError):
                mem.seek(int(start, 16))
                data = mem.read(int(end, 16) - int(start, 16))
                counts = [n + data.count(v) for n, v in zip(counts, values)]
    return counts


def test_the_master_is_in_its_vault_alone():
    # freed memory keeps what stood in it: a buffer that grew or a file that was read would leave the master behind
    if os.geteuid() != 0:
        raise kit.Skip("reading other processes' memory needs root")
    with lone() as k:
        def look(when):
            with open(os.path.join(k.store, "master.key")) as f:
                digits = [line.split()[1] for line in f]
            pieces = [x.encode() for d in digits for x in re.findall("." * 16, d)]
            pid = k.keystore.process.pid
            equal(f"{when}: its hexadecimal form is nowhere", [p for p, n in zip(pieces, in_memory(pid, *pieces)) if n], [])
            secrets = [bytes.fromhex(d) for d in digits[1:]]
            equal(f"{when}: each generation stands in one place", in_memory(pid, *secrets), [1] * len(secrets))
        check("the search finds what is there", in_memory(k.keystore.process.pid, CONTRACT.encode())[0] > 0)
        look("first start")
        for n in range(2, 6):
            k.keystore.signal(10)  # SIGUSR1
            kit.until(lambda: k.pubkey("alice.test.near")["generation"] == n)
        look("after rotations")
        for _ in range(20):
            k.ask("POST", "/add_generated_secret", GENERATE)
        look("after use")
        k.keystore.stop()
        k.start(k.stack)
        look("second start")


def test_memory_is_locked_or_a_warning_says_what_to_raise():
    with lone() as k:
        locked, resident = (int(x.split()[0]) for x in status(k.keystore.process.pid, "VmLck", "VmRSS"))
        if "memory is not locked" in k.keystore.output():
            check("the warning says what to raise", "RLIMIT_MEMLOCK is" in k.keystore.output() and "LimitMEMLOCK=infinity" in k.keystore.output(), k.keystore.output())
            check("the master is locked all the same", locked >= 4 or kit.BUILD.endswith("asan"), locked)  # asan makes mlock do nothing
        else:
            check("all of it is locked", locked > 10000, locked)
        check("and no more is resident than before", resident < 60000, resident)


SOMEBODY = 2000000732  # nobody's number


def may_open(pid, user):
    """Whether this user may look into the process."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(OSError):
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY))
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] != 0


def is_only(k, user):
    """The keystore is this user and nothing more; what works for root works for it."""
    pid = k.keystore.process.pid
    equal("user and group", status(pid, "Uid", "Gid"), [" ".join([str(user)] * 4)] * 2)
    equal("no further groups", status(pid, "Groups"), [""])
    equal("no capabilities", status(pid, "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), ["0" * 16] * 5)
    check("filters stay", status(pid, "Seccomp", "NoNewPrivs") == ["2", "1"])
    equal("nobody looks into its memory, not even it itself", [may_open(pid, x) for x in (user or SOMEBODY, SOMEBODY + 1)], [False, False])
    k.keystore.signal(10)  # SIGUSR1
    check("it can rotate", kit.until(lambda: k.pubkey("alice.test.near")["generation"] == k.generation + 1), k.keystore.output())
    k.generation += 1
    check("and writes its audit log", kit.until(lambda: [x["what"] for x in k.audit()].count("rotate") == k.generation - 1))
    files = {name: os.stat(os.path.join(k.store, name)) for name in os.listdir(k.store)}
    equal("its files are its own", {(s.st_uid, oct(s.st_mode & 0o777)) for s in files.values()}, {(user, "0o600")})


def test_root_becomes_the_homes_owner():
    # who breaks into the keystore should not be root, nor find anything of other users
    if os.geteuid() != 0:
        raise kit.Skip("becoming another user needs root")
    with contextlib.ExitStack() as stack, folder() as home:
        k = Lone(stack, home)
        k.generation = 1
        is_only(k, 0)
        check("as root it says what to do", "chown -R" in k.keystore.output(), k.keystore.output())
        k.keystore.stop()
        os.chown(k.store, SOMEBODY, SOMEBODY)
        try:
            k.start(stack)
            check("a home whose files stayed root's", False)
        except RuntimeError as why:
            check("a home whose files stayed root's: it says which and how", "/keystore/master.key cannot be used" in str(why) and "chown -R" in str(why), why)
        for name in os.listdir(k.store):
            os.chown(os.path.join(k.store, name), SOMEBODY, SOMEBODY)
        before = k.identity
        k.start(stack)
        equal("an older home, given away: the same identity", k.identity, before)
        is_only(k, SOMEBODY)
        check("no warning about root", "is root" not in k.keystore.output(), k.keystore.output())
        k.keystore.kill()
        k.start(stack)
        is_only(k, SOMEBODY)
        k.keystore.stop()
        os.chown(k.store, SOMEBODY, 0)
        k.start(stack)
        equal("root's group does not stay", status(k.keystore.process.pid, "Gid"), [" ".join([str(SOMEBODY)] * 4)])


def test_it_ends_with_its_parent():
    # the kernel forgets the parent-death signal at a change of the user
    if os.geteuid() != 0:
        raise kit.Skip("becoming another user needs root")
    with folder() as home:
        store = os.path.join(home, "keystore")
        os.mkdir(store)
        os.chown(store, SOMEBODY, SOMEBODY)
        start = ("import ctypes, os, subprocess, sys, time\n"
                 "p = subprocess.Popen(sys.argv[1:], preexec_fn=lambda: ctypes.CDLL(None).prctl(1, 15), stderr=subprocess.DEVNULL)\n"  # PR_SET_PDEATHSIG, SIGTERM
                 "print(p.pid, flush=True)\ntime.sleep(100)\n")
        env = {"OUTLAYER_HOME": store, "NEAR_RPC_URL": "http://127.0.0.1:1", "OFFCHAINVM_CONTRACT_ID": CONTRACT, "SERVER_PORT": "0", "PATH": os.environ["PATH"]}
        parent = subprocess.Popen([sys.executable, "-c", start, kit.program("outlayer-keystore")], env=env, stdout=subprocess.PIPE)
        try:
            pid = int(parent.stdout.readline())
            check("it is up, as its user", kit.until(lambda: status(pid, "Uid")[0].startswith(str(SOMEBODY)) and os.path.exists(os.path.join(store, "audit.log"))))
            parent.kill()
            parent.wait()
            check("and ends with its parent", kit.until(lambda: not os.path.exists(f"/proc/{pid}") or status(pid, "State")[0].startswith("Z")))
        finally:
            parent.kill()


def test_up_gives_the_keystore_a_user():
    from stack_test import Stack, children
    if os.geteuid() != 0:
        raise kit.Skip("only root can give a user")
    with folder() as home:
        s = Stack(home)
        try:
            pid = children(s.process.pid)["outlayer-keystore"]
            user = int(status(pid, "Uid")[0].split()[0])
            check("a user of its own", user not in (0, 65534) and status(pid, "Uid", "Gid") == [" ".join([str(user)] * 4)] * 2, user)
            equal("the home is that user's, all of it", {os.stat(os.path.join(home, "keystore", n)).st_uid for n in [".", *os.listdir(os.path.join(home, "keystore"))]}, {user})
            equal("the others stay who they are", {int(status(p, "Uid")[0].split()[0]) for n, p in children(s.process.pid).items() if n in ("outlayer-devnet", "outlayer-coordinator", "outlayer-worker")}, {0})
            equal("it serves", kit.http("POST", s.info["coordinator_url"] + "/secrets/challenge", {}, {"Authorization": f"Bearer {s.info['coordinator_token']}"})[0], 200)
            os.kill(pid, 9)
            check("killed, it is started again as that user", kit.until(lambda: (lambda p: p and p != pid and status(p, "Uid")[0].startswith(str(user)))(children(s.process.pid).get("outlayer-keystore"))))
            s.stop()
            for name in [*os.listdir(os.path.join(home, "keystore")), "."]:
                os.chown(os.path.join(home, "keystore", name), 0, 0)
            s = Stack(home)  # a home of before
            equal("an older home is given away, too", status(children(s.process.pid)["outlayer-keystore"], "Uid"), [" ".join([str(user)] * 4)])
        finally:
            s.stop()


if __name__ == "__main__":
    kit.main(globals())
