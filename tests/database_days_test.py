#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bad days of PostgreSQL under whole coordinators: answers that are lost, a server that is slow, silent, full, restarted,
out of connections or only a copy. Whoever asks hears of it soon, and with the next try finishes what the first began:
nothing is lost, and nothing is done twice."""
import collections, concurrent.futures, contextlib, json, os, signal, subprocess, threading, time

import databases, fleet_world, kit, worker_world
from coordinator_world import Coordinator, task
from fakes.database_line import DatabaseLine
from kit import check, equal

THREADS = 6
RUNS, AWAY_SECONDS = 6, 25
SOON = 25  # seconds, where a server is waited for 30 s without the timeout of a second that these coordinators have


class World:
    """Two coordinators that reach a server of their own over a line, as a user without privileges. apart: each over a line of
    its own, of which `line` is a's."""

    def __init__(self, home, server, apart=False, **env):
        self.home, self.server, self.line = home, server, DatabaseLine(server.port)
        self.lines = [self.line, DatabaseLine(server.port)] if apart else [self.line]
        self.name = server.database().split("?")[0].rsplit("/", 1)[1]
        server.sql(f"CREATE ROLE coordinators LOGIN PASSWORD '{server.password}'; "
                   f"ALTER DATABASE {self.name} OWNER TO coordinators")
        url = server.tcp.rsplit("/", 1)[0] + "/" + self.name
        urls = [line.url(url).replace("//outlayer:", "//coordinators:") for line in self.lines]
        self.env = {"REQUIRE_AUTH": "false", "DB_TIMEOUT_SECONDS": "1", "DB_POOL_SIZE": "2", **env}
        self.a, self.b = (Coordinator(f"{home}/{x}", DATABASE_URL=url, **self.env) for x, url in zip("ab", urls * 2))

    def sql(self, text):
        return self.server.sql(text, self.name)

    def token(self):
        where = {**os.environ, "DATABASE_URL": self.server.tcp.rsplit("/", 1)[0] + "/" + self.name}
        return subprocess.run([kit.program("outlayer"), "token", "create", "w"], env=where, capture_output=True, text=True,
                              check=True).stdout.strip()

    def end_connections(self):
        self.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'coordinators'")

    def counts(self):
        """Executions, those of them that are over, rows of the queue, and what the totals say of all ends."""
        return self.sql("SELECT (SELECT count(*) FROM executions), (SELECT count(state) FROM executions), (SELECT "
                        "count(*) FROM queue_items), (SELECT sum(created) FROM totals), (SELECT sum(succeeded) FROM totals)")


@contextlib.contextmanager
def world(settings=None, **env):
    with kit.folder() as home, databases.postgres(settings=settings) as server:
        w = World(home, server, **env)
        try:
            yield w
        finally:
            for line in w.lines:
                line.cut(False)
                line.silent(False)
            for c in (w.a, w.b):
                c.kill()
            for line in w.lines:
                line.close()


def ask(c, method, path, body=None):
    """(status, seconds, Retry-After, answer)"""
    began = time.monotonic()
    status, headers, raw = kit.http(method, c.url + path, body, timeout=120)
    return status, time.monotonic() - began, headers["Retry-After"], json.loads(raw) if raw[:1] in (b"{", b"[") else raw


def later(name, answered):
    """503 in time, and when to come again."""
    status, took, retry, answer = answered
    return check(f"{name}: 503 soon, and when to try again", status == 503 and took < SOON and retry and int(retry) >= 1,
                 answered)


def test_answers_are_lost():
    with world() as w:
        for number, fate, is_there in ((1, "after", "1"), (2, "before", "0")):
            w.line.break_at(fate, f"tx{number}".encode())
            later(f"a create, cut {fate} it is stored", ask(w.a, "POST", "/tasks/create", task(number)))
            equal("it is stored or not", w.sql(f"SELECT count(*) FROM executions WHERE request_id = {number}"), is_there)
            equal("the same again does it", w.a.create(number)[0], 201 if is_there == "0" else 200)
        leases, attempts = {}, {}
        for fate in ("after", "before"):
            worker = f"worker-{fate}"
            w.line.break_at(fate, worker.encode())
            status, answer = w.a.poll(30, worker=worker)
            if not equal(f"a poll, cut {fate} something is claimed for it, gets it", status, 200):
                continue
            number, token = answer["task"]["request_id"], answer["lease"]["token"]
            leases[number], attempts[number] = token, answer["attempt"]
            w.line.break_at(fate, b"submitting")
            key = {"contract_id": answer["task"]["contract_id"], "request_id": number, "token": token}
            later(f"a heartbeat, cut {fate} it is stored", ask(w.a, "POST", "/tasks/heartbeat", {**key, "stage": "submitting"}))
            equal("the lease is its worker's still", w.b.beat(number, token)[0], 200)
            w.line.break_at(fate, f"cut-{fate}".encode())
            end = {**key, "outcome": "success", "error": f"cut-{fate}", "instructions": 7}
            later(f"an end, cut {fate} it is stored", ask(w.a, "POST", "/tasks/complete", end))
            for c, changed in ((w.b, fate == "before"), (w.a, False)):
                equal("the same again ends it once", ask(c, "POST", "/tasks/complete", end)[::3],
                      (200, {"changed": changed}))
        equal("what nobody heard of was given out again when nobody confirmed it", attempts, {1: 2, 2: 1})
        equal("each was leased and ended once", (sorted(leases), w.counts()), ([1, 2], "2|2|0|2|2"))
        equal("and counted once", w.sql("SELECT sum(instructions) FROM totals"), "14")
        for fate in ("after", "before"):
            lock = {"lock_key": f"build:{fate}", "worker_id": "w1", "ttl_seconds": 60}
            for path, method, words in (("/locks/acquire", "POST", "acquired"),
                                        (f"/locks/release/build:{fate}?worker_id=w1", "DELETE", "released")):
                w.line.break_at(fate, f"build:{fate}".encode())
                later(f"{path}, cut {fate} it is stored", ask(w.a, method, path, lock if method == "POST" else None))
                status, _, _, answer = ask(w.a, method, path, lock if method == "POST" else None)
                check("the same again finds it done", status == 200 and words in answer, (status, answer))
            equal("no lock is left", w.sql("SELECT count(*) FROM build_locks"), "0")


def test_slow_and_silent():
    with world(LOG_LEVEL="info") as w:
        held, token = w.a.lease(1)
        w.line.slow(0.25)
        number, second = w.b.lease(2)
        equal("a slow server serves", (number, w.a.complete(number, second)[0]), (2, 200))
        w.line.slow(0)
        w.line.silent(True)
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(330) as pool:
            creates = [pool.submit(ask, w.a, "POST", "/tasks/create", task(n)) for n in range(100, 400)]
            others = {name: pool.submit(ask, w.a, *what) for name, what in {
                "a heartbeat": ("POST", "/tasks/heartbeat", {"contract_id": task(1)["contract_id"], "request_id": held,
                                                             "token": token}),
                "a list": ("GET", "/public/jobs?request_id=1"),
                "a lock": ("POST", "/locks/acquire", {"lock_key": "x", "worker_id": "w1", "ttl_seconds": 9}),
                "readiness": ("GET", "/readyz")}.items()}
            poll = pool.submit(ask, w.a, "GET", "/tasks/poll?timeout=2&worker_id=w9")
            for name, answer in others.items():
                later(f"{name} of a silent server", answer.result(60))
            slowest = max((x.result(60) for x in creates), key=lambda x: x[1])
            later("the slowest of three hundred creates", slowest)
            status, took, _, answer = poll.result(60)
            check("a poll ends in its time", status in (204, 503) and took < 2 + SOON, (status, took, answer))
        equal("it lives meanwhile", ask(w.a, "GET", "/health")[0], 200)
        check("all of it in time", time.monotonic() - began < 3 * SOON, time.monotonic() - began)
        w.line.silent(False)
        check("it is there again by itself", kit.until(lambda: w.a.create(3)[0] in (200, 201)))
        check("and says so", kit.until(lambda: "looked at again" in w.a.output()), w.a.output()[-600:])
        told = {n for n in range(100, 400) if w.a.create(n)[0] in (200, 201)}
        equal("the same again stores each once", (len(told), w.sql("SELECT count(*), count(DISTINCT request_id) FROM "
                                                                   "executions")), (300, "303|303"))


def test_it_ends_while_the_server_is_silent():
    """A stop is one: also where the database does not answer, and whatever waits for it."""
    with world(DB_TIMEOUT_SECONDS="60", DRAIN_SECONDS="30") as w:
        w.a.create(1)
        w.line.silent(True)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            waits = [pool.submit(ask, w.a, "POST", "/tasks/create", task(2)),
                     pool.submit(ask, w.a, "GET", "/tasks/poll?timeout=30&worker_id=w1"),
                     pool.submit(ask, w.a, "GET", "/public/jobs?request_id=1")]
            check("they wait", not concurrent.futures.wait(waits, 0.5).done)
            began = time.monotonic()
            w.a.signal(signal.SIGTERM)
            equal("it ends", w.a.process.wait(40), 0)
            took = time.monotonic() - began
            check("soon, though it might have waited for its drain", took < 2 + SOON, took)
            print(f"a stop over a silent server took {took:.1f} s", flush=True)
            said = [x.result(60)[0] for x in waits]
            check("whoever waited is told", all(s in (204, 503) for s in said), said)


def test_one_is_away_and_the_other_sweeps():
    """What a worker runs it goes on running where only one of the coordinators behind its address is cut off from the database:
    the other one, which hears of no heartbeat that the first one was sent, would take the leases away."""
    gates = fleet_world.Gates()
    with world(apart=True, LOG_LEVEL="info", DB_TIMEOUT_SECONDS="15", REQUIRE_AUTH="true") as w, kit.folder() as home:
        front, chain = gates.open([w.a.port]), worker_world.World(home, BLOCK_MS="500")
        repo = worker_world.c_repo(chain, "naps", worker_world.ECHO)
        worker = chain.worker(API_BASE_URL=front.url, API_AUTH_TOKEN=w.token(), API_AUTH_TOKEN_FILE="",
                              ENABLE_EVENT_MONITOR="true", NEARDATA_API_URL=chain.net.url, START_BLOCK_HEIGHT="1",
                              MAX_CONCURRENT_RUNS=str(RUNS))
        for how in (w.line.silent, w.line.cut):
            one_is_away(w, how, front, chain, repo, worker)
        worker.stop()
    gates.close()


def one_is_away(w, how, front, chain, repo, worker):
    name, nonce = how.__name__, chain.alice.nonce()
    front.targets[:] = [w.a.port]  # whom all of the worker's connections are to
    asked = [chain.ask_chain(repo, f"nap{AWAY_SECONDS + 15}", nonce=nonce + 1 + i) for i in range(RUNS)]
    running = lambda: len(w.b.jobs("?state=running")[1]) == RUNS
    if not check(f"{name}: all run", kit.until(running, 60), worker.output()[-800:]):
        return
    front.targets[:] = [w.a.port, w.b.port]
    how(True)
    ended = kit.until(lambda: not running(), AWAY_SECONDS, 0.2)
    how(False)
    check(f"{name}: all go on where they are", not ended,
          [(x["request_id"], x["state"], x["attempt"]) for x in w.b.jobs()[1]])
    equal(f"{name}: each is answered", [chain.answer(tx)[1] for tx in asked], ["rested"] * RUNS)
    steps = w.sql("SELECT string_agg(timeline, '') FROM executions")
    equal(f"{name}: and no lease was lost", steps.count('"lost"'), 0)


def serve(w, numbers, over, ended, stuck):
    """Workers that repeat what they are told to, until all is over; leases that were lost are no end."""
    lock = threading.Lock()

    def again(what, *good):
        while True:
            with contextlib.suppress(OSError):
                status, answer = what()
                if status in good:
                    return status, answer
                if status not in (502, 503):
                    with lock:
                        stuck.append((status, answer))
                    return status, answer
            if over.wait(0.02):
                return 0, None

    def one(i):
        for n in numbers[i::THREADS]:
            again(lambda: (w.a, w.b)[n % 2].create(n), 200, 201)
        turn = i
        while not over.is_set() and sum(ended.values()) < len(numbers):
            turn += 1
            status, answer = again(lambda: (w.a, w.b)[turn % 2].poll(0, worker=f"w{i}"), 200, 204)
            if status != 200:
                continue
            n, token = answer["task"]["request_id"], answer["lease"]["token"]
            if again(lambda: w.b.beat(n, token, stage="running"), 200, 409)[0] != 200:
                continue
            status, answer = again(lambda: w.a.complete(n, token), 200, 409)
            if status == 200:
                with lock:
                    ended[n] += 1
    pool = concurrent.futures.ThreadPoolExecutor(THREADS)
    return pool, [pool.submit(one, i) for i in range(THREADS)]


def under_load(w, name, numbers, faults):
    """The faults, one by one, while that many are served. No answer but 503 tells of them, and all is there once."""
    over, ended, stuck = threading.Event(), collections.Counter(), []
    before = [int(x) for x in w.counts().split("|")]
    pool, work = serve(w, numbers, over, ended, stuck)
    for i, fault in enumerate(faults):
        kit.until(lambda: sum(ended.values()) > len(numbers) * i // (len(faults) + 1))
        fault()
    done = kit.until(lambda: sum(ended.values()) >= len(numbers) or over.is_set())
    over.set()
    pool.shutdown()
    for x in work:
        x.result()
    check(f"{name}: all are served", done, (len(numbers), sum(ended.values())))
    equal(f"{name}: each once", [n for n, times in ended.items() if times != 1], [])
    check(f"{name}: only 503 tells of it", not stuck, stuck[:3])
    count = len(numbers)
    equal(f"{name}: the rows say the same", [int(x) - y for x, y in zip(w.counts().split("|"), before)],
          [count, count, 0, count, count])


def restart(w, how):
    w.server.stop(how)
    w.server.start()


def test_a_server_that_comes_and_goes():
    with world() as w:
        under_load(w, "connections end", list(range(1000, 1240)), [w.end_connections] * 6)
        under_load(w, "restarts and a crash", list(range(2000, 2160)), [
            lambda: restart(w, signal.SIGINT), lambda: restart(w, signal.SIGQUIT), lambda: restart(w, signal.SIGINT)])


FULL = """CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE 'could not extend file "base/1/2": No space left on device' USING ERRCODE = 'disk_full'; END $$;"""


def test_a_full_disk():
    with world(LOG_LEVEL="info") as w:
        w.sql(FULL)
        held, token = w.a.lease(1)
        w.a.create(2)
        for table in ("executions", "queue_items", "build_locks", "workers_seen"):
            w.sql(f"CREATE TRIGGER full_{table} BEFORE INSERT OR UPDATE ON {table} EXECUTE FUNCTION full_disk()")
        later("a create", ask(w.a, "POST", "/tasks/create", task(3)))
        key = {"contract_id": task(1)["contract_id"], "request_id": held, "token": token}
        later("a heartbeat", ask(w.a, "POST", "/tasks/heartbeat", key))
        later("an end", ask(w.a, "POST", "/tasks/complete", {**key, "outcome": "success"}))
        later("a lease that is given back", ask(w.a, "POST", "/tasks/fail", {**key, "reason": "x"}))
        later("a lock", ask(w.a, "POST", "/locks/acquire", {"lock_key": "x", "worker_id": "w1", "ttl_seconds": 9}))
        equal("what only reads is answered", [ask(w.a, "GET", p)[0] for p in ("/public/jobs", "/public/stats", "/readyz")],
              [200] * 3)
        check("the log says what to look at", "is the disk full?" in w.a.output(), w.a.output()[-800:])
        poll = concurrent.futures.ThreadPoolExecutor(1).submit(w.a.poll, 30, "w2")
        for table in ("executions", "queue_items", "build_locks", "workers_seen"):
            w.sql(f"DROP TRIGGER full_{table} ON {table}")
        status, answer = poll.result(kit.PATIENCE_SECONDS)
        equal("who waits gets work when there is room again", (status, answer and answer["task"]["request_id"]), (200, 2))
        equal("and the lease that was held is ended by the same word", w.a.complete(held, token), (200, {"changed": True}))
        equal("what was refused is stored", w.a.create(3)[0], 201)


def test_too_many_connections():
    with world(LOG_LEVEL="info") as w:
        w.a.complete(*w.a.lease(1))
        w.sql("ALTER ROLE coordinators CONNECTION LIMIT 0")
        w.end_connections()
        later("a create without a connection", ask(w.a, "POST", "/tasks/create", task(2)))
        later("a list", ask(w.a, "GET", "/public/jobs?request_id=1"))
        later("readiness", ask(w.a, "GET", "/readyz"))
        check("the log says why", kit.until(lambda: "too many connections" in w.a.output()), w.a.output()[-600:])
        w.sql("ALTER ROLE coordinators CONNECTION LIMIT 5")  # fewer than they would have
        under_load(w, "few connections", list(range(1000, 1060)), [])
        w.sql("ALTER ROLE coordinators CONNECTION LIMIT -1")
        check("all parts work again", kit.until(lambda: ask(w.a, "GET", "/readyz")[0] == 200 and w.a.create(2)[0] == 201
                                                and ask(w.a, "GET", "/public/jobs?request_id=1")[0] == 200))


def test_failover():
    """The server dies, and its copy takes its place: first it only reads, then it is the one."""
    with world(settings={"synchronous_standby_names": "*", "synchronous_commit": "local"}, LOG_LEVEL="info") as w:
        with w.server.standby() as copy:
            w.sql("ALTER ROLE coordinators SET synchronous_commit = 'on'")  # from now on commits wait for the copy
            w.end_connections()
            held, token = kit.until(lambda: lease_if(w.a, 1))
            told = [n for n in range(2, 30) if w.b.create(n)[0] in (200, 201)]
            w.server.stop(signal.SIGQUIT)
            w.line.target = copy.port
            w.line.cut()
            w.line.cut(False)
            check("a copy takes no create", kit.until(lambda: reads_only(w.a)), w.a.output()[-600:])
            later("nor an end", ask(w.b, "POST", "/tasks/complete", {"contract_id": task(1)["contract_id"],
                                                                     "request_id": held, "token": token,
                                                                     "outcome": "success"}))
            copy.sql("SELECT pg_promote()")
            w.server, primary = copy, w.server
            check("when it is the one it does", kit.until(lambda: w.a.create(99)[0] == 201), w.a.output()[-600:])
            equal("what was told as stored is there", w.sql("SELECT count(*) FROM executions WHERE request_id < 90"),
                  str(len(told) + 1))
            equal("a lease of the time before ends its execution", w.a.complete(held, token)[0], 200)
            taken = sorted(w.b.lease()[0] for _ in range(len(told) + 1))
            equal("and all that waited is given out", taken, told + [99])
            w.server = primary


def lease_if(c, number):
    with contextlib.suppress(AssertionError, TypeError):
        return c.lease(number)


def reads_only(c):
    status, _, _, answer = ask(c, "POST", "/tasks/create", task(98))
    return status == 503 and "read-only" in answer["error"]["message"]


if __name__ == "__main__":
    kit.main(globals())
