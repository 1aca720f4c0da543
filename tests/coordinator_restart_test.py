#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The coordinator ends and comes back while a real worker is in the middle of a run: the run goes on, and counts once."""
import contextlib, sqlite3

import figures, kit
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


def stored(w):
    with contextlib.closing(sqlite3.connect(f"file:{w.home}/coordinator/coordinator.db?mode=ro", uri=True)) as db:
        return db.execute("SELECT count(*) FROM queue_items WHERE stage = 'running'").fetchone()[0]


def is_at(w, id, state):
    """The job, once it is there."""
    jobs = w.coordinator.jobs(f"?request_id={id}")[1]
    return jobs[0] if jobs and jobs[0]["state"] == state else None


if __name__ == "__main__":
    kit.main(globals())
