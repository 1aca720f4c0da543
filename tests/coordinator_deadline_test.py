#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A request's time on chain, as the coordinator knows it: what nobody began in time is answered at once, unbuilt and
uncharged."""
import json, time

import kit
from coordinator_doubt_test import Fleet
from coordinator_world import sql
from kit import check, equal
from roles_test import Between
from worker_world import ECHO, builds, c_repo


def now_ms():
    return int(time.time() * 1000)


def test_too_late():
    """A lease is held until fewer than 40 of the request's 200 blocks are left, and then given back."""
    with kit.folder() as home:
        w = Fleet(home, BLOCK_MS="200")
        echo, unbuilt = c_repo(w, "echo", ECHO), c_repo(w, "unbuilt", ECHO)
        height = lambda: kit.rpc(w.net.url, "block", {"finality": "final"})["result"]["header"]["height"]
        late_tx = w.ask_chain(unbuilt, "late")
        task = w.task_of(late_tx)
        w.create(task, dead_at_ms=now_ms() + 20000)
        id, token = w.real.lease()
        wrong_tx = w.ask_chain(echo, "wrong")
        wrong = w.task_of(wrong_tx)
        created = now_ms()
        w.create(wrong, dead_at_ms=created + 10000)
        wrong_id, wrong_token = w.real.lease()
        with w.worker("right", **w.at()) as worker:
            tx = w.ask_chain(echo, "first")
            w.create(w.task_of(tx))
            equal("a request without a deadline", w.answer(tx)[1], "first")
            kit.until(lambda: w.real.beat(id, token)[0] == w.real.beat(wrong_id, wrong_token)[0] == 200
                      and now_ms() > created + 8700, step=0.1)
            w.real.report("fail", wrong_id, wrong_token, reason="stopping", retry=True)
            equal("one whose deadline is wrong, as the chain says", w.answer(wrong_tx)[1], "wrong")
            before = builds(worker)
            kit.until(lambda: w.real.beat(id, token)[0] == 200
                      and height() > task["context"]["block_height"] + 162, 90, 0.5)
            w.real.beat(id, token, dead_at_ms=now_ms() + 3000)  # its last tenth
            w.real.report("fail", id, token, reason="stopping", retry=True)
            event, value = w.answer(late_tx, 20)
            check("what nobody began in time is answered at once", value is None and event["failure"] == "platform"
                  and "no worker could begin" in event["error_message"], event)
            equal("and not charged", (event["payment_charged"], event["resources_used"]["instructions"]), ("0", 0))
            equal("nothing is built for it", builds(worker), before)
            equal("and it is known how it ended", kit.until(lambda: w.outcome(id)), "expired")


def test_hopeless():
    """What the coordinator says that too many wait before is answered though there is time on chain."""
    def change(path, status, body):
        if path.startswith("/tasks/poll") and status == 200:
            body = json.dumps({**json.loads(body), "too_late": True, "hopeless": True}).encode()
        return status, body

    with kit.folder() as home:
        w = Fleet(home)
        repo, between = c_repo(w, "echo", ECHO), Between(w.real.url, change=change)
        with w.worker("right", **w.at(API_BASE_URL=between.url)) as worker:
            tx = w.ask_chain(repo, "first")
            w.create(w.task_of(tx))
            event, value = w.answer(tx)
            check("it is answered", value is None and event["failure"] == "platform"
                  and "so many requests wait before this one" in event["error_message"], event)
            equal("nothing is built or charged", (builds(worker), event["payment_charged"]), (0, "0"))


def test_the_monitor_tells():
    """The deadline comes with the request, and moves with its extensions. 200 blocks are 20 s here."""
    with kit.folder() as home:
        w = Fleet(home)
        repo = c_repo(w, "echo", ECHO)
        with w.worker("right", **w.at(**w.monitor())) as worker:
            tx = w.ask_chain(repo, "first")
            w.answer(tx)
            kit.until(lambda: kit.rpc(w.net.url, "block", {"finality": "final"})["result"]["header"]["height"] > 60)
            tx = w.ask_chain(repo, "nap24", resource_limits={"max_execution_seconds": 60})
            id = w.task_of(tx)["request_id"]
            began = now_ms()
            first = kit.until(lambda: deadline(w, id))
            check("the deadline of its window", first and began + 12000 < first < began + 26000, first and first - began)
            moved = kit.until(lambda: (deadline(w, id) or 0) > first and deadline(w, id), step=0.2)
            check("and of the next one", moved and moved - first > 5000, (first, moved, worker.output()[-500:]))
            equal("it is served", w.answer(tx)[1], "rested")


def deadline(w, id):
    rows = sql(w.real, f"SELECT dead_at_ms FROM queue_items WHERE request_id = {int(id)}")
    return rows and int(rows[0][0])


if __name__ == "__main__":
    kit.main(globals())
