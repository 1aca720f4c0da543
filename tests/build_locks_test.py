#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The locks on builds, with real workers and a real coordinator. If these fail, a worker that dies as it builds makes
everybody wait who needs that build, or a coordinator that starts anew has it made twice."""
import json, signal

import coordinator_world, kit
from kit import check, equal
from roles_test import Between, Fleet
from worker_world import ECHO, builds, c_repo

BUILD_LOCK_SECONDS = 20  # as src/worker/build_locks.h has it
SPARE_SECONDS = 10
LONG = 120  # a build that no test waits for


class Locks(Between):
    """Between a worker and the coordinator; what the worker was told of locks."""

    def __init__(self, url):
        self.taken, self.released = [], []
        super().__init__(url, change=self.note)

    def note(self, path, status, body):
        if path == "/locks/acquire":
            self.taken.append(json.loads(body))
        elif path.startswith("/locks/release/"):
            self.released.append(json.loads(body))
        return status, body


def test_builder_killed():
    with kit.folder() as home:
        w = Fleet(home, BLOCK_MS="400")  # the request has time for both
        locks, others = Locks(w.real.url), Locks(w.real.url)
        with w.worker("first", API_BASE_URL=locks.url) as first:
            w.ask(c_repo(w, "slow", ECHO, seconds=LONG))
            check("one begins to build", kit.until(lambda: builds(first) == 1), first.output()[-800:])
            check("its lock is prolonged while it builds", kit.until(lambda: len(locks.taken) > 2, BUILD_LOCK_SECONDS))
            check("and is short", all(x["acquired"] and x["expires_in_seconds"] <= BUILD_LOCK_SECONDS for x in locks.taken),
                  locks.taken)
            with w.worker("second", API_BASE_URL=others.url) as second:
                first.kill()
                check("killed, another one builds when the dead one's word is over",
                      kit.until(lambda: builds(second) == 1, BUILD_LOCK_SECONDS + SPARE_SECONDS), second.output()[-800:])
                equal("one that is ended", second.stop(), 0)
                equal("lets its lock go", others.released, [{"released": True}])


def test_coordinator_killed():
    """Who waits for a build asks for its lock ten times as often as its holder does: a start that forgot it would give
    it to the one that waits."""
    with kit.folder() as home:
        w = Fleet(home, BLOCK_MS="400")
        repo = c_repo(w, "slow", ECHO, seconds=30)
        locks, others = Locks(w.real.url), Locks(w.real.url)
        with w.worker("first", API_BASE_URL=locks.url) as first:
            txs = [w.ask(repo, "one")[1]]
            check("one begins to build", kit.until(lambda: builds(first) == 1, 20), first.output()[-800:])
            with w.worker("second", API_BASE_URL=others.url) as second:
                first.process.send_signal(signal.SIGSTOP)  # the other one gets what is asked for next
                txs.append(w.ask(repo, "two")[1])
                check("another one waits for that", kit.until(lambda: others.taken, 20), second.output()[-800:])
                first.process.send_signal(signal.SIGCONT)
                equal("as the lock is held", [x["acquired"] for x in others.taken], [False] * len(others.taken))
                w.real.kill()
                others.taken.clear()
                locks.before = lambda path: path == "/locks/acquire" and kit.until(lambda: others.taken, 10)
                w.real = coordinator_world.again(w.real)
                locks.to = others.to = w.real.url
                check("who waits asks first", kit.until(lambda: others.taken, 10), second.output()[-800:])
                equal("and does not get it", others.taken[0]["acquired"], False)
                equal("both are answered", [w.answer(tx)[1] for tx in txs], ["one", "two"])
                equal("and one has built", (builds(first), builds(second)), (1, 0))


if __name__ == "__main__":
    kit.main(globals())
