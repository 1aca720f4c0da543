# SPDX-License-Identifier: Apache-2.0
"""An RPC server that lies."""
import contextlib, http.server, json, threading, time

import kit


class Liar(http.server.BaseHTTPRequestHandler):
    """An RPC server in front of the chain that does to answers about `about` (a request type, a view or "block") what
    `how` says."""
    how, about, url, waits = None, "view_account", None, threading.Event()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = json.loads(body)
        params = asked["params"]
        answer = json.loads(kit.http("POST", Liar.url, body)[2])
        about = asked["method"] == "block" and "block" or isinstance(params, dict) and (params.get("method_name")
                                                                                        or params.get("request_type"))
        if about == Liar.about and Liar.how:
            answer = Liar.change(Liar.how, answer)
        raw = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(raw)

    @staticmethod
    def change(how, answer):
        if how.isupper():  # the error of this name
            return {"jsonrpc": "2.0", "id": "x",
                    "error": {"name": "HANDLER_ERROR", "cause": {"name": how}, "data": "busy"}}
        if how == "rate limit":
            return {"jsonrpc": "2.0", "id": "x", "error": {"code": -429, "message": "slow down"}}
        if how == "lags":  # has the block only some hundred milliseconds later
            Liar.first = getattr(Liar, "first", None) or time.monotonic()
            if time.monotonic() < Liar.first + 0.5:
                return {"jsonrpc": "2.0", "id": "x",
                        "error": {"name": "HANDLER_ERROR", "cause": {"name": "UNKNOWN_BLOCK"}, "data": "DB Not Found"}}
        if how == "hangs":
            Liar.waits.wait(60)
        if how == "behind":
            answer["result"]["header"]["height"] -= 20
        if how == "other block":
            answer["result"]["block_height"] += 1
        if how == "malformed":
            answer["result"] = {**answer["result"], "amount": "plenty", "permission": "Some", "header": {},
                                "result": "x"}
        return answer

    def log_message(self, *_):
        pass
