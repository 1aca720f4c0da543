#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Examples that ask somebody: a language model, a person, and voters whose ballots nobody may see. On the whole stack, as
their README pages say, against services of ours on loopback. If this fails, a program to start from does not do what
its page promises, or shows a secret."""
import contextlib, ctypes, ctypes.util, http.server, json, os, subprocess, threading, urllib.parse

import kit
from kit import check, equal
from stack_test import Stack

EXAMPLES = os.path.join(kit.ROOT, "examples")
KEY = "sk-test-0123456789"
WORDS = 'It is "yes",\nsaid\tJosé \u2713 \U0001f600 \\ /.'


class Service(http.server.BaseHTTPRequestHandler):
    """A model and a desk. What they were asked stands in `asked`."""
    asked = []
    absent = 2  # so often nobody has answered yet at the desk
    broken = '{"choices": [{"message": {"content": "x\\u1", "role": "assistant"}}]}'  # no JSON: what any other model says

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        Service.asked.append(query.get("request", [None])[0])
        if len(Service.asked) <= Service.absent:
            self.answer(404 if len(Service.asked) == 1 else 202, "")
        else:
            self.answer(200, "a cat\n")

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Service.asked.append((self.path, self.headers["Content-Type"], body))
        if self.headers["Authorization"] != f"Bearer {KEY}":
            self.answer(401, f"no such key: {self.headers['Authorization']}")
        else:
            said = json.dumps({"id": "x", "choices": [{"message": {"role": "assistant", "content": WORDS}}]})
            self.answer(200, said if body["model"] == "small" else Service.broken)


@contextlib.contextmanager
def service():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Service.asked.clear()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


def outlayer(stack, *args, given=""):
    return subprocess.run([kit.program("outlayer"), *args], env=stack.env, input=given, capture_output=True, text=True,
                          timeout=120)


def test_model():
    with kit.folder() as home, service() as port:
        stack = Stack(home, "--egress-allow", f"127.0.0.1:{port}")
        owner = stack.info["accounts"][0]["account_id"]
        base = f"API_BASE=http://127.0.0.1:{port}/v1\n"
        for profile, key, model in (("ai", KEY, "small"), ("wrong", "sk-wrong-9876543210", "small"), ("broken", KEY, "broken")):
            done = outlayer(stack, "secrets", "set", "--repo", EXAMPLES, "--profile", profile, "--all",
                            given=f"API_KEY={key}\nAPI_MODEL={model}\n{base}")
            equal(f"the secrets of profile {profile} are stored", done.returncode, 0)
        question = 'Is "7"\na prime?' + " So?" * 2000  # more than one write of the body
        target = ("--target", "wasm32-wasip2")
        rc, answer, err = stack.request(EXAMPLES + "//ai-c", question, *target, "--secrets", f"{owner}/ai")
        equal("the model's words are the answer", (rc, answer.get("output"), answer.get("error")), (0, WORDS, None))
        path, kind, body = Service.asked[-1] if Service.asked else (None, None, {})
        equal("it was asked as its API wants", (path, kind, body.get("model"), body.get("messages")),
              ("/v1/chat/completions", "application/json", "small", [{"role": "user", "content": question}]))
        rc, answer, err = stack.request(EXAMPLES + "//ai-c", "Well?", *target, "--secrets", f"{owner}/wrong")
        check("a key that is refused: the status is told", rc == 1 and "status 401" in answer["error"], answer)
        check("and the key is not", "sk-wrong" not in json.dumps(answer) + err, answer)
        rc, answer, err = stack.request(EXAMPLES + "//ai-c", "Well?", *target, "--secrets", f"{owner}/broken")
        check("an answer that breaks off within a character is none", rc == 1 and "has no words in it" in answer["error"], answer)
        rc, answer, err = stack.request(EXAMPLES + "//ai-c", "Well?", *target)
        check("no key: said so", rc == 1 and "the secret API_KEY is missing" in answer["error"], answer)
        stack.stop()


def test_person():
    with kit.folder() as home, service() as port:
        stack = Stack(home, "--egress-allow", f"127.0.0.1:{port}")
        desk = f"http://127.0.0.1:{port}/answers"
        target = ("--target", "wasm32-wasip2")
        rc, answer, err = stack.request(EXAMPLES + "//human-c", desk, *target)
        equal("the person's answer", (rc, answer.get("output")), (0, "a cat\n"))
        name = f"{stack.info['contract_id']}/{answer.get('request_id')}"
        equal("was asked for under the request's own name until it came", Service.asked, [name] * (Service.absent + 1))
        Service.asked.clear()
        Service.absent, before = 1 << 30, Service.absent
        rc, answer, err = stack.request(EXAMPLES + "//human-c", desk, *target, "--max-seconds", "5")
        Service.absent = before
        check("nobody comes: it says so before it is killed", rc == 1 and "nobody has answered in time" in answer["error"],
              answer)
        stack.stop()


def seal(key, text):
    """As any client with libsodium does it."""
    sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))
    plain, out = text.encode(), ctypes.create_string_buffer(len(text.encode()) + 48)
    sodium.crypto_box_seal(out, plain, ctypes.c_ulonglong(len(plain)), bytes.fromhex(key))
    return out.raw.hex()


def test_vote():
    with kit.folder() as home:
        stack = Stack(home)
        repo, owner = os.path.join(EXAMPLES, "vote-rust"), stack.info["accounts"][0]["account_id"]
        done = outlayer(stack, "secrets", "generate", "--repo", repo, "--profile", "vote", "--name", "PROTECTED_VOTE_KEY",
                        "--type", "hex32")
        equal("the keystore makes the key", (done.returncode, done.stderr if done.returncode else ""), (0, ""))
        ask = ("--format", "json", "--secrets", f"{owner}/vote")
        rc, answer, err = stack.request(repo, '{"action":"key"}', *ask)
        if not check("the program tells its public half", rc == 0, (answer, err)):
            return
        key = answer["output"]["public_key"]
        copied = seal(key, "alice yes")
        ballots = [("alice", copied), ("bob", seal(key, "bob no")), ("carol", seal(key, "carol yes")),
                   ("eve", copied), ("carol", seal(key, "carol yes")), ("dave", seal(key, "dave maybe")), ("frank", "00ff"),
                   ("grace", "not hexadecimal")]
        question = {"action": "tally", "options": ["yes", "no"],
                    "ballots": [{"voter": v, "sealed": s} for v, s in ballots]}
        rc, answer, err = stack.request(repo, json.dumps(question), *ask)
        equal("each voter counts once; copies, unknown choices and broken ballots do not", (rc, answer.get("output")),
              (0, {"yes": 2, "no": 1, "invalid": 5}))
        for options in (["yes", "no", "yes"], ["yes", "invalid"]):
            rc, answer, err = stack.request(repo, json.dumps({**question, "options": options}), *ask)
            check(f"of {options} no sum is lost behind another", rc == 1 and "an option is there twice" in answer["error"], answer)
        stack.stop()


if __name__ == "__main__":
    kit.main(globals())
