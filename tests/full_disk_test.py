#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A disk that is really full: a small file system of the test's own, in a mount namespace of its own, under the
coordinator's database and under a worker's home. What was promised stays, each request ends once or is refused with
words that say what is wrong, and all goes on when there is room, without a restart. (PostgreSQL's full disk:
database_days_test.py.)"""
import contextlib, os, subprocess, sys, threading

import kit
from coordinator_world import Coordinator, again, sql, token_of
from kit import check, equal
from worker_world import ECHO, World, c_repo

INSIDE = "FULL_DISK_TEST_INSIDE"
BIG = "x" * 60000  # of a task's input


@contextlib.contextmanager
def small_disk(path, kb):
    os.makedirs(path, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kb}k,mode=700", "tmpfs", path], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def fill(path):
    """To its last byte."""
    with open(os.path.join(path, "filler"), "ab", buffering=0) as f:
        for size in (1 << 16, 1 << 12, 1 << 8, 1):
            with contextlib.suppress(OSError):
                while f.write(b"x" * size) == size:
                    pass


@contextlib.contextmanager
def kept_full(path):
    """What somebody frees there is gone at once."""
    over = threading.Event()

    def keep():
        while not over.wait(0.002):
            fill(path)
    fill(path)
    t = threading.Thread(target=keep)
    t.start()
    try:
        yield
    finally:
        over.set()
        t.join()
        make_room(path)


def make_room(path):
    os.unlink(os.path.join(path, "filler"))


def grow(path, kb):
    # Nothing else of how it is mounted is said again: an ordinary user may not.
    subprocess.run(["mount", "--options-mode", "ignore", "-o", f"remount,size={kb}k", path], check=True)


def is_done(what, answer, want):
    """Done, or refused for a while; nothing else."""
    if answer[0] in want:
        return True
    check(f"{what} is refused for a while", answer[0] == 503 and "try again" in answer[1]["error"]["hint"], answer)
    return False


def record(c, known, most=1000):
    """Records one after the other until there is no room; the number of the one that there was none for."""
    for number in range(max(known, default=1) + 1, most):
        if not is_done("what there is no room for", c.create(number, input_data=BIG), (201,)):
            return number
        known.append(number)
    raise AssertionError("the disk is never full")


def test_under_the_coordinators_database():
    with kit.folder() as home, small_disk(home, 4096):
        token = token_of(home)
        c = Coordinator(home)
        c.token = token
        held, lease = c.lease(1)
        known = []
        refused = {record(c, known)}
        check("some had room", len(known) > 10, len(known))
        fill(home)
        refused.add(record(c, known))
        check("the log says what to look at", "is the disk full?" in c.output(), c.output()[-800:])
        equal("a lease lasts on", c.beat(held, lease, stage="running")[0], 200)
        first = c.poll(5)[1]
        equal("what is recorded is given to who waits", first["task"]["request_id"], known[0])
        equal("what only reads is answered", (c.jobs()[0], c.call("GET", "/public/stats", token=None)[0]), (200, 200))
        over = [held] if is_done("an end", c.complete(held, lease), (200,)) else []
        equal("it ends in order", c.stop(), 0)
        with contextlib.suppress(RuntimeError):  # it starts on a full disk, or says why not
            again(c).kill()
        grow(home, 32768)
        c = again(c)
        equal("the same word ends what was held", c.complete(held, lease), (200, {"changed": not over}))
        equal("what was refused is recorded", [c.create(n, input_data=BIG)[0] for n in refused], [201] * len(refused))
        known += sorted(refused)
        fill(home)
        refused = record(c, known)
        make_room(home)
        equal("it goes on when there is room, without a restart", c.create(refused, input_data=BIG)[0], 201)
        known.append(refused)
        number, lease = first["task"]["request_id"], first["lease"]["token"]
        ended = [number] if c.complete(number, lease)[0] == 200 else []
        while (answer := c.poll())[0] == 200:
            number, lease = answer[1]["task"]["request_id"], answer[1]["lease"]["token"]
            ended += [number] * (c.complete(number, lease) == (200, {"changed": True}))
        equal("what was promised ended, each once", sorted(ended), sorted(known))
        equal("and nothing else is there", sql(c, "SELECT count(*), count(state) FROM executions"), [[str(len(known) + 1)] * 2])
        c.kill()


def test_under_a_worker():
    with kit.folder() as home, small_disk(os.path.join(home, "worker"), 2048):
        w = World(home)
        echo, other = c_repo(w, "echo", ECHO), c_repo(w, "other", "/* other */\n" + ECHO)
        place, asked = os.path.join(home, "worker"), {}
        worker = w.worker()
        id, tx, _ = w.request(echo, "one")
        equal("one is answered", (w.answer(tx)[1], w.coordinator.report(id)["outcome"]), ("one", "success"))
        failed = lambda id: [f for f in w.coordinator.failed if f["request_id"] == id]
        with kept_full(place):
            for text in map(str, range(20)):
                id, tx, _ = w.request(other, text)
                asked[id] = tx, text
                w.coordinator.wait(lambda: failed(id) or id in w.coordinator.completed, 30)
                if failed(id):
                    break
            check("an answer that cannot be kept goes back with the reason", failed(id) and failed(id)[0]["retry"]
                  and "No space left on device" in failed(id)[0]["reason"], (failed(id), worker.output()[-800:]))
            equal("and is not sent", w.event(tx, "execution_completed"), None)
        for id, (tx, text) in asked.items():
            check("each is answered when there is room, without a restart",
                  (w.answer(tx)[1], w.coordinator.report(id)["outcome"]) == (text, "success"), (id, worker.output()[-800:]))
        equal("it ends in order", worker.stop(), 0)
        left = [x for _, _, names in os.walk(place) for x in names if ".tmp" in x or ".new" in x or ".part" in x]
        equal("and leaves nothing half done", (left, os.listdir(os.path.join(place, "pending"))), ([], []))
        w.net.stop()


if __name__ == "__main__":
    if not os.environ.get(INSIDE):  # what is mounted is seen by nobody else, and goes with us
        names = [] if os.geteuid() == 0 else ["--map-root-user"]
        os.execvpe("unshare", ["unshare", "--mount", "--propagation", "private", *names, sys.executable, *sys.argv],
                   {**os.environ, INSIDE: "1"})
    kit.main(globals())
