#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A chain in doubt: worker and keystore behind servers that lag, repeat, lose answers, say 429 and worse. Whatever a
server does, each request ends once and is charged once."""
import concurrent.futures, hashlib, json, os, threading, time

import kit, near
from fakes.bad_server import BadServer
from fakes.coordinator import Coordinator
from kit import check, equal
from near import NEAR, Account, Key
from worker_world import ALICE, CONTRACT, ECHO, METHODS, OPERATOR, World, c_repo

ASKED = threading.Lock()  # the client's nonces are in order


class Site(World):
    """One chain and one built guest; workers that have nothing else in common."""

    def __init__(self, home, **devnet):
        super().__init__(home, **devnet)
        self.echo, self.count = c_repo(self, "echo", ECHO), 0
        with self.worker("builder"):
            _, tx, _ = self.request(self.echo, "first")
            equal("the guest is built", self.answer(tx)[1], "first")
            kit.until(lambda: self.coordinator.completed)

    def new_key(self, allowance=10 * NEAR, methods=METHODS):
        key = Key()
        done = self.operator.send(OPERATOR, near.add_call_key(key.public, CONTRACT, methods, allowance))
        assert "SuccessValue" in done["result"]["status"], done
        return key

    def ask(self, text, coordinator, **more):
        with ASKED:
            id, tx, task = self.request(self.echo, text, record=False, **more)
        if coordinator:
            coordinator.add(task)
        return id, tx, task

    def ended(self, id, tx, text, seconds=120):
        """What the chain says of the request, or why that is not an answer."""
        event, value = self.answer(tx, seconds)
        return "no answer" if event is None else value if value == text else json.dumps(event)

    def events(self, name):
        """All events of this name that the contract has logged, in order."""
        found, head = [], kit.rpc(self.net.url, "block", {"finality": "final"})["result"]["header"]["height"]
        low = kit.rpc(self.net.url, "status", [])["result"]["sync_info"]["earliest_block_height"]
        for height in range(low, head + 1):
            _, body = kit.get_json(f"{self.net.url}/v0/block/{height}")
            for shard in body["shards"] if body else []:
                for done in shard["receipt_execution_outcomes"]:
                    outcome = done["execution_outcome"]["outcome"]
                    if outcome["executor_id"] == CONTRACT and "Failure" not in outcome["status"]:
                        logs = [json.loads(x[11:]) for x in outcome["logs"] if x.startswith("EVENT_JSON:")]
                        found += [x["data"][0] for x in logs if x["event"] == name]
        return found

    def settled_once(self, name):
        """Each request has ended once, and what the contract has earned is the sum of what was charged."""
        asked = sorted(json.loads(e["request_data"])["request_id"] for e in self.events("execution_requested"))
        ends = self.events("execution_completed")
        equal(f"{name}: each request has ended once", sorted(e["request_id"] for e in ends), asked)
        equal(f"{name}: and is charged once", int(near.view_value(self.net.url, CONTRACT, "get_stats")[1]),
              sum(int(e["payment_charged"]) for e in ends))


class Case:
    """A worker with a key, a coordinator and servers of its own."""

    def __init__(self, site, name, servers=1, allowance=10 * NEAR, monitor=False, methods=METHODS, **env):
        self.site, self.name, self.key = site, name, site.new_key(allowance, methods)
        self.coordinator = Coordinator()
        self.coordinator.wasm, self.coordinator.builds = site.coordinator.wasm, site.coordinator.builds
        self.rpc = [BadServer(site.net.url) for _ in range(servers)]
        home = os.path.join(site.home, name)
        self.env = {**site.settings(name), "API_BASE_URL": self.coordinator.url,
                    "NEAR_RPC_URL": ",".join(s.url for s in self.rpc),
                    "MAX_CONCURRENT_RUNS": "2", **env}
        if monitor:
            self.data = [BadServer(site.net.url) for _ in range(servers)]
            self.env.update(ENABLE_EVENT_MONITOR="true", NEARDATA_API_URL=",".join(s.url for s in self.data))
        with open(os.path.join(home, "key"), "w") as f:
            f.write(self.key.secret)
        self.home, self.wrong = home, []

    def worker(self):
        return kit.Daemon("outlayer-worker", self.env, home=self.home)

    def check(self, what, condition, detail=""):
        """Said when all cases are over, so that lines do not mix."""
        if not condition:
            self.wrong.append(f"{what}: {str(detail)[-1500:]}")

    def serve(self, text, seconds=120):
        id, tx, _ = self.site.ask(text, self.coordinator)
        got = self.site.ended(id, tx, text, seconds)
        self.check(f"{text} is answered", got == text, f"{got}, met {self.rpc[0].met[-3:]}")
        report = self.coordinator.report(id, 30)
        self.check(f"{text} is reported", report and report["outcome"] == "success"
                   and int(report.get("charged", 0)) > 0, report)


CALLS = ("get_request", "block", "view_access_key", "send_tx", "tx")
FAULTS = ("html", "html 400", "429", "500", "cut", "lost", "dropped", "slow", "lag", "yesterday", "repeat")


def meets(case, fault):
    """Each call of the worker meets the fault, twice in a row, and then all calls once."""
    with case.worker() as worker:
        case.serve(f"{fault} nothing")
        for about in CALLS:
            case.rpc[0].meet(about, fault, 2)
            case.serve(f"{fault} of {about}")
            case.rpc[0].heal()
        case.rpc[0].meet(None, fault, 5)
        case.serve(f"{fault} of all")
        pending = os.path.join(case.home, "pending")
        case.check("the journal is empty", kit.until(lambda: not os.listdir(pending)), os.listdir(pending))
        case.log = worker.output()


def two_servers(case, fault):
    """One of the two is never right; which one is asked first is nobody's choice."""
    for about in CALLS:
        case.rpc[0].meet(about, fault, 10 ** 6)
    with case.worker():
        case.serve(f"{fault}, another is right")
        case.serve(f"{fault}, and stays so")


def unpaid(case, other):
    """The key's allowance does not pay one answer. Another worker, with another key, gives it."""
    with case.worker() as worker:
        id, tx, _ = case.site.ask("unpaid", case.coordinator)
        case.coordinator.wait(lambda: case.coordinator.failed, 20)
        failed = case.coordinator.failed
        case.check("the lease goes back and says why", failed and failed[0]["retry"]
                   and "NotEnoughAllowance" in failed[0]["reason"], failed)
        case.check("people are told", "the allowance of the key" in worker.output()
                   and "no leases are taken" in worker.output(), worker.output())
        pending = os.path.join(case.home, "pending")
        case.check("the journal is empty", kit.until(lambda: not os.listdir(pending)), os.listdir(pending))
        with other.worker():
            case.check("another worker answers", case.site.ended(id, tx, "unpaid") == "unpaid")
            case.coordinator.report(id)


def old_journal(case):
    """A worker comes back after a day: what it had sent names a block that the chain has forgotten."""
    id, tx, task = case.site.ask("old", None)
    pending = os.path.join(case.home, "pending")
    os.makedirs(pending, 0o700)
    action = near.call("resolve_execution", {"request_id": id, "response": {
        "success": True, "output": {"Text": "old"}, "resources_used": {"instructions": 1, "time_ms": 1}}},
                       60 * near.TGAS)
    raw, hash = Account(case.site.net.url, OPERATOR, case.key).signed(CONTRACT, action,
                                                                      block_hash=near.b58(os.urandom(32)))
    entry = {"version": 1, "contract_id": CONTRACT, "request_id": id, "data_id": task["data_id"], "token": "long-gone",
             "signer_id": OPERATOR, "public_key": case.key.public, "sender_id": task["sender_id"],
             "request_transaction": tx, "request_signer": task["sender_id"],
             "block_height": task["context"]["block_height"],
             "transaction_hash": hash, "nonce": 1, "transaction": raw, "report": {"outcome": "success"}}
    with open(os.path.join(pending, f"{id}.{CONTRACT}"), "w") as f:
        json.dump(entry, f)
    with case.worker():
        case.check("it is not followed for ever", kit.until(lambda: not os.listdir(pending)), os.listdir(pending))
        case.coordinator.add(task)
        case.check("and answered anew", case.site.ended(id, tx, "old") == "old")


def shared_key(case):
    with case.worker() as worker:
        case.serve("before the stranger")
        stranger = Account(case.site.net.url, OPERATOR, case.key)
        for i in range(2):
            stranger.send(CONTRACT, near.call("resolve_execution", {"request_id": 10 ** 9 + i, "response": {
                "success": False, "resources_used": {"instructions": 0, "time_ms": 0}}}))
        began = time.monotonic()
        case.serve("after the stranger")
        case.check("without waiting for a round of 15 s", time.monotonic() - began < 14, time.monotonic() - began)
        case.check("and said", "somebody else uses the key" in worker.output(), worker.output())


def no_way(case):
    """No transaction gets through. The request's window ends, and so does the following."""
    for about in ("send_tx", "broadcast_tx_async"):
        case.rpc[0].meet(about, "500", 10 ** 6)
    with case.worker():
        id, tx, _ = case.site.ask("no way", case.coordinator)
        report = case.coordinator.report(id)
        event = case.site.event(tx, "execution_completed")
        case.check("it ends unpaid", report and report["outcome"] == "expired" and int(report.get("charged", -1)) == 0,
                   report)
        case.check("as on chain", event and event[0]["failure"] == "timeout" and int(event[0]["payment_charged"]) == 0,
                   event)
        pending = os.path.join(case.home, "pending")
        case.check("the journal is empty", kit.until(lambda: not os.listdir(pending)), os.listdir(pending))


class Moments(list):
    """Remembers when something was added."""

    def __init__(self):
        super().__init__()
        self.times = []

    def append(self, x):
        super().append(x)
        self.times.append(time.monotonic())


def heart(case):
    """The chain hangs while the key is looked at: two calls at the start go well, the third one is the upkeep's."""
    case.rpc[0].meet("view_access_key", "hang", 1, after=2)
    beats = case.coordinator.beats = Moments()
    with case.worker():
        id, tx, _ = case.site.ask("nap9", case.coordinator)
        case.check("it is answered", case.site.ended(id, tx, "rested") == "rested")
        gaps = [b - a for a, b in zip(beats.times, beats.times[1:])]
        case.check("the lease was kept alive meanwhile", len(gaps) >= 2 and max(gaps) < 14, gaps)  # a lease lasts 15 s
        case.check("the call did hang", case.rpc[0].met == [("view_access_key", "hang")], case.rpc[0].met)


def together(cases):
    """Runs them at the same time; says for each whether it went well."""
    with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
        runs = {pool.submit(do, case, *args): case for do, case, *args in cases}
        for run, case in runs.items():
            error = run.exception()
            check(case.name, not error and not case.wrong, error or "; ".join(case.wrong))


def watches(case, fault):
    """What the worker's own monitor reads meets the fault just when the request's block is due."""
    with case.worker() as worker:
        for turn in range(2):
            for server in case.data[:1]:
                server.hide = fault == "gap"
                server.meet("/v0/block", fault, 3)
            text = f"{fault} {turn}"
            id, tx, _ = case.site.ask(text, None)
            got = case.site.ended(id, tx, text)
            case.check(f"{text} is seen and answered", got == text, (got, case.data[0].met, worker.output()))
            case.check(f"{text}: its end is seen", case.coordinator.report(id, 30), case.data[0].met)
        created = [id for id in case.coordinator.created]
        case.check("recorded once each", len(created) == len(set(created)), created)


def test_a_bad_rpc_server():
    with kit.folder() as home:
        site = Site(home)
        second = Case(site, "other worker")
        poor = Case(site, "an allowance that is used up", allowance=NEAR // 1000)
        second.env["API_BASE_URL"] = poor.coordinator.url
        together([(meets, Case(site, f"rpc {fault}"), fault) for fault in FAULTS]
                 + [(two_servers, Case(site, f"two rpc servers, {fault}", servers=2), fault)
                    for fault in ("html", "lag", "yesterday")]
                 + [(unpaid, poor, second), (old_journal, Case(site, "an old journal")),
                    (shared_key, Case(site, "a key of two")),
                    (no_way, Case(site, "no transaction gets through")), (heart, Case(site, "the heart"))])
        site.settled_once("a bad RPC server")


GETS = ("html", "html 400", "429", "500", "cut", "lost", "dropped", "lag", "repeat", "gap")


def test_a_bad_block_server():
    with kit.folder() as home:
        site = Site(home)
        together([(watches, Case(site, f"neardata {fault}", monitor=True), fault) for fault in GETS]
                 + [(watches, Case(site, f"two neardata servers, {fault}", servers=2, monitor=True), fault)
                    for fault in ("gap", "html")])
        site.settled_once("a bad block server")


KEYSTORE_CALLS = ("block", "get_request", "get_secrets", "view_access_key", "is_operator")


def keeps(case, keystore, faults):
    """What the keystore asks the chain meets each fault: a request gets its secrets all the same, later."""
    case.coordinator.keystore = keystore.url
    with case.worker():
        for turn, fault in enumerate(faults):
            keystore.rpc.meet(KEYSTORE_CALLS[turn % len(KEYSTORE_CALLS)], fault, 1)
            keystore.rpc.meet(None, fault, 2)
            id, tx, _ = case.site.ask(fault, case.coordinator, secrets_ref={"profile": "p", "account_id": ALICE})
            got = case.site.ended(id, tx, fault)
            case.check(f"{fault} is answered", got == fault, (got, keystore.rpc.met[-6:]))
            case.check(f"{fault} was met", any(how == fault for _, how in keystore.rpc.met), keystore.rpc.met)
            keystore.rpc.heal()


def test_a_bad_rpc_server_of_the_keystore():
    with kit.folder() as home:
        site = Site(home)
        folder = os.path.join(home, "keystore")
        os.makedirs(folder)
        bad = BadServer(site.net.url)
        keystore = kit.Daemon("outlayer-keystore", {
            "SERVER_PORT": "0", "NEAR_RPC_URL": bad.url, "OFFCHAINVM_CONTRACT_ID": CONTRACT,
            "ALLOWED_WORKER_TOKEN_HASHES": hashlib.sha256(b"seal").hexdigest()}, home=folder)
        keystore.rpc = bad
        site.contract.send(CONTRACT, near.call("set_keystore_key", {"public_key": keystore.ready["identity"]}))
        site.store_secret(keystore, site.echo, "p")
        together([(keeps, Case(site, "keystore"), keystore,
                   ("html", "429", "500", "cut", "lost", "dropped", "lag", "yesterday", "repeat"))])
        site.settled_once("a bad RPC server of the keystore")


ODD = """int main(void) {
    fwrite("a\\0b\\1c", 1, 5, stdout);
    return 0;
}
"""


def test_odd_texts():
    """U+0000 and numbers that no machine holds: all of it is text and JSON."""
    with kit.folder() as home:
        site = Site(home)
        case, odd_guest = Case(site, "odd", monitor=True), c_repo(site, "odd", ODD)
        odd = '{"a\\u0000":1e400,"b":"\\u0000","c":[-1E999,0.5]}'
        with case.worker():
            for name, repo, text, how in (("a text", odd_guest, "", "Text"), ("JSON", site.echo, odd, "Json")):
                id, tx, _ = site.request(repo, text, record=False, response_format=how)
                event, _ = site.answer(tx)
                check(f"{name}: it is delivered and charged", event and event["success"]
                      and int(event["payment_charged"]) > 0, event)
                check(f"{name}: the preview can be read anywhere", event and "\0" not in event["output_preview"]
                      and "\1" not in event["output_preview"], event)
                report = case.coordinator.report(id, 30)
                check(f"{name}: the charge is recorded", report and report["outcome"] == "success"
                      and report["charged"] == event["payment_charged"], report)


if __name__ == "__main__":
    kit.main(globals())
