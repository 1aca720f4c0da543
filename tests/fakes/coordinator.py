# SPDX-License-Identifier: Apache-2.0
"""A coordinator of a few lines, which a test can tell to do each thing that a coordinator may do wrong."""
import http.server, json, threading, urllib.parse

import kit


class Coordinator(http.server.ThreadingHTTPServer):
    """Keeps what it is told. `spoil` may change a lease before it is handed out, `meddle` what `keystore` (an address,
    None where there is none) answers."""
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address=("127.0.0.1", 0)):
        super().__init__(address, Answers)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.changed = threading.Condition()
        self.queue, self.leases, self.completed, self.failed, self.beats = [], {}, {}, [], []
        self.wasm, self.builds, self.locks, self.uploads, self.workers, self.created = {}, {}, {}, 0, {}, {}
        self.cargo_locks = {}
        self.spoil = self.refuse_beats = self.keystore = self.meddle = None
        self.count, self.gone = 0, False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass  # a worker that went away

    def add(self, task):
        with self.changed:
            self.queue.append((task, 1))
            self.changed.notify_all()

    def wait(self, condition, seconds=120):
        with self.changed:
            self.changed.wait_for(condition, seconds)
            return condition()

    def report(self, request_id, seconds=120):
        self.wait(lambda: request_id in self.completed, seconds)
        return self.completed.get(request_id)


class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def say(self, status, body=None):
        if self.server.gone:
            self.close_connection = True
            return
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self):
        s, url = self.server, urllib.parse.urlsplit(self.path)
        parts = url.path.split("/")[1:]
        if parts == ["tasks", "poll"]:
            return self.poll(float(urllib.parse.parse_qs(url.query)["timeout"][0]))
        if parts[0] == "wasm":
            return self.say(200, s.wasm[parts[1]]) if parts[1] in s.wasm else self.say(404,
                                                                                       {"error": {"code": "not_found",
                                                                                                  "message": "no"}})
        if parts[0] == "cargo-lock" and parts[1] in s.cargo_locks:
            return self.say(200, s.cargo_locks[parts[1]])
        if parts[0] == "builds" and parts[1] in s.builds:
            return self.say(200, s.builds[parts[1]])
        self.say(404, {"error": {"code": "not_found", "message": "nothing here"}})

    def poll(self, timeout):
        s = self.server
        with s.changed:
            s.changed.wait_for(lambda: s.queue, min(timeout, 5))
            if not s.queue:
                return self.say(204)
            task, attempt = s.queue.pop(0)
            s.count += 1
            token = f"token-{s.count}"
            s.leases[token] = (task, attempt)
        threading.Timer(2, self.unconfirmed, (s, token)).start()
        if s.spoil:
            task = s.spoil(json.loads(json.dumps(task)))
        self.say(200, {"task": task, "lease": {"token": token, "expires_in_ms": 15000, "confirm_within_ms": 2000},
                       "attempt": attempt})

    def do_POST(self):
        s, url = self.server, urllib.parse.urlsplit(self.path)
        raw, parts = self.rfile.read(int(self.headers.get("Content-Length", 0))), url.path.split("/")
        if url.path == "/wasm/upload":
            name = urllib.parse.parse_qs(url.query)["sha256"][0]
            s.wasm[name], s.uploads = raw, s.uploads + 1
            return self.say(200, {})
        if url.path == "/cargo-lock/upload":
            s.cargo_locks[urllib.parse.parse_qs(url.query)["sha256"][0]] = raw
            return self.say(201, {})
        if parts[1] == "secrets":
            return self.secrets(s, url.path[len("/secrets"):], raw)
        body = json.loads(raw)
        with s.changed:
            s.changed.notify_all()
            self.say(*self.post(s, url.path, body))

    def secrets(self, s, path, raw):
        if self.headers.get("Authorization") != "Bearer a-token":
            return self.say(401, {"error": {"code": "unauthorized", "message": "whose token is that?"}})
        if not s.keystore:
            return self.say(503,
                            {"error": {"code": "unavailable", "message": "secrets are not offered by this deployment"}})
        status, _, body = kit.http("POST", s.keystore + path, raw)
        answer = json.loads(body)
        if s.meddle:
            status, answer = s.meddle(path, status, answer)
        self.say(status, answer)

    def post(self, s, path, body):
        if path == "/tasks/heartbeat":
            if s.refuse_beats or body["token"] not in s.leases:
                return 409, {"error": {"code": "lease_lost", "message": "somebody else has it"}}
            s.beats.append(body)
            return 200, {"expires_in_ms": 15000}
        if path == "/tasks/complete":
            s.completed[body["request_id"]] = body
            return 200, {"changed": True}
        if path == "/tasks/fail":
            s.failed.append(body)
            task, attempt = s.leases.pop(body["token"], (None, 0))
            if task and body["retry"]:
                threading.Timer(min(0.5 * 2 ** (attempt - 1), 30), self.again,
                                (s, task, attempt + 1)).start()  # as the real one
            return 200, {}
        if path == "/tasks/create":
            known = body["request_id"] in s.created
            if not known:
                s.created[body["request_id"]] = body
                s.queue.append((body, 1))
            return (200 if known else 201), {"request_id": body["request_id"], "created": not known}
        if path == "/locks/acquire":
            holder = s.locks.setdefault(body["lock_key"], body["worker_id"])
            return 200, {"acquired": holder == body["worker_id"], "holder": holder, "expires_in_seconds": 30}
        if path == "/workers/heartbeat":
            s.workers[body["worker_id"]] = body
            return 200, {}
        return 404, {"error": {"code": "not_found", "message": path}}

    def unconfirmed(self, s, token):
        """A lease that was handed to somebody who is not there any more."""
        if not any(b["token"] == token for b in s.beats) and token in s.leases:
            self.again(s, *s.leases.pop(token))

    @staticmethod
    def again(s, task, attempt):
        with s.changed:
            s.queue.append((task, attempt))
            s.changed.notify_all()

    def do_PUT(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.builds[self.path.split("/")[2]] = json.loads(raw)
        self.say(200, {})

    def do_DELETE(self):
        key = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path.split("/", 3)[3])
        self.server.locks.pop(key, None)
        self.say(200, {})
