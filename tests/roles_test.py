#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Workers that only build and workers that only run serve one request together, by way of a real coordinator."""
import contextlib, http.client, http.server, json, os, threading, time

import coordinator_world, kit, near
from kit import check, equal
from near import Key, NEAR
from worker_world import CONTRACT, ECHO, METHODS, OPERATOR, World, builds, c_repo, refusal

LATE_MS = 20000  # of which it is too late in the last tenth, and nobody's any more after it
BUILDS, RUNS = {"EXECUTION_ENABLED": "false"}, {"COMPILATION_ENABLED": "false"}
RUST = {"Cargo.toml": '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n'
                      '[[bin]]\nname = "app"\npath = "main.rs"\n',
        "Cargo.lock": 'version = 3\n\n[[package]]\nname = "app"\nversion = "0.1.0"\n',
        "main.rs": 'fn main() { print!("from rust"); }\n'}


class Fleet(World):
    """A world whose coordinator is a real one, and in which each worker has a key of its own."""

    def __init__(self, home, **devnet):
        super().__init__(home, **devnet)
        place = os.path.join(home, "coordinator")
        os.makedirs(place)
        token = coordinator_world.token_of(place)
        self.real = coordinator_world.Coordinator(place)
        self.real.token = token

    def settings(self, name, **env):
        key = Key()
        self.operator.send(OPERATOR, near.add_call_key(key.public, CONTRACT, METHODS, 10 * NEAR))
        env = {"API_BASE_URL": self.real.url, **env}
        found = super().settings(name, **env)
        for file, text in (("key", key.secret), ("token", self.real.token)):
            with open(os.path.join(self.home, name, file), "w") as f:
                f.write(text)
        return found

    def ask(self, repo, text="", dead_in_ms=None, **how):
        """`dead_in_ms`: the coordinator believes that no answer counts later than in so many milliseconds."""
        id, tx, task = self.request(repo, text, record=False, **how)
        if dead_in_ms:
            task["dead_at_ms"] = time.time_ns() // 10**6 + dead_in_ms
        status, answer = self.real.call("POST", "/tasks/create", task)
        check("recorded", status == 201, answer)
        return id, tx


class Between(http.server.ThreadingHTTPServer):
    """Hands everything on to the coordinator. `change` may make another answer of one: (path, status, body)."""
    daemon_threads = True

    def __init__(self, url, change=lambda path, status, body: (status, body), before=lambda path: None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.to, self.change, self.before, self.url = url, change, before, f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        s = self.server
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
        names = ("Authorization", "Content-Type")
        with contextlib.suppress(OSError, http.client.HTTPException):  # either side may be gone meanwhile
            s.before(self.path)
            status, _, body = kit.http(self.command, s.to + self.path, raw,
                                       {k: self.headers[k] for k in names if self.headers[k]}, timeout=120)
            status, body = s.change(self.path, status, body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.close_connection = True  # whoever asked hears at once that there is no answer

    do_POST = do_PUT = do_DELETE = do_GET


def leases(worker):
    return worker.output().count("leased contract=")


def test_together():
    with kit.folder() as home:
        w = Fleet(home)
        c, rust = c_repo(w, "echo", ECHO), w.repo("rust", RUST)
        with w.worker("builder", **BUILDS) as builder, w.worker("runner", **RUNS) as runner:
            id, tx = w.ask(c, "hello")
            event, value = w.answer(tx)
            equal("a guest in C is built here and run there", (value, builds(builder), builds(runner)), ("hello", 1, 0))
            job = kit.until(lambda: w.real.job(id)["state"] == "settled" and w.real.job(id))
            equal("who ran it has ended it, and no attempt has failed", (job["worker_id"], leases(runner)), ("runner", 2))
            built = leases(builder)
            equal("one lease was enough to build it", built, 1)
            _, tx = w.ask(c, "again")
            equal("what is known goes straight to who runs it", (w.answer(tx)[1], leases(builder), leases(runner)),
                  ("again", built, 3))
            _, tx = w.ask(rust)
            equal("a guest in Rust likewise", (w.answer(tx)[1], builds(builder), builds(runner)), ("from rust", 2, 0))
            _, tx = w.ask(c_repo(w, "bad", "int main(void) { this is not C; }"))
            event, value = w.answer(tx)
            check("who builds answers what cannot be built", value is None and event["failure"] == "build", event)
            said = {x["worker_id"]: x["capabilities"] for x in w.real.call("GET", "/public/workers", token=None)[1]}
            check("each says what it does", "compilation" in said["builder"] and "execution" not in said["builder"]
                  and "execution" in said["runner"] and "compilation" not in said["runner"], said)


def test_killed_before_it_hands_over():
    with kit.folder() as home:
        w = Fleet(home)
        came, never = threading.Event(), threading.Event()

        def stop(path):
            if path == "/tasks/hand-over":
                came.set()
                never.wait(60)
                raise OSError("the worker is gone")
        between = Between(w.real.url, before=stop)
        repo = c_repo(w, "echo", ECHO)
        with w.worker("runner", **RUNS):
            first = w.worker("first", **BUILDS, API_BASE_URL=between.url)
            _, tx = w.ask(repo, "hello")
            check("it is built", came.wait(60), first.output())
            first.kill()
            with w.worker("second", **BUILDS) as second:
                event, value = w.answer(tx)
                equal("another one hands over what was uploaded", (value, builds(second)), ("hello", 0))
        never.set()


def test_a_hand_over_that_fails():
    """What could not be handed over goes back to the queue, instead of waiting for its lease's end."""
    with kit.folder() as home:
        w = Fleet(home)
        times = []

        def fail(path):
            if path == "/tasks/hand-over":
                times.append(time.monotonic())
                if len(times) == 1:
                    raise OSError("cut off")
        between = Between(w.real.url, before=fail)
        repo = c_repo(w, "echo", ECHO)
        with w.worker("runner", **RUNS, API_BASE_URL=between.url), w.worker("builder", **BUILDS):
            _, tx = w.ask(repo, "hello")
            equal("it is served", w.answer(tx)[1], "hello")
            equal("handed over at the second try", len(times), 2)
            check("before a lease would have ended", times[1] - times[0] < 12, times)


def test_a_build_that_is_not_believed():
    """Whoever runs believes no record that comes to it: that has an end, in which nobody pays."""
    def spoil(path, status, body):
        if path.startswith("/builds/") and status == 200:
            body = json.dumps({"records": [{**r, "build_ms": r["build_ms"] + 1} for r in records(body)]}).encode()
        return status, body

    def records(body):
        answer = json.loads(body)
        return answer["records"] if "records" in answer else [answer]

    with kit.folder() as home:
        w = Fleet(home)
        between = Between(w.real.url, change=spoil)
        repo = c_repo(w, "echo", ECHO)
        with w.worker("builder", **BUILDS) as builder, w.worker("runner", **RUNS, API_BASE_URL=between.url) as runner:
            _, tx = w.ask(repo, "hello")
            event, value = w.answer(tx)
            check("it ends as a failure of the platform, which says why", value is None and event["failure"] == "platform"
                  and "can use" in event["error_message"], event)
            equal("and costs nothing", event["payment_charged"], "0")
            equal("after three rounds, with one build", (leases(builder), leases(runner), builds(builder)), (3, 4, 1))


def test_too_late_by_the_coordinator_alone():
    """Who hands over what has time on chain says first how much: else the coordinator ends it, or hands it back."""
    with kit.folder() as home:
        w = Fleet(home, BLOCK_MS="400")  # there is time on chain for all of it
        repo = c_repo(w, "echo", ECHO)
        with w.worker("builder", **BUILDS) as builder:
            _, tx = w.ask(repo, "hello", dead_in_ms=LATE_MS)
            kit.until(lambda: "handed over to those who run" in builder.output(), 60)
            check("it came when it was too late", "the chain that there is time" in builder.output(), builder.output())
            with w.worker("runner", **RUNS):
                equal("it is run all the same", (w.answer(tx)[1], builds(builder), leases(builder)), ("hello", 1, 1))


def handed(times):
    """Changes leases into those of what was handed over so often."""
    def change(path, status, body):
        answer = json.loads(body) if path.startswith("/tasks/poll") and status == 200 else {}
        return status, json.dumps({**answer, "handed": times}).encode() if "task" in answer else body
    return change


def test_too_late_for_those_who_build():
    """Who builds what waited for builders has not asked those who run yet, however late it came."""
    with kit.folder() as home:
        w = Fleet(home, BLOCK_MS="400")  # there is time on chain for all of it
        between = Between(w.real.url, change=handed(1))
        with w.worker("builder", **BUILDS, API_BASE_URL=between.url) as builder:
            _, tx = w.ask(c_repo(w, "echo", ECHO), "hello", dead_in_ms=LATE_MS)
            kit.until(lambda: "handed over to those who run" in builder.output(), 60)
            with w.worker("runner", **RUNS):
                equal("it is built and run", (w.answer(tx)[1], builds(builder), leases(builder)), ("hello", 1, 1))


def test_too_late_for_those_who_run():
    """What was handed over and was not taken in its time is refused to its payer, and is not handed over once more."""
    with kit.folder() as home:
        w = Fleet(home, BLOCK_MS="400")  # there is time on chain for all of it
        between = Between(w.real.url, change=handed(2))
        with w.worker("builder", **BUILDS, API_BASE_URL=between.url) as builder:
            _, tx = w.ask(c_repo(w, "echo", ECHO), "hello", dead_in_ms=LATE_MS)
            event, value = w.answer(tx)
            check("its payer is told", value is None and event["failure"] == "platform"
                  and "no worker that runs could take the request" in event["error_message"], event)
            equal("and pays nothing", (event["payment_charged"], leases(builder)), ("0", 1))


def test_neither():
    with kit.folder() as home:
        w = World(home)
        said = refusal(w, **BUILDS, **RUNS)
        check("who is to do neither does not start", "COMPILATION_ENABLED and EXECUTION_ENABLED are both false" in said,
              said)


if __name__ == "__main__":
    kit.main(globals())
