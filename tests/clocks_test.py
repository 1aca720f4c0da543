#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Coordinators whose machines' clocks are hours apart, over one database: leases, deadlines, locks, benches, tokens and
what is kept go by the database's clock alone."""
import contextlib, time

import databases, figures, kit
from coordinator_world import Coordinator
from fakes.preload import library
from kit import check, equal
from worker_world import World

HOUR = 3600000


def apart(hours):
    """As environment: the wall clock of a process is that far from this machine's. What it measures is not."""
    return {"LD_PRELOAD": library("clock"), "CLOCK_SHIFT_MS": str(hours * HOUR)}


@contextlib.contextmanager
def fleet(*shifts, **env):
    with kit.folder() as home, databases.postgres() as server:
        name = server.database().split("?")[0].rsplit("/", 1)[1]
        env = {"DATABASE_URL": server.url.replace("/postgres?", f"/{name}?"), "REQUIRE_AUTH": "false",
               "ADMIN_BEARER_TOKEN": "admin", "LOG_LEVEL": "info", **env}
        start = lambda shift, **more: Coordinator(f"{home}/{shift}h", **env, **more, **apart(shift))
        yield server, name, start, [start(shift) for shift in shifts]


def now_ms():
    return int(time.time() * 1000)


def test_the_clocks_are_apart():
    """What the others rely on: the log's times are the process's."""
    with fleet(1, -1) as (_, _, _, (late, early)):
        years = [c.output().split(" ", 1)[0][:13] for c in (late, early)]
        want = [time.strftime("%Y-%m-%dT%H", time.gmtime(time.time() + s)) for s in (3600, -3600)]
        near = [time.strftime("%Y-%m-%dT%H", time.gmtime(time.time() + s - 60)) for s in (3600, -3600)]
        check("each has its own", all(y in pair for y, pair in zip(years, zip(want, near))), (years, want))


def test_leases_and_deadlines():
    with fleet(1, -1, EXECUTION_EXPIRES_SECONDS="60") as (server, name, _, (late, early)):
        sql = lambda text: server.sql(text, name)
        equal("recorded at the one that is late", late.create(1, dead_at_ms=now_ms() + 120000)[0], 201)
        equal("and at the early one", early.create(2)[0], 201)
        left = [int(x) - now_ms() for x in sql("SELECT dead_at_ms FROM queue_items ORDER BY request_id").split("\n")]
        check("their deadlines are what they would be anywhere", 60000 < left[0] <= 121000 and 0 < left[1] <= 61000,
              left)
        since = [int(x) - now_ms() for x in sql("SELECT created_ms FROM executions").split("\n")]
        check("and when they were recorded", all(-60000 < s < 1000 for s in since), since)
        leases = dict([early.lease(), late.lease()])
        equal("each is leased at the other", sorted(leases), [1, 2])
        time.sleep(3)  # sweeps of both, and longer than an unconfirmed lease lasts
        for c in (late, early):
            equal("leases are confirmed at both", [c.beat(n, t, stage="running")[0] for n, t in leases.items()], [200, 200])
        until = [int(x) - now_ms() for x in sql("SELECT until_ms FROM queue_items").split("\n")]
        check("for a lease's time", all(-60000 < u <= 15500 for u in until), until)
        equal("none was lost", ["are lost" in c.output() for c in (late, early)], [False, False])
        equal("an extension counts from now", early.beat(1, leases[1], dead_at_ms=now_ms() + 300000)[0], 200)
        moved = int(sql("SELECT dead_at_ms FROM queue_items WHERE request_id = 1")) - now_ms()
        check("and not from another's clock", 240000 < moved <= 301000, moved)
        equal("both end", [late.complete(2, leases[2])[0], early.complete(1, leases[1])[0]], [200, 200])
        job = late.job(1)
        check("when they did", abs(job["completed_at"] - now_ms()) < 60000, job)


def test_deadlines_that_a_worker_reckons():
    """What a worker's monitor posts it has reckoned by the clock that it was told: by that of a coordinator's machine
    which is early, every request would be over at once, and by one that is late, none would ever be."""
    with fleet(1, -1) as (server, name, _, (late, early)), kit.folder() as home:
        w = World(home)
        for i, c in enumerate((late, early)):
            said = c.call("POST", "/workers/heartbeat", {"worker_id": "w"})[1]["now_ms"] - now_ms()
            check("it says the database's time", abs(said) < 5000, said)
            with w.worker(f"worker{i}", API_BASE_URL=c.url, ENABLE_EVENT_MONITOR="true", NEARDATA_API_URL=w.net.url) as worker:
                check("its monitor reads blocks", kit.until(lambda: figures.read(worker.status_url)
                      .get("outlayer_worker_monitor_cursor"), 20), worker.output()[-800:])
                began = now_ms()
                id, _, _ = w.request("https://local.test/test/nothing", record=False)
                told = lambda: server.sql(f"SELECT task::json ->> 'dead_at_ms' FROM executions WHERE request_id = {id}", name)
                check("it is recorded", kit.until(told, 20), worker.output()[-800:])
                left = int(told()) - began
                check("and its deadline is minutes from now", 0 < left < HOUR / 4, left)


def test_locks_and_benches():
    with fleet(1, -1) as (_, _, _, (late, early)):
        take = lambda c, who, ttl: c.call("POST", "/locks/acquire", {"lock_key": "k", "worker_id": who, "ttl_seconds": ttl})[1]
        began = time.monotonic()
        equal("a lock is taken", take(early, "w1", 10)["acquired"], True)
        refused = take(late, "w2", 60)
        check("and refused at the other, for as long as it lasts", not refused["acquired"]
              and 0 < refused["expires_in_seconds"] <= 10, refused)
        check("then it is to be had", kit.until(lambda: take(late, "w2", 60)["acquired"], step=0.1))
        check("no sooner", time.monotonic() - began > 9.9, time.monotonic() - began)
        refused = take(early, "w1", 4)
        check("for as long as was asked for", not refused["acquired"] and 0 < refused["expires_in_seconds"] <= 60, refused)
        bench = {"Authorization": "Bearer admin"}
        began = time.monotonic()
        kit.http("POST", late.status_url + "/admin/bench", {"worker_id": "w3", "seconds": 10}, bench)
        check("a bench is kept to at both", kit.until(lambda: [c.poll(0, "w3")[0] for c in (late, early)] == [503, 503]))
        check("and ends at both", kit.until(lambda: [c.poll(0, "w3")[0] for c in (late, early)] == [204, 204]))
        check("no sooner", time.monotonic() - began > 9.9, time.monotonic() - began)
        for c, worker in ((late, "w4"), (early, "w5")):
            c.call("POST", "/workers/heartbeat", {"worker_id": worker, "capacity": 1})
        seen = lambda c: {w["worker_id"]: w["status"] for w in c.call("GET", "/public/workers", token=None)[1]}
        for c in (late, early):
            check("who was seen at either is there", kit.until(lambda: {seen(c).get(w) for w in ("w4", "w5")}
                                                               <= {"online", "busy"}), seen(c))


def test_tokens():
    with fleet(1, -1, REQUIRE_AUTH="true") as (server, name, _, (late, early)):
        tokens = {"soon": now_ms() + 10000, "over": now_ms() - 60000, "day": now_ms() + 24 * HOUR}
        for token, expires in tokens.items():
            server.sql("INSERT INTO worker_auth_tokens (token_hash, worker_name, expires_ms) VALUES (encode(sha256("
                       f"'{token}'), 'hex'), '{token}', {expires})", name)
        said = lambda: [[c.call("GET", "/tasks/poll?worker_id=w", token=t)[0] for t in tokens] for c in (late, early)]
        equal("tokens are good until their end", said(), [[204, 401, 204]] * 2)
        check("and no longer", kit.until(lambda: said() == [[401, 401, 204]] * 2), said())
        check("no sooner", now_ms() >= tokens["soon"], now_ms() - tokens["soon"])
        used = kit.until(lambda: int(server.sql("SELECT last_used_ms FROM worker_auth_tokens WHERE worker_name = 'day'",
                                                name)))
        check("their use is noted as it was", abs(used - now_ms()) < 100000, used - now_ms())


def test_what_is_kept():
    """A coordinator whose clock is days ahead takes nothing away that is young."""
    with fleet(0) as (server, name, start, (own,)):
        for n in (1, 2):
            own.complete(*own.lease(n))
        server.sql(f"UPDATE executions SET ended_ms = ended_ms - {26 * HOUR} WHERE request_id = 2", name)
        sums = lambda: server.sql("SELECT coalesce(sum(n), 0) FROM rollups WHERE kind = 'total'", name)
        check("it is added up before it may go", kit.until(lambda: sums() == "1", step=0.2), sums())
        start(72, EXECUTIONS_MAX_AGE_DAYS="1")
        count = lambda: server.sql("SELECT string_agg(request_id::text, ' ') FROM executions", name)
        check("what is old goes", kit.until(lambda: count() == "1"), count())
        time.sleep(1)  # what is young would go with it
        equal("what is young stays", count(), "1")


def test_what_is_added_up():
    """A coordinator whose clock is ahead adds up nothing that others may still end: what ends before the moment up to
    which sums are made is in none of them."""
    with fleet(1, -1) as (server, name, _, (late, early)):
        for n, c in enumerate((late, early), 1):
            c.complete(*c.lease(n))
        time.sleep(7)  # longer than it takes until sums are made again
        equal("what has just ended is not added up", server.sql("SELECT n FROM rollups WHERE kind = 'until'", name), "0")
        server.sql("UPDATE executions SET ended_ms = ended_ms - 60000", name)
        sums = lambda: server.sql("SELECT coalesce(sum(n), 0) FROM rollups WHERE kind = 'total'", name)
        check("a minute later it is", kit.until(lambda: sums() == "2", step=0.2), sums())


if __name__ == "__main__":
    kit.main(globals())
