#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What daemons tell their operators and let them do: readiness, figures, draining with work under way, admin routes,
one request's id in all logs."""
import contextlib, json, os, pty, re, subprocess, time
from unittest import mock

import databases, figures, kit
from coordinator_world import Coordinator, again, coordinator

from kit import check, equal
from worker_world import CONTRACT, ECHO, World, c_repo

TOKEN = "operators-token"


def admin(daemon, method, path, body=None, token=TOKEN):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    status, _, raw = kit.http(method, daemon.status_url + path, body, headers)
    return status, json.loads(raw) if raw else None


def ready(daemon):
    status, _, body = kit.get(daemon.status_url + "/readyz")
    return status, body.decode()


def running(w, id):
    return w.coordinator.wait(lambda: any(b["request_id"] == id and b.get("stage") == "running"
                                          for b in w.coordinator.beats))


def test_a_worker_tells_what_it_does():
    with kit.folder() as home:
        w = World(home)
        repo = c_repo(w, "echo", ECHO)
        with w.worker(NEAR_RPC_URL=f"http://127.0.0.1:1/secret-path?key=k,{w.net.url}", ENABLE_EVENT_MONITOR="true",
                      NEARDATA_API_URL=w.net.url) as worker:
            equal("it lives", kit.get(worker.status_url + "/healthz")[0], 200)
            check("it gets ready", kit.until(lambda: ready(worker)[0] == 200), ready(worker))
            for text in ("a", "b"):
                id, tx, _ = w.request(repo, text, record=False)
                equal(f"'{text}' is answered", w.answer(tx)[1], text)
                check("and reported", w.coordinator.report(id))
            kit.until(lambda: figures.read(worker.status_url)["outlayer_worker_answers_followed"] == 0)
            f = figures.read(worker.status_url)
            equal("a build", f['outlayer_worker_builds_total{end="ok"}'], 1)
            equal("whose module was had again", f['outlayer_worker_modules_total{from="cache"}'], 1)
            equal("runs", figures.total(f, "outlayer_worker_runs_total"), 2)
            equal("one of them compiled", [f[f'outlayer_worker_code_total{{from="{x}"}}']
                                           for x in ("cache", "compilation")], [1, 1])
            equal("answers", f['outlayer_worker_answers_total{class="success"}'], 2)
            equal("of which it knows the fate", f["outlayer_worker_transaction_seconds_count"], 2)
            equal("none is stuck", f["outlayer_worker_settlers_stuck"], 0)
            check("what the key may spend and what pays for it", 0 < f["outlayer_worker_key_allowance_near"] <= 10
                  and f["outlayer_worker_balance_near"] > 50, f)
            check("how far the monitor is", f["outlayer_worker_monitor_cursor"] > 0
                  and f["outlayer_worker_monitor_lag_blocks"] < 300, f)
            bad = 'outlayer_rpc_errors_total{number="1",server="127.0.0.1:1"}'
            check("which server fails", f[bad] > 0 and figures.total(f, "outlayer_rpc_errors_total", number="2") == 0,
                  {k: v for k, v in f.items() if "rpc" in k})
            _, _, shown = kit.get(worker.status_url + "/metrics")
            check("and no key of its address", b"secret-path" not in shown)
            w.coordinator.gone = True
            equal("without a coordinator", kit.until(lambda: ready(worker)[0] == 503, 90), True)
            check("it is not ready, and says why", "coordinator" in ready(worker)[1], ready(worker))


def test_a_worker_drains():
    with kit.folder() as home:
        w = World(home)
        repo = c_repo(w, "echo", ECHO)
        limits = {"max_execution_seconds": 60}
        with w.worker(ADMIN_BEARER_TOKEN=TOKEN, DRAIN_SECONDS="40") as worker:
            equal("nobody drains it without the token", admin(worker, "POST", "/admin/drain", token="x")[0], 401)
            id, tx, _ = w.request(repo, "nap5", resource_limits=limits)
            check("a run is under way", running(w, id))
            equal("its operator drains it", admin(worker, "POST", "/admin/drain"), (202, {"draining": True}))
            equal("and may say so again", admin(worker, "POST", "/admin/drain"), (202, {"draining": True}))
            check("which shows", kit.until(lambda: ready(worker)[0] == 503) and "draining" in ready(worker)[1])
            later, _, _ = w.request(repo, "later")
            equal("the run ends as if nothing were", w.answer(tx)[1], "rested")
            equal("and is reported", (w.coordinator.report(id) or {}).get("outcome"), "success")
            equal("then it ends", worker.process.wait(60), 0)
            check("and took nothing new", later not in w.coordinator.leases
                  and not any(x["request_id"] == id for x in w.coordinator.failed), w.coordinator.failed)
        with w.coordinator.changed:
            w.coordinator.queue.clear()
        with w.worker(DRAIN_SECONDS="2") as worker:
            equal("without a token there is nothing to ask", admin(worker, "POST", "/admin/drain")[0], 404)
            id, _, _ = w.request(repo, "nap30", resource_limits=limits)
            check("another run is under way", running(w, id))
            began = time.monotonic()
            worker.signal(15)
            equal("SIGTERM ends it", worker.process.wait(60), 0)
            check("when its time is over", 1.5 < time.monotonic() - began < 28, time.monotonic() - began)
            check("and the run is handed back", any(x["request_id"] == id and x["retry"] for x in w.coordinator.failed),
                  w.coordinator.failed)


def test_a_coordinator_tells_what_it_does():
    with coordinator(LOG_LEVEL="info", LOG_FORMAT="json") as c:
        equal("it is ready", ready(c), (200, "ready\n"))
        c.create(1)
        id, token = c.lease()
        c.beat(id, token, stage="running")
        c.complete(id, token)
        c.create(2)
        _, lease = c.poll(30, worker='w"2')
        f = kit.until(lambda: (lambda f: f if f["outlayer_leases_lost_total"] else None)(figures.read(c.status_url)))
        equal("who loses a lease", f['outlayer_leases_lost_by_worker_total{worker="w\\"2"}'], 1)
        check("how old the queue is", 0 < f["outlayer_queue_oldest_seconds"] < 60, f["outlayer_queue_oldest_seconds"])
        equal("how long one that ended was in each state",
              [f[f'outlayer_execution_state_seconds_count{{state="{x}"}}']
               for x in ("queued", "leased", "building", "running", "submitting")], [1, 1, 0, 1, 0])
        check("how long commits take", f["outlayer_writer_commit_seconds_count"] >= 3
              and f["outlayer_writer_waiting"] == 0, f)
        equal("how long answers take, by route", f['outlayer_http_answer_seconds_count{route="POST /tasks/create"}'], 2)
        c.call("GET", "/secrets/pubkey?repo=a/b&owner=a.near", token=None)
        f = figures.read(c.status_url)
        equal("why something cannot be had",
              f['outlayer_http_unavailable_total{reason="secrets are not offered by this deployment"}'], 1)
        public = figures.parse(c.call("GET", "/metrics", token=None)[1].decode())
        check("everybody sees what /public/stats says, and no more",
              public['outlayer_executions_ended_total{outcome="success"}'] == 1
              and not [k for k in public if "http" in k or "writer" in k or "lost" in k or "process" in k], public)
        hostile = 'x"}\n{"level":"error"\r\x1b[2J'
        c.call("POST", "/tasks/fail", {"contract_id": CONTRACT, "request_id": 2, "token": lease["lease"]["token"],
                                       "reason": hostile}, headers={"X-Request-Id": "my-call-1"})
        lines = [json.loads(line) for line in c.output().splitlines()]
        said = [line for line in lines if "my-call-1" in (line.get("call_id"), line.get("request_id"))]
        check("the log is an object a line, whatever a worker says", said and said[0]["message"].endswith("[2J")
              and said[0]["request_id"] == f"{CONTRACT}/2" and said[0]["daemon"] == "outlayer-coordinator", said)
        status, headers, _ = kit.http("GET", c.url + "/health", headers={"X-Request-Id": "a b"})
        check("an id that is none is not taken", headers["X-Request-Id"] and " " not in headers["X-Request-Id"])


def test_one_request_has_one_name_in_all_logs():
    with kit.folder() as home, mock.patch.dict(os.environ, LOG_FORMAT="json", LOG_LEVEL="info"):
        w = World(home)
        repo = c_repo(w, "echo", ECHO)
        keystore = w.keystore()
        w.store_secret(keystore, repo, "prod")
        w.coordinator = Coordinator(os.path.join(home, "coordinator"), REQUIRE_AUTH="false", NEAR_RPC_URL=w.net.url,
                                    OFFCHAINVM_CONTRACT_ID=CONTRACT, KEYSTORE_BASE_URL=keystore.url,
                                    KEYSTORE_AUTH_TOKEN="seal")
        with w.worker(ENABLE_EVENT_MONITOR="true", NEARDATA_API_URL=w.net.url, START_BLOCK_HEIGHT="1") as worker:
            id, tx, _ = w.request(repo, "hello", record=False,
                                  secrets_ref={"profile": "prod", "account_id": "alice.test.near"})
            equal("it is answered", w.answer(tx)[1], "hello")
            kit.until(lambda: w.coordinator.job(id)["outcome"])
            said = {d.name: [json.loads(line) for line in d.output().splitlines()]
                    for d in (worker, w.coordinator, keystore)}
            about = {name: [x["message"] for x in lines if x.get("request_id") == f"{CONTRACT}/{id}"]
                     for name, lines in said.items()}
            for name, words in (("outlayer-worker", ("seen in block", "leased contract", "build end=ok", "run end=",
                                                     "answered class=success", "settled")),
                                ("outlayer-coordinator", ("recorded", "request ended: success")),
                                ("outlayer-keystore", ("secrets given",))):
                equal(f"{name} names it", [x for x in words if not any(x in m for m in about[name])], [])
            check("each line says when, how bad and who", all(
                {"time", "level", "daemon", "message"} <= x.keys() and x["daemon"] == name
                for name, lines in said.items() for x in lines))


def test_the_page_has_every_figure():
    """An operator finds on the page what he sees, and what he reads about is there."""
    with open(os.path.join(kit.ROOT, "docs", "operate.md")) as f:
        page = set(re.findall(r"`((?:outlayer|process)_[a-z_]+)(?:\{[a-z,]+\})?`", f.read()))
    shown = set()

    def names(daemon):
        figures.read(daemon.status_url)
        return set(re.findall(r"(?m)^# TYPE (\S+)", kit.get(daemon.status_url + "/metrics")[2].decode()))
    with kit.folder() as home:
        w = World(home)
        equal("the devnet lives", kit.get(w.net.status_url + "/healthz")[0], 200)
        keystore = w.keystore()
        kit.get(keystore.status_url + "/readyz")
        with w.worker(ENABLE_EVENT_MONITOR="true", NEARDATA_API_URL=w.net.url) as worker, coordinator() as c, \
                databases.postgres() as server, databases.redis() as redis, \
                coordinator(DATABASE_URL=server.database()) as on_postgres, \
                coordinator(DATABASE_URL=server.database(), REDIS_URL=redis.url) as one_of_several:
            kit.until(lambda: "outlayer_worker_balance_near" in figures.read(worker.status_url)
                      and "outlayer_worker_monitor_cursor" in figures.read(worker.status_url))
            equal("a coordinator on PostgreSQL shows what one on SQLite does", names(on_postgres) ^ names(c), set())
            for d in (keystore, worker, c, one_of_several, w.net):
                shown |= names(d)
    equal("on the page and not shown", page - shown, set())
    equal("shown and not on the page", shown - page, set())


def settings_of_the_page():
    """{program: {name: (default, meaning)}} as docs/operate.md has them; a link to another section counts for nothing."""
    with open(os.path.join(kit.ROOT, "docs", "operate.md")) as f:
        parts = re.split(r"(?m)^### ", f.read().partition("\n## Settings\n")[2])[1:]
    return {part.split("\n")[0]: {name: (default.strip(" `"), re.sub(r"; see \[.*?\]\(.*?\)", "", meaning)) for
                                  name, default, meaning in
                                  re.findall(r"(?m)^\| `(\w+)` \| (.*?) \| (.*) \|$", part)} for part in parts}


def settings_of_the_help(program):
    shown = {}
    text = subprocess.run([kit.program(program), "--help"], capture_output=True, text=True).stdout
    for name, told in re.findall(r"(?m)^  ([A-Z]\w+) +(.*)$", text):
        told, secret = re.subn(r" \[secret: also as NAME_FILE\]$", "", told)
        default = re.search(r" \(([^()]*(?:\([^()]*\))?[^()]*)\)$", told)
        meaning = (told[:default.start()] if default else told).removesuffix("; docs/operate.md")
        shown[name] = ({"required": "needed"}.get(default[1], default[1]) if default else "",
                       ("secret; " if secret else "") + meaning)
    return shown


def test_the_page_has_every_setting():
    """An operator reads on the page the defaults and meanings that the program has."""
    for program, page in settings_of_the_page().items():
        shown = settings_of_the_help(program)
        check(f"{program} has settings", len(shown) > 10, shown)
        equal(f"{program} on the page", page, shown)


def test_acts_of_the_operator():
    with coordinator() as c:
        equal("without a token there are none", [admin(c, m, p)[0] for m, p in (
            ("POST", "/admin/requeue"), ("POST", "/admin/cancel"), ("POST", "/admin/bench"), ("GET", "/admin/bench"),
            ("POST", "/admin/drain"))], [404] * 5)
        equal("and never on the port of all", c.call("POST", "/admin/drain")[0], 404)
    with coordinator(ADMIN_BEARER_TOKEN=TOKEN, LOG_LEVEL="info") as c:
        equal("with one they want it", [admin(c, "POST", "/admin/requeue", {}, t)[0] for t in (None, "x", c.token)],
              [401] * 3)
        key = {"contract_id": CONTRACT, "request_id": 1}
        id, token = c.lease(1)
        equal("a lease is taken away", admin(c, "POST", "/admin/requeue", key), (200, {"done": "queued again"}))
        equal("its worker learns it", c.beat(1, token)[0], 409)
        status, answer = c.poll(0, worker="w2")
        equal("the next one has it at once", (status, answer and answer["attempt"]), (200, 2))
        second = answer["lease"]["token"]
        equal("a worker is benched", admin(c, "POST", "/admin/bench", {"worker_id": "w3", "seconds": 60})[0], 200)
        c.create(2)
        status, answer = c.poll(0, worker="w3")
        equal("and gets nothing", (status, answer["error"]["code"]), (503, "unavailable"))
        equal("what it has it may end", c.report("fail", 1, second, reason="x")[0], 200)
        equal("it is on the list", [x["worker_id"] for x in admin(c, "GET", "/admin/bench")[1]], ["w3"])
        equal("and off it", [admin(c, "DELETE", "/admin/bench/w3")[0] for _ in (1, 2)], [204, 404])
        status, answer = c.poll(5, worker="w3")
        equal("then it gets its share", status, 200)
        last = answer["task"]["request_id"], answer["lease"]["token"]
        why = {"contract_id": CONTRACT, "request_id": last[0], "reason": "no use"}
        equal("a leased one is cancelled", admin(c, "POST", "/admin/cancel", why), (200, {"done": "cancelled"}))
        equal("its worker learns it", c.complete(*last)[0], 409)
        job = c.job(last[0])
        check("lists say so", job["outcome"] == "refused" and "cancelled by the operator: no use" in job["error"], job)
        equal("once is enough", admin(c, "POST", "/admin/cancel", why)[0], 200)
        equal("what was never here", admin(c, "POST", "/admin/cancel", {**key, "request_id": 99})[0], 404)
        equal("nor is it queued", admin(c, "POST", "/admin/requeue", {**key, "request_id": 99})[0], 404)
        for bad in ({}, {**key, "x": 1}, {"contract_id": 1, "request_id": 1}, {**key, "request_id": -1}, []):
            equal(f"{bad} is refused", [admin(c, "POST", p, bad)[0] for p in ("/admin/requeue", "/admin/cancel")],
                  [400, 400])
        equal("and a worker without a name", admin(c, "POST", "/admin/bench", {"worker_id": ""})[0], 400)
        check("all of it stands in the log", all(x in c.output() for x in (
            "queued again by the operator", "worker w3 is benched by the operator for 60 s", "w3 may take leases again",
            f"[{CONTRACT}/{last[0]}", "cancelled by the operator")), c.output())


def operator(daemon, *argv, at=None, **env):
    """What `outlayer admin` ends with and says."""
    env = {**os.environ, "ADMIN_BEARER_TOKEN": TOKEN, **env}
    done = subprocess.run([kit.program("outlayer"), "admin", *argv, "--at", at or daemon.status_url],
                          env={k: v for k, v in env.items() if v is not None}, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout.strip(), done.stderr


def typed(daemon, answer, *argv):
    """The same at a terminal, where it asks for the token; what the terminal shows."""
    pid, tty = pty.fork()
    if pid == 0:
        env = {k: v for k, v in os.environ.items() if not k.startswith("ADMIN_")}
        os.execve(kit.program("outlayer"), ["outlayer", "admin", *argv, "--at", daemon.status_url], env)
    screen = b""
    with contextlib.suppress(OSError):  # its last reader's end
        while piece := os.read(tty, 4096):
            screen += piece
            if screen.endswith(b"(not shown): "):
                os.write(tty, answer.encode() + b"\n")
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), screen.decode()


def test_the_operators_command():
    with coordinator(ADMIN_BEARER_TOKEN=TOKEN) as c, kit.folder() as home:
        id, token = c.lease(1)
        one = f"{CONTRACT}/1"
        equal("a lease is taken away", operator(c, "requeue", one)[:2], (0, f"{one} is queued again"))
        equal("its worker learns it", c.beat(1, token)[0], 409)
        status, said, _ = operator(c, "cancel", one, "--reason", "no use", "--json")
        equal("cancelled", (status, json.loads(said)), (0, {"done": "cancelled"}))
        check("with its reason", "no use" in c.job(1)["error"], c.job(1))
        _, token = c.lease(2)
        c.complete(2, token, build_log="cc\x1b[2J a.c", guest_stderr="no luck\n")
        equal("what was said", operator(c, "logs", f"{CONTRACT}/2")[:2],
              (0, "the build said:\ncc?[2J a.c\nthe guest wrote to its standard error:\nno luck"))
        equal("as it was told", json.loads(operator(c, "logs", f"{CONTRACT}/2", "--json")[1]),
              {"build_log": "cc\x1b[2J a.c", "guest_stderr": "no luck\n"})
        equal("a worker is benched", operator(c, "bench", "w 1/x", "--seconds", "6000")[:2],
              (0, "worker w 1/x gets no new leases for 6,000 s"))
        listed = json.loads(operator(c, "benches", "--json")[1])["benched"]
        equal("it is on the list", [x["worker_id"] for x in listed], ["w 1/x"])
        check("for people, too", operator(c, "benches")[1].startswith("w 1/x  "))
        equal("and off it", operator(c, "unbench", "w 1/x", "--json")[:2], (0, '{"done":"unbenched"}'))
        equal("which is empty then", operator(c, "benches")[:2], (0, "no worker is benched"))
        for argv, words in ((("unbench", "w2"), "is not benched"), (("requeue", f"{CONTRACT}/99"), "was never here"),
                            (("logs", f"{CONTRACT}/99"), "is not known here"), (("logs", "x"), "names no request"),
                            (("requeue", "17"), "names no request"), (("requeue", f"{CONTRACT}/x"), "names no request"),
                            (("requeue",), "it is not said what to requeue"), (("drain", "w1"), "takes no TARGET"),
                            (("bench", "w1", "--seconds", "0"), "'seconds' is 1 to"), ((), "say what to do"),
                            (("bench", "w1", "--reason", "x"), "takes no --reason")):
            status, said, err = operator(c, *argv)
            check(f"{argv} is refused with a sentence", status == 2 and words in err and not said, (status, said, err))
        status, _, err = operator(c, "benches", ADMIN_BEARER_TOKEN="x")
        check("a wrong token", status == 2 and "not the operator's token" in err, err)
        status, _, err = operator(c, "benches", ADMIN_BEARER_TOKEN=None)
        check("none", status == 2 and "token is missing" in err and "ADMIN_BEARER_TOKEN_FILE" in err, err)
        status, _, err = operator(c, "benches", at=c.url)
        check("not a status listener", status == 2 and "no such path" in err and "STATUS_LISTEN" in err, err)
        status, _, err = operator(c, "benches", at="http://127.0.0.1:1")
        check("nobody is there", status == 3 and "cannot reach http://127.0.0.1:1" in err, err)
        with open(os.path.join(home, "token"), "w") as f:
            f.write(TOKEN + "\n")
        equal("a token in a file", operator(c, "benches", ADMIN_BEARER_TOKEN=None, ADMIN_BEARER_TOKEN_FILE=f.name)[0], 0)
        status, screen = typed(c, TOKEN, "benches")
        check("or typed, and not shown", status == 0 and "no worker is benched" in screen and TOKEN not in screen, screen)
        equal("and typed wrong", typed(c, "x", "benches")[0], 2)
        equal("it drains", operator(c, "drain")[:2], (0, "it takes no new work, finishes what it has and ends"))
        equal("and ends", c.process.wait(kit.STOP_SECONDS), 0)


def test_a_coordinator_drains():
    with coordinator(ADMIN_BEARER_TOKEN=TOKEN, DRAIN_SECONDS="300") as c:
        id, token = c.lease(1)
        c.create(2)
        equal("its operator drains it", admin(c, "POST", "/admin/drain"), (202, {"draining": True}))
        check("which shows", kit.until(lambda: ready(c)[0] == 503) and "draining" in ready(c)[1])
        equal("on the port of all, too", c.call("GET", "/readyz", token=None)[0], 503)
        status, answer = c.poll(5)
        equal("no lease is given out", (status, answer["error"]["message"]), (503, "this coordinator drains"))
        equal("one that is held goes on", c.beat(id, token)[0], 200)
        equal("requests are still recorded", c.create(3)[0], 201)
        equal("and ended", c.complete(id, token)[0], 200)
        equal("then it ends", c.process.wait(kit.STOP_SECONDS), 0)
        with again(c) as c:
            got = {c.poll(30)[1]["task"]["request_id"] for _ in (1, 2)}
            equal("the next one has what was left", got, {2, 3})
    with coordinator(DRAIN_SECONDS="300") as c:
        id, token = c.lease(1)
        c.signal(2)
        check("a long drain begins", kit.until(lambda: ready(c)[0] == 503))
        c.signal(2)
        equal("a second Ctrl-C ends it at once", c.process.wait(kit.STOP_SECONDS), 0)
        with again(c) as c:
            equal("and a lease lasts over that, too", c.complete(id, token)[0], 200)
    with coordinator(DRAIN_SECONDS="1") as c:
        id, token = c.lease(1)
        c.signal(15)
        equal("SIGTERM is the same, for so long", c.process.wait(kit.STOP_SECONDS), 0)
        with again(c) as c:
            equal("and a lease lasts over it", c.complete(id, token)[0], 200)


if __name__ == "__main__":
    kit.main(globals())
