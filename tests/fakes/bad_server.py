# SPDX-License-Identifier: Apache-2.0
"""A bad server in front of a good chain: RPC and neardata, with everything that public servers have been seen to do."""
import contextlib, http.server, json, threading, time

import kit

HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
LAG = 12  # blocks


class BadServer(http.server.ThreadingHTTPServer):
    """Passes calls on to `target`, except those that are to meet a fault. What a call is about is its method, for a
    view the view's name, for another query its type, and "/v0/block" for a block of neardata. Faults:
    html, html 400, 429, 500: a proxy's or the server's own trouble; cut: half an answer; lost: it was done, and the
    answer is lost; dropped: nothing was done; slow: a second late; hang: a dozen seconds late; lag: as of LAG blocks
    ago; yesterday: as of the first block that this server was asked about; repeat: the answer that was given to the
    same kind of call before; With `hide` each block in which something was asked for is said not to be there, the first
    two times."""
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, target):
        super().__init__(("127.0.0.1", 0), Calls)
        self.url, self.target = f"http://127.0.0.1:{self.server_address[1]}", target
        self.lock, self.faults, self.met, self.asked, self.before = threading.Lock(), [], [], {}, {}
        self.first, self.hide, self.hidden = self.head(), False, {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass

    def meet(self, about, fault, times=1, after=0):
        """The next calls about this (None: any) meet the fault, after so many others of the kind."""
        with self.lock:
            self.faults.append([about, fault, times, after])

    def heal(self):
        with self.lock:
            self.faults.clear()

    def fate(self, about):
        with self.lock:
            self.asked[about] = self.asked.get(about, 0) + 1
            for one in self.faults:
                if one[0] not in (None, about) or one[2] <= 0:
                    continue
                if one[3] > 0:
                    one[3] -= 1
                else:
                    one[2] -= 1
                    self.met.append((about, one[1]))
                    return one[1]
        return None

    def head(self):
        return kit.rpc(self.target, "block", {"finality": "final"})["result"]["header"]["height"]


def failed(cause, data):
    return {"jsonrpc": "2.0", "id": "x", "error": {"name": "HANDLER_ERROR", "cause": {"name": cause, "info": {}},
                                                   "code": -32000, "message": "Server error", "data": data}}


class Calls(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def say(self, status, raw, kind="application/json"):
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    def spoilt(self, fault):
        """Faults that a server has whatever it is asked. Returns whether this was one."""
        if fault in ("html", "html 400"):
            self.say(400 if fault == "html 400" else 502, HTML, "text/html")
        elif fault == "429":
            self.say(429, b"Too Many Requests", "text/plain")
        elif fault == "500":
            self.say(500, json.dumps({"jsonrpc": "2.0", "id": "x", "error": {
                "name": "INTERNAL_ERROR", "cause": {"name": "INTERNAL_ERROR", "info": {"error_message": "no"}},
                "code": -32000, "message": "Server error", "data": "no"}}).encode())
        elif fault == "dropped":
            self.close_connection = True
        else:
            return False
        return True

    def finish_call(self, about, fault, status, raw):
        s = self.server
        if fault == "lost":
            self.close_connection = True
            return
        if fault == "repeat":
            raw = s.before.get(about, raw)
        s.before[about] = raw
        if fault in ("slow", "hang"):
            time.sleep(1 if fault == "slow" else 12)
        self.say(status, raw[:len(raw) // 2] if fault == "cut" else raw)

    def do_POST(self):
        s, raw = self.server, self.rfile.read(int(self.headers["Content-Length"]))
        call = json.loads(raw)
        params = call["params"]
        named = params if isinstance(params, dict) else {}
        about = named.get("method_name") or named.get("request_type") or call["method"]
        fault = s.fate(about)
        if self.spoilt(fault):
            return
        if fault in ("lag", "yesterday"):
            if call["method"] == "send_tx":  # it does not have the transaction's block
                return self.say(200, json.dumps(failed("INVALID_TRANSACTION",
                                                       {"TxExecutionError": {"InvalidTxError": "Expired"}})).encode())
            if call["method"] == "tx":
                return self.say(200, json.dumps(failed("UNKNOWN_TRANSACTION", "Transaction x doesn't exist")).encode())
            if "finality" in named:
                del named["finality"]
                named["block_id"] = s.first if fault == "yesterday" else max(s.head() - LAG, s.first)
                raw = json.dumps(call).encode()
        status, _, answer = kit.http("POST", s.target, raw, timeout=120)
        self.finish_call(about, fault, status, answer)

    def do_GET(self):
        s, about = self.server, "/v0/block" if self.path.startswith("/v0/block/") else "/v0/last_block"
        fault = s.fate(about)
        if self.spoilt(fault):
            return
        if fault in ("lag", "yesterday"):
            return self.say(404, b'{"error":"The block is not there yet","type":"BLOCK_DOES_NOT_EXIST"}')
        status, _, answer = kit.http("GET", s.target + self.path, timeout=120)
        if s.hide and b"execution_requested" in answer and s.hidden.get(self.path, 0) < 2:
            s.hidden[self.path] = s.hidden.get(self.path, 0) + 1
            answer = b"null"
        self.finish_call(about, fault, status, answer)
