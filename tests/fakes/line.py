# SPDX-License-Identifier: Apache-2.0
"""The line between a program and those whom it asks over HTTP: it counts the calls, and what happens at one of them is
the test's choice."""
import http.client, http.server, json, socket, threading, urllib.parse


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(target, method, path, body, timeout=120):
    """(status, content type, body) of a server at an http URL or on a Unix socket."""
    if target.startswith("http://"):
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(target).netloc, timeout=timeout)
    else:
        connection = UnixConnection(target, timeout)
    connection.request(method, path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    raw = answer.read()
    connection.close()
    return answer.status, answer.getheader("Content-Type", "application/json"), raw


class Line(http.server.ThreadingHTTPServer):
    """`at(call)` is told of each call before it is passed on, and says what happens: None passes it on, "lost" passes
    it on and loses the answer, "dropped" loses the call, (status, value) is answered as JSON in its place. A call is
    (number, path, body)."""
    daemon_threads = True

    def __init__(self, target):
        super().__init__(("127.0.0.1", 0), Calls)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.target, self.at, self.count, self.lock = target, lambda call: None, 0, threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def next(self):
        with self.lock:
            self.count += 1
            return self.count

    def handle_error(self, *_):
        pass


class Calls(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fate = self.server.at((self.server.next(), self.path, body))
        if isinstance(fate, tuple):
            status, kind, answer = fate[0], "application/json", json.dumps(fate[1]).encode()
        elif fate != "dropped":
            status, kind, answer = ask(self.server.target, self.command, self.path, body)
        if fate in ("lost", "dropped"):
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
