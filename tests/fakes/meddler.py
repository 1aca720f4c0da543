# SPDX-License-Identifier: Apache-2.0
"""A coordinator that changes what clients and keystore tell each other."""
import http.server, json

import kit


class Meddler(http.server.BaseHTTPRequestHandler):
    """Passes everything on to the coordinator, and changes what it finds interesting."""
    target, change, rewrite = None, None, None  # rewrite: what it makes of a question

    def answer(self, body):
        if Meddler.rewrite and body and "/secrets/" in self.path:
            body = json.dumps(Meddler.rewrite(json.loads(body))).encode()
        word = {"Authorization": self.headers["Authorization"]} if self.headers["Authorization"] else {}
        status, _, raw = kit.http(self.command, Meddler.target + self.path, body, word)
        raw = Meddler.change(raw) if "/secrets/" in self.path else raw
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self):
        self.answer(None)

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def log_message(self, *_):
        pass


def set_field(name, value):
    def change(raw):
        a = json.loads(raw)
        if name in a:
            a[name] = value(a[name]) if callable(value) else value
        return json.dumps(a).encode()
    return change
