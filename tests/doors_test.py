#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What strangers can take from a coordinator by connections alone, and what that costs its workers."""
import contextlib, http.client, json, resource, select, socket, time

from coordinator_world import CONTRACT, coordinator, task
from kit import PATIENCE_SECONDS, Daemon, Skip, check, equal, folder, main, until

FLOOD, POLLS = 4000, 10000


def open_files(wanted):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted + 2500:  # the coordinator has other files, too
        raise Skip(f"the hard limit of open files is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted) if soft != resource.RLIM_INFINITY else soft, hard))


@contextlib.contextmanager
def half_open(port, address, count):
    """Connections that send one byte each, and nothing else."""
    sockets = []
    try:
        for _ in range(count):
            s = socket.socket()
            s.bind((address, 0))
            s.connect(("127.0.0.1", port))
            with contextlib.suppress(OSError):  # it was refused already
                s.send(b"G")
            sockets.append(s)
        yield sockets
    finally:
        for s in sockets:
            s.close()


def ask(port, method, path, body=None, token=None, source="127.0.0.1"):
    """(status, parsed answer) over a connection of its own."""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS, source_address=(source, 0))
    c.request(method, path, json.dumps(body) if body else None,
              {"Authorization": f"Bearer {token}"} if token else {})
    answer = c.getresponse()
    raw = answer.read()
    c.close()
    return answer.status, json.loads(raw) if raw[:1] in (b"{", b"[") else raw


def serve_one(c, port, number):
    """A worker's whole work, in which a lease that is confirmed late is lost."""
    def call(method, path, body, want):
        status, answer = ask(port, method, path, body, c.token)
        if status != want:
            raise RuntimeError(f"{method} {path}: {status} {answer}")
        return answer
    call("POST", "/tasks/create", task(number), 201)
    lease = call("GET", "/tasks/poll?worker_id=w&timeout=30", None, 200)["lease"]["token"]
    key = {"contract_id": CONTRACT, "request_id": number, "token": lease}
    call("POST", "/tasks/heartbeat", key, 200)
    call("POST", "/tasks/complete", {**key, "outcome": "success"}, 200)


def flood(c, worker_port, address):
    with half_open(c.port, address, FLOOD) as sockets:
        for n in range(1, 21):
            serve_one(c, worker_port, n)
        check(f"{FLOOD} half-open connections of {address}: workers' leases are confirmed", True)
        equal("and /health answers", ask(c.port, "GET", "/health", source="127.0.0.9")[0], 200)
        closed = until(lambda: hung_up(sockets) >= FLOOD - 520 and hung_up(sockets), step=0.1)
        check("one address has 512 of them", FLOOD - 520 <= closed <= FLOOD - 500, closed)


def hung_up(sockets):
    p = select.poll()
    for s in sockets:
        p.register(s, select.POLLIN)
    return len(p.poll(100))


def trickle(port, path, token):
    s = socket.create_connection(("127.0.0.1", port))
    s.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
              "Content-Length: 5000\r\n\r\n".encode())
    began = time.monotonic()
    with contextlib.suppress(OSError):
        while time.monotonic() < began + PATIENCE_SECONDS and not select.select([s], [], [], 0.1)[0]:
            s.send(b"x")
    took = time.monotonic() - began
    check("a body that trickles has an end", 0.9 < took < PATIENCE_SECONDS, took)
    s.close()


def test_half_open_connections():
    open_files(FLOOD + 200)
    with coordinator() as c:
        flood(c, c.port, "127.0.0.2")
    # a worker behind the same address as the flood needs the listener of its own
    with coordinator(WORKER_LISTEN="127.0.0.1:0") as c:
        check("workers have a port of their own", c.ready["worker_port"] != c.port, c.ready)
        flood(c, c.ready["worker_port"], "127.0.0.1")


def test_the_keystores_doors():
    """A flood of the keystore from the coordinator's own address leaves the door that workers' questions come by."""
    open_files(FLOOD + 200)
    with folder() as home, Daemon("outlayer-keystore", {
            "SERVER_PORT": "0", "WORKER_LISTEN": "127.0.0.1:0", "STATUS_LISTEN": "off", "HTTP_BODY_SECONDS": "1",
            "NEAR_RPC_URL": "http://127.0.0.1:1", "OFFCHAINVM_CONTRACT_ID": CONTRACT,
            "ALLOWED_WORKER_TOKEN_HASHES": "0" * 64}, home=home) as k:
        door = k.ready["worker_port"]
        check("workers have a port of their own", door != k.port, k.ready)
        with half_open(k.port, "127.0.0.1", FLOOD) as sockets:
            for port, source in ((door, "127.0.0.1"), (k.port, "127.0.0.9")):
                status, _ = ask(port, "POST", "/decrypt", {"x": 1}, source=source)
                check(f"{source} is answered", status in (400, 401), status)
            closed = until(lambda: hung_up(sockets) >= FLOOD - 520 and hung_up(sockets), step=0.1)
            check("one address has 512 of them", FLOOD - 520 <= closed <= FLOOD - 500, closed)
        trickle(k.port, "/decrypt", "x")


def test_a_body_that_trickles():
    with coordinator(HTTP_BODY_SECONDS="1") as c:
        trickle(c.port, "/tasks/create", c.token)
        equal("and others are served", ask(c.port, "GET", "/health")[0], 200)


def test_many_waiting_polls():
    open_files(POLLS + 200)
    with coordinator(WORKER_LISTEN="127.0.0.1:0", STATUS_LISTEN="127.0.0.1:0",
                     WORKER_CONNECTIONS_MAX=str(POLLS + 500)) as c:
        port, sockets = c.ready["worker_port"], []
        request = (f"GET /tasks/poll?timeout=30&worker_id=w HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {c.token}"
                   "\r\n\r\n").encode()
        try:
            for _ in range(POLLS):
                s = socket.create_connection(("127.0.0.1", port))
                s.send(request)
                sockets.append(s)
            end = time.monotonic() + PATIENCE_SECONDS
            waiting = 0
            while waiting < POLLS and time.monotonic() < end:
                text = ask(c.ready["status_port"], "GET", "/metrics")[1].decode()
                waiting = int(text.split("\noutlayer_polls_waiting ")[1].split()[0])
            equal("polls wait", waiting, POLLS)
            equal("work is created meanwhile", ask(port, "POST", "/tasks/create", task(1), c.token)[0], 201)
            p = select.poll()
            for s in sockets:
                p.register(s, select.POLLIN)
            equal("and one of them has it", len(p.poll(1000 * PATIENCE_SECONDS)), 1)
            equal("/health answers", ask(c.port, "GET", "/health")[0], 200)
        finally:
            for s in sockets:
                s.close()


def test_public_routes_are_limited():
    with coordinator(PUBLIC_PER_MINUTE="60", BRANCH_LOOKUPS="false") as c:
        paths = ("/public/stats", "/public/jobs", "/public/workers", "/public/wasm/info?repo=a/b", "/public/pricing",
                 "/wasm/" + "0" * 64, "/cargo-lock/" + "0" * 64, "/metrics")
        for i, path in enumerate(paths):
            source = f"127.0.1.{1 + i}"
            began, answers = time.monotonic(), [ask(c.port, "GET", path, source=source)[0] for _ in range(10)]
            while 429 not in answers and len(answers) <= 11 + time.monotonic() - began:  # one more each second
                answers.append(ask(c.port, "GET", path, source=source)[0])
            check(f"{path}: ten at once, then 429", 429 not in answers[:10] and answers[-1] == 429, answers)
            own = [ask(c.port, "GET", path, token=c.token, source=source)[0] for _ in range(12)]
            check(f"{path}: not for whoever has a token", 429 not in own, own)
        for path in ("/health", "/readyz"):
            answers = {ask(c.port, "GET", path, source="127.0.2.1")[0] for _ in range(30)}
            equal(f"{path} is asked as often as one likes", answers, {200})
        status, answer = ask(c.port, "GET", "/github/resolve-branch?repo=a/b&commit=main", source="127.0.2.2")
        check("branches can be switched off", status == 503 and "not looked up" in answer["error"]["message"],
              (status, answer))


def test_lists_are_kept_for_a_second():
    with coordinator() as c:
        c.create(1)
        equal("one", [j["request_id"] for j in c.jobs("?limit=7")[1]], [1])
        c.create(2)
        equal("by request: as it is now", [j["request_id"] for j in c.jobs("?request_id=2")[1]], [2])
        check("two, soon after", until(lambda: len(c.jobs("?limit=7")[1]) == 2))
        first = c.jobs("?limit=1")[1][0]
        equal("the list goes on", [j["request_id"] for j in c.jobs(f"?before={first['id']}")[1]], [1])
        headers = http.client.HTTPConnection("127.0.0.1", c.port)
        headers.request("GET", "/public/workers")
        equal("its age is said", headers.getresponse().headers["Cache-Control"], "public, max-age=1")


if __name__ == "__main__":
    main(globals())
