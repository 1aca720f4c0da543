# SPDX-License-Identifier: Apache-2.0
"""A keystore that answers what a test tells it to."""
import http.server, threading


class Keystore(http.server.ThreadingHTTPServer):
    """Remembers what it was asked; answers `answer` when `gate` is open."""
    daemon_threads = True

    def __init__(self):
        self.asked, self.answer, self.gate = [], (200, b"{}"), threading.Event()
        self.gate.set()
        super().__init__(("127.0.0.1", 0), KeystoreHandler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass  # a caller that went away


class KeystoreHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, self.headers.get("Authorization"), body))
        self.server.gate.wait(60)
        status, raw = self.server.answer
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = answer
