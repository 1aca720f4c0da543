# SPDX-License-Identifier: Apache-2.0
"""The keystore's surroundings in the black-box tests: a real devnet with the real contract, and its wire formats as an
independent reader has them."""
import base64, contextlib, hashlib, json, os, re, struct, time

import hpke, kit, near
from kit import Daemon, check, folder

CONTRACT, OPERATOR, NETWORK = "outlayer.test.near", "operator.test.near", "devnet"
TOKEN = "keystore-token"
REPO = "github.com/alice/project"


# --- what is signed and sealed, said here once more from the documents
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
    return near._pack(near._times(s, near.BASE)) == near._pack(near._add(unpack(raw[:32]),
                                                                         near._times(h, unpack(public))))


class World:
    """Devnet, contract, keystore, two people."""

    def __init__(self, stack, home):
        key = near.Key()
        genesis = os.path.join(home, "genesis.json")
        with open(genesis, "w") as f:
            json.dump({"chain_id": NETWORK, "accounts": [{"account_id": "test.near", "public_key": key.public,
                                                          "balance": str(10 ** 33)}]}, f)
        os.mkdir(os.path.join(home, "chain"))
        self.net = stack.enter_context(Daemon("outlayer-devnet",
                                              {"BLOCK_MS": "0", "BLOCK_IDLE_MS": "0", "GENESIS": genesis},
                                              home=os.path.join(home, "chain")))
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
        status, _, raw = kit.http(method, self.keystore.url + path, body, {"Authorization": f"Bearer {token}"} if token
                                  else {})
        return status, json.loads(raw) if raw else None

    def pubkey(self, owner, branch=None, repo=REPO):
        return self.ask("GET", f"/pubkey?repo={repo}&owner={owner}" + (f"&branch={branch}" if branch else ""))[1]

    def seal(self, values, owner, branch=None, profile="prod", repo=REPO, **swap):
        k = self.pubkey(owner, branch, repo)
        info = text("outlayer-secrets-v1") + scope(owner, repo, branch) + text(profile) + struct.pack("<I",
                                                                                                      k["generation"])
        plain = values if isinstance(values, bytes) else json.dumps(values).encode()
        return struct.pack("<BI", 1, k["generation"]) + hpke.seal(bytes.fromhex(k["pubkey"]), swap.get("info", info),
                                                                  plain)

    def put(self, who, blob, access="AllowAll", branch=None, profile="prod", repo=REPO):
        return self.ok(who.send(CONTRACT, near.call("store_secrets", {"repo": repo, "branch": branch,
                                                                      "profile": profile, "access": access,
            "encrypted_secrets_base64": base64.b64encode(blob).decode()}, deposit=near.NEAR)))

    def request(self, who, owner="alice.test.near", profile="prod", repo="https://" + REPO, secrets=True):
        """A request that stays pending; its id."""
        args = {"code_source": {"repo": repo, "commit": "main"}, "input_data": "x"}
        if secrets:
            args["secrets_ref"] = {"profile": profile, "account_id": owner}
        raw, _ = who.signed(CONTRACT,
                            near.call("request_execution", args, gas=200 * near.TGAS, deposit=near.NEAR // 10))
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
        record = digest(text("outlayer-session-v1"), text(change.get("network", NETWORK)), text(CONTRACT),
                        unsign(w.identity), text(account),
                        bytes.fromhex(challenge), self.pair.public, struct.pack("<Q", expires))
        self.body = {"account_id": account, "public_key": self.key.public, "challenge": challenge,
                     "session_key": self.pair.public.hex(),
                     "expires_at": expires, "signature": "ed25519:" + near.b58(self.key.sign(record))}
        self.status, self.answer = w.ask("POST", "/session", self.body, None)
        self.id = record

    def terms(self, tag, request_id, counter):
        return text(tag) + self.id + struct.pack("<QQ", counter, request_id)

    def decrypt(self, request_id, branch=None, counter=None, key=None, sign_as=None):
        """(status, answer, values); the answer's signature is checked."""
        self.counter = self.counter + 1 if counter is None else counter
        asked = request_id if sign_as is None else sign_as
        record = digest(text("outlayer-decrypt-v1"), text(NETWORK), text(CONTRACT), self.id,
                        struct.pack("<QQ", self.counter, asked), option(branch))
        status, a = self.w.ask("POST", "/decrypt",
                               {"session_id": self.id.hex(), "counter": self.counter, "request_id": request_id,
            "branch": branch, "signature": "ed25519:" + near.b58((key or self.key).sign(record))}, None)
        if status == 200:
            sealed = base64.b64decode(a["sealed"])
            check("an answer is signed",
                  verify(self.w.identity, digest(self.terms("outlayer-answer-v1", request_id, self.counter),
                                                 hashlib.sha256(sealed).digest()), a["signature"]))
            plain = hpke.open_sealed(self.pair, self.terms("outlayer-answer-info-v1", request_id, self.counter), sealed)
            return status, a, plain and json.loads(plain)
        return status, a, None

    def refused(self, name, request_id, sentence, **how):
        status, a, _ = self.decrypt(request_id, **how)
        message = (a.get("error") or {}).get("message", "")
        check(name, status in (400, 403, 404, 409) and sentence in message, (status, a))
        record = digest(self.terms("outlayer-refusal-v1", request_id, self.counter), text(a["error"]["code"]),
                        text(message))
        check(f"{name}: the refusal is signed", "signature" in a and verify(self.w.identity, record, a["signature"]), a)


@contextlib.contextmanager
def world():
    with contextlib.ExitStack() as stack, folder() as home:
        w = World(stack, home)
        w.stack = stack
        w.publish()
        yield w


# The names of the public documents, all of them; what the worker sets is read from its source.
RESERVED = """NEAR_SENDER_ID NEAR_CONTRACT_ID NEAR_BLOCK_HEIGHT NEAR_BLOCK_TIMESTAMP NEAR_RECEIPT_ID NEAR_PREDECESSOR_ID NEAR_SIGNER_PUBLIC_KEY NEAR_GAS_BURNT
    NEAR_USER_ACCOUNT_ID NEAR_PAYMENT_YOCTO NEAR_TRANSACTION_HASH NEAR_MAX_INSTRUCTIONS NEAR_MAX_MEMORY_MB NEAR_MAX_EXECUTION_SECONDS NEAR_REQUEST_ID
    NEAR_NETWORK_ID OUTLAYER_PROJECT_ID OUTLAYER_PROJECT_UUID OUTLAYER_EXECUTION_TYPE OUTLAYER_CALL_ID OUTLAYER_PROJECT_NAME OUTLAYER_PROJECT_OWNER
    ATTACHED_USD USD_PAYMENT WALLET_ID NEAR_RPC_PROXY_AVAILABLE""".split()


def reserved_names():
    with open(os.path.join(kit.ROOT, "src", "worker", "guest_env.c")) as f:
        sets = set(re.findall(r'add(?:_number)?\(&?l, (?:a, )?"(\w+)"', f.read()))
    check("the worker's variables are found in its source", len(sets) >= 19
          and {"NEAR_SENDER_ID", "NEAR_BLOCK_HEIGHT", "OUTLAYER_CALL_ID"} <= sets, sets)
    return sorted(sets | set(RESERVED))
