# SPDX-License-Identifier: Apache-2.0
"""A collateral server (Intel's PCS, or a cache of it) that serves collateral objects, on its good and its bad days."""
import http.server, json, threading, urllib.parse

HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
PIECES = {"tcb": "tcb", "qe/identity": "qe", "pckcrl": "crl", "rootcacrl": "root", "tcbevaluationdatanumbers": "numbers"}


class Pcs(http.server.ThreadingHTTPServer):
    """Serves the nine-member object that `collateral` names for a set ("standard", "early" or a number as text), and `numbers`, the
    body of the list of sets. `meet` makes the next answers for a piece bad: 404, 410, 429, 500, "html", "huge", "drop", "lie" (a digit
    of the signed text is another one), "silent" (no answer until the client has gone)."""
    daemon_threads = True

    def __init__(self, collateral, numbers=None, form="der"):
        super().__init__(("127.0.0.1", 0), Calls)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.sets = collateral if "standard" in collateral else {"standard": collateral}
        self.numbers, self.form = numbers, form
        self.lock, self.faults, self.asked = threading.Lock(), {}, []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def handle_error(self, *_):
        pass

    def meet(self, piece, fault, times=1 << 30, after=None):
        """piece: "tcb", "qe", "crl", "root", "numbers" or None for each. `after`: the value of Retry-After."""
        with self.lock:
            self.faults[piece] = [fault, times, after]

    def fate(self, piece):
        with self.lock:
            for key in (piece, None):
                if key in self.faults and self.faults[key][1] > 0:
                    self.faults[key][1] -= 1
                    return self.faults[key][0], self.faults[key][2]
        return None, None


def lied(text):
    """One digit of a date is another one: whoever checks the signature sees it."""
    at = text.index("issueDate") + 15
    return text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1:]


class Calls(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send(self, status, body=b"", kind="application/json", headers=()):
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        path, _, query = self.path.partition("?")
        options = dict(urllib.parse.parse_qsl(query))
        tee, _, rest = path.strip("/").partition("/certification/v4/")
        piece = PIECES.get(rest)
        with self.server.lock:
            self.server.asked.append((tee, rest, options))
        fault, after = self.server.fate(piece)
        if piece is None or tee not in ("sgx", "tdx"):
            return self.send(404)
        if isinstance(fault, int):
            return self.send(fault, headers=[("Retry-After", after)] if after else ())
        if fault == "html":
            return self.send(200, HTML, "text/html")
        if fault == "huge":
            return self.send(200, b" " * (3 << 20))
        if fault == "drop":
            return self.connection.close()
        if fault == "silent":
            self.connection.settimeout(60)
            return self.connection.recv(1)
        chosen = options.get("tcbEvaluationDataNumber") or options.get("update") or "standard"
        self.answer(piece, self.server.sets.get(chosen if piece in ("tcb", "qe") else "standard"), fault == "lie")

    def answer(self, piece, c, lie):
        if piece == "numbers":
            if not self.server.numbers:
                return self.send(404)
            chain = self.server.sets["standard"]["tcb_info_issuer_chain"]
            return self.send(200, self.server.numbers, headers=[self.chain("TCB-Evaluation-Data-Numbers-Issuer-Chain", chain)])
        if c is None:
            return self.send(410)
        if piece in ("crl", "root"):
            der = bytes.fromhex(c["pck_crl" if piece == "crl" else "root_ca_crl"])
            if lie:
                der = der[:-1] + bytes([der[-1] ^ 1])
            headers = [self.chain("SGX-PCK-CRL-Issuer-Chain", c["pck_crl_issuer_chain"])] if piece == "crl" else []
            return self.send(200, der if self.server.form == "der" else der.hex().encode(), "application/pkix-crl", headers)
        name, member, header = {"tcb": ("tcbInfo", "tcb_info", "TCB-Info-Issuer-Chain"),
                                "qe": ("enclaveIdentity", "qe_identity", "SGX-Enclave-Identity-Issuer-Chain")}[piece]
        text = lied(c[member]) if lie else c[member]
        body = f'{{"{name}":{text},"signature":"{c[member + "_signature"]}"}}'.encode()
        self.send(200, body, headers=[self.chain(header, c[member + "_issuer_chain"])])

    @staticmethod
    def chain(name, pem):
        return name, urllib.parse.quote(pem)


def read(path):
    with open(path) as f:
        return json.load(f)
