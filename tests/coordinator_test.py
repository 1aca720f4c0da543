#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""outlayer-coordinator from outside: what it takes, what it refuses, what it still knows after a crash."""
import base64, hashlib, http.server, json, os, socket, subprocess, tempfile, threading, time, urllib.parse

import figures, kit, near
from coordinator_world import CONTRACT, Coordinator, again, coordinator, database, error_of, place, sql, task, token_of
from kit import check, equal


# --- who may

def test_tokens():
    with coordinator() as c:
        for method, path in (("POST", "/tasks/create"), ("GET", "/tasks/poll"), ("POST", "/tasks/heartbeat"),
                             ("POST", "/tasks/complete"), ("POST", "/tasks/fail"), ("POST", "/tasks/hand-over"),
                             ("POST", "/locks/acquire"), ("DELETE", "/locks/release/k"), ("GET", "/wasm/exists/" + "0" * 64),
                             ("POST", "/wasm/upload"),
                             ("GET", "/builds/" + "0" * 64), ("PUT", "/builds/" + "0" * 64),
                             ("POST", "/workers/heartbeat")):
            body = {} if method in ("POST", "PUT") else None
            equal(f"{path} without a token", c.call(method, path, body, token=None)[0], 401)
            status, answer = c.call(method, path, body, token="ol_" + "0" * 64)
            equal(f"{path} with a wrong token", (status, error_of(answer)), (401, "unauthorized"))
        for path in ("/health", "/healthz", "/readyz", "/metrics", "/public/jobs", "/public/workers", "/public/stats"):
            equal(f"{path} needs no token", c.call("GET", path, token=None)[0], 200)
        equal("health", c.call("GET", "/health", token=None)[1], b"OK")
        late = token_of(c.home, "late")
        equal("a token made while it runs is good at once", c.call("GET", "/tasks/poll", token=late)[0], 204)
        run = subprocess.run([kit.program("outlayer"), "token", "revoke", "late", *place(c.home)],
                             capture_output=True)
        equal("revoked", run.returncode, 0)
        check("a revoked one is not, after a while", kit.until(lambda: c.call("GET", "/tasks/poll", token=late)[0] == 401))
        raw = str(sql(c, "SELECT * FROM worker_auth_tokens"))
        check("no token stands in the database", "test" in raw and c.token[3:] not in raw, raw)
        check("nor in the log", c.token not in c.output())


def test_what_guests_write():
    """Whatever text a guest failed with, its request ends, and everybody reads that text."""
    with coordinator() as c:
        for number, text in enumerate(("a\0b", "\0\0", "\\u0000 \\\0", "\ufffd\U0001f41f\x7f\x01"), 1):
            equal(f"{text!r}: it ends", c.complete(*c.lease(number), outcome="guest_failed", failure="trap", error=text),
                  (200, {"changed": True}))
            equal("as it was written", c.job(number)["error"], text)


def test_scopes():
    with coordinator() as c:
        to_build, to_run, to_record, to_look = (token_of(c.home, scope, "--scope", scope)
                                                for scope in ("build", "run", "monitor", "read"))
        lock = {"lock_key": "k", "worker_id": "w", "ttl_seconds": 60}
        asked = (("POST", "/tasks/create", task(1), {to_record}),
                 ("GET", "/tasks/poll?timeout=0&worker_id=w", None, {to_build, to_run}),
                 ("POST", "/tasks/heartbeat", {}, {to_build, to_run}), ("POST", "/tasks/complete", {}, {to_build, to_run}),
                 ("POST", "/tasks/hand-over", {}, {to_build, to_run}),
                 ("POST", "/tasks/fail", {}, {to_build, to_run}), ("POST", "/locks/acquire", lock, {to_build}),
                 ("DELETE", "/locks/release/k?worker_id=w", None, {to_build}),
                 ("POST", "/wasm/upload", {}, {to_build}), ("POST", "/cargo-lock/upload", {}, {to_build}),
                 ("PUT", "/builds/" + "0" * 64, {}, {to_build}), ("POST", "/secrets/decrypt", {}, {to_run}),
                 ("POST", "/secrets/challenge", {}, {to_run}), ("POST", "/secrets/session", {}, {to_run}),
                 ("POST", "/workers/heartbeat", {"worker_id": "w"}, {to_build, to_run, to_record}),
                 ("GET", "/builds/" + "0" * 64, None, {to_build, to_run, to_record, to_look}),
                 ("GET", "/wasm/exists/" + "0" * 64, None, {to_build, to_run, to_record, to_look}))
        for method, path, body, may in asked:
            for token in (to_build, to_run, to_record, to_look):
                status = c.call(method, path, body, token=token)[0]
                check(f"{method} {path[:24]}", (status != 403) == (token in may), (status, token in may))
        status, answer = c.call("GET", "/tasks/poll", token=to_look)
        check("it is said what is missing", "'read' is for read; this wants one for worker,build,run"
              in answer["error"]["message"], answer)


def test_whose_token():
    """What a token says of its worker holds, and its name stands with what was done by it."""
    with coordinator(LOG_LEVEL="info") as c:
        one = token_of(c.home, "worker-1", "--worker-id", "w1", "--days", "3")
        poll = lambda query: c.call("GET", "/tasks/poll?timeout=0" + query, token=one)
        equal("as another worker", (poll("&worker_id=w2")[0], poll("&worker_id=w1")[0]), (403, 204))
        equal("seen as another worker", c.call("POST", "/workers/heartbeat", {"worker_id": "w2"}, token=one)[0], 403)
        c.create(1)
        lease = poll("")[1]["lease"]["token"]  # it need not say who it is
        equal("leased to it", c.job(1)["worker_id"], "w1")
        equal("complete", c.call("POST", "/tasks/complete", {"contract_id": CONTRACT, "request_id": 1, "token": lease,
                                                             "outcome": "success"}, token=one)[0], 200)
        equal("its name stands with the end, and that of who recorded it beside it",
              sql(c, "SELECT token_name, created_by FROM executions"), [["worker-1", "test"]])
        check("and in the log", "recorded, told by token test" in c.output(), c.output()[-300:])
        take = lambda token: c.call("POST", "/locks/acquire", {"lock_key": "k", "worker_id": "w1", "ttl_seconds": 60},
                                    token=token)[1]["acquired"]
        drop = lambda token: c.call("DELETE", "/locks/release/k?worker_id=w1", token=token)[0]
        equal("a lock is its token's", (take(one), take(c.token), drop(c.token), drop(one)), (True, False, 403, 200))
        run = subprocess.run([kit.program("outlayer"), "token", "list", "--json", *place(c.home)], capture_output=True)
        row = next(x for x in json.loads(run.stdout)["tokens"] if x["name"] == "worker-1")
        equal("listed", (row["state"], row["scope"], row["worker_id"]), ("good", "worker", "w1"))
        check("with its end, and its last use", row["expires_at"] and row["last_used_at"], row)
        text = subprocess.run([kit.program("outlayer"), "token", "list", *place(c.home)], capture_output=True, text=True)
        check("for people", "for worker as worker w1, until " in text.stdout, text.stdout)


def test_where_tokens_are():
    """An operator who names the coordinator's database by DATABASE_URL_FILE makes tokens there, not in the home."""
    with coordinator() as c, tempfile.TemporaryDirectory() as home:
        file = os.path.join(home, "url")
        with open(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
            f.write(database(c.home).get("DATABASE_URL") or f"sqlite://{c.home}/coordinator.db")
        run = subprocess.run([kit.program("outlayer"), "token", "create", "by-file", "--home", home],
                             env={**os.environ, "DATABASE_URL_FILE": file}, capture_output=True, text=True)
        equal("made", run.returncode, 0)
        equal("good at the coordinator", c.call("GET", "/tasks/poll", token=run.stdout.strip())[0], 204)


def test_no_auth():
    with coordinator(REQUIRE_AUTH="false") as c:
        equal("REQUIRE_AUTH=false", c.call("GET", "/tasks/poll", token=None)[0], 204)


def test_a_network_has_a_chain():
    """If this fails, whoever has a token can make up a request before it comes, and its true one is never served."""
    with kit.folder() as home:
        for network in ("testnet", "mainnet"):
            try:
                Coordinator(home, OUTLAYER_NETWORK=network).kill()
                check(f"on {network} none starts that cannot ask the chain", False)
            except RuntimeError as e:
                check(f"on {network} none starts that cannot ask the chain", "NEAR_RPC_URL is not set" in str(e), e)
        Coordinator(home, OUTLAYER_NETWORK="testnet", NEAR_RPC_URL="http://127.0.0.1:1").kill()


# --- bodies

def test_bad_bodies():
    with coordinator() as c:
        def refused(name, body, status=400, path="/tasks/create", method="POST"):
            got, answer = c.call(method, path, body)
            good = got == status and isinstance(answer, dict) and len(answer["error"]["message"]) > 10
            check(name, good, (got, answer))
        for name, raw in (("no JSON", b"hello"), ("half of it", b'{"contract_id":'), ("a list", b"[]"),
                          ("nothing", b""),
                          ("a key twice", b'{"a":1,"a":2}'), ("text behind", b"{}{}"), ("no UTF-8", b'{"a":"\xff"}')):
            refused(f"create with {name}", raw)
        for key, wrong in (("contract_id", 5), ("contract_id", "A B"), ("request_id", "x"), ("request_id", -1),
                           ("request_id", 1.5), ("request_id", 2**64), ("data_id", "ab"), ("data_id", None),
                           ("sender_id", ""), ("payer_id", 7), ("code_source", "x"), ("code_source", {"repo": "r"}),
                           ("code_source", {"repo": "r" * 2000, "commit": "c"}), ("resource_limits", []),
                           ("resource_limits", {"max_instructions": "many"}), ("input_data", {}), ("secrets_ref", "s"),
                           ("response_format", "Xml"), ("payment", "abc"), ("payment", -1), ("timestamp", "soon"),
                           ("context", []), ("context", {"block_height": "x"}), ("context", {"colour": 1}),
                           ("extra", 1)):
            refused(f"create with {key}={str(wrong)[:40]!r}", task(1, **{key: wrong}))
        refused("create with a reason that is no text", task(1, refused=5))
        refused("create with too much", task(1, input_data="x" * (2 << 20)), 413)
        lease = {"contract_id": CONTRACT, "request_id": 1, "token": "0" * 64}
        for path, more in (("heartbeat", {"stage": "thinking"}), ("heartbeat", {"stage": 1}), ("heartbeat", {"x": 1}),
                           ("complete", {"outcome": "fine"}), ("complete", {}),
                           ("complete", {"outcome": "success", "x": 1}),
                           ("complete", {"outcome": "success", "wasm_hash": "zz"}),
                           ("complete", {"outcome": "success", "instructions": 2**63 - 1}),
                           ("complete", {"outcome": "success", "charged": "much"}),
                           ("complete", {"outcome": "success", "token": 5}), ("fail", {}),
                           ("fail", {"reason": "r", "retry": "yes"})):
            refused(f"{path} with {more}", {**lease, **more}, path=f"/tasks/{path}")
        refused("heartbeat with too much", b"x" * (70 << 10), 413, "/tasks/heartbeat")
        refused("lock without time", {"lock_key": "k", "worker_id": "w", "ttl_seconds": 0}, path="/locks/acquire")
        refused("lock for ever", {"lock_key": "k", "worker_id": "w", "ttl_seconds": 10**6}, path="/locks/acquire")
        for more in ({"x": {}}, {"version": 5}, {"capabilities": "run"}, {"capabilities": [5]}, {"free_slots": "many"},
                     {"running": -1}, {"operator_id": 5}, {"public_key": ["k"]}, {"started_at_ms": 2**63}):
            refused(f"a worker that says {more}", {"worker_id": "w", **more}, path="/workers/heartbeat")
        equal("nothing of it was recorded", c.jobs()[1], [])
        equal("an unknown path", c.call("GET", "/tasks/nothing")[0], 404)
        equal("a wrong method", c.call("GET", "/tasks/create")[0], 405)
        equal("jobs with a bad limit", c.jobs("?limit=x")[0], 400)


# --- an execution's life

def test_life():
    with coordinator() as c:
        equal("create", c.create(1), (201, {"request_id": 1, "created": True}))
        equal("create again", c.create(1), (200, {"request_id": 1, "created": False}))
        status, said = c.create(1, sender_id="bob.test.near")
        check("of two words neither is believed, without a chain to ask",
              status == 503 and "NEAR_RPC_URL" in said["error"]["hint"], (status, said))
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
            for kind, more in (("heartbeat", {}), ("complete", {"outcome": "success"}),
                               ("fail", {"reason": "r", "retry": True})):
                status, answer = c.report(kind, 1, wrong, **more)
                equal(f"{kind} with a {name} lease token", (status, error_of(answer)), (409, "lease_lost"))
        equal("still as it was", c.job(1)["state"], "submitting")
        report = {"instructions": 12345, "time_ms": 7, "peak_memory_bytes": 65536, "wasm_hash": "cd" * 32,
                  "commit": "e" * 40,
                  "output_hash": "ef" * 32, "output_bytes": 3, "resolve_transaction": "txr", "charged": "5",
                  "refunded": "6"}
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
        equal("stats", (stats["total_executions"], stats["successful_executions"], stats["instructions_used"]),
              (1, 1, 12345))


def test_refused_and_failed():
    with coordinator() as c:
        equal("a malformed event",
              c.call("POST", "/tasks/create", {"contract_id": CONTRACT, "request_id": 9, "refused": "no JSON",
                                                                    "context": {"transaction_hash": "t9"}})[0], 201)
        equal("waits for an answer like any other", c.job(9)["state"], "queued")
        status, lease = c.poll()
        equal("is handed out with its reason", (status, lease["task"]["request_id"], lease["task"]["refused"]),
              (200, 9, "no JSON"))
        c.complete(9, lease["lease"]["token"], outcome="expired", failure="platform", error="cannot be served: no JSON")
        job = c.job(9)
        equal("and ends as its worker says", (job["state"], job["outcome"], job["error"]),
              ("settled", "expired", "cannot be served: no JSON"))
        _, token = c.lease(1)
        status, said = c.report("fail", 1, token, reason="not on chain", retry=False)
        check("a worker's word alone ends nothing, without a chain to ask",
              status == 503 and "NEAR_RPC_URL" in said["error"]["hint"], (status, said))
        equal("and that worker does not get it again", c.poll()[0], 204)
        status, lease = c.poll(worker="w2")
        equal("others do", (status, lease["task"]["request_id"]), (200, 1))
        c.complete(1, lease["lease"]["token"])
        _, token = c.lease(2)
        start = time.monotonic()
        equal("given back", c.report("fail", 2, token, reason="no disk", retry=True)[0], 200)
        equal("not at once", c.poll()[0], 204)
        status, answer = c.poll(30)
        equal("handed out again", (status, answer["task"]["request_id"], answer["attempt"]), (200, 2, 2))
        check("after a while", 0.4 < time.monotonic() - start, time.monotonic() - start)
        equal("the old token is worth nothing", c.complete(2, token)[0], 409)
        equal("a long error is cut",
              c.complete(2, answer["lease"]["token"], outcome="guest_failed", error="é" * 5000)[0], 200)
        check("to its limit", len(c.job(2)["error"].encode()) == 4096)


def test_steps():
    """What a worker does stands among its capabilities, beside targets; what it hands over is for the others."""
    with coordinator() as c:
        c.create(1)
        equal("who builds gets nothing that is to be run", c.poll(capabilities="compilation")[0], 204)
        equal("nor with its target", c.poll(capabilities="wasm32-wasip1,compilation")[0], 204)
        equal("who runs another target neither", c.poll(capabilities="execution,wasm32-wasip2")[0], 204)
        status, one = c.poll(capabilities="execution,wasm32-wasip1")
        equal("who runs this one does", (status, one["attempt"], one["handed"]), (200, 1, 0))
        token = one["lease"]["token"]
        for body in ({"next": "rest", "reason": "r"}, {"reason": "r"}, {"next": "run"}, {"next": 7, "reason": "r"},
                     {"next": "run", "reason": "r", "retry": True}):
            equal(f"{body} is not taken", c.report("hand-over", 1, token, **body)[0], 400)
        equal("another's token changes nothing", c.report("hand-over", 1, "0" * 64, next="build", reason="r")[0], 409)
        equal("handed over", c.report("hand-over", 1, token, next="build", reason="not known"),
              (200, {"retried": True}))
        equal("once", c.report("hand-over", 1, token, next="build", reason="not known")[0], 409)
        equal("it is not for who runs", c.poll(capabilities="execution")[0], 204)
        status, one = c.poll(capabilities="compilation")
        equal("but for who builds, as the first attempt", (status, one["attempt"], one["handed"]), (200, 1, 1))
        c.report("hand-over", 1, one["lease"]["token"], next="run", reason="built")
        status, one = c.poll(capabilities="compilation,execution")
        equal("who does both gets everything", (status, one["attempt"], one["handed"]), (200, 1, 2))


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
            got.append((capabilities, c.poll(30, capabilities=capabilities)))
        threads = [threading.Thread(target=wait, args=(t,)) for t in ("wasm32-wasip2", "wasm32-wasip1")]
        for t in threads:
            t.start()
        kit.until(lambda: figures.read(c.status_url)["outlayer_polls_waiting"] == 2)
        start = time.monotonic()
        c.create(5)
        threads[1].join(60)
        check("a parked poll wakes before its end", time.monotonic() - start < 25, time.monotonic() - start)
        equal("the one that can do it", [(k, a["task"]["request_id"]) for k, (s, a) in got], [("wasm32-wasip1", 5)])
        c.stop()
        threads[0].join(60)
        equal("the other is answered at the stop", got[1][1][0], 204)


def test_at_hand():
    """Of workers that wait, who says that it has a request's module gets it, and not who waited longest."""
    source = lambda repo: hashlib.sha256(f"https://example.com/{repo}\nmain\nwasm32-wasip1".encode()).hexdigest()[:16]
    with coordinator() as c:
        for wrong in ("x" * 16, source("a/b")[:15], source("a/b") + ",,", ",".join([source("a/b")] * 33)):
            equal(f"at_hand={wrong[:20]} is refused", c.poll(at_hand=wrong)[0], 400)
        equal("32 are taken, and so is none", (c.poll(at_hand=",".join([source("a/b")] * 32))[0], c.poll(at_hand="")[0]),
              (204, 204))
        got, threads = {}, []
        for worker, at_hand in (("longest", source("c/d")), ("has it", f"{source('c/d')},{source('a/b')}")):
            threads.append(threading.Thread(target=lambda *a: got.update({a[0]: c.poll(30, *a)}),
                                            args=(worker, None, at_hand)))
            threads[-1].start()
            kit.until(lambda: figures.read(c.status_url)["outlayer_polls_waiting"] == len(threads))
            equal("nothing is there", c.poll()[0], 204)  # whoever came before this one waits by now
        c.create(1)
        threads[1].join(60)
        equal("who has it gets it", [(k, a["task"]["request_id"]) for k, (s, a) in got.items()], [("has it", 1)])
        c.create(2)
        threads[0].join(60)
        equal("nobody is waited for", got["longest"][1]["task"]["request_id"], 2)


def test_turns_and_deadlines():
    with coordinator() as c:
        for i in (1, 2, 3):
            c.create(i, payer_id="many.test.near")
            equal("the payer is shown", c.job(i)["payer_id"], "many.test.near")
        c.create(4, payer_id="one.test.near")
        taken = [c.poll()[1] for _ in range(4)]
        equal("payers take turns", [x["task"]["request_id"] for x in taken], [1, 4, 2, 3])
        for x in taken:  # an unconfirmed lease would come back below
            c.complete(x["task"]["request_id"], x["lease"]["token"])
        now = int(time.time() * 1000)
        c.create(5, dead_at_ms=now + 10000, payer_id=None)
        equal("whoever names no payer pays", c.job(5)["payer_id"], "alice.test.near")
        status, answer = c.poll(30, capabilities="nothing-of-this")
        equal("too late to begin", (status, answer["task"]["request_id"], answer["too_late"]), (200, 5, True))
        check("in the last tenth of its time", now + 8900 < time.time() * 1000)
        c.complete(5, answer["lease"]["token"], outcome="expired", failure="platform", error="nobody had time for it")
        c.create(6, dead_at_ms=int(time.time() * 1000) + 60000)
        status, answer = c.poll(30)
        check("in time", answer["task"]["request_id"] == 6 and "too_late" not in answer, answer)
        equal("an extension", c.beat(6, answer["lease"]["token"], dead_at_ms=now + 600000)[0], 200)
        for wrong in (-1, "soon", 1.5, {}):
            equal(f"a deadline of {wrong}", c.create(7, dead_at_ms=wrong)[0], 400)


def test_poll_times():
    with coordinator() as c:
        for text in ("0", "-5"):
            equal(f"timeout={text} answers", c.call("GET", f"/tasks/poll?timeout={text}")[0], 204)
        start = time.monotonic()
        equal("timeout=1", c.poll(1)[0], 204)
        check("waits that long", 0.9 < time.monotonic() - start < 25, time.monotonic() - start)
        start = time.monotonic()
        equal("timeout=99999999999999999999", c.poll("99999999999999999999")[0], 204)
        check("waits 30 s at most", 29 < time.monotonic() - start < 80, time.monotonic() - start)


def raw_poll(c, worker):
    s = socket.create_connection(("127.0.0.1", c.port))
    s.sendall(f"GET /tasks/poll?timeout=30&worker_id={worker} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {c.token}\r\n\r\n".encode())
    return s


def test_hung_up():
    with coordinator() as c:
        sockets = [raw_poll(c, f"gone{i}") for i in range(4)]
        kit.until(lambda: figures.read(c.status_url)["outlayer_polls_waiting"] == 4)
        for s in sockets:
            s.close()
        c.create(1)
        status, answer = c.poll(30)
        check("polls that hung up swallow nothing", status == 200 and answer["attempt"] == 1, (status, answer))
        c.complete(1, answer["lease"]["token"])
        mute = raw_poll(c, "mute")  # reads its lease, and dies before it confirms
        kit.until(lambda: figures.read(c.status_url)["outlayer_polls_waiting"] == 1)
        start = time.monotonic()
        c.create(2)
        mute.settimeout(kit.PATIENCE_SECONDS)
        check("somebody has it", mute.recv(65536).startswith(b"HTTP/1.1 200"))
        status, answer = c.poll(30, worker="next")
        took = time.monotonic() - start
        check("an unconfirmed lease comes back after 2 s", status == 200 and 1.8 < took, (status, took))
        equal("as the second attempt", answer["attempt"], 2)
        mute.close()


def test_lease_expiry():
    with coordinator() as c:
        c.create(1), c.create(2)
        start = time.monotonic()
        first, token = c.lease()
        equal("the first", first, 1)
        equal("is alive", c.beat(1, token, stage="running")[0], 200)
        kit.until(lambda: c.job(1)["state"] == "queued", step=0.1)
        took = time.monotonic() - start
        check("a silent lease ends after 15 s", 14.5 < took, took)
        equal("its heartbeat", c.beat(1, token)[0], 409)
        equal("its late report", c.complete(1, token)[0], 409)
        equal("changes nothing", c.job(1)["state"], "queued")
        status, answer = c.poll()
        equal("it is first in the queue again", (answer["task"]["request_id"], answer["attempt"]), (1, 2))


def test_unserved():
    with coordinator(EXECUTION_EXPIRES_SECONDS="1") as c:
        c.create(1)
        kit.until(lambda: c.job(1)["state"] == "expired")
        job = c.job(1)
        equal("nobody served it", (job["state"], job["outcome"]), ("expired", "expired"))
        equal("not handed out", c.poll()[0], 204)
        equal("counted", c.call("GET", "/public/stats", token=None)[1]["expired_executions"], 1)


# --- crashes

def lease_rows(c):
    return int(sql(c, "SELECT count(*) FROM queue_items WHERE lease_hash IS NOT NULL")[0][0])


def test_crash():
    with coordinator() as c:
        c.create(1), c.create(2), c.create(3)
        _, token1 = c.lease()
        _, token2 = c.lease()
        c.complete(1, token1, instructions=5)
        c.beat(2, token2, stage="running")
        kit.until(lambda: lease_rows(c) == 1)
        c.call("POST", "/wasm/upload?sha256=" + hashlib.sha256(b"module").hexdigest(), b"module")
        c.kill()
        d = again(c)
        try:
            equal("what was completed stays so", (d.job(1)["state"], d.job(1)["outcome"]), ("settled", "success"))
            equal("its report again, after a crash", d.complete(1, token1, instructions=5), (200, {"changed": False}))
            equal("with another token", d.complete(1, token2)[0], 409)
            equal("what was held is held", (d.job(2)["attempt"], d.job(2)["worker_id"]), (1, "w1"))
            equal("a lease from before", d.beat(2, token2)[0], 200)
            equal("all others are queued", [d.poll()[0], d.poll()[0]], [200, 204])
            equal("its report", d.complete(2, token2), (200, {"changed": True}))
            equal("is taken once", d.complete(2, token2), (200, {"changed": False}))
            equal("created before, known now", d.create(3), (200, {"request_id": 3, "created": False}))
            stats = d.call("GET", "/public/stats", token=None)[1]
            equal("counts come back",
                  (stats["total_executions"], stats["successful_executions"], stats["instructions_used"]), (3, 2, 5))
            equal("the module too", d.call("GET", "/wasm/" + hashlib.sha256(b"module").hexdigest(), token=None),
                  (200, b"module"))
        finally:
            d.kill()


def test_planned_restart():
    """No lease is lost that was given before, however shortly."""
    with coordinator() as c:
        c.create(1), c.create(2)
        _, first = c.lease()
        status, second = c.poll(worker="w2")
        equal("stopped", c.stop(), 0)
        d = again(c)
        try:
            equal("both are held", [(d.job(i)["worker_id"], d.job(i)["attempt"]) for i in (1, 2)], [("w1", 1), ("w2", 1)])
            equal("nothing is handed out twice", d.poll()[0], 204)
            equal("the first report", d.complete(1, first), (200, {"changed": True}))
            equal("the second", d.complete(2, second["lease"]["token"]), (200, {"changed": True}))
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
        kit.until(lambda: len(done) > 200)
        c.kill()
        stop.set()
        for t in threads:
            t.join(kit.PATIENCE_SECONDS)
        d = again(c)
        try:
            stored = {int(row[0]) for row in sql(c, "SELECT request_id FROM executions")}
            equal(f"all of {len(done)}", sorted(set(done) - stored), [])
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
            check("a second process on a home is refused", "lock" in str(e) or "in use" in str(e) or "held" in str(e),
                  e)


def test_one_file_one_coordinator():
    """Two coordinators over one file of SQLite would give every execution out twice, also where each has its own home."""
    with kit.folder() as folder:
        url = f"sqlite://{folder}/executions.db"
        one = Coordinator(os.path.join(folder, "one"), DATABASE_URL=url)
        try:
            Coordinator(os.path.join(folder, "two"), DATABASE_URL=url).kill()
            check("a second one is refused", False)
        except RuntimeError as e:
            check("a second one is refused", "held by another coordinator" in str(e) and "PostgreSQL" in str(e), e)
        one.stop()
        Coordinator(os.path.join(folder, "two"), DATABASE_URL=url).stop()
        check("not when the first has ended", True)


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
        equal("a lock", c.call("POST", f"/cargo-lock/upload?sha256={named}", lock),
              (201, {"sha256": named, "size": len(lock)}))
        equal("is served to anybody", kit.http("GET", f"{c.url}/cargo-lock/{named}")[::2], (200, lock))
        equal("is no module", c.call("GET", f"/wasm/{named}")[0], 404)
        equal("a lock that is too large", c.call("POST", f"/cargo-lock/upload?sha256={named}", bytes((1 << 20) + 1))[0],
              413)


def record(key, seed=b"\1" * 32, **more):
    r = {"build_key": hashlib.sha256(key).hexdigest(), "wasm_hash": "cd" * 32, "repo": "https://example.com/a/b",
         "commit": "e" * 40, "target": "wasm32-wasip1", "toolchain": "clang 1", "built_at": 1764000000, "build_ms": 900,
         "lock_hash": "ab" * 32, "lock_made": 1764000000, **more}
    text = lambda s: len(s.encode()).to_bytes(4, "little") + s.encode()
    signed = (text("outlayer-build-v2") + bytes.fromhex(r["build_key"]) + bytes.fromhex(r["wasm_hash"]) + text(r["repo"]) +
              text(r["commit"]) + text(r["target"]) + text(r["toolchain"]) + r["built_at"].to_bytes(8, "little") +
              r["build_ms"].to_bytes(8, "little") + bytes.fromhex(r["lock_hash"]) + r["lock_made"].to_bytes(8,
                                                                                                            "little"))
    k = near.Key(seed)
    return {**r, "public_key": k.public,
            "signature": base64.b64encode(k.sign(hashlib.sha256(signed).digest())).decode()}


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
        equal("of its folder",
              c.call("GET", "/public/wasm/info?repo=https://example.com/a/b//c", token=None)[1]["exists"], False)
        equal("of nothing", c.call("GET", "/public/wasm/info?repo=git@example.com:a/b", token=None)[0], 400)
        equal("of another commit",
              c.call("GET", "/public/wasm/info?repo=https://example.com/a/b&commit=x", token=None)[1]["exists"], False)
        everybody = lambda: c.call("GET", path + "?all=true")[1]["records"]
        equal("those of all signers are a list", everybody(), [good])
        c.call("PUT", path, {**record(b"a", built_at=1763999999)})  # anybody may show what was signed once
        equal("an earlier one of its signer changes nothing", everybody(), [good])
        later = record(b"a", built_at=1764000001, wasm_hash="ef" * 32)
        equal("a later one", c.call("PUT", path, later)[0], 200)
        equal("takes its place", everybody(), [later])
        mine = token_of(c.home, "mallory")
        for i in range(2, 9):
            equal("another signer's", c.call("PUT", path, record(b"a", bytes([i]) * 32), token=mine)[0], 200)
            time.sleep(0.002)  # their order is that of milliseconds
        kept = everybody()
        equal("of one token a few are kept, the newest", [r["public_key"] for r in kept if r != later],
              [record(b"a", bytes([i]) * 32)["public_key"] for i in (8, 7, 6, 5)])
        check("and nobody's record became another's", later in kept, kept)
        c.kill()
        d = again(c)
        equal("survives a crash", d.call("GET", path + "?all=true")[1]["records"], kept)
        d.kill()


def test_locks():
    with coordinator() as c:
        key = "compile:https://example.com/a/b#main ü"
        take = lambda worker, ttl=60: c.call("POST", "/locks/acquire",
                                             {"lock_key": key, "worker_id": worker, "ttl_seconds": ttl})[1]
        drop = lambda worker: c.call("DELETE", f"/locks/release/{urllib.parse.quote(key, safe='')}?worker_id={worker}")
        equal("taken", take("w1"), {"acquired": True, "holder": "w1", "expires_in_seconds": 60})
        equal("by nobody else", {k: v for k, v in take("w2").items() if k != "expires_in_seconds"},
              {"acquired": False, "holder": "w1"})
        equal("again by its holder", take("w1")["acquired"], True)
        equal("released by another", (drop("w2")[0], take("w2")["acquired"]), (403, False))
        equal("released by nobody", c.call("DELETE", f"/locks/release/{urllib.parse.quote(key, safe='')}")[0], 400)
        equal("released", drop("w1"), (200, {"released": True}))
        equal("once", drop("w1"), (200, {"released": False}))
        equal("free for the other", take("w2", 1)["acquired"], True)
        check("a lock ends by itself", kit.until(lambda: take("w1")["acquired"]))


def test_workers():
    """What workers say is shown to all, as it is described: if this fails, one of them breaks the page of all workers."""
    with coordinator(CORS_ALLOWED_ORIGINS="https://a.example, https://b.example") as c:
        said = {"worker_id": "w1", "version": "1", "capabilities": ["run"], "building": 0, "running": 1,
                "free_slots": 0}
        equal("heartbeat", c.call("POST", "/workers/heartbeat", said)[0], 200)
        row = c.call("GET", "/public/workers", token=None)[1][0]
        equal("listed", {k: row[k] for k in said}, said)
        equal("busy", (row["status"], row["last_seen_ms"] < 60000), ("busy", True))
        equal("counted", c.call("GET", "/public/stats", token=None)[1]["active_workers"], 1)
        for number, outcome in ((1, "success"), (2, "success"), (3, "guest_failed"), (4, "refused"), (5, "expired")):
            c.complete(*c.lease(number), outcome=outcome)
        c.lease(6)  # what is under way is no end
        c.call("POST", "/workers/heartbeat", {**said, "total_tasks_failed": 0, "ended_executions": 9, "started_at_ms": 1,
                                              "block_height": 70, "blocks_behind": 3})
        shown = kit.until(lambda: (row := c.call("GET", "/public/workers", token=None)[1][0])["ended_executions"] == 5 and row)
        equal("what it ended, as it was counted here and not as it says", [shown[k] for k in (
            "ended_executions", "successful_executions", "failed_executions", "refused_executions", "expired_executions",
            "total_tasks_completed", "total_tasks_failed", "worker_name", "current_task_id")], [5, 2, 1, 1, 1, 2, 3, "w1", None])
        equal("what is null it does not say", c.call("POST", "/workers/heartbeat", {
            "worker_id": "w2", "version": None, "capabilities": None, "building": None, "free_slots": "0", "own": "x"})[0], 200)
        row = kit.until(lambda: [w for w in c.call("GET", "/public/workers", token=None)[1] if w["worker_id"] == "w2"])[0]
        equal("and a number is shown as one", ({"version", "capabilities", "building"} & set(row), row["free_slots"], row["status"],
              row["own"]), (set(), 0, "busy", "x"))
        equal("where it stands", (shown["block_height"], shown["blocks_behind"], shown["uptime_seconds"] > 10**9), (70, 3, True))
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
        equal("by request", sorted(j["contract_id"] for j in c.jobs("?request_id=1")[1]),
              sorted([CONTRACT, "other.test.near"]))
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
            asked.append(body["params"].get("method_name", body["method"]))
            gate.wait(60)
            height = 40 + asked.count("block")
            block = {"header": {"height": height, "timestamp_nanosec": "1", "timestamp": 1, "hash": "1" * 32}}
            value = lambda: list(json.dumps({"get_pricing": ["10", "1", "2", "3"], "get_max_limits": [5, 6, 7],
                                             "get_memory_limit": 8}[body["params"]["method_name"]]).encode())
            raw = json.dumps({"jsonrpc": "2.0", "id": body["id"], "result": block if body["method"] == "block" else {
                "result": value(), "logs": [], "block_height": height, "block_hash": "1" * 32}}).encode()
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
        threads = [threading.Thread(target=lambda: answers.append(c.call("GET", "/public/pricing", token=None)))
                   for _ in range(8)]
        for t in threads:
            t.start()
        kit.until(lambda: asked)
        for i in range(1, 20):
            c.create(i)
        equal("others do not wait for it", answers, [])
        gate.set()
        for t in threads:
            t.join(60)
        equal("all get the prices", answers, [(200, {
            "base_fee": "10", "per_instruction_fee": "1", "per_ms_fee": "2", "per_compile_ms_fee": "3", "max_instructions": 5,
            "max_execution_seconds": 6, "max_compilation_seconds": 7, "max_memory_mb": 8, "block_height": 41})] * 8)
        equal("the chain was asked once", asked, ["block", "get_pricing", "get_max_limits", "get_memory_limit"])
        equal("and its answer is kept", (c.call("GET", "/public/pricing", token=None)[0], len(asked)), (200, 4))
        anew = lambda: c.call("POST", "/public/pricing/refresh", token=None)[1]["block_height"]
        equal("anew, soon after", (anew(), len(asked)), (41, 4))
        equal("anew, a while later", kit.until(lambda: anew() == 42 and len(asked) == 8, step=0.5), True)
        gate.clear()
    with coordinator(NEAR_RPC_URL=url, OFFCHAINVM_CONTRACT_ID=CONTRACT) as c:
        answers = []
        t = threading.Thread(target=lambda: answers.append(c.call("GET", "/public/pricing", token=None)[0]))
        t.start()
        kit.until(lambda: len(asked) == 9)
        start = time.monotonic()
        equal("a stop does not wait for the chain", c.stop(), 0)
        t.join(60)
        check("and answers who waits", answers == [503] and time.monotonic() - start < 8,  # of 10 s
              (answers, time.monotonic() - start))
    gate.set()
    chain.shutdown()


if __name__ == "__main__":
    kit.main(globals())
