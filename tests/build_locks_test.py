#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The locks on builds, with real workers and a real coordinator. If these fail, a worker that dies as it builds makes
everybody wait who needs that build."""
import json

import kit
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


if __name__ == "__main__":
    kit.main(globals())
