#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""outlayer-coordinator from outside: what it takes, what it refuses, what it still knows after a crash."""
import base64, contextlib, hashlib, http.client, http.server, json, os, socket, sqlite3, subprocess, threading, time, urllib.parse

import kit, near
from fakes.git_host import git_host
from fakes.keystore import Keystore
from kit import check, equal

CONTRACT = "outlayer.test.near"


class Coordinator(kit.Daemon):
    def __init__(self, home, **env):
        super().__init__("outlayer-coordinator", env=env, home=home)
        self.token = None

    def call(self, method, path, body=None, token="", timeout=40, headers=None):
        """(status, parsed answer). token "": the daemon's own, None: none."""
        token = self.token if token == "" else token
        with_token = {"Authorization": f"Bearer {token}"} if token else {}
        status, _, raw = kit.http(method, self.url + path, body, {**with_token, **(headers or {})}, timeout=timeout)
        try:
            return status, json.loads(raw) if raw else None
        except ValueError:
            return status, raw

    def create(self, request_id, **more):
        return self.call("POST", "/tasks/create", task(request_id, **more))

    def poll(self, timeout=0, worker="w1", capabilities=None):
        query = {"timeout": timeout, "worker_id": worker, **({"capabilities": capabilities} if capabilities else {})}
        return self.call("GET", "/tasks/poll?" + urllib.parse.urlencode(query))

    def report(self, kind, request_id, lease_token, **more):
        body = {"contract_id": CONTRACT, "request_id": request_id, "token": lease_token, **more}
        return self.call("POST", f"/tasks/{kind}", body)

    def beat(self, request_id, lease_token, **more):
        return self.report("heartbeat", request_id, lease_token, **more)

    def complete(self, request_id, lease_token, **more):
        return self.report("complete", request_id, lease_token, **{"outcome": "success", **more})

    def job(self, request_id):
        return self.call("GET", f"/public/jobs?request_id={request_id}", token=None)[1][0]

    def jobs(self, query=""):
        return self.call("GET", "/public/jobs" + query, token=None)

    def lease(self, request_id=None):
        """Creates one if named, takes what is next and confirms it; (request id, lease token)."""
        if request_id is not None:
            self.create(request_id)
        status, answer = self.poll(5)
        assert status == 200, (status, answer)
        got, token = answer["task"]["request_id"], answer["lease"]["token"]
        self.beat(got, token)
        return got, token


def task(number, **more):
    return {"contract_id": CONTRACT, "request_id": number, "data_id": "ab" * 32, "sender_id": "alice.test.near",
            "payer_id": "alice.test.near",
            "code_source": {"repo": "https://example.com/a/b", "commit": "main", "build_target": "wasm32-wasip1"},
            "resource_limits": {"max_instructions": 10**9, "max_memory_mb": 128, "max_execution_seconds": 60},
            "input_data": "{}", "secrets_ref": None, "response_format": "Text", "payment": "100000000000000000000000",
            "timestamp": "1764000000000000000",
            "context": {"block_height": 7, "block_timestamp": "1764000000000000000", "transaction_hash": f"tx{number}",
                        "receipt_id": "r", "predecessor_id": "alice.test.near", "signer_id": "alice.test.near",
                        "signer_public_key": "ed25519:x", "gas_burnt": 5}, **more}


def token_of(home, name="test"):
    run = subprocess.run([kit.program("outlayer"), "token", "create", name, "--home", home], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


@contextlib.contextmanager
def coordinator(**env):
    with kit.folder() as home:
        token = token_of(home)
        c = Coordinator(home, **env)
        c.token = token
        try:
            yield c
        finally:
            c.kill()


def again(c, **env):
    """Another process on the same home."""
    other = Coordinator(c.home, **env)
    other.token = c.token
    return other


def error_of(answer):
    return answer["error"]["code"] if isinstance(answer, dict) and "error" in answer else answer


# --- who may

def test_tokens():
    with coordinator() as c:
        for method, path in (("POST", "/tasks/create"), ("GET", "/tasks/poll"), ("POST", "/tasks/heartbeat"),
                             ("POST", "/tasks/complete"), ("POST", "/tasks/fail"), ("POST", "/locks/acquire"),
                             ("DELETE", "/locks/release/k"), ("GET", "/wasm/exists/" + "0" * 64), ("POST", "/wasm/upload"),
                             ("GET", "/builds/" + "0" * 64), ("PUT", "/builds/" + "0" * 64), ("POST", "/workers/heartbeat")):
            body = {} if method in ("POST", "PUT") else None
            equal(f"{path} without a token", c.call(method, path, body, token=None)[0], 401)
            status, answer = c.call(method, path, body, token="ol_" + "0" * 64)
            equal(f"{path} with a wrong token", (status, error_of(answer)), (401, "unauthorized"))
        for path in ("/health", "/healthz", "/readyz", "/metrics", "/public/jobs", "/public/workers", "/public/stats"):
            equal(f"{path} needs no token", c.call("GET", path, token=None)[0], 200)
        equal("health", c.call("GET", "/health", token=None)[1], b"OK")
        late = token_of(c.home, "late")
        equal("a token made while it runs is good at once", c.call("GET", "/tasks/poll", token=late)[0], 204)
        run = subprocess.run([kit.program("outlayer"), "token", "revoke", "late", "--home", c.home], capture_output=True)
        equal("revoked", run.returncode, 0)
        equal("a revoked one is not", c.call("GET", "/tasks/poll", token=late)[0], 401)
        raw = open(os.path.join(c.home, "coordinator.db"), "rb").read() + open(os.path.join(c.home, "coordinator.db-wal"), "rb").read()
        check("no token stands in the database", c.token.encode() not in raw and c.token[3:].encode() not in raw)
        check("nor in the log", c.token not in c.output())


def test_no_auth():
    with coordinator(REQUIRE_AUTH="false") as c:
        equal("REQUIRE_AUTH=false", c.call("GET", "/tasks/poll", token=None)[0], 204)


# --- bodies

def test_bad_bodies():
    with coordinator() as c:
        def refused(name, body, status=400, path="/tasks/create", method="POST"):
            got, answer = c.call(method, path, body)
            good = got == status and isinstance(answer, dict) and len(answer["error"]["message"]) > 10
            check(name, good, (got, answer))
        for name, raw in (("no JSON", b"hello"), ("half of it", b'{"contract_id":'), ("a list", b"[]"), ("nothing", b""),
                          ("a key twice", b'{"a":1,"a":2}'), ("text behind", b"{}{}"), ("no UTF-8", b'{"a":"\xff"}')):
            refused(f"create with {name}", raw)
        for key, wrong in (("contract_id", 5), ("contract_id", "A B"), ("request_id", "x"), ("request_id", -1),
                           ("request_id", 1.5), ("request_id", 2**64), ("data_id", "ab"), ("data_id", None),
                           ("sender_id", ""), ("payer_id", 7), ("code_source", "x"), ("code_source", {"repo": "r"}),
                           ("code_source", {"repo": "r" * 2000, "commit": "c"}), ("resource_limits", []),
                           ("resource_limits", {"max_instructions": "many"}), ("input_data", {}), ("secrets_ref", "s"),
                           ("response_format", "Xml"), ("payment", "abc"), ("payment", -1), ("timestamp", "soon"),
                           ("context", []), ("context", {"block_height": "x"}), ("context", {"colour": 1}), ("extra", 1)):
            refused(f"create with {key}={str(wrong)[:40]!r}", task(1, **{key: wrong}))
        refused("create with too much", task(1, input_data="x" * (2 << 20)), 413)
        lease = {"contract_id": CONTRACT, "request_id": 1, "token": "0" * 64}
        for path, more in (("heartbeat", {"stage": "thinking"}), ("heartbeat", {"stage": 1}), ("heartbeat", {"x": 1}),
                           ("complete", {"outcome": "fine"}), ("complete", {}), ("complete", {"outcome": "success", "x": 1}),
                           ("complete", {"outcome": "success", "wasm_hash": "zz"}),
                           ("complete", {"outcome": "success", "instructions": 2**63 - 1}),
                           ("complete", {"outcome": "success", "charged": "much"}),
                           ("complete", {"outcome": "success", "token": 5}), ("fail", {}), ("fail", {"reason": "r", "retry": "yes"})):
            refused(f"{path} with {more}", {**lease, **more}, path=f"/tasks/{path}")
        refused("heartbeat with too much", b"x" * (70 << 10), 413, "/tasks/heartbeat")
        refused("lock without time", {"lock_key": "k", "worker_id": "w", "ttl_seconds": 0}, path="/locks/acquire")
        refused("lock for ever", {"lock_key": "k", "worker_id": "w", "ttl_seconds": 10**6}, path="/locks/acquire")
        refused("worker with an inner object", {"worker_id": "w", "x": {}}, path="/workers/heartbeat")
        equal("nothing of it was recorded", c.jobs()[1], [])
        equal("an unknown path", c.call("GET", "/tasks/nothing")[0], 404)
        equal("a wrong method", c.call("GET", "/tasks/create")[0], 405)
        equal("jobs with a bad limit", c.jobs("?limit=x")[0], 400)


# --- an execution's life

def test_life():
    with coordinator() as c:
        equal("create", c.create(1), (201, {"request_id": 1, "created": True}))
        equal("create again", c.create(1, sender_id="bob.test.near"), (200, {"request_id": 1, "created": False}))
        equal("queued", (c.job(1)["state"], c.job(1)["sender_id"]), ("queued", "alice.test.near"))
        status, answer = c.poll()
        equal("handed out as created", (status, answer["task"]), (200, task(1)))
        equal("first attempt", answer["attempt"], 1)
        token = answer["lease"]["token"]
        check("lease times", answer["lease"]["expires_in_ms"] == 15000 and answer["lease"]["confirm_within_ms"] == 2000)
        equal("nobody else gets it", c.poll()[0], 204)
        equal("leased", (c.job(1)["state"], c.job(1)["worker_id"]), ("leased", "w1"))
        for stage in ("building", "running", "submitting"):
            equal(f"heartbeat {stage}", c.beat(1, token, stage=stage), (200, {"expires_in_ms": 15000}))
            equal(f"shown as {stage}", c.job(1)["state"], stage)
        for name, wrong in (("wrong", "0" * 64), ("empty", "")):
            for kind, more in (("heartbeat", {}), ("complete", {"outcome": "success"}), ("fail", {"reason": "r", "retry": True})):
                status, answer = c.report(kind, 1, wrong, **more)
                equal(f"{kind} with a {name} lease token", (status, error_of(answer)), (409, "lease_lost"))
        equal("still as it was", c.job(1)["state"], "submitting")
        report = {"instructions": 12345, "time_ms": 7, "peak_memory_bytes": 65536, "wasm_hash": "cd" * 32, "commit": "e" * 40,
                  "output_hash": "ef" * 32, "output_bytes": 3, "resolve_transaction": "txr", "charged": "5", "refunded": "6"}
        equal("complete", c.complete(1, token, **report), (200, {"changed": True}))
        equal("complete again", c.complete(1, token, **report), (200, {"changed": False}))
        equal("heartbeat of one that is over", c.beat(1, token)[0], 409)
        equal("create of one that is over", c.create(1), (200, {"request_id": 1, "created": False}))
        equal("and it is not handed out", c.poll()[0], 204)
        job = c.job(1)
        want = {"state": "settled", "outcome": "success", "worker_id": "w1", "resolve_tx_id": "txr", **report}
        want.pop("resolve_transaction")
        equal("the whole row", {k: job.get(k) for k in want}, want)
        check("its times", job["created_at"] <= job["completed_at"])
        check("no lease token in public", token not in json.dumps(c.jobs()[1]))
        stats = c.call("GET", "/public/stats", token=None)[1]
        equal("stats", (stats["total_executions"], stats["successful_executions"], stats["instructions_used"]), (1, 1, 12345))


def test_refused_and_failed():
    with coordinator() as c:
        equal("a malformed event", c.call("POST", "/tasks/create", {"contract_id": CONTRACT, "request_id": 9, "refused": "no JSON",
                                                                    "context": {"transaction_hash": "t9"}})[0], 201)
        equal("waits for an answer like any other", c.job(9)["state"], "queued")
        status, lease = c.poll()
        equal("is handed out with its reason", (status, lease["task"]["request_id"], lease["task"]["refused"]), (200, 9, "no JSON"))
        c.complete(9, lease["lease"]["token"], outcome="expired", failure="platform", error="cannot be served: no JSON")
        job = c.job(9)
        equal("and ends as its worker says", (job["state"], job["outcome"], job["error"]), ("settled", "expired", "cannot be served: no JSON"))
        _, token = c.lease(1)
        equal("failed for good", c.report("fail", 1, token, reason="not on chain", retry=False), (200, {"changed": True}))
        equal("again", c.report("fail", 1, token, reason="not on chain", retry=False), (200, {"changed": False}))
        equal("shown", (c.job(1)["outcome"], c.job(1)["error"]), ("refused", "not on chain"))
        _, token = c.lease(2)
        start = time.monotonic()
        equal("given back", c.report("fail", 2, token, reason="no disk", retry=True)[0], 200)
        equal("not at once", c.poll()[0], 204)
        status, answer = c.poll(10)
        equal("handed out again", (status, answer["task"]["request_id"], answer["attempt"]), (200, 2, 2))
        check("after a while", 0.4 < time.monotonic() - start < 5, time.monotonic() - start)
        equal("the old token is worth nothing", c.complete(2, token)[0], 409)
        equal("a long error is cut", c.complete(2, answer["lease"]["token"], outcome="guest_failed", error="é" * 5000)[0], 200)
        check("to its limit", len(c.job(2)["error"].encode()) == 4096)


def test_order_and_capabilities():
    with coordinator() as c:
        for i in (1, 2, 3):
            c.create(i)
        c.create(4, code_source={"repo": "r", "commit": "c", "build_target": "wasm32-wasip2"})
        equal("only what it can do", c.poll(capabilities="wasm32-wasip2,run")[1]["task"]["request_id"], 4)
        equal("nothing else for it", c.poll(capabilities="wasm32-wasip2,run")[0], 204)
        equal("a part of a name is not a name", c.poll(capabilities="wasm32-wasip,asip1")[0], 204)
        equal("first come", [c.poll()[1]["task"]["request_id"] for _ in range(3)], [1, 2, 3])
        got = []
        def wait(capabilities):
            got.append((capabilities, c.poll(20, capabilities=capabilities)))
        threads = [threading.Thread(target=wait, args=(t,)) for t in ("wasm32-wasip2", "wasm32-wasip1")]
        for t in threads:
            t.start()
        kit.until(lambda: b"polls_waiting 2" in c.call("GET", "/metrics", token=None)[1])
        start = time.monotonic()
        c.create(5)
        threads[1].join(10)
        check("a parked poll wakes at once", time.monotonic() - start < 1, time.monotonic() - start)
        equal("the one that can do it", [(k, a["task"]["request_id"]) for k, (s, a) in got], [("wasm32-wasip1", 5)])
        c.stop()
        threads[0].join(10)
        equal("the other is answered at the stop", got[1][1][0], 204)


def test_poll_times():
    with coordinator() as c:
        for text in ("0", "-5"):
            equal(f"timeout={text} answers", c.call("GET", f"/tasks/poll?timeout={text}")[0], 204)
        start = time.monotonic()
        equal("timeout=1", c.poll(1)[0], 204)
        check("waits that long", 0.9 < time.monotonic() - start < 3, time.monotonic() - start)
        start = time.monotonic()
        equal("timeout=99999999999999999999", c.poll("99999999999999999999")[0], 204)
        check("waits 30 s at most", 29 < time.monotonic() - start < 34, time.monotonic() - start)


def raw_poll(c, worker):
    s = socket.create_connection(("127.0.0.1", c.port))
    s.sendall(f"GET /tasks/poll?timeout=30&worker_id={worker} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {c.token}\r\n\r\n".encode())
    return s


def test_hung_up():
    with coordinator() as c:
        sockets = [raw_poll(c, f"gone{i}") for i in range(4)]
        kit.until(lambda: b"polls_waiting 4" in c.call("GET", "/metrics", token=None)[1])
        for s in sockets:
            s.close()
        start = time.monotonic()
        c.create(1)
        status, answer = c.poll(10)
        check("polls that hung up swallow nothing", status == 200 and time.monotonic() - start < 1, (status, time.monotonic() - start))
        c.complete(1, answer["lease"]["token"])
        mute = raw_poll(c, "mute")  # reads its lease, and dies before it confirms
        kit.until(lambda: b"polls_waiting 1" in c.call("GET", "/metrics", token=None)[1])
        start = time.monotonic()
        c.create(2)
        equal("somebody has it", c.job(2)["worker_id"], "mute")
        status, answer = c.poll(10, worker="next")
        took = time.monotonic() - start
        check("an unconfirmed lease comes back after 2 s", status == 200 and 1.8 < took < 4, (status, took))
        equal("as the second attempt", answer["attempt"], 2)
        mute.close()


def test_lease_expiry():
    with coordinator() as c:
        c.create(1), c.create(2)
        start = time.monotonic()
        first, token = c.lease()
        equal("the first", first, 1)
        equal("is alive", c.beat(1, token, stage="running")[0], 200)
        kit.until(lambda: c.job(1)["state"] == "queued", 30, 0.1)
        took = time.monotonic() - start
        check("a silent lease ends after 15 s", 14.5 < took < 18, took)
        equal("its heartbeat", c.beat(1, token)[0], 409)
        equal("its late report", c.complete(1, token)[0], 409)
        equal("changes nothing", c.job(1)["state"], "queued")
        status, answer = c.poll()
        equal("it is first in the queue again", (answer["task"]["request_id"], answer["attempt"]), (1, 2))


def test_unserved():
    with coordinator(EXECUTION_EXPIRES_SECONDS="1") as c:
        c.create(1)
        kit.until(lambda: c.job(1)["state"] == "expired", 10)
        job = c.job(1)
        equal("nobody served it", (job["state"], job["outcome"]), ("expired", "expired"))
        equal("not handed out", c.poll()[0], 204)
        equal("counted", c.call("GET", "/public/stats", token=None)[1]["expired_executions"], 1)


# --- crashes

def test_crash():
    with coordinator() as c:
        c.create(1), c.create(2), c.create(3)
        _, token1 = c.lease()
        _, token2 = c.lease()
        c.complete(1, token1, instructions=5)
        c.call("POST", "/wasm/upload?sha256=" + hashlib.sha256(b"module").hexdigest(), b"module")
        c.kill()
        d = again(c)
        try:
            equal("what was completed stays so", (d.job(1)["state"], d.job(1)["outcome"]), ("settled", "success"))
            equal("its report again, after a crash", d.complete(1, token1, instructions=5), (200, {"changed": False}))
            equal("with another token", d.complete(1, token2)[0], 409)
            equal("a lease from before", d.beat(2, token2)[0], 409)
            equal("and its report", d.complete(2, token2)[0], 409)
            equal("all others are queued", [d.poll()[1]["task"]["request_id"] for _ in range(2)], [2, 3])
            equal("created before, known now", d.create(3), (200, {"request_id": 3, "created": False}))
            stats = d.call("GET", "/public/stats", token=None)[1]
            equal("counts come back", (stats["total_executions"], stats["successful_executions"], stats["instructions_used"]), (3, 1, 5))
            equal("the module too", d.call("GET", "/wasm/" + hashlib.sha256(b"module").hexdigest(), token=None), (200, b"module"))
        finally:
            d.kill()


def test_answered_is_stored():
    """kill -9 while many clients create: every 201 that was received is there afterwards."""
    with coordinator() as c:
        done, stop = [], threading.Event()
        def client(first):
            for i in range(first, first + 1000000):
                if stop.is_set():
                    return
                try:
                    if c.create(i)[0] == 201:
                        done.append(i)
                except Exception:
                    return
        threads = [threading.Thread(target=client, args=(n * 1000000 + 1,)) for n in range(8)]
        for t in threads:
            t.start()
        kit.until(lambda: len(done) > 200, 30)
        c.kill()
        stop.set()
        for t in threads:
            t.join(30)
        d = again(c)
        try:
            db = sqlite3.connect(f"file:{c.home}/coordinator.db?mode=ro", uri=True)
            stored = {row[0] for row in db.execute("SELECT request_id FROM executions")}
            equal(f"all of {len(done)}", sorted(set(done) - stored), [])
            db.close()
            queued = d.call("GET", "/public/stats", token=None)[1]["queued"]
            equal("and all that is stored is queued", queued, len(stored))
        finally:
            d.kill()


def test_one_home_one_process():
    with coordinator() as c:
        try:
            Coordinator(c.home).kill()
            check("a second process on a home is refused", False)
        except RuntimeError as e:
            check("a second process on a home is refused", "lock" in str(e) or "in use" in str(e) or "held" in str(e), e)


# --- modules, builds, locks, workers

def test_modules():
    with coordinator() as c:
        data = os.urandom(300000)
        name = hashlib.sha256(data).hexdigest()
        equal("not there", c.call("GET", f"/wasm/{name}", token=None)[0], 404)
        equal("exists: no", c.call("GET", f"/wasm/exists/{name}")[1], {"exists": False, "size": 0})
        status, answer = c.call("POST", f"/wasm/upload?sha256={'0' * 64}", data)
        equal("a wrong hash", (status, error_of(answer)), (400, "invalid_input"))
        equal("no hash", c.call("POST", "/wasm/upload", data)[0], 400)
        equal("no bytes", c.call("POST", f"/wasm/upload?sha256={name}", b"")[0], 400)
        for wrong in ("..%2Foutside", "zz", name[:-1], name + "0"):
            check(f"/wasm/{wrong[:12]}", c.call("GET", f"/wasm/{wrong}", token=None)[0] in (400, 404))
            check(f"upload as {wrong[:12]}", c.call("POST", f"/wasm/upload?sha256={wrong}", data)[0] == 400)
        with socket.create_connection(("127.0.0.1", c.port)) as s:
            s.sendall(f"POST /wasm/upload?sha256={name} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {c.token}\r\n"
                      f"Content-Length: {len(data)}\r\n\r\n".encode() + data[:1000])
            kit.until(lambda: os.listdir(os.path.join(c.home, "wasm")))
        check("half an upload leaves nothing", kit.until(lambda: not os.listdir(os.path.join(c.home, "wasm"))))
        equal("upload", c.call("POST", f"/wasm/upload?sha256={name}", data), (201, {"sha256": name, "size": len(data)}))
        equal("upload again", c.call("POST", f"/wasm/upload?sha256={name}", data)[0], 201)
        equal("download", c.call("GET", f"/wasm/{name}", token=None), (200, data))
        equal("exists: yes", c.call("GET", f"/wasm/exists/{name}")[1], {"exists": True, "size": len(data)})
        equal("one file", os.listdir(os.path.join(c.home, "wasm")), [name])
        equal("too large", c.call("POST", f"/wasm/upload?sha256={name}", bytes((64 << 20) + 1))[0], 413)
        # Locks that were made for builds are kept beside the modules.
        lock = b"version = 4\n"
        named = hashlib.sha256(lock).hexdigest()
        equal("no such lock", c.call("GET", f"/cargo-lock/{named}", token=None)[0], 404)
        equal("another lock", c.call("POST", f"/cargo-lock/upload?sha256={name}", lock)[0], 400)
        equal("a lock without a token", c.call("POST", f"/cargo-lock/upload?sha256={named}", lock, token=None)[0], 401)
        equal("a lock", c.call("POST", f"/cargo-lock/upload?sha256={named}", lock), (201, {"sha256": named, "size": len(lock)}))
        equal("is served to anybody", kit.http("GET", f"{c.url}/cargo-lock/{named}")[::2], (200, lock))
        equal("is no module", c.call("GET", f"/wasm/{named}")[0], 404)
        equal("a lock that is too large", c.call("POST", f"/cargo-lock/upload?sha256={named}", bytes((1 << 20) + 1))[0], 413)


def record(key, seed=b"\1" * 32, **more):
    r = {"build_key": hashlib.sha256(key).hexdigest(), "wasm_hash": "cd" * 32, "repo": "https://example.com/a/b",
         "commit": "e" * 40, "target": "wasm32-wasip1", "toolchain": "clang 1", "built_at": 1764000000, "build_ms": 900,
         "lock_hash": "ab" * 32, "lock_made": 1764000000, **more}
    text = lambda s: len(s.encode()).to_bytes(4, "little") + s.encode()
    signed = (text("outlayer-build-v2") + bytes.fromhex(r["build_key"]) + bytes.fromhex(r["wasm_hash"]) + text(r["repo"]) +
              text(r["commit"]) + text(r["target"]) + text(r["toolchain"]) + r["built_at"].to_bytes(8, "little") +
              r["build_ms"].to_bytes(8, "little") + bytes.fromhex(r["lock_hash"]) + r["lock_made"].to_bytes(8, "little"))
    k = near.Key(seed)
    return {**r, "public_key": k.public, "signature": base64.b64encode(k.sign(hashlib.sha256(signed).digest())).decode()}


def test_builds():
    with coordinator() as c:
        good = record(b"a")
        path = "/builds/" + good["build_key"]
        equal("not built yet", c.call("GET", path)[0], 404)
        for name, wrong in (("another wasm_hash", {"wasm_hash": "00" * 32}), ("another commit", {"commit": "f" * 40}),
                            ("another lock", {"lock_hash": "ac" * 32}), ("another date of the lock", {"lock_made": 1}),
                            ("a short signature", {"signature": "AAAA"}), ("no base64", {"signature": "!"}),
                            ("another key", {"public_key": record(b"a", b"\2" * 32)["public_key"]}), ("more", {"x": 1}),
                            ("a wrong type", {"built_at": "x"}), ("a long text", {"repo": "r" * 2000})):
            equal(f"a record with {name}", c.call("PUT", path, {**good, **wrong})[0], 400)
        equal("under another path", c.call("PUT", "/builds/" + "0" * 64, good)[0], 400)
        equal("nothing was stored", c.call("GET", path)[0], 404)
        equal("a good one", c.call("PUT", path, good)[0], 200)
        equal("comes back", c.call("GET", path), (200, good))
        equal("in capitals too", c.call("GET", "/builds/" + good["build_key"].upper()), (200, good))
        query = urllib.parse.urlencode({"repo": good["repo"], "commit": good["commit"], "target": good["target"]})
        equal("public info", c.call("GET", f"/public/wasm/info?{query}", token=None)[1]["exists"], True)
        for spelling in ("example.com/a/b", "https://EXAMPLE.com/a/b.git/"):
            query = urllib.parse.urlencode({"repo": spelling})
            equal(f"of {spelling}", c.call("GET", f"/public/wasm/info?{query}", token=None)[1]["exists"], True)
        equal("of its folder", c.call("GET", "/public/wasm/info?repo=https://example.com/a/b//c", token=None)[1]["exists"], False)
        equal("of nothing", c.call("GET", "/public/wasm/info?repo=git@example.com:a/b", token=None)[0], 400)
        equal("of another commit", c.call("GET", "/public/wasm/info?repo=https://example.com/a/b&commit=x", token=None)[1]["exists"], False)
        c.kill()
        d = again(c)
        equal("survives a crash", d.call("GET", path), (200, good))
        d.kill()


def test_locks():
    with coordinator() as c:
        key = "compile:https://example.com/a/b#main ü"
        take = lambda worker, ttl=60: c.call("POST", "/locks/acquire", {"lock_key": key, "worker_id": worker, "ttl_seconds": ttl})[1]
        drop = lambda worker: c.call("DELETE", f"/locks/release/{urllib.parse.quote(key, safe='')}?worker_id={worker}")
        equal("taken", take("w1"), {"acquired": True, "holder": "w1", "expires_in_seconds": 60})
        equal("by nobody else", {k: v for k, v in take("w2").items() if k != "expires_in_seconds"}, {"acquired": False, "holder": "w1"})
        equal("again by its holder", take("w1")["acquired"], True)
        equal("released by another", (drop("w2")[0], take("w2")["acquired"]), (403, False))
        equal("released by nobody", c.call("DELETE", f"/locks/release/{urllib.parse.quote(key, safe='')}")[0], 400)
        equal("released", drop("w1"), (200, {"released": True}))
        equal("once", drop("w1"), (200, {"released": False}))
        equal("free for the other", take("w2", 1)["acquired"], True)
        check("a lock ends by itself", kit.until(lambda: take("w1")["acquired"], 5))


def test_workers():
    with coordinator(CORS_ALLOWED_ORIGINS="https://a.example, https://b.example") as c:
        said = {"worker_id": "w1", "version": "1", "capabilities": ["run"], "building": 0, "running": 1, "free_slots": 0}
        equal("heartbeat", c.call("POST", "/workers/heartbeat", said)[0], 200)
        row = c.call("GET", "/public/workers", token=None)[1][0]
        equal("listed", {k: row[k] for k in said}, said)
        equal("busy", (row["status"], row["last_seen_ms"] < 5000), ("busy", True))
        equal("counted", c.call("GET", "/public/stats", token=None)[1]["active_workers"], 1)
        origin = lambda o: kit.get(c.url + "/public/jobs", headers={"Origin": o})[1].get("Access-Control-Allow-Origin")
        equal("an allowed origin", origin("https://b.example"), "https://b.example")
        equal("another origin", origin("https://c.example"), None)


def test_public_lists():
    with coordinator() as c:
        for i in range(1, 6):
            c.create(i)
        c.call("POST", "/tasks/create", task(1, contract_id="other.test.near", input_data="x" * (1 << 20)))
        ids = lambda query: [j["request_id"] for j in c.jobs(query)[1]]
        equal("newest first", ids("?limit=2")[1:], [5])
        equal("by transaction", ids("?transaction_hash=tx3"), [3])
        equal("by contract", ids("?contract_id=other.test.near"), [1])
        equal("by request", sorted(j["contract_id"] for j in c.jobs("?request_id=1")[1]), sorted([CONTRACT, "other.test.near"]))
        equal("by all of them", ids(f"?contract_id={CONTRACT}&request_id=1&transaction_hash=tx1"), [1])
        equal("by what does not fit", ids(f"?contract_id={CONTRACT}&request_id=1&transaction_hash=tx2"), [])
        check("inputs are not listed", len(json.dumps(c.jobs()[1])) < 10000)
        equal("no prices without a chain", c.call("GET", "/public/pricing", token=None)[0], 503)
        equal("stopped in good order", c.stop(), 0)


def test_prices():
    """The chain is slow: those who ask for prices wait, nobody else does; and it is asked once for all of them."""
    asked, gate = [], threading.Event()
    class Chain(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body["params"])
            gate.wait(20)
            value = list(json.dumps({"base_fee": "10"}).encode())
            raw = json.dumps({"jsonrpc": "2.0", "id": body["id"], "result": {
                "result": value, "logs": [], "block_height": 1, "block_hash": "1" * 32}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)
    chain = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Chain)
    chain.daemon_threads = True
    chain.handle_error = lambda *_: None  # a caller that went away
    threading.Thread(target=chain.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{chain.server_address[1]}"
    with coordinator(NEAR_RPC_URL=url, OFFCHAINVM_CONTRACT_ID=CONTRACT) as c:
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(c.call("GET", "/public/pricing", token=None))) for _ in range(8)]
        for t in threads:
            t.start()
        kit.until(lambda: asked)
        start = time.monotonic()
        for i in range(1, 20):
            c.create(i)
        check("others do not wait", time.monotonic() - start < 2, time.monotonic() - start)
        gate.set()
        for t in threads:
            t.join(20)
        equal("all get the prices", answers, [(200, {"base_fee": "10"})] * 8)
        equal("the chain was asked once", (len(asked), asked[0]["method_name"]), (1, "get_pricing"))
        equal("and its answer is kept", (c.call("GET", "/public/pricing", token=None)[0], len(asked)), (200, 1))
        gate.clear()
    with coordinator(NEAR_RPC_URL=url, OFFCHAINVM_CONTRACT_ID=CONTRACT) as c:
        answers = []
        t = threading.Thread(target=lambda: answers.append(c.call("GET", "/public/pricing", token=None)[0]))
        t.start()
        kit.until(lambda: len(asked) == 2)
        start = time.monotonic()
        equal("a stop does not wait for the chain", c.stop(), 0)
        t.join(10)
        check("and answers who waits", answers == [503] and time.monotonic() - start < 3, (answers, time.monotonic() - start))
    gate.set()
    chain.shutdown()


# --- secrets: the way to the keystore

@contextlib.contextmanager
def with_keystore(**env):
    keystore = Keystore()
    try:
        with coordinator(KEYSTORE_BASE_URL=keystore.url, KEYSTORE_AUTH_TOKEN="keystore-token", **env) as c:
            yield c, keystore
    finally:
        keystore.gate.set()
        keystore.shutdown()


PUBLIC_SECRETS = (("GET", "/secrets/pubkey?repo=a/b&owner=alice.near", "/pubkey"), ("POST", "/secrets/pubkey", "/pubkey"),
                  ("POST", "/secrets/add_generated_secret", "/add_generated_secret"))
WORKER_SECRETS = tuple(("POST", f"/secrets/{name}", f"/{name}") for name in ("challenge", "session", "decrypt"))


def test_secrets_are_passed_on():
    """Signed answers must come back byte for byte; whoever may not ask must not reach the keystore."""
    with with_keystore(LOG_LEVEL="debug") as (c, keystore):
        body = b'{ "owner" : "alice.near",\n"planted-marker":1.50, "planted-marker":2}'
        for method, path, there in PUBLIC_SECRETS + WORKER_SECRETS:
            token = c.token if (method, path, there) in WORKER_SECRETS else None
            keystore.asked.clear()
            for status, raw in ((200, b'{"b":1,  "a":"planted-answer\\u00e9"}\n'), (403, b'{"error":{"code":"forbidden","message":"Access denied: x"}, "signature":"s"}'),
                                (500, b"no JSON"), (429, b"")):
                keystore.answer = (status, raw)
                got, _, answer = kit.http(method, c.url + path, body if method == "POST" else None,
                                          {"Authorization": f"Bearer {token}"} if token else {})
                equal(f"{method} {there}: {status} verbatim", (got, answer), (status, raw))
            query = "?repo=a%2Fb&owner=alice.near" if method == "GET" else ""
            equal(f"{method} {there}: asked as it was", keystore.asked,
                  [(method, there + query, "Bearer keystore-token", body if method == "POST" else b"")] * 4)
        keystore.asked.clear()
        for _, path, _ in WORKER_SECRETS:
            equal(f"{path} without a token", c.call("POST", path, {}, token=None)[0], 401)
        equal("and the keystore was not asked", keystore.asked, [])
        keystore.answer = (200, b"{}")
        branch = "re lease/1&owner=bob#?%é"
        c.call("GET", "/secrets/pubkey?" + urllib.parse.urlencode({"repo": "a/b", "owner": "a.near", "branch": branch}), token=None)
        equal("a strange branch arrives", urllib.parse.parse_qs(urllib.parse.urlparse(keystore.asked[-1][1]).query)["branch"], [branch])
        sealed = json.dumps({"encrypted_secrets_base64": "A" * (192 << 10)}).encode()
        equal("a large blob passes", (c.call("POST", "/secrets/add_generated_secret", sealed, token=None)[0], keystore.asked[-1][3] == sealed), (200, True))
        for path, size in (("add_generated_secret", 256 << 10), ("pubkey", 64 << 10), ("decrypt", 64 << 10)):
            equal(f"too large for {path}", c.call("POST", f"/secrets/{path}", b" " * (size + 1))[0], 413)
        keystore.answer = (401, b'{"error":{"code":"unauthorized","message":"Invalid token","hint":"SHA-256 of the token stands in ALLOWED_WORKER_TOKEN_HASHES"}}')
        for method, path in (("GET", "/secrets/pubkey?repo=a/b&owner=alice.near"), ("POST", "/secrets/add_generated_secret")):
            status, answer = c.call(method, path, None if method == "GET" else {}, token=None)
            check(f"{path}: a keystore that refuses the coordinator is not the visitor's fault", status == 503 and "keystore-token" not in str(answer), answer)
        keystore.answer = (401, b'{"error":{"code":"unauthorized","message":"the signature is not that of this key","hint":""}}')
        equal("a visitor's own wrong signature is", c.call("POST", "/secrets/add_generated_secret", {}, token=None)[0], 401)
        equal("and a worker hears of his", c.call("POST", "/secrets/decrypt", {})[0], 401)
        log = c.output()
        check("the log has nothing of it", not any(x in log for x in ("planted", "keystore-token", "AAAA", c.token)), log[-300:])


def test_keystore_that_is_not_there():
    with coordinator() as c:
        for method, path, _ in PUBLIC_SECRETS + WORKER_SECRETS:
            status, answer = c.call(method, path, {} if method == "POST" else None)
            check(f"{method} {path}: no keystore", status == 503 and "not offered" in answer["error"]["message"], answer)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with coordinator(KEYSTORE_BASE_URL=f"http://127.0.0.1:{nobody.getsockname()[1]}", KEYSTORE_AUTH_TOKEN="t") as c:
            status, answer = c.call("POST", "/secrets/pubkey", {}, token=None)
            check("down", (status, error_of(answer)) == (503, "unavailable") and "127.0.0.1" not in str(answer), answer)
    with kit.folder() as home:
        try:
            Coordinator(home, KEYSTORE_BASE_URL="keystore.example")
            check("an address without a scheme is refused", False)
        except RuntimeError as e:
            check("an address without a scheme is refused", "KEYSTORE_BASE_URL" in str(e), e)


def test_slow_keystore():
    """It hangs: visitors wait for it, nothing else does, not even workers that it would answer."""
    with with_keystore() as (c, keystore):
        keystore.gate.clear()
        answers = []
        ask = lambda i: answers.append(c.call("POST", "/secrets/pubkey", {"owner": f"a{i}.near"}, token=None))
        threads = [threading.Thread(target=ask, args=(i,)) for i in range(30)]
        for t in threads:
            t.start()
        check("it was asked", kit.until(lambda: len(keystore.asked) >= 8))
        start = time.monotonic()
        for i in range(1, 20):
            c.create(i)
        equal("executions do not wait", (time.monotonic() - start < 2, c.call("GET", "/health", token=None)[0]), (True, 200))
        worker = threading.Thread(target=lambda: c.call("POST", "/secrets/challenge", {}))
        worker.start()
        check("a worker's question is asked meanwhile", kit.until(lambda: any(path == "/challenge" for _, path, _, _ in keystore.asked), 5), len(keystore.asked))
        check("no more than eight at a time for visitors", len([1 for _, path, _, _ in keystore.asked if path == "/pubkey"]) == 8)
        keystore.gate.set()
        for t in threads + [worker]:
            t.join(30)
        equal("all are answered in the end", [status for status, _ in answers], [200] * 30)
        keystore.gate.clear()
        start = time.monotonic()
        status, answer = c.call("POST", "/secrets/pubkey", {"owner": "late.near"}, token=None)
        check("one that never answers is given up", (status, error_of(answer)) == (504, "timeout") and time.monotonic() - start < 25, (status, answer))
        answers.clear()
        threads = [threading.Thread(target=ask, args=(i,)) for i in range(12)]
        for t in threads:
            t.start()
        kit.until(lambda: len(keystore.asked) > 39)
        start = time.monotonic()
        equal("a stop does not wait for it", (c.stop(), time.monotonic() - start < 5), (0, True))
        for t in threads:
            t.join(10)
        equal("and those who wait are told", [status for status, _ in answers], [503] * 12)


def asked_as(c, forwarded, owner="alice.near"):
    """(status, Retry-After) of a question about secrets with these X-Forwarded-For lines."""
    connection = http.client.HTTPConnection("127.0.0.1", c.port, timeout=20)
    connection.putrequest("GET", f"/secrets/pubkey?repo=a/b&owner={owner}")
    for line in forwarded:
        connection.putheader("X-Forwarded-For", line)
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.headers.get("Retry-After")


def limited_after(ask, most=100):
    for i in range(most):
        status, retry = ask(i)
        if status == 429:
            return i, int(retry) >= 1
    return None


def test_limits():
    """One address or account asks without end: it alone hears so, and cannot help itself with a header."""
    with with_keystore() as (c, keystore):
        hit = limited_after(lambda i: asked_as(c, [f"198.51.100.{i}"], f"a{i}.near"))
        check("an address is limited, whatever X-Forwarded-For says", hit and 60 <= hit[0] < 70 and hit[1], hit)
        check("the keystore was not asked then", len(keystore.asked) == hit[0], len(keystore.asked))
        equal("workers are not", c.call("POST", "/secrets/decrypt", {})[0], 200)
        equal("nor is anything else", c.call("GET", "/public/jobs", token=None)[0], 200)
    with with_keystore(TRUSTED_PROXIES="10.9.9.9, 127.0.0.1") as (c, keystore):
        hit = limited_after(lambda i: asked_as(c, [f"203.0.113.{i}", f"192.0.2.{i}, 198.51.100.1"], f"a{i}.near"))
        check("behind a proxy the address that it saw is", hit and 60 <= hit[0] < 70, hit)
        equal("another one is not", asked_as(c, ["198.51.100.2"])[0], 200)
        hit = limited_after(lambda i: asked_as(c, ["198.51.100.3"], "bob.near"))
        check("whoever asks in an account's name without end is limited", hit and 60 <= hit[0] < 70, hit)
        equal("the account itself is not", asked_as(c, ["198.51.100.4"], "bob.near")[0], 200)
        hit = limited_after(lambda i: asked_as(c, [f"192.0.{i // 250}.{i % 250}"], "dave.near"), 3000)
        check("an account is limited over all addresses", hit and hit[0] >= 600, hit)
        equal("another one is not", asked_as(c, ["192.0.2.200"], "carol.near")[0], 200)
        hit = limited_after(lambda i: asked_as(c, [f"2001:db8:7:8::{i:x}"], f"b{i}.near"))
        check("an IPv6 network counts as one", hit and 60 <= hit[0] < 70, hit)


# --- branches of commits

def git(folder, *words, date=None):
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", **{f"GIT_{who}_{what}": "t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}}
    if date:
        env |= {"GIT_AUTHOR_DATE": f"@{date} +0000", "GIT_COMMITTER_DATE": f"@{date} +0000"}
    return subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True, text=True, env=env).stdout.strip()


def commit(folder, date):
    git(folder, "commit", "-q", "--allow-empty", "-m", str(date), date=1700000000 + date)
    return git(folder, "rev-parse", "HEAD")


@contextlib.contextmanager
def branches(**env):
    """A coordinator that knows host.invalid/own/… as folders, and a repository there: main has `base`; old and, later
    committed, new have `both`; `loose` is on a tag alone."""
    with kit.folder() as repos:
        folder = os.path.join(repos, "own", "app")
        os.makedirs(folder)
        git(folder, "init", "-q", "-b", "main")
        names = {"base": commit(folder, 1)}
        git(folder, "checkout", "-q", "-b", "old")
        names["both"] = commit(folder, 2)
        git(folder, "checkout", "-q", "-b", "new")
        commit(folder, 9)
        git(folder, "tag", "-a", "-m", "t", "v1", names["both"])
        git(folder, "checkout", "-q", "old")
        commit(folder, 5)
        git(folder, "checkout", "-q", "--detach")
        names["loose"] = commit(folder, 6)
        git(folder, "tag", "loose")
        git(folder, "checkout", "-q", "main")
        with coordinator(REPO_MAP=f"host.invalid={repos}", **env) as c:
            c.repos, c.commits = repos, names
            yield c


def resolve(c, ref, repo="https://host.invalid/own/app", **more):
    return c.call("GET", "/github/resolve-branch?" + urllib.parse.urlencode({"repo": repo, "commit": ref}), token=None, **more)


def questions(c):
    text = c.call("GET", "/metrics", token=None)[1].decode()
    return int(next(line.split()[1] for line in text.split("\n") if line.startswith("outlayer_branch_questions_total")))


def test_branches():
    with branches() as c:
        commits = c.commits
        if resolve(c, "main")[0] == 503:
            raise kit.Skip("no isolation here")
        for ref, branch in (("main", "main"), ("new", "new"), (commits["base"], "main"), (commits["both"], "new"), ("v1", "new"), ("refs/heads/old", "old"),
                            (commits["both"][:8], "new"), (commits["both"].upper(), "new"), ("HEAD", "main")):
            want = {"repo_normalized": "host.invalid/own/app", "commit": ref, "branch": branch, "cached": ref in ("main", commits["both"].upper())}
            equal(f"{ref[:12]} is on {branch}", resolve(c, ref), (200, want))
        asked = questions(c)
        for repo in ("https://host.invalid/own/app.git", "host.invalid/own/app", "https://HOST.invalid/own/app/", "host.invalid:443/own/app//guest"):
            equal(f"another spelling: {repo}", resolve(c, "v1", repo)[1]["cached"], True)
        equal("what is kept is not asked again", questions(c), asked)
        for name, ref, status in (("an unknown branch", "gone", 404), ("an unknown commit", "0" * 40, 404), ("a commit of a tag alone", commits["loose"], 404),
                                  ("that tag", "loose", 404), ("an option", "--all", 400), ("a range", "a..b", 400), ("nothing", "", 400), ("far too much", "a" * 5000, 400)):
            got, answer = resolve(c, ref)
            check(f"{name}: {status} and a sentence", got == status and len(answer["error"]["message"]) > 10 and "branch" not in answer, (got, answer))
        for repo, status in (("https://host.invalid/own/none", 404), ("a/b/c", 400), ("b", 400), ("", 400), ("ssh://host.invalid/own/app", 400), ("git@host.invalid:own/app.git", 400),
                             ("http://host.invalid/own/app", 400), ("https://github.com/a/b/tree/x", 400)):
            equal(f"repository {repo!r}", resolve(c, "main", repo)[0], status)
        equal("no question at all", c.call("GET", "/github/resolve-branch", token=None)[0], 400)
        asked = questions(c)
        resolve(c, "gone")
        equal("what is unknown is not kept", questions(c), asked + 1)
        c.kill()
        with contextlib.closing(sqlite3.connect(os.path.join(c.home, "coordinator.db"))) as db:
            db.execute("UPDATE branches SET found_ms = found_ms - 7 * 24 * 3600 * 1000 - 1000 WHERE ref = 'v1'")
            db.commit()
        d = again(c, REPO_MAP=f"host.invalid={c.repos}")
        equal("kept over a crash", resolve(d, "new")[1]["cached"], True)
        equal("for a week", resolve(d, "v1")[1]["cached"], False)
        d.kill()


def test_branches_asked_at_once():
    """Many ask the same: the repository is asked once, and whoever asks too much is told to wait."""
    with branches(TRUSTED_PROXIES="127.0.0.1") as c:
        if resolve(c, "main")[0] == 503:
            raise kit.Skip("no isolation here")
        asked, answers = questions(c), []
        def ask(i):
            answers.append(resolve(c, c.commits["both"], headers={"X-Forwarded-For": f"192.0.2.{i}"}))
        threads = [threading.Thread(target=ask, args=(i,)) for i in range(24)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(40)
        equal("one answer for all", {(status, a["branch"]) for status, a in answers}, {(200, "new")})
        equal("the repository was asked once", questions(c), asked + 1)
        hit = limited_after(lambda i: (lambda status, headers, _: (status, headers.get("Retry-After")))(
            *kit.get(f"{c.url}/github/resolve-branch?repo=host.invalid/own/none{i}&commit=main", headers={"X-Forwarded-For": "198.51.100.1"})))
        check("who asks too much is limited", hit and 30 <= hit[0] < 40 and hit[1], hit)
        equal("not for what is kept", resolve(c, "main", headers={"X-Forwarded-For": "198.51.100.1"})[0], 200)
        equal("and nobody else is", resolve(c, "old", headers={"X-Forwarded-For": "198.51.100.2"})[0], 200)


def test_branches_over_https():
    """A host that serves any commit to who names it, as large ones do with those of forks; with and without filters."""
    with branches() as known, git_host(known.repos) as (host, cert):
        if resolve(known, "main")[0] == 503:
            raise kit.Skip("no isolation here")
        folder, commits = os.path.join(known.repos, "own", "app"), known.commits
        ask = lambda c, ref, name="app": resolve(c, ref, f"127.0.0.2/own/{name}")
        with coordinator(GIT_SSL_CAINFO=cert) as c:
            status, answer = ask(c, "main")
            check("an address of one's own network is not asked", status == 503 and not host.asked, (status, answer))
        git(folder, "tag", "-d", "loose")
        git(folder, "update-ref", "refs/pull/1/head", commits["loose"])
        git(folder, "config", "uploadpack.allowAnySHA1InWant", "true")
        for filters in ("true", "false"):
            git(folder, "config", "uploadpack.allowFilter", filters)
            host.asked.clear()
            with coordinator(GIT_SSL_CAINFO=cert, EGRESS_ALLOW="127.0.0.2:443") as c:
                for ref, branch in (("main", "main"), (commits["base"], "main"), (commits["both"], "new"), ("v1", "new"), (commits["both"][:9], "new")):
                    status, answer = ask(c, ref)
                    equal(f"filters {filters}: {ref[:12]} is on {branch}", (status, answer.get("branch")), (200, branch))
                equal("filters are used where there are any", any(b"filter tree:0" in body for _, body in host.asked), filters == "true")
                status, answer = ask(c, commits["loose"])
                equal("a fork's commit is on no branch", (status, "in no branch" in str(answer)), (404, True))
                check("and was not fetched", not any(commits["loose"].encode() in body for _, body in host.asked))
                status, answer = ask(c, "main", "none")
                equal("a repository that is not there", (status, "not there or not public" in str(answer)), (404, True))
        with coordinator(EGRESS_ALLOW="127.0.0.2:443") as c:
            status, answer = ask(c, "main")
            check("a certificate that nobody vouches for", status == 503 and "certificate" in str(answer), (status, answer))
        with coordinator(GIT_SSL_CAINFO=cert, EGRESS_ALLOW="127.0.0.2:443") as c:
            host.shutdown()  # connections are taken and nothing comes
            waiting = []
            thread = threading.Thread(target=lambda: waiting.append(ask(c, "main")[0]))
            thread.start()
            kit.until(lambda: questions(c))
            start = time.monotonic()
            equal("a stop does not wait for a host", (c.stop(), time.monotonic() - start < 5), (0, True))
            thread.join(10)
            equal("and who waits is told", waiting, [503])
            threading.Thread(target=host.serve_forever, daemon=True).start()


kit.main(globals())
