# SPDX-License-Identifier: Apache-2.0
"""What tests/netns.py runs in its namespaces: names by DNS, HTTP and HTTPS that behave as the path says."""
import argparse, http.server, socket, socketserver, ssl, struct, sys, threading, time
from netns import TABLE


def answer(query, root):
    """A DNS answer: names of the table, the root's servers (or that nobody is told), SERVFAIL for broken.test, NXDOMAIN
    for the rest."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode(errors="replace"))
        at += 1 + query[at]
    name, kind = ".".join(labels).lower(), struct.unpack(">H", query[at + 1:at + 3])[0]
    addresses = TABLE.get(name, []) if kind == 1 else []
    code = 0 if name in TABLE else root if not name else 2 if name == "broken.test" else 3
    head = query[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(addresses), 0, 0)
    records = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(a) for a in addresses)
    return name, head + query[12:at + 5] + records


def names(sock, root):
    while True:
        query, peer = sock.recvfrom(4096)
        name, reply = answer(query, root)
        if name != "silent.test":
            sock.sendto(reply, peer)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked = 0

    def log_message(self, *_):
        pass

    def reply(self, body, status=200, **headers):
        self.send_response(status)
        for k, v in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(k.replace("_", "-"), v)
        self.end_headers()
        self.wfile.write(body)

    def chunk(self, body):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))

    def do_GET(self):
        what, *args = self.path.strip("/").split("/")
        if what == "big":
            self.reply(b"y" * int(args[0]))
        elif what == "chunked":  # pieces of 1,000 bytes, and seconds between them
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for _ in range(int(args[0])):
                self.chunk(b"z" * 1000)
                time.sleep(float(args[1]))
            self.chunk(b"")
        elif what == "slow":
            time.sleep(float(args[0]))
            self.reply(b"at last")
        elif what == "redirect":
            self.reply(b"", 302, Location="https://api.test/echo")
        elif what == "price":
            self.reply(b'{"near":{"usd":4.56}}', Content_Type="application/json")
        elif what == "broken":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"half")
            self.close_connection = True
        elif what == "headers":
            self.reply(b"", **{f"X_{i}": "v" * int(args[1]) for i in range(int(args[0]))})
        else:
            self.reply(f"hosts={self.headers.get_all('Host')} path={self.path} tls={isinstance(self.connection, ssl.SSLSocket)}".encode())

    def do_POST(self):
        count = 0
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                count += len(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
        else:
            left = int(self.headers["Content-Length"])
            while left and (piece := self.rfile.read(min(left, 65536))):
                count, left = count + len(piece), left - len(piece)
        self.reply(b"took %d" % count)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads, request_queue_size = True, 128

    def handle_error(self, *_):
        pass

    def server_bind(self):  # without the look-up of this machine's name that the class would do
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address


def serve(where, pem=None):
    host, port = where.rsplit(":", 1)
    s = Server((host, int(port)), Handler)
    if pem:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        s.socket = context.wrap_socket(s.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=s.serve_forever, daemon=True).start()


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--names", nargs="*", default=[])
    p.add_argument("--root", type=int, default=0)  # 5: refused
    p.add_argument("--http", nargs="*", default=[])
    p.add_argument("--https", nargs="*", default=[])
    o = p.parse_args()
    for a in o.names:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((a, 53))
        threading.Thread(target=names, args=(sock, o.root), daemon=True).start()
    for a in o.http:
        serve(a)
    for a in o.https:
        serve(*a.split("=", 1))
    print("ready", flush=True)
    sys.stdin.read()  # until the test ends, in whatever way
