#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ten thousand workers wait at three coordinators over one database: each is answered, with work or in its time, and none
of it grows with their number but the connections themselves."""
import concurrent.futures, contextlib, json, os, re, select, socket, time

os.environ["OUTLAYER_TEST_DATABASE"] = "postgres"
import figures, kit
from coordinator_fleet_test import fleet
from doors_test import open_files
from kit import check, equal

POLLS, WORK, WAIT = 10000, 100, 15
KB_EACH = 32  # of memory: a connection's buffers, its request and what waits for it (docs/operate.md)


def memory_kb(c):
    with open(f"/proc/{c.process.pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])


@contextlib.contextmanager
def waiting(coordinators, count):
    """As many connections, each with a poll on it, in turn at each coordinator."""
    sockets = []
    try:
        for i in range(count):
            c = coordinators[i % len(coordinators)]
            s = socket.create_connection(("127.0.0.1", c.ready["worker_port"]))
            s.sendall((f"GET /tasks/poll?timeout={WAIT}&worker_id=w{i} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                       f"{c.token}\r\n\r\n").encode())
            sockets.append(s)
        yield sockets
    finally:
        for s in sockets:
            s.close()


def answers(c, sockets, until):
    """(status, request id or None) of each that is answered until then. Who gets work ends it at `c`."""
    got, open_ones, p = [], {s.fileno(): s for s in sockets}, select.poll()
    for fd in open_ones:
        p.register(fd, select.POLLIN)
    while open_ones and time.monotonic() < until:
        for fd, _ in p.poll(100):
            text = open_ones[fd].recv(65536).decode(errors="replace")
            p.unregister(fd)
            del open_ones[fd]
            work = json.loads(text.partition("\r\n\r\n")[2]) if text[9:12] == "200" else None
            number = work and work["task"]["request_id"]
            if work:
                assert c.complete(number, work["lease"]["token"])[0] == 200
            got.append((text[9:12], number))
    return got


def create(coordinators):
    """All the work there is; the longest that somebody else waited for an answer meanwhile."""
    slowest = 0
    for n in range(1, WORK + 1):
        assert coordinators[n % 3].create(n)[0] == 201, n
        began = time.monotonic()
        assert coordinators[n % 3].call("GET", "/health", token=None)[0] == 200
        slowest = max(slowest, time.monotonic() - began)
    return slowest


def test_ten_thousand():
    open_files(POLLS + 500)
    with fleet(3, WORKER_LISTEN="127.0.0.1:0") as all_of_them:
        all_of_them[0].poll()  # the token is known
        before = [memory_kb(c) for c in all_of_them]
        began = time.monotonic()
        with waiting(all_of_them, POLLS) as sockets:
            total = lambda: sum(figures.read(c.status_url)["outlayer_polls_waiting"] for c in all_of_them)
            check("all wait", kit.until(lambda: total() == POLLS, WAIT - 5), total())
            opened = time.monotonic() - began
            grown = [memory_kb(c) - kb for c, kb in zip(all_of_them, before)]
            each = max(grown) * len(all_of_them) / POLLS
            check(f"a waiting poll takes at most {KB_EACH} KB", each <= KB_EACH, (each, grown))
            print(f"{POLLS} polls in {opened:.1f} s, {each:.1f} KB each", flush=True)
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                made = pool.submit(create, all_of_them)
                got = answers(all_of_them[1], sockets, began + opened + WAIT + 20)
                check("others are served meanwhile, and soon", made.result() < WAIT - 5, made.result())
            equal("all are answered", len(got), POLLS)
            equal("each piece of work is given once", sorted(n for _, n in got if n), list(range(1, WORK + 1)))
            equal("and all others hear that there is none", {status for status, n in got if not n}, {"204"})
        check("none waits", kit.until(lambda: total() == 0), total())


if __name__ == "__main__":
    kit.main(globals())
