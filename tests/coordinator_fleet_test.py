# SPDX-License-Identifier: Apache-2.0
"""Several coordinators over one database of PostgreSQL: what one was told, the others know."""
import concurrent.futures, contextlib, hashlib, os, signal, subprocess, threading, time

os.environ["OUTLAYER_TEST_DATABASE"] = "postgres"
import databases, figures, kit
from coordinator_world import Coordinator, coordinator, place, sql, urls
from fakes.accounts import Accounts
from kit import check, equal

LOCK = {"lock_key": "build:x", "ttl_seconds": 60}


@contextlib.contextmanager
def fleet(count=2, **env):
    """As many coordinators, each with a home of its own."""
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(coordinator(**env))
        all_of_them = [first]
        for _ in range(count - 1):
            home = stack.enter_context(kit.folder())
            urls[home] = urls[first.home]
            c = Coordinator(home, **env)
            stack.callback(c.kill)
            c.token = first.token
            all_of_them.append(c)
        yield all_of_them


def test_what_is_shared():
    with kit.folder() as modules, fleet(3, WASM_CACHE_DIR=modules, ADMIN_BEARER_TOKEN="admin") as (a, b, c):
        take = lambda at, worker: at.call("POST", "/locks/acquire", {**LOCK, "worker_id": worker})[1]["acquired"]
        equal("a lock held through one is refused by another", (take(a, "w1"), take(b, "w2"), take(c, "w1")),
              (True, False, True))
        a.kill()
        equal("also when that one is gone", (take(b, "w2"), take(b, "w1")), (False, True))
        equal("and let go through any", b.call("DELETE", "/locks/release/build:x?worker_id=w1")[0], 200)
        equal("it is another's", take(c, "w2"), True)
        module = b"\0asm\1\0\0\0" + os.urandom(1000)
        name = hashlib.sha256(module).hexdigest()
        equal("a module is taken in", b.call("POST", f"/wasm/upload?sha256={name}", module)[0], 201)
        equal("and given out by another", kit.http("GET", f"{c.url}/wasm/{name}")[::2], (200, module))
        os.truncate(f"{modules}/{name}", 100)
        equal("never damaged", kit.http("GET", f"{b.url}/wasm/{name}")[0], 404)
        lock = b"version = 4\n"
        named = hashlib.sha256(lock).hexdigest()
        b.call("POST", f"/cargo-lock/upload?sha256={named}", lock)
        equal("a lock file, too", kit.http("GET", f"{c.url}/cargo-lock/{named}")[::2], (200, lock))
        b.call("POST", "/workers/heartbeat", {"worker_id": "w1"})
        seen = lambda: [w["worker_id"] for w in c.call("GET", "/public/workers", token=None)[1]] == ["w1"]
        check("a worker seen by one is listed by another", kit.until(seen))
        admin = {"Authorization": "Bearer admin"}
        equal("a bench", kit.http("POST", b.status_url + "/admin/bench", {"worker_id": "w1", "seconds": 600},
                                  admin)[0], 200)
        check("is kept to by the others", kit.until(lambda: c.poll(0, "w1")[0] == 503))
        count = lambda: figures.read(c.status_url)["outlayer_coordinators"]
        check("coordinators are counted", kit.until(lambda: count() == 2))
        equal("none says that modules are not shared", [c for c in (a, b, c) if "WASM_CACHE_DIR" in c.output()], [])


def test_modules_that_are_not_shared():
    """If this fails, an operator does not learn why workers build again what another coordinator has."""
    with fleet() as (a, b):
        check("who starts beside another one says what is missing", "WASM_CACHE_DIR" in b.output(), b.output())
        check("who starts alone does not", "WASM_CACHE_DIR" not in a.output(), a.output())


@contextlib.contextmanager
def locked(table, c):
    """Nobody reads the table meanwhile."""
    def hold():
        with contextlib.suppress(Exception):  # it is ended below
            sql(c, f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60)")
    pid = lambda: sql(c, f"SELECT pid FROM pg_locks WHERE relation = '{table}'::regclass AND granted AND mode = "
                         "'AccessExclusiveLock'")
    holder = threading.Thread(target=hold)
    holder.start()
    assert kit.until(pid)
    try:
        yield
    finally:
        sql(c, f"SELECT pg_terminate_backend({pid()[0][0]})")
        holder.join()


def test_what_changes_is_told_by_any():
    """A page behind a balancer reaches another coordinator with each question: it is told all, and not without a pause;
    and a database that does not answer is waited for once, not once for each page."""
    with fleet(DB_TIMEOUT_SECONDS="2") as (a, b):
        ask = lambda at, since="": at.call("GET", f"/public/changes?since={since}", token=None)[1]
        told = lambda x: ([(e["request_id"], e["state"]) for e in x["executions"]], x["anew"])
        seq = ask(a)["seq"]
        answer = []
        waits = threading.Thread(target=lambda: answer.append(ask(b, seq)))
        waits.start()
        check("it waits at one", kit.until(lambda: figures.read(b.status_url)["outlayer_changes_waiting"] == 1))
        a.create(1)
        waits.join()
        equal("for what comes through another", told(answer[0]), ([(1, "queued")], False))
        equal("which knows where it was", told(ask(a, seq)), ([(1, "queued")], False))
        a.call("POST", "/workers/heartbeat", {"worker_id": "w1"})
        equal("a worker, too", ask(b, answer[0]["seq"])["workers"], True)
        alive = lambda c: c.call("GET", "/public/stats", token=None)[1]["active_workers"]
        check("it is there", kit.until(lambda: (alive(a), alive(b)) == (1, 1)))
        seq = ask(b)["seq"]
        sql(a, "UPDATE workers_seen SET seen_ms = seen_ms - 30000")  # it has fallen silent
        said = ask(b, seq)
        check("and when it is not any more", kit.until(lambda: (alive(a), alive(b)) == (0, 0)) and said["workers"], said)
        equal("it is offline", [w["status"] for c in (a, b) for w in c.call("GET", "/public/workers", token=None)[1]],
              ["offline"] * 2)
        seq, enough = ask(a)["seq"], threading.Event()
        busy = threading.Thread(target=lambda: [a.create(n) for n in range(10, 3000) if not enough.is_set()])
        busy.start()
        start = time.monotonic()
        for i in range(5):
            seq = ask((b, a)[i % 2], seq)["seq"]
        took = time.monotonic() - start
        enough.set()
        busy.join()
        check("answers of both come half a second apart", took > 2.4, took)
        with locked("executions", a):
            def late(n):
                status = a.call("GET", f"/public/changes?since={seq[:-1]}{n}", token=None)[0]
                return status, time.monotonic()
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                answers = list(pool.map(late, range(4)))
        equal("who waits for a database is told so", {status for status, _ in answers}, {503})
        apart = max(at for _, at in answers) - min(at for _, at in answers)
        check("all at once, and not each after another's 2 s", apart < 5, apart)


def test_a_revocation_reaches_all():
    """Of a token, and of a key of an account; and all coordinators together give an account ten. That it takes no longer
    than 5 s src/coordinator/tokens_test.c shows, by a clock of its own."""
    chain = Accounts()
    with fleet(NEAR_RPC_URL=chain.url) as (a, b):
        alice = chain.account("alice.test.near")
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            made = list(pool.map(lambda i: alice.make((a, b)[i % 2], f"k{i}"), range(13)))
        equal("ten keys at both together", sorted(m[0] for m in made), [201] * 10 + [409] * 3)
        key = next(m[1] for m in made if m[0] == 201)
        by_key = lambda: tuple(kit.get(c.url + "/public/stats", headers={"X-API-Key": key["key"]})[0] for c in (a, b))
        equal("a key is good at both", by_key(), (200, 200))
        equal("what one made the other lists", len(alice.list(b)[1]["keys"]), 10)
        equal("ended at one", alice.revoke(a, key["id"])[0], 200)
        equal("it is good no more there", by_key()[0], 401)
        check("nor anywhere, after a while", kit.until(lambda: by_key() == (401, 401)))
        equal("good at both", (a.poll()[0], b.poll()[0]), (204, 204))
        run = subprocess.run([kit.program("outlayer"), "token", "revoke", "test", *place(a.home)], capture_output=True)
        equal("revoked", run.returncode, 0)
        check("refused by both, after a while", kit.until(lambda: (a.poll()[0], b.poll()[0]) == (401, 401)))


def wake(a, b, number, meanwhile=lambda: None):
    """A worker that waits at `b` gets what is created at `a`, and ends it."""
    got = []
    thread = threading.Thread(target=lambda: got.append(b.poll(30)))
    thread.start()
    waits = kit.until(lambda: figures.read(b.status_url)["outlayer_polls_waiting"] == 1)
    meanwhile()
    status = a.create(number)[0]
    thread.join()
    polled, answer = got[0]
    lease = answer["lease"]["token"] if polled == 200 else ""
    equal(f"{number}: a worker waits, it is recorded, leased and ended", (bool(waits), status, polled,
          b.complete(number, lease)[0]), (True, 201, 200, 200))


def words_heard(c):
    return figures.read(c.status_url)["outlayer_wakes_received_total"]


def all_hear(redis, coordinators):
    """Waits until each of them asks Redis and hears its bell."""
    up = lambda: all(figures.read(c.status_url)["outlayer_redis_up"] for c in coordinators)
    hearing = lambda: redis.ask("CLIENT", "LIST", "TYPE", "pubsub").count("id=") == len(coordinators)
    return kit.until(lambda: up() and hearing())


def test_a_worker_waits_where_another_was_told():
    """If this fails, a worker waits for up to half a second for what another coordinator has recorded: it hears of
    nothing (src/queue/wake_test.c shows that the word alone brings it)."""
    with databases.redis() as redis, fleet(REDIS_URL=redis.url) as (a, b):
        check("Redis is there", all_hear(redis, (a, b)))
        for number in range(1, 10):
            wake(a, b, number)
        check("it was told", kit.until(lambda: words_heard(b) >= 9), words_heard(b))


def test_whatever_becomes_of_redis():
    """If this fails, requests wait for Redis, or it is not used any more when it is well again."""
    faults = {"emptied": lambda r: r.ask("FLUSHALL"), "read-only": lambda r: r.ask("REPLICAOF", "127.0.0.1", "1"),
              "paused": lambda r: r.ask("CLIENT", "PAUSE", "2000", "ALL"), "frozen": lambda r: r.freeze(),
              "killed": lambda r: r.stop(), "absent": lambda r: None, "stopped": lambda r: r.start().stop(signal.SIGTERM)}
    with databases.redis() as redis, fleet(REDIS_URL=redis.url) as (a, b):
        check("Redis is there", all_hear(redis, (a, b)))
        for number, (name, fault) in enumerate(faults.items()):
            print(f"Redis is {name}: a lease comes with the next look", flush=True)
            wake(a, b, 2 * number + 1, lambda: fault(redis))
            if name == "frozen":
                redis.thaw()
        wake(a, b, 50)
        redis.start()
        check("Redis is there again", all_hear(redis, (a, b)))
        heard = words_heard(b)
        wake(a, b, 100)
        check("and used", kit.until(lambda: words_heard(b) > heard))


def refused_beside(a, what, words):
    """A coordinator over the database of `a` does not start, and says why."""
    with kit.folder() as home:
        urls[home] = urls[a.home]
        try:
            Coordinator(home).kill()
            check(f"{what} is refused", False)
        except RuntimeError as e:
            check(f"{what} is refused", words in str(e), e)


def test_mixed_forms_are_refused():
    with fleet(1) as (a,):
        sql(a, "INSERT INTO coordinators SELECT 'x', 'local', '0.0.9', 0, seen_ms + 5000 FROM coordinators")
        refused_beside(a, "one that keeps it all in its memory", "whose form is 'local'")
        sql(a, "DELETE FROM coordinators WHERE id = 'x'; INSERT INTO schema_version VALUES (99); "
               "INSERT INTO schema_least VALUES (99, 99)")
        refused_beside(a, "a program that is too old", "needs a program that knows 99")


def passed(coordinators, addresses, token=lambda: None, key=None):
    """How many questions are answered that come from these addresses, to each coordinator in turn; and in how many
    seconds."""
    shown = {"X-API-Key": key} if key else {}
    began, count = time.monotonic(), 0
    for i, address in enumerate(addresses):
        headers = {"X-Forwarded-For": address, **shown,
                   **({"Authorization": f"Bearer {token()}"} if token() else {})}
        count += kit.http("GET", coordinators[i % len(coordinators)].url + "/public/stats", None, headers)[0] == 200
    return count, time.monotonic() - began


def test_a_limit_is_of_all_coordinators():
    """If this fails, whoever asks each coordinator, from each of his addresses, with tokens that he makes up or with his
    account's keys, may ask as often as all of them together allow."""
    chain = Accounts()
    with databases.redis() as redis, fleet(REDIS_URL=redis.url, PUBLIC_PER_MINUTE="60", API_KEY_PER_MINUTE="90",
                                           NEAR_RPC_URL=chain.url, TRUSTED_PROXIES="127.0.0.1") as all_of_them:
        check("Redis is there", all_hear(redis, all_of_them))
        check("coordinators know each other", kit.until(lambda: all(
            figures.read(c.status_url)["outlayer_coordinators"] == 2 for c in all_of_them)))
        n, seconds = passed(all_of_them, ["192.0.2.1"] * 60)
        check("one address: ten at once, then one a second", 10 <= n <= 13 + seconds, (n, seconds))
        n, seconds = passed(all_of_them, ["192.0.2.2"] * 60, lambda: "ol_" + os.urandom(32).hex())
        check("tokens that are made up give no more", 10 <= n <= 13 + seconds, (n, seconds))
        alice, anywhere = chain.account("alice.test.near"), [f"198.51.100.{i}" for i in range(60)]
        keys = [alice.make(c, "k")[1]["key"] for c in all_of_them]
        n, seconds = passed(all_of_them, anywhere, key=keys[0])
        check("a key: sixteen at once, then three in two seconds", 16 <= n <= 19 + 1.5 * seconds, (n, seconds))
        n, seconds = passed(all_of_them, anywhere, key=keys[1])
        check("another one of the same account gives no more", n <= 3 + 1.5 * seconds, (n, seconds))
        n, seconds = passed(all_of_them, [f"2001:db8:7:{i:x}::1" for i in range(250)])
        check("nor do networks of 64 bits, beyond 16 of them", 160 <= n <= 170 + 16 * seconds, (n, seconds))
        before = figures.read(all_of_them[0].status_url)["outlayer_limits_alone_total"]
        redis.stop()
        n, seconds = passed(all_of_them, ["192.0.2.3"] * 60)
        check("without Redis each has its half", 9 <= n <= 13 + seconds, (n, seconds))
        bob = chain.account("bob.test.near").make(all_of_them[0], "k")[1]["key"]
        n, seconds = passed(all_of_them, anywhere, key=bob)
        check("of a key, too", 15 <= n <= 19 + 1.5 * seconds, (n, seconds))
        n, seconds = passed(all_of_them, [f"2001:db8:8:{i:x}::1" for i in range(250)])
        check("of networks, too", 150 <= n <= 170 + 16 * seconds, (n, seconds))
        check("which the operator sees", figures.read(all_of_them[0].status_url)["outlayer_limits_alone_total"] > before)
        redis.start()
        check("Redis is there again", all_hear(redis, all_of_them))
        n, seconds = passed(all_of_them, ["192.0.2.4"] * 60)
        check("and counts", 10 <= n <= 13 + seconds, (n, seconds))


def test_where_redis_is_of_no_use():
    with kit.folder() as home:
        for what, words, env in (
                ("with SQLite, whose coordinator is alone", "the database is SQLite's",
                 {"DATABASE_URL": f"sqlite:///{home}/x.db", "REDIS_URL": "redis://127.0.0.1"}),
                ("with TLS", "TLS are not offered", {"REDIS_URL": "rediss://:geheim@127.0.0.1"}),
                ("where it is no server", "no address", {"REDIS_URL": ":geheim@127.0.0.1"})):
            try:
                Coordinator(home, **env).kill()
                check(f"REDIS_URL {what} is refused", False)
            except RuntimeError as e:
                check(f"REDIS_URL {what} is refused", words in str(e) and "geheim" not in str(e), e)


if __name__ == "__main__":
    kit.main(globals())
