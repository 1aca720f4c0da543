#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The coordinator ends and comes back while a real worker is in the middle of a run: the run goes on, and counts once."""
import contextlib, os, shutil, sqlite3, subprocess

import databases, figures, kit, near
from coordinator_world import Coordinator
from kit import check, equal
from worker_world import CONTRACT, ECHO, World, c_repo


class Fleet(World):
    """With a real coordinator, which keeps its port and its home."""

    def __init__(self, home, server=None):
        """server: of PostgreSQL, whose database it uses then."""
        super().__init__(home)
        self.coordinator.server_close()
        self.port, self.server, self.url = "0", server, server.database() if server else None
        self.start()
        self.port = str(self.coordinator.port)

    def start(self):
        self.coordinator = Coordinator(f"{self.home}/coordinator", PORT=self.port, REQUIRE_AUTH="false",
                                       OFFCHAINVM_CONTRACT_ID=CONTRACT, NEAR_RPC_URL=self.net.url,
                                       **({"DATABASE_URL": self.url} if self.url else {}))

    def save(self):
        """A copy of what is stored now, as the page for operators says."""
        path = f"{self.home}/older"
        if self.server:
            run(self.server, "pg_dump", "-Fc", "-f", path, self.url)
        else:
            shutil.copy(f"{self.home}/coordinator/coordinator.db", path)

    def put_back(self):
        path = f"{self.home}/coordinator/coordinator.db"
        if self.server:
            self.url = self.server.database()
            run(self.server, "pg_restore", "--no-owner", "-d", self.url, f"{self.home}/older")
            return
        for name in (path + "-wal", path + "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
        shutil.copy(f"{self.home}/older", path)


def run(server, program, *args):
    done = subprocess.run([os.path.join(server.programs, program), *args], capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise RuntimeError(done.stderr[-800:])


def test_restart_in_a_run():
    with kit.folder() as home:
        w = Fleet(home)
        repo = c_repo(w, "echo", ECHO)
        with w.worker(ENABLE_EVENT_MONITOR="true", NEARDATA_API_URL=w.net.url, START_BLOCK_HEIGHT="1") as worker:
            id, _, _ = w.request(repo, "warm", record=False)
            check("it serves", kit.until(lambda: is_at(w, id, "settled")), worker.output()[-2000:])
            for name, end in (("a stop", lambda: w.coordinator.stop()), ("a crash", lambda: w.coordinator.kill())):
                leased = worker.output().count("leased contract=")
                id, tx, _ = w.request(repo, "nap4", record=False)
                kit.until(lambda: is_at(w, id, "running"))
                kit.until(lambda: stored(w))
                end()
                w.start()
                event, value = w.answer(tx)
                equal(f"{name}: the answer", value, "rested")
                job = kit.until(lambda: is_at(w, id, "settled"))
                equal(f"{name}: it ended well, at the first attempt", (job["outcome"], job["worker_id"]),
                      ("success", "worker"))
                equal(f"{name}: leased once", worker.output().count("leased contract=") - leased, 1)
                equal(f"{name}: no lease was lost",
                      figures.read(w.coordinator.status_url)["outlayer_leases_lost_total"], 0)
        w.coordinator.kill()


def an_older_copy(server=None):
    with kit.folder() as home:
        w = Fleet(home, server)
        repo = c_repo(w, "echo", ECHO)
        with w.worker(ENABLE_EVENT_MONITOR="true", NEARDATA_API_URL=w.net.url, START_BLOCK_HEIGHT="1") as worker:
            id, tx, _ = w.request(repo, "nap4", record=False)
            kit.until(lambda: is_at(w, id, "running"))
            kit.until(lambda: stored(w))
            w.coordinator.stop()
            w.save()
            w.start()
            equal("it is answered", w.answer(tx)[1], "rested")
            check("and settled", kit.until(lambda: is_at(w, id, "settled")))
            _, last, _ = w.request(repo, "warm", record=False)
            w.answer(last)
            w.coordinator.stop()
            runs, charged = figures.read(worker.status_url), near.view_value(w.net.url, CONTRACT, "get_stats")
            w.put_back()
            w.start()
            check("the older copy has it as open", stored(w))
            job = kit.until(lambda: (w.coordinator.jobs(f"?request_id={id}")[1] or [{}])[0].get("outcome"))
            check("it ends", job, worker.output()[-1500:])
            now = figures.read(worker.status_url)
            same = {k: v for k, v in runs.items() if k.startswith(("outlayer_worker_runs_total",
                                                                   "outlayer_worker_answers_total"))}
            check("what was run and signed before is counted", sum(same.values()) >= 4, same)
            equal("nothing was run or signed again", {k: now[k] for k in same}, same)
            equal("nor charged", near.view_value(w.net.url, CONTRACT, "get_stats"), charged)
        w.coordinator.kill()


def test_an_older_copy():
    """A database that was put back is behind the chain: what it has as open and the chain has ended is not run again."""
    an_older_copy()


def test_an_older_dump():
    """The same of PostgreSQL."""
    with databases.postgres() as server:
        an_older_copy(server)


def stored(w):
    if w.server:
        name = w.url.split("?")[0].rsplit("/", 1)[1]
        return int(w.server.sql("SELECT count(*) FROM queue_items WHERE stage = 'running'", name))
    with contextlib.closing(sqlite3.connect(f"file:{w.home}/coordinator/coordinator.db?mode=ro", uri=True)) as db:
        return db.execute("SELECT count(*) FROM queue_items WHERE stage = 'running'").fetchone()[0]


def is_at(w, id, state):
    """The job, once it is there."""
    jobs = w.coordinator.jobs(f"?request_id={id}")[1]
    return jobs[0] if jobs and jobs[0]["state"] == state else None


if __name__ == "__main__":
    kit.main(globals())
