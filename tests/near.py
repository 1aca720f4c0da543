# SPDX-License-Identifier: Apache-2.0
"""NEAR for the black-box tests, standard library only: keys (ed25519 of RFC 8032, slow and plain), base58, transactions
in borsh, and a client that signs and sends. Independent of the C code that the tests look at."""
import base64, hashlib, json, os, struct

import kit

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
NEAR = 10 ** 24
TGAS = 10 ** 12

# --- ed25519
P = 2 ** 255 - 19
L = 2 ** 252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
BY = 4 * pow(5, P - 2, P) % P
BX = 15112221349535400772501151409588531511454012693041857206046113283949847762202
BASE = (BX, BY, 1, BX * BY % P)


def _add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(n, point):
    out = (0, 1, 1, 0)
    while n:
        if n & 1:
            out = _add(out, point)
        point, n = _add(point, point), n >> 1
    return out


def _pack(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _hash(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


class Key:
    """An ed25519 key pair; a new one without a seed."""

    def __init__(self, seed=None):
        self.seed = seed or os.urandom(32)
        h = hashlib.sha512(self.seed).digest()
        self.scalar = int.from_bytes(h[:32], "little") & (1 << 254) - 8 | 1 << 254
        self.prefix = h[32:]
        self.raw = _pack(_times(self.scalar, BASE))
        self.public = "ed25519:" + b58(self.raw)
        self.secret = "ed25519:" + b58(self.seed + self.raw)

    @staticmethod
    def parse(secret):
        return Key(unb58(secret.split(":")[1])[:32])

    def sign(self, message):
        r = _hash(self.prefix, message) % L
        point = _pack(_times(r, BASE))
        s = (r + _hash(point, self.raw, message) % L * self.scalar) % L
        return point + s.to_bytes(32, "little")


# --- text and borsh
def b58(raw):
    n, out = int.from_bytes(raw, "big"), ""
    while n:
        n, r = divmod(n, 58)
        out = ALPHABET[r] + out
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + out


def unb58(text):
    n = 0
    for c in text:
        n = n * 58 + ALPHABET.index(c)
    raw = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return b"\0" * (len(text) - len(text.lstrip("1"))) + raw


def _bytes(raw):
    return struct.pack("<I", len(raw)) + raw


def _text(text):
    return _bytes(text.encode())


def _u128(n):
    return n.to_bytes(16, "little")


def _key(public):
    return b"\0" + unb58(public.split(":")[1])


def create_account():
    return b"\0"


def deploy(code):
    return b"\1" + _bytes(code)


def call(method, args=None, gas=100 * TGAS, deposit=0):
    raw = args if isinstance(args, bytes) else json.dumps(args if args is not None else {}).encode()
    return b"\2" + _text(method) + _bytes(raw) + struct.pack("<Q", gas) + _u128(deposit)


def transfer(amount):
    return b"\3" + _u128(amount)


def stake(amount, public):
    return b"\4" + _u128(amount) + _key(public)


def add_key(public):
    return b"\5" + _key(public) + struct.pack("<Q", 0) + b"\1"


def add_call_key(public, receiver, methods=(), allowance=None):
    return (b"\5" + _key(public) + struct.pack("<Q", 0) + b"\0" + (b"\0" if allowance is None
                                                                   else b"\1" + _u128(allowance))
            + _text(receiver) + struct.pack("<I", len(methods)) + b"".join(map(_text, methods)))


def delete_key(public):
    return b"\6" + _key(public)


def delete_account(beneficiary):
    return b"\7" + _text(beneficiary)


def delegate(sender, key, receiver, nonce, max_height, *actions, signer=None):
    """Actions that `sender` has signed for somebody else to send (NEP-366). `signer`: another key than the named one
    signs."""
    raw = (_text(sender) + _text(receiver) + struct.pack("<I", len(actions)) + b"".join(actions) + struct.pack("<QQ",
                                                                                                               nonce, max_height)
           + _key(key.public))
    digest = hashlib.sha256(struct.pack("<I", 2 ** 30 + 366) + raw).digest()
    return b"\x08" + raw + b"\0" + (signer or key).sign(digest)


def transaction(signer, key, nonce, receiver, block_hash, actions):
    """(base64 of the signed transaction, base58 hash)"""
    raw = (_text(signer) + _key(key.public) + struct.pack("<Q", nonce) + _text(receiver) + unb58(block_hash)
           + struct.pack("<I", len(actions)) + b"".join(actions))
    digest = hashlib.sha256(raw).digest()
    return base64.b64encode(raw + b"\0" + key.sign(digest)).decode(), b58(digest)


# --- client
class Account:
    """Signs and sends for one account through one RPC address."""

    def __init__(self, url, account, key):
        self.url, self.id, self.key = url, account, key

    def nonce(self):
        got = kit.rpc(self.url, "query", {"request_type": "view_access_key", "finality": "final", "account_id": self.id,
                                          "public_key": self.key.public})
        return got["result"]["nonce"]

    def signed(self, receiver, *actions, nonce=None, block_hash=None):
        if block_hash is None:
            block_hash = kit.rpc(self.url, "block", {"finality": "final"})["result"]["header"]["hash"]
        return transaction(self.id, self.key, self.nonce() + 1 if nonce is None else nonce, receiver, block_hash,
                           actions)

    def send(self, receiver, *actions, wait="EXECUTED_OPTIMISTIC", **more):
        """The whole JSON-RPC answer of send_tx."""
        raw, _ = self.signed(receiver, *actions, **more)
        return kit.rpc(self.url, "send_tx", {"signed_tx_base64": raw, "wait_until": wait})

    def create(self, name, amount, key=None):
        """A new account of this one's money, with a key of its own."""
        key = key or Key()
        answer = self.send(name, create_account(), transfer(amount), add_key(key.public))
        if "SuccessValue" not in answer.get("result", {}).get("status", {}):
            raise RuntimeError(f"cannot create {name}: {json.dumps(answer)[:600]}")
        return Account(self.url, name, key)


def view(url, contract, method, args=None, **reference):
    """The whole JSON-RPC answer of a view call."""
    raw = base64.b64encode(json.dumps(args if args is not None else {}).encode()).decode()
    return kit.rpc(url, "query", {"request_type": "call_function", "account_id": contract, "method_name": method,
                                  "args_base64": raw, **(reference or {"finality": "final"})})


def view_value(url, contract, method, args=None):
    return json.loads(bytes(view(url, contract, method, args)["result"]["result"]))


def value_of(result):
    """The value of a transaction's outcome, None when it failed."""
    text = result["status"].get("SuccessValue") if isinstance(result["status"], dict) else None
    return None if text is None else base64.b64decode(text)
