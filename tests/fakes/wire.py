# SPDX-License-Identifier: Apache-2.0
"""The line between a worker and an RPC server, on which calls and answers get lost."""
import http.server, json, threading

import kit


class Wire(http.server.ThreadingHTTPServer):
    """Between worker and RPC. `fate(method)` says what happens to a call: None passes it on, "lost" passes it on and
    loses the answer, "dropped" loses the call."""
    daemon_threads = True

    def __init__(self, target):
        super().__init__(("127.0.0.1", 0), WireCalls)
        self.url, self.target, self.fate, self.sent = f"http://127.0.0.1:{self.server_address[1]}", target, lambda method: None, []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass


class WireCalls(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_POST(self):
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        call = json.loads(raw)
        fate = self.server.fate(call["method"])
        if call["method"] in ("broadcast_tx_async", "send_tx"):
            params = call["params"]
            self.server.sent.append((params[0] if isinstance(params, list) else params["signed_tx_base64"], fate))
        if fate != "dropped":
            _, _, answer = kit.http("POST", self.server.target, raw, timeout=120)
        if fate:
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


def once(method, fate):
    """The first call of the method meets this fate."""
    left = [fate]
    return lambda m: left.pop() if m == method and left else None
