#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A coordinator is killed at the worst moments: before its database has what it was told, when it has it and nobody knows,
and when it has given work to somebody who never hears of it. Nothing is lost, and nothing happens twice, with SQLite and
with PostgreSQL."""
import concurrent.futures, contextlib, os, sqlite3

import databases, kit
from coordinator_world import Coordinator
from fakes.preload import library
from kit import check, equal

# The moment, whether what was asked for is stored then (None: either), by form.
MOMENTS = {"sqlite": [("write -wal", False), ("sync -wal", None), ("synced -wal", True), ("send {answer}", True)],
           "postgres": [("send {words}", False), ("send {answer}", True)]}


class World:
    """One coordinator at a time, which stops itself at a call that the test names."""

    def __init__(self, home, server=None):
        self.home, self.server, self.halt_at = home, server, os.path.join(home, "halt-at")
        self.url = server.database() if server else None
        self.start()

    def start(self):
        self.c = Coordinator(f"{self.home}/c", REQUIRE_AUTH="false", LD_PRELOAD=library("halt"), HALT_AT=self.halt_at,
                             **({"DATABASE_URL": self.url} if self.url else {}))

    def sql(self, text):
        if self.server:
            return self.server.sql(text, self.url.split("?")[0].rsplit("/", 1)[1])
        with contextlib.closing(sqlite3.connect(f"file:{self.home}/c/coordinator.db?mode=ro", uri=True)) as db:
            return "\n".join("|".join(str(x) for x in row) for row in db.execute(text))

    def is_stopped(self):
        with open(f"/proc/{self.c.process.pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] == "T"

    def killed_at(self, moment, ask):
        """Asks, has it killed at that moment and starts it again. Whether the moment came, and what the asker heard."""
        with open(self.halt_at + ".new", "w") as f:
            f.write(moment)
        os.rename(self.halt_at + ".new", self.halt_at)

        def heard():
            try:
                return ask()
            except OSError as e:
                return type(e).__name__
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked = pool.submit(heard)
            came = kit.until(self.is_stopped)
            self.c.kill()
            answer = asked.result(kit.PATIENCE_SECONDS)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.halt_at)
        self.start()
        return came, answer


@contextlib.contextmanager
def world(form):
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(kit.folder())
        server = stack.enter_context(databases.postgres(settings={"synchronous_commit": "on"})) if form == "postgres" else None
        w = World(home, server)
        try:
            yield w
        finally:
            w.c.kill()


def killed(w, form, what, moment, ask):
    came, answer = w.killed_at(moment, ask)
    return check(f"{form}, {what}: killed at '{moment}', unanswered", came and isinstance(answer, str), (came, answer))


def a_create(w, form):
    for number, (moment, is_stored) in enumerate(MOMENTS[form], 1):
        moment = moment.format(words=f"tx{number}", answer='"created":true')
        if not killed(w, form, "a create", moment, lambda: w.c.create(number)):
            continue
        rows = w.sql(f"SELECT count(*) FROM executions WHERE request_id = {number}")
        check("it is stored or not", is_stored is None or rows == str(int(is_stored)), rows)
        equal("the same again does it", w.c.create(number)[0], 200 if rows == "1" else 201)
    equal("each is there once", w.sql("SELECT count(*), count(DISTINCT request_id) FROM executions"),
          f"{len(MOMENTS[form])}|{len(MOMENTS[form])}")


def an_end(w, form):
    for number, (moment, is_stored) in enumerate(MOMENTS[form], 1):
        got, token = w.c.lease()
        stored = f"SELECT count(*) FROM queue_items WHERE request_id = {got} AND stage = 'submitting'"
        w.c.beat(got, token, stage="submitting")
        check("the lease is in its row", kit.until(lambda: w.sql(stored) == "1"))
        end = lambda: w.c.complete(got, token, error=f"end-{number}", instructions=7)
        moment = moment.format(words=f"end-{number}", answer='"changed":true')
        if not killed(w, form, "an end", moment, end):
            continue
        over = w.sql(f"SELECT count(*) FROM executions WHERE request_id = {got} AND outcome = 'success'")
        check("it is stored or not", is_stored is None or over == str(int(is_stored)), over)
        equal("the same again ends it once", end(), (200, {"changed": over == "0"}))
        equal("and changes nothing after that", end(), (200, {"changed": False}))
    n = len(MOMENTS[form])
    equal("all are counted once", w.sql("SELECT CAST(sum(created) AS BIGINT), CAST(sum(succeeded) AS BIGINT), CAST(sum("
                                        "instructions) AS BIGINT) FROM totals"), f"{n}|{n}|{7 * n}")
    equal("and nothing waits", w.sql("SELECT count(*) FROM queue_items"), "0")


def a_claim(w, form):
    w.c.create(100)
    before = w.c.poll
    killed(w, form, "a claim", 'send "lease":', lambda: before(0, worker="unlucky"))
    status, answer = w.c.poll(25, worker="lucky")
    if not equal("what it had given away is given to the next who asks", (status, answer and answer["task"]["request_id"]),
                 (200, 100)):
        return
    check("as what it is", answer["attempt"] in (1, 2), answer["attempt"])
    token = answer["lease"]["token"]
    equal("who ends it once", (w.c.beat(100, token)[0], w.c.complete(100, token), w.c.complete(100, token)),
          (200, (200, {"changed": True}), (200, {"changed": False})))
    equal("nobody else gets it", w.c.poll(0)[0], 204)


def test_killed_on_sqlite():
    with world("sqlite") as w:
        for part in (a_create, an_end, a_claim):
            part(w, "sqlite")


def test_killed_on_postgres():
    with world("postgres") as w:
        for part in (a_create, an_end, a_claim):
            part(w, "postgres")


if __name__ == "__main__":
    kit.main(globals())
