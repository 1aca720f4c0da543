#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program before the newest migration and this one: beside each other on one database of PostgreSQL under load, and
after each other on a file of SQLite. Nothing is lost, and nothing is done twice."""
import collections, concurrent.futures, contextlib, threading

import before, databases, kit
from coordinator_world import Coordinator
from kit import check, equal

REQUESTS, THREADS = 240, 6


class Earlier(Coordinator):
    """As it was before the newest migration."""

    def __init__(self, home, **env):
        super().__init__(home, folder=before.programs(), **env)


def schema(server, name):
    return int(server.sql("SELECT max(version) FROM schema_version", name))


def history():
    if not before.commit_before():
        raise kit.Skip(before.MISSING)


@contextlib.contextmanager
def world():
    history()
    with kit.folder() as home, databases.postgres() as server:
        url = server.database()
        yield home, server, url.split("?")[0].rsplit("/", 1)[1], {"DATABASE_URL": url, "REQUIRE_AUTH": "false"}


def serve(fleet, numbers, ended):
    """Creates them at one, and leases and ends what there is at any, until all are over."""
    lock, wanted = threading.Lock(), len(numbers)

    def one(i):
        for n in numbers[i::THREADS]:
            assert fleet[n % len(fleet)].create(n)[0] in (200, 201)
        turn = i
        while sum(ended.values()) < wanted:
            turn += 1
            a, b = fleet[turn % len(fleet)], fleet[(turn + i) % len(fleet)]
            status, answer = a.poll(0, worker=f"w{i}")
            if status != 200:
                continue
            n, token = answer["task"]["request_id"], answer["lease"]["token"]
            assert b.beat(n, token)[0] == 200
            assert a.complete(n, token)[0] == 200
            with lock:
                ended[n] += 1
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(one, i) for i in range(THREADS)]:
            done.result(60)


def test_beside_each_other():
    with world() as (home, server, name, env):
        ended, numbers = collections.Counter(), list(range(10, 10 + REQUESTS))
        with Earlier(f"{home}/a", **env) as old:
            version = schema(server, name)
            held, token = old.lease(1)
            with Coordinator(f"{home}/b", **env) as new:
                check("the newer one brought the tables on", schema(server, name) > version, version)
                equal("a lease of the earlier one is confirmed by the newer one", new.beat(held, token)[0], 200)
                serve([old, new], numbers, ended)
                equal("and ended", new.complete(held, token)[0], 200)
                equal("each was done once", sorted(ended.items()), [(n, 1) for n in numbers])
                with Earlier(f"{home}/c", **env) as third:
                    equal("another earlier one starts beside it", third.create(2)[0], 201)
                    equal("and what it records is leased at the newer one", new.lease()[0], 2)
        equal("all are over but the one that is held",
              server.sql("SELECT count(*), count(state) FROM executions", name), f"{REQUESTS + 2}|{REQUESTS + 1}")
        equal("and no more rows wait", server.sql("SELECT count(*) FROM queue_items", name), "1")
        equal("counted once", server.sql("SELECT sum(created), sum(succeeded) FROM totals", name),
              f"{REQUESTS + 2}|{REQUESTS + 1}")


def start_both(home, env):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        both = [pool.submit(Coordinator, f"{home}/{i}", **env) for i in "xy"]
        return [x.result(60) for x in both]


def test_two_at_once():
    """On an empty database, and on one of the earlier program: one brings the tables on while the other one waits."""
    for what in ("an empty database", "the earlier tables"):
        with world() as (home, server, name, env):
            if what != "an empty database":
                with Earlier(f"{home}/a", **env) as old:
                    assert old.create(1)[0] == 201
            fleet = start_both(home, env)
            last = schema(server, name)
            equal(f"{what}: each migration is there once",
                  server.sql("SELECT count(*), count(DISTINCT version) FROM schema_version", name), f"{last}|{last}")
            equal(f"{what}: one records", fleet[0].create(2)[0], 201)
            leased = sorted(fleet[1].lease()[0] for _ in range(1 if what == "an empty database" else 2))
            equal(f"{what}: the other one leases", leased, [2] if what == "an empty database" else [1, 2])


def test_after_each_other_on_sqlite():
    history()
    with kit.folder() as home:
        env = {"REQUIRE_AUTH": "false"}
        with Earlier(home, **env) as old:
            held, token = old.lease(1)
            over, other = old.lease(2)
            assert old.complete(over, other, instructions=7)[0] == 200
            assert old.create(3)[0] == 201
        with Coordinator(home, **env) as new:
            equal("a lease goes on", new.beat(held, token)[0], 200)
            equal("and ends", new.complete(held, token)[0], 200)
            equal("what is over is known", new.job(over)["outcome"], "success")
            equal("what waited is leased", new.lease()[0], 3)
            equal("and nothing else", new.poll()[0], 204)


if __name__ == "__main__":
    kit.main(globals())
