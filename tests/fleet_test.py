#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A fleet that loses nothing: real processes serve requests of every kind from client contracts while each of them is
killed, frozen, cut off, silenced, restarted and upgraded, some for longer than a lease lasts, by a seed. At the end every
request has ended once and was charged once, and nothing is left behind.

FLEET_SEED      repeats a run's plan and faults (printed at its head); the sample has one of its own
FLEET_FORM      postgres (default): three coordinators over one database; sqlite: one
FLEET_REQUESTS, FLEET_FAULTS, FLEET_MINUTES   how much, for `make fleet`; of the faults every sixth is a long one"""
import datetime, hashlib, json, os, random, re, time

import before, fleet_world, kit, near
from fleet_load import FAILS, Faults, Load, long_scripts, LongFaults, Plan, script_of
from fleet_world import BUILDS, CONTRACTS, Fleet, OPERATOR, RUNS
from kit import check, equal
from near import NEAR

FORM = os.environ.get("FLEET_FORM", "postgres")
COUNT = int(os.environ.get("FLEET_REQUESTS", "150" if FORM == "postgres" else "60"))
FAULTS = int(os.environ.get("FLEET_FAULTS", "12" if FORM == "postgres" else "8"))
LONG_FAULTS = max(2, FAULTS // 6)
SECONDS = 60 * float(os.environ.get("FLEET_MINUTES", "2"))
WORKERS = int(os.environ.get("FLEET_WORKERS", "6"))
COORDINATORS = int(os.environ.get("FLEET_COORDINATORS", "3"))
SHOW = "FLEET_REQUESTS" in os.environ
# The sample that each run of all tests has is always the same, so that what it finds is the change's; a long run draws one.
SEED = int(os.environ.get("FLEET_SEED", random.randrange(10 ** 6) if SHOW else 12))
LEASE_SECONDS = 15  # as src/queue/queue.h has it
BUILD_LOCK_SECONDS = 20  # as src/worker/build_locks.h has it
STALE_SECONDS = 600  # as src/protocol/contract.h has it
YIELD_BLOCKS, EXTEND_BLOCKS = 200, 60  # as src/protocol/contract.h and src/worker/extender.h have them
# A window lasts longer than what holds a request up most: a lease that runs out, a lock that does, a build and a run.
BLOCK_MS = 250
STEPS_OF = "SELECT timeline FROM executions WHERE contract_id = '{}' AND request_id = {}"
NAP = (YIELD_BLOCKS - EXTEND_BLOCKS) * BLOCK_MS // 1000 + 3  # then more time is asked for
REFUND_BLOCKS = 5  # after its end a request's refund arrives, and its asker hears of it


def say(text):
    if SHOW:
        print(text, flush=True)


def was_held_up(fleet, a):
    """Its worker was away for longer than a lease lasts while it ran, at a moment when nobody had asked for more time yet."""
    return a.kind == "nap" and any(until - since > LEASE_SECONDS and a.sent < until and since < a.sent + 2 * NAP
                                   for m in fleet.workers if fleet.contract_of[m.name] == a.contract for since, until in m.away)


def wrong(fleet, load, a):
    """What is not as it must be with one request; None: nothing."""
    ends = load.ends(a)
    if len(ends) != 1:
        return f"it ended {len(ends)} times"
    end, want = ends[0], a.output()
    if int(end["payment_charged"]) + int(end["payment_refunded"]) != NEAR:
        return "charge and refund are not the payment"
    if end["failure"] == "platform" and was_held_up(fleet, a):
        return None if int(end["payment_charged"]) == 0 else "what was not served is charged"
    if want is not None:
        same = end["success"] and end["output_hash"] == hashlib.sha256(want.encode()).hexdigest()
        return None if same and int(end["payment_charged"]) > 0 else f"not the answer: {json.dumps(end)[:500]}"
    failure, words = FAILS[a.kind]
    if end["failure"] != failure or words not in end["error_message"]:
        return f"not the failure: {json.dumps(end)[:500]}"
    return None


def story(fleet, a):
    """All that is known of a request, for whoever looks for the reason."""
    if a.id is not None:
        print(fleet.sql(f"SELECT timeline FROM executions WHERE contract_id = '{a.contract}' AND request_id = {a.id}"))
    for m in fleet.workers:
        for line in [x for x in m.log().splitlines() if f"[{a.contract}/{a.id}]" in x][-40:]:
            print(f"{m.name} {line[:400]}", flush=True)


def on_the_chain(fleet, load, balances):
    asked, last = list(load.sent.values()), fleet.scan.next
    fleet.scan.wait(lambda: fleet.scan.next >= last + REFUND_BLOCKS, 30)
    bad = {f"{a.number} {a.kind} {a.contract}/{a.id}": w for a in asked if (w := wrong(fleet, load, a))}
    if not check("each request ended once, as it must, and was charged once", not bad, list(bad.items())[:3]):
        story(fleet, next(a for a in asked if wrong(fleet, load, a)))
    equal("nobody asked twice", (len(fleet.scan.asked), len(fleet.scan.ends)), (len(asked), len(asked)))
    for i, purse in enumerate(fleet.purses):
        back = sum(int(e["payment_refunded"]) for a in asked if a.purse == purse for e in load.ends(a))
        equal(f"{purse} got back what was not charged", fleet.balance(purse) - balances[purse], back)
    for contract, asker in zip(CONTRACTS, fleet.askers):
        charged = sum(int(e["payment_charged"]) for a in asked if a.contract == contract for e in load.ends(a))
        got = near.view_value(fleet.url, contract, "get_stats")
        equal(f"{contract} earned what was charged", int(got[1]), charged)
        equal(f"{contract} has nothing open", near.view_value(fleet.url, contract, "get_pending_request_ids"), [])
        heard = near.view_value(fleet.url, asker, "get_answer")
        equal(f"{asker} asked as often", heard["asked"], sum(1 for a in asked if a.contract == contract))
        unheard = sum(1 for a in asked if a.contract == contract and a.kind == "stale")  # what failed it does not count
        equal(f"{asker} heard of each end", heard["answered"] + unheard, heard["asked"])
    naps = [a for a in asked if a.kind == "nap" and not was_held_up(fleet, a)]
    check("what takes longer than a window was extended", all(fleet.scan.extended.get((a.contract, a.id)) for a in naps))


def in_the_database(fleet):
    rows = lambda table, where="": int(fleet.sql(f"SELECT count(*) FROM {table} {where}")[0][0])
    kit.until(lambda: rows("queue_items") == 0)
    equal("nothing waits and nothing is held", rows("queue_items"), 0)
    equal("every execution is over", rows("executions", "WHERE state IS NULL"), 0)
    equal("nobody is kept from what is over", rows("queue_benches"), 0)
    tables = "SELECT tablename FROM pg_tables" if fleet.postgres else "SELECT name FROM sqlite_master WHERE type = 'table'"
    if ["build_locks"] in [list(row[:1]) for row in fleet.sql(tables)]:
        # What is over is swept every ten seconds: of a worker that was killed as it built, too.
        kit.until(lambda: rows("build_locks") == 0, BUILD_LOCK_SECONDS + 10)
        equal("no lock is left", fleet.sql("SELECT lock_key, worker_id, until_ms FROM build_locks"), [])


def builds_of(m):
    """(key, begin, end) of each build, by the worker's log; a build without an end ended with its process."""
    when = lambda line: datetime.datetime.fromisoformat(line.split(" ", 1)[0].replace("Z", "+00:00")).timestamp()
    found, running, unlocked = [], {}, 0
    for line in m.log().splitlines():
        request = re.search(r"\[([^\]]+)\]", line)
        if not request:
            continue
        if "building repo=" in line:
            running[request[1]] = (re.search(r"key=(\w+)", line)[1], when(line))
        elif "build end=" in line and request[1] in running:
            found.append((*running.pop(request[1]), when(line)))
        unlocked += "building without a lock" in line
    for key, began in running.values():
        found.append((key, began, min((a for a, _ in m.away if a > began), default=began)))
    return found, unlocked


def by_the_workers(fleet):
    all_builds = sorted((key, b, e, m.name) for m in fleet.workers for key, b, e in builds_of(m)[0])
    away = {m.name: m.away for m in fleet.workers}
    cut = lambda name, b, e: any(b < until and since < e for since, until in away[name])
    twice = [(x, y) for x, y in zip(all_builds, all_builds[1:]) if x[0] == y[0] and x[3] != y[3] and y[1] < x[2]
             and not cut(x[3], x[1], x[2])]
    check("no two workers built the same thing at once", not twice, twice[:3])
    say(f"builds: {len(all_builds)}, without a lock: {sum(builds_of(m)[1] for m in fleet.workers)}")
    served = {name: int(n) for name, n in fleet.sql("SELECT worker_id, count(*) FROM executions GROUP BY worker_id") if name}
    say("requests by worker: " + ", ".join(f"{m.name} {served.get(m.name, 0)}" for m in fleet.workers))
    for m in fleet.workers:
        begun = len(builds_of(m)[0])
        if fleet.role_of.get(m.name) == RUNS:
            equal(f"{m.name}, which only runs, built nothing", begun, 0)
        if fleet.role_of.get(m.name) == BUILDS:
            check(f"{m.name}, which only builds, built for the others", begun > 0 and "handed over to those who run" in m.log())


def ended_by(fleet, asked):
    """{request id: worker's name} of those of one contract that the coordinators know the end of."""
    ids = ", ".join(str(a.id) for a in asked)
    return {int(n): name for n, name in fleet.sql(
        f"SELECT request_id, worker_id FROM executions WHERE contract_id = '{asked[0].contract}' AND state IS NOT NULL "
        f"AND request_id IN ({ids})")}


def work_is_spread(fleet, load, plan):
    """With all there again and more to do than one of them has places for, nobody who runs is left out."""
    asked = [plan.one("brief", contract) for _ in range(12) for contract in CONTRACTS]
    equal("a burst is answered", [a.number for a in load.serve(asked, 60)], [])
    for contract in CONTRACTS:
        own = [a for a in asked if a.contract == contract]
        names = {m.name for m in fleet.workers if fleet.contract_of[m.name] == contract and fleet.role_of.get(m.name) != BUILDS}
        kit.until(lambda: len(ended_by(fleet, own)) == len(own), 20)
        equal(f"the work of {contract} is not one worker's", set(ended_by(fleet, own).values()), names)


def by_the_long(fleet, hit):
    """Who was away for longer than a lease lasts has lost it, unless nobody was there who could have taken it away."""
    keepers = fleet.coordinators + [m for name, m in fleet.members.items() if name == "postgres"]
    for a, name, began, until in hit:
        steps = json.loads(f"[{fleet.sql(STEPS_OF.format(a.contract, a.id))[0][0].rstrip(',')}]")
        lost = any(x["stage"] == "lost" and x.get("worker_id") == name for x in steps)
        spared = any(since < until and began < there for m in keepers for since, there in m.away)
        check(f"{name} lost {a.contract}/{a.id}, as it was away for {until - began:.0f} s", lost or spared, steps)


def meanwhile(fleet, *script):
    faults = Faults(fleet, SEED, script, say)
    faults.start()
    return faults


def a_key_is_removed(fleet, load, plan):
    """One worker of a contract loses its key while requests come; the others of that contract go on."""
    m = fleet.workers[0]
    key = fleet.key_of[m.name]
    fleet.ok(fleet.operator.send(OPERATOR, near.delete_key(key.public), wait="FINAL"))
    asked = [plan.one("c1", CONTRACTS[0]) for _ in range(12)]
    faults = meanwhile(fleet, ("kill", fleet.coordinators[0].name), ("cut", fleet.workers[1].name))
    left = load.serve(asked, 60)
    faults.join(60)
    equal("while others are killed and cut off", (faults.failed, len(faults.done)), (None, 2))
    equal("without a worker whose key is removed all are answered", [a.number for a in left], [])
    # Of these twelve alone: what a worker answered before may be told to the coordinator after its key is gone.
    by = lambda: ended_by(fleet, asked)
    check("and the coordinators are told of each", kit.until(lambda: len(by()) == len(asked)), by())
    equal("none by that worker", [id for id, name in by().items() if name == m.name], [])
    check("which takes no more work", kit.until(lambda: "outlayer_worker_unable 1" in kit.get(
        m.daemon.status_url + "/metrics")[2].decode()), m.log()[-400:])


def a_request_stays_open(fleet, load, plan):
    """Whose callback cannot run, since the contract's code is another at that moment, is cancelled by a worker when it is
    stale, and its payer has the money back."""
    contract, a = CONTRACTS[-1], plan.one("stale", CONTRACTS[-1])
    workers = [m for m in fleet.workers if fleet.contract_of[m.name] == contract]
    for m in workers:
        m.stop()
    check("one is asked that nobody serves", load.ask(a))
    fleet.ok(fleet.accounts[contract].send(contract, near.deploy(fleet.code_of("asker"))))
    kit.rpc(fleet.url, "sandbox_fast_forward", {"delta_height": YIELD_BLOCKS + 10})
    last = kit.rpc(fleet.url, "block", {"finality": "final"})["result"]["header"]["height"]
    fleet.scan.wait(lambda: fleet.scan.next >= last + REFUND_BLOCKS, 30)  # the callback has failed
    fleet.ok(fleet.accounts[contract].send(contract, near.deploy(fleet.code)))
    equal("its time passes, and it is open", near.view_value(fleet.url, contract, "get_pending_request_ids"), [a.id])
    faults = meanwhile(fleet, ("kill", "devnet"), ("kill", fleet.coordinators[0].name))
    faults.join(60)
    equal("also where what knows of it is killed", (faults.failed, len(faults.done)), (None, 2))
    kit.rpc(fleet.url, "sandbox_fast_forward", {"delta_height": (STALE_SECONDS + 10) * 1000 // fleet.block_ms})
    for m in workers:
        m.start()
    check("a worker cancels it when it is stale", fleet.scan.wait(lambda: load.ends(a), 60), workers[0].log()[-800:])


def files_left(fleet):
    found = [os.path.join(m.home, "pending", name) for m in fleet.workers
             for name in os.listdir(os.path.join(m.home, "pending"))]
    found += [os.path.join(fleet.home, "tmp", name) for name in os.listdir(os.path.join(fleet.home, "tmp"))]
    for folder, _, names in os.walk(fleet.home):
        found += [os.path.join(folder, name) for name in names
                  if ".git" not in folder and (".tmp" in name or name.endswith((".new", ".part")))]
    return found


def have_both_run(fleet, load, plan):
    """Of the second contract one has built and one has run so far. The third, which does both, has at hand what they have
    before work is spread."""
    runner, third = fleet.workers[-2:]
    runner.stop()
    third.start()
    asked = [plan.one(kind, CONTRACTS[-1]) for kind in ("c1", "c2", "rust1", "rust2")]
    equal("the third worker of the second contract runs them, too", [a.number for a in load.serve(asked, 60)], [])
    runner.start()


def ways_between(coordinators, servers, workers):
    """(who asks, whom)"""
    return ([("keystore", "devnet")] + [(c, t) for c in coordinators for t in ("devnet", "keystore", *servers)] +
            [(w, t) for w in workers for t in (fleet_world.COORDINATORS, "devnet")])


def test_fleet():
    print(f"FLEET_SEED={SEED} FLEET_FORM={FORM}", flush=True)
    with kit.folder() as home:
        began = time.monotonic()
        coordinators = [f"coordinator{i}" for i in range(COORDINATORS if FORM == "postgres" else 1)]
        servers = ["postgres", "redis"] if FORM == "postgres" else []
        workers = [f"worker{i}" for i in range(WORKERS)]
        names = ["devnet", "keystore", *servers, *coordinators, *workers]
        ways = ways_between(coordinators, servers, workers)
        script = script_of(SEED, names, ways, coordinators if before.commit_before() else [], FAULTS - LONG_FAULTS)
        earlier = [name for kind, name in script if kind == "upgrade"]
        if not earlier:
            kit.report("skip", "coordinators are upgraded", before.MISSING)
        fleet = Fleet(home, FORM, COORDINATORS, WORKERS, earlier, BLOCK_MS, later=workers[-1:])
        load = Load(fleet)
        balances = {purse: fleet.balance(purse) for purse in fleet.purses}
        plan = Plan(fleet, SEED, COUNT, naps=max(1, COUNT // 500), cancels=max(1, COUNT // 200), nap=NAP)
        fleet.store_secret(fleet.members["keystore"].daemon, plan.c, "secret")
        fleet.store_secret(fleet.members["keystore"].daemon, plan.c, "refused", {"Whitelist": {"accounts": [OPERATOR]}})
        say(f"up after {time.monotonic() - began:.1f} s")
        for kind in ("c1", "c2", "rust1", "rust2"):  # there is one that builds for the second contract
            equal(f"{kind} is built ahead", [a.number for a in load.serve([a for a in plan.first if a.kind == kind], 60)], [])
        have_both_run(fleet, load, plan)
        fleet.set_block_ms(fleet.block_ms)
        say(f"built after {time.monotonic() - began:.1f} s")
        faults = Faults(fleet, SEED, script, say)
        scripts = long_scripts(SEED, ways, [n for n in workers if fleet.contract_of[n] == CONTRACTS[0]], LONG_FAULTS)
        long = [LongFaults(fleet, SEED, script, contract, load, plan, say) for script, contract in zip(scripts, CONTRACTS)]
        machines = [faults, *long]
        for f in machines:
            f.start()
        cancelled = load.canceller([a for a in plan.rest if a.kind == "cancel"])
        t0 = time.monotonic()
        left = load.serve(plan.rest, SECONDS, lambda n, of: say(f"{n} of {of} after {time.monotonic() - t0:.0f} s"),
                          lambda: plan.more() if any(f.is_alive() for f in machines) else None)
        say(f"{len(load.sent) - len(plan.first) - len(left)} requests in {time.monotonic() - t0:.1f} s")
        for f in machines:
            f.join(SECONDS)
        left += [a for f in long for a in f.asked.values() if a.sent and not fleet.scan.wait(lambda: load.ends(a), 60)]
        equal("as many faults were made as were wanted",
              ([f.failed for f in machines if f.failed], sum(len(f.done) for f in machines)), ([], FAULTS))
        if not check("every request ended", not left, [(a.number, a.kind, a.contract, a.id) for a in left]):
            for m in fleet.members.values():
                print(f"==== {m.name}\n{m.log()[-3000:]}", flush=True)
        cancelled.join(5)
        work_is_spread(fleet, load, plan)
        a_key_is_removed(fleet, load, plan)
        a_request_stays_open(fleet, load, plan)
        in_the_database(fleet)
        load.stop()
        on_the_chain(fleet, load, balances)
        by_the_workers(fleet)
        by_the_long(fleet, [x for f in long for x in f.hit])
        equal("all end in order", {k: v for k, v in fleet.end().items() if v != 0}, {})
        equal("no process is left", kit.until(lambda: not fleet.processes_left()) and {} or fleet.processes_left(), {})
        equal("no control group is left", fleet.groups_left(), [])
        equal("no file is left", files_left(fleet), [])


if __name__ == "__main__":
    kit.main(globals())
