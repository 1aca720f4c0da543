#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The coordinator ends and comes back while a real worker is in the middle of a run: the run goes on, and counts once."""
import contextlib, os, shutil, sqlite3

import figures, kit, near
from coordinator_world import Coordinator
from kit import check, equal
from worker_world import CONTRACT, ECHO, World, c_repo


class Fleet(World):
    """With a real coordinator, which keeps its port and its home."""

    def __init__(self, home):
        super().__init__(home)
        self.coordinator.server_close()
        self.port = "0"
        self.start()
        self.port = str(self.coordinator.port)

    def start(self):
        self.coordinator = Coordinator(f"{self.home}/coordinator", PORT=self.port, REQUIRE_AUTH="false",
                                       OFFCHAINVM_CONTRACT_ID=CONTRACT, NEAR_RPC_URL=self.net.url)


def test_restart_in_a_run():
    with kit.folder() as home:
        w = Fleet(home)
        repo = c_repo(w, "echo", ECHO)
        with w.worker(ENABLE_EVENT_MONITOR="true", NEARDATA_API_URL=w.net.url, START_BLOCK_HEIGHT="1") as worker:
            id, _, _ = w.request(repo, "warm", record=False)
            check("it serves", kit.until(lambda: is_at(w, id, "settled"), 60), worker.output()[-2000:])
            for name, end in (("a stop", lambda: w.coordinator.stop()), ("a crash", lambda: w.coordinator.kill())):
                leased = worker.output().count("leased contract=")
                id, tx, _ = w.request(repo, "nap4", record=False)
                kit.until(lambda: is_at(w, id, "running"), 30)
                kit.until(lambda: stored(w), 10)
                end()
                w.start()
                event, value = w.answer(tx)
                equal(f"{name}: the answer", value, "rested")
                job = kit.until(lambda: is_at(w, id, "settled"), 30)
                equal(f"{name}: it ended well, at the first attempt", (job["outcome"], job["worker_id"]),
                      ("success", "worker"))
                equal(f"{name}: leased once", worker.output().count("leased contract=") - leased, 1)
                equal(f"{name}: no lease was lost",
                      figures.read(w.coordinator.status_url)["outlayer_leases_lost_total"], 0)
        w.coordinator.kill()


def test_an_older_copy():
    """A database that was put back is behind the chain: what it has as open and the chain has ended is not run again."""
    with kit.folder() as home:
        w = Fleet(home)
        repo, path = c_repo(w, "echo", ECHO), f"{home}/coordinator/coordinator.db"
        with w.worker(ENABLE_EVENT_MONITOR="true", NEARDATA_API_URL=w.net.url, START_BLOCK_HEIGHT="1") as worker:
            id, tx, _ = w.request(repo, "nap4", record=False)
            kit.until(lambda: is_at(w, id, "running"), 60)
            kit.until(lambda: stored(w), 10)
            w.coordinator.stop()
            shutil.copy(path, f"{home}/older.db")
            w.start()
            equal("it is answered", w.answer(tx)[1], "rested")
            check("and settled", kit.until(lambda: is_at(w, id, "settled"), 30))
            _, last, _ = w.request(repo, "warm", record=False)
            w.answer(last)
            w.coordinator.stop()
            runs, charged = figures.read(worker.status_url), near.view_value(w.net.url, CONTRACT, "get_stats")
            for name in (path + "-wal", path + "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name)
            shutil.copy(f"{home}/older.db", path)
            w.start()
            check("the older copy has it as open", stored(w))
            job = kit.until(lambda: (w.coordinator.jobs(f"?request_id={id}")[1] or [{}])[0].get("outcome"), 60)
            check("it ends", job, worker.output()[-1500:])
            now = figures.read(worker.status_url)
            same = {k: v for k, v in runs.items() if k.startswith(("outlayer_worker_runs_total",
                                                                   "outlayer_worker_answers_total"))}
            check("what was run and signed before is counted", sum(same.values()) >= 4, same)
            equal("nothing was run or signed again", {k: now[k] for k in same}, same)
            equal("nor charged", near.view_value(w.net.url, CONTRACT, "get_stats"), charged)
        w.coordinator.kill()


def stored(w):
    with contextlib.closing(sqlite3.connect(f"file:{w.home}/coordinator/coordinator.db?mode=ro", uri=True)) as db:
        return db.execute("SELECT count(*) FROM queue_items WHERE stage = 'running'").fetchone()[0]


def is_at(w, id, state):
    """The job, once it is there."""
    jobs = w.coordinator.jobs(f"?request_id={id}")[1]
    return jobs[0] if jobs and jobs[0]["state"] == state else None


if __name__ == "__main__":
    kit.main(globals())
