#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`outlayer db copy`: a coordinator that was drained on SQLite goes on over PostgreSQL, with all that it knew."""
import contextlib, json, os, sqlite3, subprocess

import databases, kit
from coordinator_world import Coordinator, token_of
from kit import check, equal

ODD = "ü\\u0000 \\ \"'; DROP TABLE executions; -- \U0001f41f"


def copy(*more, **env):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OUTLAYER_", "DATABASE_"))}
    return subprocess.run([kit.program("outlayer"), "db", "copy", *more], capture_output=True, text=True, timeout=120,
                          env={**clean, **env})


def to(server, home):
    """An empty database; its URL is in a file, with its password."""
    url = server.tcp.replace("/postgres", "/" + server.database().split("?")[0].rsplit("/", 1)[1])
    path = os.path.join(home, "url-" + url.rsplit("/", 1)[1])
    with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
        f.write(url + "\n")
    return {"DATABASE_URL_FILE": path}, url.rsplit("/", 1)[1]


def source(path):
    return contextlib.closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True))


def fill(home):
    """A coordinator that ended two executions, has three waiting and two leased; the leases by request."""
    token = token_of(home)
    with Coordinator(home) as c:
        c.token = token
        for number in range(1, 8):
            status, answer = c.create(number, input_data=ODD)
            assert status == 201, (status, answer)
        leases = dict(c.lease() for _ in range(4))
        first, second, *_ = leases
        assert c.complete(first, leases.pop(first), instructions=12345)[0] == 200
        assert c.complete(second, leases.pop(second), outcome="guest_failed", instructions=55)[0] == 200
    return token, leases


def rows(server, name, path, table):
    """The same rows as SQLite and PostgreSQL have them, as bytes of text."""
    with source(path) as db:
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        lite = [json.dumps(["1" if x is True else None if x is None else str(x) for x in row])
                for row in db.execute(f"SELECT {', '.join(columns)} FROM {table}")]
    shown = ", ".join("CASE WHEN is_active THEN '1' ELSE '0' END" if c == "is_active" else f"CAST({c} AS TEXT)"
                      for c in columns)
    only = " WHERE shard = 0" if table == "totals" else ""
    text = server.sql(f"SELECT json_build_array({shown}) FROM {table}{only}", name)
    return sorted(lite), sorted(json.dumps(json.loads(line)) for line in text.split("\n") if line)


def test_move():
    with kit.folder() as home, databases.postgres() as server:
        path = f"{home}/coordinator.db"
        token, leases = fill(home)
        env, name = to(server, home)
        done = copy("--from", f"sqlite://{path}", "--json", **env)
        said = done.stdout and json.loads(done.stdout)
        if not equal("it is copied", done.returncode, 0):
            return check("because", False, done.stderr)
        equal("what was copied", (said["executions"], said["open"], said["leased"]), (7, 5, 2))
        check("progress is shown", "executions: 1 rows" in done.stderr, done.stderr)
        for table in ("executions", "totals", "worker_auth_tokens", "builds", "build_records", "branches"):
            lite, pg = rows(server, name, path, table)
            equal(f"{table}: the same, byte for byte", pg, lite)
        equal("totals count once", server.sql("SELECT sum(created), sum(succeeded), sum(guest_failed) FROM totals", name),
              "7|1|1")
        with Coordinator(home, **env) as c:
            c.token = token
            for number, lease in leases.items():
                equal(f"who held {number} goes on", c.beat(number, lease)[0], 200)
                equal(f"and ends {number}", c.complete(number, lease)[0], 200)
            equal("the next one has a number of its own", c.create(8)[0], 201)
            taken = sorted(c.lease()[0] for _ in range(4))
            equal("what waited is given out", taken, sorted(set(range(1, 9)) - set(leases) - {1, 2}))
            equal("nothing else is", c.poll()[0], 204)
            equal("totals go on", server.sql("SELECT sum(created), sum(succeeded) FROM totals", name), "8|3")
        again = copy("--from", path, **env)
        check("a target that has rows is refused", again.returncode == 2 and "not empty" in again.stderr, again.stderr)


def test_refusals():
    with kit.folder() as home, databases.postgres() as server:
        path = f"{home}/coordinator.db"
        fill(home)
        env, name = to(server, home)

        def refused(what, words, *more, **other):
            done = copy(*more, **{**env, **other})
            check(f"{what} is refused", done.returncode == 2 and words in done.stderr, (done.returncode, done.stderr))
        with Coordinator(home):
            refused("a source in use", "stop the coordinator first", "--from", path)
        refused("a source that is not there", "there is no file", "--from", f"{home}/nothing.db")
        check("and none is made", not os.path.exists(f"{home}/nothing.db"))
        refused("a password in --to", "command line", "--from", path, "--to", server.tcp)
        refused("SQLite as a target", "PostgreSQL", "--from", path, DATABASE_URL_FILE="", DATABASE_URL=f"{home}/x.db")
        check("and no file is made", not os.path.exists(f"{home}/x.db"))
        with source(path) as db:
            db.execute("DELETE FROM schema_version WHERE version = (SELECT max(version) FROM schema_version)")
            db.commit()
        refused("an older source", "brings it up to date", "--from", path)
        with source(path) as db:
            db.execute("INSERT INTO schema_version SELECT max(version) + 2 FROM schema_version")
            db.commit()
        refused("a newer source", "newer program", "--from", path)
        equal("the target was not touched", server.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", name),
              "0")
        with source(path) as db:
            db.execute("DELETE FROM schema_version WHERE version = (SELECT max(version) FROM schema_version)")
            db.execute("INSERT INTO schema_version SELECT max(version) + 1 FROM schema_version")
            db.execute("CREATE TABLE _litestream_lock (id INTEGER)")
            db.commit()
        refused("a source in which somebody else has a table", "no coordinator makes: '_litestream_lock'", "--from", path)


def test_cut_off():
    """The server goes down in the midst of a copy: nothing is stored, and a repetition does it."""
    with kit.folder() as home, databases.postgres() as server:
        path = f"{home}/coordinator.db"
        fill(home)
        with source(path) as db:
            db.execute("WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO "
                       "executions (id, contract_id, request_id, created_ms, ended_ms, state, outcome, about, task) SELECT i, "
                       "contract_id, i, created_ms, created_ms, 'settled', 'success', about, task FROM n, executions "
                       "WHERE id = 1")
            db.commit()
        env, name = to(server, home)
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("OUTLAYER_", "DATABASE_"))}
        run = subprocess.Popen([kit.program("outlayer"), "db", "copy", "--from", path], text=True,
                               stderr=subprocess.PIPE, stdout=subprocess.PIPE, env={**clean, **env})
        first = ""
        while "executions:" not in first:
            first = run.stderr.readline()
            assert first
        server.stop()
        _, rest = run.communicate(timeout=120)
        check("it says that it was lost", run.returncode == 3 and "connection" in rest, rest)
        server.start()
        equal("nothing is stored", server.sql("SELECT count(*) FROM executions", name), "0")
        done = copy("--from", path, **env)
        equal("again, and all is there", (done.returncode, server.sql("SELECT count(*) FROM executions", name)),
              (0, "19008"))


if __name__ == "__main__":
    kit.main(globals())
