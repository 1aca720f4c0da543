#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Workers beside each other, 1, 2 and 5 of one contract on one coordinator, over SQLite and over PostgreSQL: requests
settled a second, and which programs had the machine's processors meanwhile, which is what stops the growth here; and how
many of the runs are on a worker that had the module, with what workers name as at hand and with that cut out of their
polls on the way. Both with the same workers, one after the other, on modules of their own."""
import collections, contextlib, os, re, sys, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests"))
import figures, fleet_world, kit, near
from fleet_load import Asked, GUEST, Load
from fleet_world import CONTRACTS, Fleet
from worker_world import c_repo

MODULES, RUNS, BURST = 12, 10, 300  # RUNS of each module
BUILD_TARGET = "wasm32-wasip1"
hidden = threading.Event()


class Hiding(fleet_world.Gate):
    """Cuts what a worker names as at hand out of its polls, while `hidden` is set."""

    def passed(self, piece):
        if hidden.is_set() and piece.startswith(b"GET /tasks/poll"):
            return re.sub(rb"&at_hand=[0-9a-f,]*", b"", piece, count=1)
        return piece


def row(what, value, unit):
    print(f"{what:<70} {value:>10.3f} {unit}", flush=True)


def had(fleet):
    """Modules that were in their worker's cache, and all."""
    counts = [figures.read(m.daemon.status_url) for m in fleet.workers]
    by = {source: sum(c.get(f'outlayer_worker_modules_total{{from="{source}"}}', 0) for c in counts)
          for source in ("cache", "coordinator", "build")}
    return by["cache"], sum(by.values())


def asks(numbers, repo, commit):
    return [Asked(next(numbers), "c1", CONTRACTS[0], repo, commit, BUILD_TARGET) for _ in range(RUNS)]


def share(fleet, load, numbers, name):
    """Of runs of modules that nobody had before; and the requests' number a second, as four callers send them."""
    plans = []
    for i in range(MODULES):
        repo = c_repo(fleet, f"{name}{i}", f"/* {name} {i} */\n" + GUEST)
        plans.append(asks(numbers, repo, fleet.git(repo, "rev-parse", "HEAD")))
    before = had(fleet)
    first = load.serve([p[0] for p in plans], 120)  # each is built by somebody
    t0 = time.monotonic()
    left = load.serve([p[i] for i in range(1, RUNS) for p in plans], 120)
    took = time.monotonic() - t0
    if first or left:
        raise SystemExit(f"{len(first) + len(left)} requests were not answered")
    after = had(fleet)
    return (after[0] - before[0]) / (after[1] - before[1] - MODULES), (RUNS - 1) * MODULES / took


def processor():
    """Seconds that each process of the machine has had, of a worker's with its guests that have ended, and its program."""
    found = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, ValueError):
            with open(f"/proc/{entry}/stat") as f:
                text = f.read()
            rest = text[text.rindex(")") + 2:].split()
            program = text[text.index("(") + 1:text.rindex(")")]
            times = rest[11:15] if program.startswith("outlayer") else rest[11:13]
            found[int(entry)] = sum(map(int, times)) / os.sysconf("SC_CLK_TCK"), program
    return found


def print_shares(what, before, seconds):
    used = collections.Counter()
    for pid, (now, program) in processor().items():
        used[program] += max(0, now - before.get(pid, (0, ""))[0])
    all = seconds * os.cpu_count()
    parts = ", ".join(f"{name} {100 * s / all:.0f} %" for name, s in used.most_common(7) if s > all / 100)
    print(f"{what}: of {os.cpu_count()} processors {100 * sum(used.values()) / all:.0f} % ({parts})", flush=True)


def burst(fleet, what, repo, commit, numbers):
    """Requests a second from the first that is sent to the last that has ended, all sent at once."""
    account, purse = fleet.root.create("burst.test.near", 1000 * near.NEAR), fleet.purses[0]
    nonce, block = account.nonce(), kit.rpc(fleet.url, "block", {"finality": "final"})["result"]["header"]["hash"]
    one = lambda: Asked(next(numbers), "c1", CONTRACTS[0], repo, commit, BUILD_TARGET)
    raw = [account.signed(fleet.askers[0], near.call("ask", one().arguments(purse), 250 * near.TGAS, near.NEAR),
                          nonce=nonce + 1 + i, block_hash=block)[0] for i in range(BURST)]
    ends = len(fleet.scan.ends)
    t0, before = time.monotonic(), processor()
    for text in raw:
        kit.rpc(fleet.url, "broadcast_tx_async", [text])
    if not fleet.scan.wait(lambda: len(fleet.scan.ends) >= ends + BURST, 120):
        raise SystemExit(f"{ends + BURST - len(fleet.scan.ends)} requests were not answered")
    seconds = time.monotonic() - t0
    row(f"{what}: requests settled a second, {BURST} at once of one module", BURST / seconds, "/s")
    print_shares(what, before, seconds)


def main():
    fleet_world.Gate = Hiding
    for form, workers in [(form, n) for form in ("sqlite", "postgres") for n in (1, 2, 5)]:
        with kit.folder() as home:
            fleet = Fleet(home, form, workers=workers, contracts=1, block_ms=100, log_level="warn")
            load, numbers = Load(fleet), iter(range(1, 10 ** 6))
            repo = c_repo(fleet, "hot", GUEST)
            commit = fleet.git(repo, "rev-parse", "HEAD")
            load.serve(asks(numbers, repo, commit), 120)
            fleet.set_block_ms(fleet.block_ms)
            what = f"{workers} worker{'s' * (workers > 1)}, {form}"
            burst(fleet, what, repo, commit, numbers)
            for name in ("named", "hidden", "named again", "hidden again")[:4 if workers > 1 else 1]:
                (hidden.set if name.startswith("hidden") else hidden.clear)()
                part, rate = share(fleet, load, numbers, name.replace(" ", "-"))
                row(f"{what}, at hand {name}: runs on a worker that had the module", 100 * part, "%")
                row(f"{what}, at hand {name}: requests settled a second", rate, "/s")
            load.stop()
            fleet.end()


main()
