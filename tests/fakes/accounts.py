# SPDX-License-Identifier: Apache-2.0
"""Accounts that sign for themselves (NEP-413), and a chain that knows their keys and nothing else."""
import base64, datetime, hashlib, http.server, itertools, json, os, struct, threading, time

import kit, near


class Accounts(http.server.ThreadingHTTPServer):
    """`keys` says what each key of an account may: "FullAccess", or a contract that alone it may call."""
    daemon_threads = True

    def __init__(self):
        self.keys, self.asked, self.gate, self.down = {}, 0, threading.Event(), False
        self.gate.set()
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def account(self, name, permission="FullAccess"):
        key = near.Key()
        self.keys[name, key.public] = permission
        return Account(name, key)

    def handle_error(self, *_):
        pass

    def says(self, asked):
        params = asked["params"]
        if asked["method"] == "block":
            return {"header": {"height": 7, "timestamp": time.time_ns(), "hash": near.b58(b"\1" * 32)}}
        permission = self.keys.get((params["account_id"], params["public_key"]))
        self.asked += 1
        if not permission:
            return None
        if permission != "FullAccess":
            permission = {"FunctionCall": {"allowance": None, "receiver_id": permission, "method_names": []}}
        return {"block_height": 7, "block_hash": near.b58(b"\1" * 32), "nonce": 1, "permission": permission}


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.gate.wait(60)
        result = self.server.says(asked)
        error = {"name": "HANDLER_ERROR", "cause": {"name": "UNKNOWN_ACCESS_KEY", "info": {}}, "code": -32000,
                 "message": "Server error", "data": "no such key"}
        raw = json.dumps({"jsonrpc": "2.0", "id": asked["id"], **({"result": result} if result else {"error": error})}).encode()
        raw = b"overloaded" if self.server.down else raw
        self.send_response(503 if self.server.down else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def _text(text):
    return struct.pack("<I", len(text.encode())) + text.encode()


addresses = itertools.count(1)


def elsewhere():
    n = next(addresses)
    return {"X-Forwarded-For": f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"}


class Account:
    def __init__(self, name, key):
        self.name, self.key = name, key

    def word(self, act, coordinator, network="devnet", until=None, nonce=None, callback=None, base64_signature=False, **more):
        """What goes behind "Authorization: "; `more` replaces members after they are signed."""
        until = until if until is not None else int(time.time() * 1000) + 300000
        nonce = nonce or os.urandom(32)
        date = datetime.datetime.fromtimestamp(until // 1000, datetime.timezone.utc)
        message = (f"OutLayer: {act}\nCoordinator: {coordinator}\nNetwork: {network}\nAccount: {self.name}\n"
                   f"Valid until: {date:%Y-%m-%dT%H:%M:%S}.{until % 1000:03}Z")
        signed = (struct.pack("<I", 2**31 + 413) + _text(message) + nonce + _text(coordinator) +
                  (b"\1" + _text(callback) if callback else b"\0"))
        signature = self.key.sign(hashlib.sha256(signed).digest())
        said = {"account_id": self.name, "public_key": self.key.public, "nonce": base64.b64encode(nonce).decode(),
                "signature": base64.b64encode(signature).decode() if base64_signature else "ed25519:" + near.b58(signature),
                "coordinator": coordinator, "valid_until_ms": until, **({"callback_url": callback} if callback else {}), **more}
        return "NEP413 " + base64.b64encode(json.dumps(said).encode()).decode()

    def asks(self, c, method, path, act, body=None, headers=None, **word):
        """(status, answer, headers) of a coordinator; one that trusts its proxies sees another address each time."""
        said = self.word(act, word.pop("coordinator", c.url), **word)
        status, got, raw = kit.http(method, c.url + path, body, {"Authorization": said, **elsewhere(), **(headers or {})})
        return status, json.loads(raw), got

    def make(self, c, name="laptop", **word):
        return self.asks(c, "POST", "/public/api-keys", f'make an API key named "{name}"', {"name": name}, **word)

    def list(self, c, **word):
        return self.asks(c, "GET", "/public/api-keys", "list API keys", **word)

    def revoke(self, c, id, **word):
        return self.asks(c, "DELETE", f"/public/api-keys/{id}", f"revoke the API key {id}", **word)
