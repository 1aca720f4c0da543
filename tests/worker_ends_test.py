#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""outlayer-worker from outside: it is killed, stopped, loses its lease or comes too late, and each request is
answered once and charged once."""
import base64, json, os, signal, socket, subprocess, time

import kit, near
from fakes.wire import Wire, once
from kit import check, equal
from near import Account, NEAR, TGAS
from worker_world import CONTRACT, ECHO, OPERATOR, World, answers_sent, builds, c_repo, refusal


def test_never_twice():
    with kit.folder() as home:
        w = World(home)
        repo = c_repo(w, "echo", ECHO)
        wire = Wire(w.net.url)
        with w.worker(NEAR_RPC_URL=wire.url):
            _, tx, _ = w.request(repo, "first")
            equal("through the wire", w.answer(tx)[1], "first")
            for fate in ("lost", "dropped"):
                before = answers_sent(w)
                wire.sent.clear()
                wire.fate = once("send_tx", fate)
                id, tx, _ = w.request(repo, fate)
                equal(f"{fate}: it is answered", w.answer(tx)[1], fate)
                equal(f"{fate}: and reported", (w.coordinator.report(id) or {}).get("outcome"), "success")
                equal(f"{fate}: by one transaction", answers_sent(w) - before, 1)
                equal(f"{fate}: always the same bytes", len({raw for raw, _ in wire.sent}), 1)
                equal(f"{fate}: it met its fate", wire.sent[0][1], fate)
                if fate == "dropped":
                    check("dropped: sent again", len(wire.sent) > 1, len(wire.sent))
            wire.fate = lambda method: None
            # Somebody else uses the key: the nonce that the worker has ready is used up.
            stranger = Account(w.net.url, OPERATOR, w.key)
            stranger.send(CONTRACT, near.call("resolve_execution", {"request_id": 9999, "response": {
                "success": False, "resources_used": {"instructions": 0, "time_ms": 0}}}))
            _, tx, _ = w.request(repo, "nonce")
            equal("a used-up nonce", w.answer(tx)[1], "nonce")


def test_crash():
    with kit.folder() as home:
        w = World(home)
        repo = c_repo(w, "echo", ECHO)
        wire = Wire(w.net.url)
        pending = os.path.join(home, "worker", "pending")
        with w.worker(NEAR_RPC_URL=wire.url):
            _, tx, _ = w.request(repo, "first")
            w.answer(tx)
            equal("the journal is empty", kit.until(lambda: os.listdir(pending) == []), True)
        for fate in ("lost", "dropped"):
            before = answers_sent(w)
            with w.worker(NEAR_RPC_URL=wire.url) as worker:
                wire.sent.clear()
                wire.fate = once("send_tx", fate)
                id, tx, task = w.request(repo, "crash " + fate)
                check(f"{fate}: sent", kit.until(lambda: wire.sent))
                worker.kill()
            equal(f"{fate}: the journal has it", len(os.listdir(pending)), 1)
            w.coordinator.add(task)  # its lease ran out meanwhile
            with w.worker(NEAR_RPC_URL=wire.url):
                equal(f"{fate}: answered", w.answer(tx)[1], "crash " + fate)
                equal(f"{fate}: reported after the crash", (w.coordinator.report(id) or {}).get("outcome"),
                      "success")
                equal(f"{fate}: by one transaction", answers_sent(w) - before, 1)
                equal(f"{fate}: always the same bytes", len({raw for raw, _ in wire.sent}), 1)
                equal(f"{fate}: the journal is empty", kit.until(lambda: os.listdir(pending) == []), True)
        held = os.path.join(home, "worker", "held")
        with w.worker(NEAR_RPC_URL=wire.url) as worker:
            id, tx, _ = w.request(repo, "nap15", resource_limits=SLEEP)
            check("what lasts is noted", kit.until(lambda: os.path.exists(held)))
            worker.kill()
        with w.worker(NEAR_RPC_URL=wire.url):
            mine = lambda: [f["reason"] for f in w.coordinator.failed if f["request_id"] == id]
            check("a worker that was killed and comes back gives back what it held", w.coordinator.wait(mine), mine())
            equal("and it is answered", w.answer(tx)[1], "rested")
            equal("nothing is noted any more", kit.until(lambda: not os.path.exists(held)), True)


SLEEP = {"max_execution_seconds": 60}


def test_stop_and_loss():
    with kit.folder() as home:
        w = World(home)
        repo = c_repo(w, "echo", ECHO)
        with w.worker() as worker:
            _, tx, _ = w.request(repo, "first")
            w.answer(tx)
            began = time.monotonic()
            equal("an idle worker stops", worker.stop(), 0)
            check("without a grace", time.monotonic() - began < 8, time.monotonic() - began)
        with w.worker() as worker:
            id, tx, _ = w.request(repo, "sleep", resource_limits=SLEEP)
            check("it runs", w.coordinator.wait(lambda: any(b["request_id"] == id and b.get("stage") == "running"
                                                            for b in w.coordinator.beats)))
            began = time.monotonic()
            equal("a busy worker stops", worker.stop(), 0)
            took = time.monotonic() - began
            check("after the grace", 8 < took, took)
            check("its lease is given back", any(f["request_id"] == id and f["retry"] for f in w.coordinator.failed),
                  w.coordinator.failed)
        with w.coordinator.changed:
            w.coordinator.queue.clear()
        with w.worker(DRAIN_SECONDS="60") as worker:
            id, tx, _ = w.request(repo, "sleep", resource_limits=SLEEP)
            check("another one runs", w.coordinator.wait(lambda: any(b["request_id"] == id and b.get("stage") == "running"
                                                                     for b in w.coordinator.beats)))
            worker.signal(signal.SIGINT)
            check("a long drain begins", kit.until(lambda: "draining:" in worker.output()), worker.output()[-600:])
            began = time.monotonic()
            worker.signal(signal.SIGINT)
            equal("a second Ctrl-C ends it", worker.process.wait(100), 0)
            check("before the drain's time is over", time.monotonic() - began < 50, time.monotonic() - began)
            check("and its lease, too, is given back",
                  any(f["request_id"] == id and f["retry"] for f in w.coordinator.failed), w.coordinator.failed)
        with w.coordinator.changed:
            w.coordinator.queue.clear()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            id, _, _ = w.request(repo, "not here")
            said = refusal(w, STATUS_LISTEN=f"127.0.0.1:{taken.getsockname()[1]}")
            check("a worker whose STATUS_LISTEN is taken does not start, and says what to do",
                  "STATUS_LISTEN" in said and "a port of its own" in said, said)
            check("and takes no lease before it finds out", id not in w.coordinator.leases, w.coordinator.leases)
        with w.coordinator.changed:
            w.coordinator.queue.clear()
        with w.worker() as worker:
            id, tx, _ = w.request(repo, "sleep", resource_limits={"max_execution_seconds": 8})
            w.coordinator.wait(lambda: any(b["request_id"] == id for b in w.coordinator.beats))
            w.coordinator.refuse_beats = True
            check("work whose lease is lost is dropped",
                  kit.until(lambda: "the work is dropped" in worker.output()))
            equal("a lost lease answers nothing", [w.event(tx, "execution_completed"), w.extensions(id) is None],
                  [None, False])
        w.coordinator.refuse_beats = None
        slow = c_repo(w, "slow", ECHO, seconds=40)
        with w.worker() as worker:
            id, tx, _ = w.request(slow, "x", resource_limits=SLEEP, deposit=2 * NEAR)
            check("it is built", kit.until(lambda: builds(worker) == 1), worker.output()[-600:])
            w.coordinator.refuse_beats = True
            check("its lease is lost, too", kit.until(lambda: "lease lost" in worker.output()))
            check("a build ends with its lease", kit.until(lambda: "the work is dropped" in worker.output()),
                  worker.output()[-600:])


def test_longer_than_the_window():
    """200 blocks are 20 s here."""
    with kit.folder() as home:
        w = World(home)
        repo, slow = c_repo(w, "echo", ECHO), c_repo(w, "slow", ECHO, seconds=24)
        with w.worker(MAX_CONCURRENT_RUNS="2") as worker:
            _, tx, _ = w.request(repo, "first")
            w.answer(tx)
            before = answers_sent(w)
            id, tx, _ = w.request(repo, "nap33", resource_limits=SLEEP)
            slow_id, slow_tx, _ = w.request(slow, "built")
            event, value = w.answer(tx)
            equal("a run that is longer than the yield's window is answered", value, "rested")
            equal("and a build", w.answer(slow_tx)[1], "built")
            sent = answers_sent(w) - before
            check("by a few extensions and one answer each", 5 <= sent <= 10, sent)
            equal("reported", [(w.coordinator.report(i) or {}).get("outcome") for i in (id, slow_id)], ["success"] * 2)
            late = c_repo(w, "late", ECHO, seconds=6)  # by the time that it runs the worker knows the pace of blocks
            _, tx, _ = w.request(late, "nap50", resource_limits=SLEEP, gas=53 * TGAS)  # which pays no extension
            event, value = w.answer(tx)
            check("a run for which there is no time on chain is ended and charged, not lost",
                  value is None and event["failure"] == "guest" and "time on chain" in event["error_message"]
                  and int(event["payment_charged"]) > 10 ** 21 and event["resources_used"]["time_ms"] > 2000, event)
        with w.worker() as worker:
            id, tx, task = w.request(repo, "nap18", resource_limits=SLEEP)
            check("extended", kit.until(lambda: w.extensions(id) == 1))
            worker.kill()
        w.coordinator.add(task)  # its lease ran out
        with w.worker("other"):
            equal("a worker that takes it over asks for time, too", w.answer(tx)[1], "rested")


def test_ends_while_it_starts():
    """Before it serves, a worker waits for the chain and looks over its toolchain."""
    with kit.folder() as home:
        w = World(home)
        with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes connections and says nothing
            env = {**os.environ, **w.settings("early", NEAR_RPC_URL=f"http://127.0.0.1:{deaf.getsockname()[1]}"),
                   "OUTLAYER_HOME": home}
            process = subprocess.Popen([kit.program("outlayer-worker")], env=env, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            connection, _ = deaf.accept()
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            try:
                _, said = process.communicate(timeout=120)
            finally:
                process.kill()
                connection.close()
            check("a worker that starts ends when it is told", process.returncode == 0
                  and b"ending before it has started" in said
                  and time.monotonic() - began < 25, said)  # of 30 s


def test_slow_builds_stop_nobody():
    """One place for runs, one for builds; a build of 12 s that many want, and more of another that waits for its
    turn."""
    with kit.folder() as home:
        w = World(home)
        echo, slow, slower = (c_repo(w, name, ECHO, seconds) for name,
                              seconds in (("echo", 0), ("slow", 12), ("slower", 1)))
        with w.worker(MAX_CONCURRENT_RUNS="1", MAX_CONCURRENT_BUILDS="1") as worker:
            _, tx, _ = w.request(echo, "first")
            equal("a module that is there", w.answer(tx)[1], "first")
            waiting = [w.request(slow, "one", deposit=2 * NEAR) for _ in range(2)]
            check("a slow build", kit.until(lambda: builds(worker) == 2), worker.output()[-600:])
            waiting.append(w.request(slower, "other", deposit=2 * NEAR))
            for text in ("two", "three"):
                _, tx, _ = w.request(echo, text)
                equal(f"others run meanwhile: {text}", w.answer(tx)[1], text)
            check("before the build ends", not w.event(waiting[0][1], "execution_completed"))
            events = [w.answer(tx) for _, tx, _ in waiting]
            equal("those who waited have their answers", [v for _, v in events], ["one", "one", "other"])
            equal("one build of each", builds(worker), 3)
            times = sorted(e["resources_used"]["compile_time_ms"] for e, _ in events[:2])
            check("which is paid once", times[0] < 6000 and times[1] > 12000, times)
            broken = c_repo(w, "broken", "int main(void) { return nothing; }\n", seconds=9)
            waiting = [w.request(broken) for _ in range(3)]
            events = [w.answer(tx)[0] for _, tx, _ in waiting]
            check("a build that fails fails for all who wait for it",
                  all(e["failure"] == "build" and "nothing" in e["error_message"] for e in events), events)
            times = sorted(e["resources_used"]["compile_time_ms"] for e in events)
            check("and is paid once, too", builds(worker) == 4 and times[1] < 9000 < times[2], (builds(worker), times))


def test_many_wait_for_one_build():
    """More requests than a worker has leases want a build of 12 s, and others a git server that says nothing. One place
    for runs, one for builds."""
    with kit.folder() as home:
        w = World(home, BLOCK_MS="200")
        echo, slow = c_repo(w, "echo", ECHO), c_repo(w, "slow", ECHO, seconds=12)
        deaf = socket.create_server(("127.0.0.1", 0))  # takes connections and says nothing
        address = f"127.0.0.1:{deaf.getsockname()[1]}"
        with deaf, w.worker(EGRESS_ALLOW=address, MAX_CONCURRENT_RUNS="1", MAX_CONCURRENT_BUILDS="1"):
            _, tx, _ = w.request(echo, "first")
            w.answer(tx)
            nonce = w.alice.nonce() + 1
            wanted = [w.ask_chain(slow, "one", nonce=nonce + n) for n in range(12)]
            deaf_tx = [w.ask_chain(f"https://{address}/owner/name", "x", deposit=8 * 10 ** 21, nonce=nonce + 12 + n)
                       for n in range(6)]
            for tx in wanted + deaf_tx:
                w.coordinator.add(w.task_of(tx))
            for text in ("two", "three"):
                _, tx, _ = w.request(echo, text)
                equal(f"others run meanwhile: {text}", w.answer(tx)[1], text)
            check("before the build ends", not w.event(wanted[0], "execution_completed"))
            events = [w.answer(tx) for tx in wanted]
            equal("those who waited have their answers", [v for _, v in events], ["one"] * 12)
            times = sorted(e["resources_used"].get("compile_time_ms", 0) for e, _ in events)
            check("and one of them pays for the build", times[-2] < 12000 < times[-1], times)
            events = [w.answer(tx)[0] for tx in deaf_tx]
            check("whoever made it ask a server that says nothing pays for that", all(
                e["failure"] == "build" and 9000 < e["resources_used"]["compile_time_ms"] < 20000 for e in events),
                  events)


ENVIRON = """extern char **environ;
int main(void) {
    for (char **at = environ; *at; at++) puts(*at);
    return 0;
}
"""


def test_two_attempts():
    """A guest may run more than once; what it can tell the attempts by is nothing."""
    with kit.folder() as home:
        w = World(home)
        repo = c_repo(w, "environ", ENVIRON)
        wire = Wire(w.net.url)
        pending = os.path.join(home, "worker", "pending")
        with w.worker(NEAR_RPC_URL=wire.url) as worker:
            wire.fate = lambda method: "dropped" if method in ("send_tx", "broadcast_tx_async") else None
            id, tx, task = w.request(repo, "x")
            check("the first attempt has an answer", kit.until(lambda: wire.sent), worker.output()[-600:])
            worker.kill()
        with open(os.path.join(pending, os.listdir(pending)[0])) as f:
            bytes_ = base64.b64decode(json.load(f)["transaction"])
        at = bytes_.index(b'{"request_id"')
        first = json.JSONDecoder().raw_decode(bytes_[at:].decode(errors="replace"))[0]["response"]["output"]["Text"]
        equal("which nobody has seen", w.event(tx, "execution_completed"), None)
        w.coordinator.add(task)  # its lease ran out meanwhile
        with w.worker("other"):
            equal("the second attempt has the same environment", w.answer(tx)[1], first)
        names = dict(line.split("=", 1) for line in first.splitlines())
        equal("which names the request", [names["NEAR_CONTRACT_ID"], names["NEAR_REQUEST_ID"]], [CONTRACT, str(id)])


def test_late():
    """200 blocks are 20 s here, and whoever attaches 53 TGas buys no more. What was begun is paid, whatever took the
    time; what was not begun is not."""
    with kit.folder() as home:
        w = World(home)
        short = {"gas": 53 * TGAS, "deposit": 2 * NEAR}
        nap = {**short, "resource_limits": {"max_execution_seconds": 40}}
        echo, long, longer, alone = (c_repo(w, name, ECHO, s) for name,
                                     s in (("echo", 0), ("long", 8), ("longer", 26), ("alone", 60)))
        with w.worker(MAX_CONCURRENT_RUNS="4", MAX_CONCURRENT_BUILDS="3") as worker:
            _, tx, _ = w.request(echo, "first")
            w.answer(tx)
            ours = [w.request(repo, "x", deposit=2 * NEAR)[1] for repo in (long, longer)]
            check("two builds are under way", kit.until(lambda: builds(worker) == 3))
            asked = [w.request(repo, text, record=False, **how) for repo, text, how in (
                (long, "nap39", nap), (longer, "x", short), (alone, "x", short), (echo, "nap39", nap))]
            waits, misses, builds_tx, runs = (tx for _, tx, _ in asked)
            height = lambda: kit.rpc(w.net.url, "block", {"finality": "final"})["result"]["header"]["height"]
            first = height()
            kit.until(lambda: height() > first + 25)  # from which the worker knows their pace
            for _, _, task in asked:
                w.coordinator.add(task)
            said = {}
            for what, tx, failure in (("a run", runs, "guest"),
                                      ("a run after a wait for another's build", waits, "guest"),
                                      ("a build", builds_tx, "build")):
                event, value = w.answer(tx)
                said[what] = event["resources_used"]
                check(f"{what} that is cut is charged for what it used", value is None and event["failure"] == failure
                      and "time on chain" in event["error_message"] and int(event["payment_charged"]) > 10 ** 21, event)
            check("and for no wait", 10000 < said["a run"]["time_ms"]
                  and 3000 < said["a run after a wait for another's build"]["time_ms"] < 12000
                  and 10000 < said["a build"]["compile_time_ms"] < 21000, said)
            event, value = w.answer(misses)
            check("what did not begin in time is not charged", value is None and event["failure"] == "platform"
                  and "before its own work could begin" in event["error_message"] and event["payment_charged"] == "0",
                  event)
            equal("those who had time are served", [w.answer(tx)[1] for tx in ours], ["x", "x"])


def test_paid_builds():
    """Looking up, building and compiling may take what is paid for, together: 10 s are included."""
    with kit.folder() as home:
        w = World(home)
        slow, echo = c_repo(w, "slow", ECHO, seconds=11), c_repo(w, "echo", ECHO)
        deaf = socket.create_server(("127.0.0.1", 0))  # takes connections and says nothing
        address = f"127.0.0.1:{deaf.getsockname()[1]}"
        with deaf, w.worker(EGRESS_ALLOW=address, MAX_CONCURRENT_RUNS="1"):
            _, deaf_tx, _ = w.request(f"https://{address}/owner/name", "x", deposit=8 * 10 ** 21)
            _, tx, _ = w.request(echo, "meanwhile")
            equal("a repository that does not answer stops nobody", w.answer(tx)[1], "meanwhile")
            check("it is waited for", not w.event(deaf_tx, "execution_completed"))
            event, value = w.answer(deaf_tx)
            check("for as long as is paid", value is None and event["failure"] == "build"
                  and "took longer than" in event["error_message"]
                  and 9000 < event["resources_used"]["compile_time_ms"] < 20000
                  and int(event["payment_charged"]) > 10 ** 21, event)
            _, tx, _ = w.request(slow, "x", deposit=8 * 10 ** 21)
            event, value = w.answer(tx)
            check("a build that is longer than what is paid", value is None and event["failure"] == "build"
                  and 9000 < event["resources_used"]["compile_time_ms"] < 20000, event)
            _, tx, _ = w.request(slow, "y", deposit=2 * NEAR)
            equal("and one for which more is paid", w.answer(tx)[1], "y")


def test_many_at_once():
    with kit.folder() as home:
        w = World(home)
        repo = c_repo(w, "echo", ECHO)
        with w.worker("one", MAX_CONCURRENT_RUNS="4"), w.worker("two", MAX_CONCURRENT_RUNS="4"):
            asked = [(n, *w.request(repo, f"n{n}", record=False)) for n in range(24)]
            began = time.monotonic()
            for _, _, _, task in asked:
                w.coordinator.add(task)
            for n, id, tx, _ in asked:
                event, value = w.answer(tx)
                if value != f"n{n}":
                    check(f"request {n}", False, (event, value))
            w.coordinator.wait(lambda: all(id in w.coordinator.completed for _, id, _, _ in asked))
            check("all were reported",
                  all(w.coordinator.completed[id]["outcome"] == "success" for _, id, _, _ in asked))
            equal("one build for all", w.coordinator.uploads, 1)
            if os.environ.get("SHOW"):
                print(f"24 runs, build included: {time.monotonic() - began:.2f} s")


if __name__ == "__main__":
    kit.main(globals())
