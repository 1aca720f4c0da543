# SPDX-License-Identifier: Apache-2.0
"""What the fleet's test asks and what it breaks: requests of every kind with the answer that each must get, sent by
client contracts; and a machine that kills, freezes, cuts off and restarts each member, silences each way between two, and
has workers come back when their leases are long over, by a seed."""
import collections, random, threading, time

import kit, near
from fleet_world import CONTRACTS, COORDINATORS
from near import NEAR, TGAS
from worker_world import c_repo

GUEST = """int main(void) {
    char b[256], what[16] = "";
    int n = 0;
    size_t got = fread(b, 1, sizeof b - 1, stdin);
    b[got] = 0;
    sscanf(b, "%*d %15s %d", what, &n);
    if (!strcmp(what, "trap")) __builtin_trap();
    if (!strcmp(what, "exit")) { fprintf(stderr, "no luck\\n"); return 3; }
    if (!strcmp(what, "long")) { for (int i = 0; i < n; i++) putchar('x'); return 0; }
    if (!strcmp(what, "secret")) { fputs(getenv("PROTECTED_KEY") ? "has it" : "lacks it", stdout); return 0; }
    if (!strcmp(what, "nap") || !strcmp(what, "doze")) sleep(n);
    fwrite(b, 1, got, stdout);
    return 0;
}
"""
RUST = {"Cargo.toml": '[package]\nname = "echo"\nversion = "0.1.0"\nedition = "2021"\n[[bin]]\nname = "echo"\npath = "main.rs"\n',
        "Cargo.lock": 'version = 3\n\n[[package]]\nname = "echo"\nversion = "0.1.0"\n',
        "main.rs": "use std::io::{Read, Write};\nfn main() {\n    let mut b = Vec::new();\n    std::io::stdin().read_to_end(&mut b).unwrap();\n    std::io::stdout().write_all(&b).unwrap();\n}\n"}
BROKEN = "int main(void) { return nothing; }\n"
LARGE = 50000
# kind: how many of a hundred; the rest are runs of a module that is there
SHARES = {"c2": 8, "rust1": 5, "rust2": 4, "exit": 4, "trap": 4, "broken": 1, "secret": 3, "refused": 3, "long": 3,
          "branch": 3, "new": 3}
FAILS = {"exit": ("guest", "exit status 3: no luck"), "trap": ("guest", "trapped"), "broken": ("build", "nothing"),
         "refused": ("access", "Access denied"), "cancel": ("cancelled", "cancelled by the owner"), "stale": ("cancelled", "")}
NEW_GROUP = 6  # so many want each new repository
DOZE = 8  # seconds of a run, or of a build, in which its worker is frozen or cut off


class Asked:
    """A request as it is planned, and what became of it."""

    def __init__(self, number, kind, contract, repo, commit, target, text=None):
        self.number, self.kind, self.contract, self.repo, self.commit, self.target = number, kind, contract, repo, commit, target
        self.text = f"{number} {text or kind}"
        self.id = self.sent = None
        self.secrets = {"profile": kind, "account_id": "alice.test.near"} if kind in ("secret", "refused") else None

    def output(self):
        """None: it must fail."""
        if self.kind in FAILS:
            return None
        return {"secret": "has it", "long": "x" * LARGE}.get(self.kind, self.text)

    def arguments(self, purse):
        return {"code_source": {"repo": self.repo, "commit": self.commit, "build_target": self.target},
                "input_data": self.text, "response_format": "Text", "payer_account_id": purse,
                **({"secrets_ref": self.secrets} if self.secrets else {}),
                **({"resource_limits": {"max_execution_seconds": 60}} if self.kind in ("nap", "cancel", "doze") else {})}


class Plan:
    """All requests of a run, by its seed."""

    def __init__(self, fleet, seed, count, naps=1, cancels=1, nap=25):
        self.fleet, self.random = fleet, random.Random(seed)
        self.head = lambda repo: fleet.git(repo, "rev-parse", "HEAD")
        self.c, self.rust = c_repo(fleet, "fleet-c", GUEST), fleet.repo("fleet-rust", RUST)
        self.broken, self.nap = c_repo(fleet, "fleet-broken", BROKEN), nap
        self.commits = {repo: self.head(repo) for repo in (self.c, self.rust, self.broken)}
        self.number, self.fresh = 0, 0
        self.first = [self.one(kind, contract) for contract in CONTRACTS for kind in ("c1", "c2", "rust1", "rust2")]
        kinds = [kind for kind, share in SHARES.items() for _ in range(share * count // 100)]
        kinds += ["c1"] * (count - len(kinds) - naps - cancels)
        self.random.shuffle(kinds)
        # What sleeps holds a worker's slot: two at a time, lest the others wait for longer than a window.
        sleepers, many = ["nap"] * naps + ["cancel"] * cancels, len(kinds)
        for i, kind in reversed(list(enumerate(sleepers))):
            kinds.insert(i // 2 * (2 * many // len(sleepers)), kind)
        self.rest = [self.one(kind) for kind in kinds]

    def more(self):
        """One beyond what was planned, of any kind."""
        kinds = [*SHARES, "c1"]
        shares = [*SHARES.values(), 100 - sum(SHARES.values())]
        return self.one(self.random.choices(kinds, shares)[0])

    def one(self, kind, contract=None):
        self.number += 1
        contract = contract or self.random.choice(CONTRACTS)
        if kind in ("secret", "refused"):
            contract = CONTRACTS[0]  # whose keystore it is
        repo = self.rust if kind.startswith("rust") else self.broken if kind == "broken" else self.c
        target = "wasm32-wasip2" if kind.endswith("2") else "wasm32-wasip1"
        commit = self.commits[repo]
        if kind == "new":
            if self.fresh % NEW_GROUP == 0:
                self.new = c_repo(self.fleet, f"fleet-new{self.fresh}", f"/* {self.fresh} */\n" + GUEST, seconds=1)
                self.commits[self.new] = self.head(self.new)
            self.fresh += 1
            repo, commit = self.new, self.commits[self.new]
        if kind == "slow":
            repo = c_repo(self.fleet, f"fleet-slow{self.number}", f"/* {self.number} */\n" + GUEST, seconds=DOZE)
            commit = self.head(repo)
        if kind == "branch":
            commit = "main"
        text = {"nap": f"nap {self.nap}", "cancel": "nap 50", "doze": f"doze {DOZE}", "brief": "doze 2", "long": f"long {LARGE}"}.get(kind)
        return Asked(self.number, kind, contract, repo, commit, target, text)


class Load:
    """Callers, each with an account, who send what is planned: never more than `window` requests are open."""

    def __init__(self, fleet, window=40):
        self.fleet, self.window, self.queue, self.sent = fleet, window, collections.deque(), {}
        self.lock, self.errors, self.began = threading.Lock(), [], time.monotonic()
        self.paid = dict.fromkeys(fleet.purses, 0)
        self.threads = [threading.Thread(target=self.call, args=(account,), daemon=True) for account in fleet.callers]
        self.over = False
        for t in self.threads:
            t.start()

    def open(self):
        return len(self.sent) - sum(1 for a in self.sent.copy().values() if self.ends(a))

    def find(self):
        for key, request in self.fleet.scan.asked.copy().items():  # whose thread goes on adding
            a = self.sent.get(int(request["input_data"].split()[0]))
            if a:
                a.id = key[1]

    def ends(self, a):
        return self.fleet.scan.ends.get((a.contract, a.id), []) if a.id is not None else []

    def call(self, account):
        nonce = account.nonce()
        while not self.over:
            with self.lock:
                self.find()
                a = self.queue.popleft() if self.queue and self.open() < self.window else None
                if a:
                    self.sent[a.number] = a
            if not a:
                time.sleep(0.05)
                continue
            nonce += 1
            self.send(account, nonce, a)

    def send(self, account, nonce, a):
        """The same bytes, until the chain has them: it may be killed between taking and keeping them."""
        purse, raw = self.fleet.purses[a.number % len(self.fleet.purses)], None
        asker = self.fleet.askers[CONTRACTS.index(a.contract)]
        a.purse, a.sent = purse, time.time()
        while not self.over:
            try:
                raw = raw or account.signed(asker, near.call("ask", a.arguments(purse), 250 * TGAS, NEAR), nonce=nonce)[0]
                kit.rpc(self.fleet.url, "broadcast_tx_async", [raw], 5)
                if kit.until(lambda: account.nonce() >= nonce, 2, 0.1):
                    return
            except (OSError, ValueError, KeyError):
                time.sleep(0.1)

    def serve(self, plans, seconds, tell=None, more=lambda: None):
        """Sends all of them, and what `more` gives for as long as it gives something, and waits for their ends; those
        that did not end."""
        plans = list(plans)
        self.queue.extend(plans)
        end, told = time.monotonic() + seconds, time.monotonic()
        while time.monotonic() < end:
            while len(self.queue) < len(self.threads) and (another := more()):
                plans.append(another)
                self.queue.append(another)
            with self.lock:
                self.find()
                left = [a for a in plans if not self.ends(a)]
            if not left:
                return []
            if tell and time.monotonic() > told + 10:
                told = time.monotonic()
                tell(len(plans) - len(left), len(plans))
            self.fleet.scan.wait(lambda: False, 0.1)
        return left

    def ask(self, a):
        """Sends it before all that wait, and waits until the chain has it, not until it ends."""
        self.queue.appendleft(a)
        return kit.until(lambda: self.find() or a.id is not None)

    def stop(self):
        self.over = True
        for t in self.threads:
            t.join()

    def canceller(self, plans):
        """The owner cancels what naps for this, once it is asked."""
        def run():
            for a in plans:
                while a.id is None and not self.over:
                    time.sleep(0.1)
                while not self.ends(a) and not self.over:
                    try:
                        self.fleet.owner.send(a.contract, near.call("emergency_cancel_execution", {"request_id": a.id}))
                    except (OSError, ValueError, KeyError, TypeError):
                        time.sleep(0.2)
                    kit.until(lambda: self.ends(a), 3)
        t = threading.Thread(target=run, daemon=True)
        t.start()
        return t


KINDS = ("kill", "freeze", "cut", "restart")
OF_REDIS = ("empty", "read_only")
OF_WAYS = ("cut", "silence")  # between two
LONG = ("freeze", "cut", "silence")  # for longer than a lease lasts
LONG_SECONDS = (17, 25)
WORK = {"running": "doze", "building": "slow"}  # what a worker is at as it happens, and a request that has it be at it


def way_name(pair):
    return "->".join(pair)


def script_of(seed, names, ways, upgraded, most):
    """[(kind, where)]: each fault of each member and of each way between two, by turns, in an order by the seed, and again,
    until there are as many as are wanted; with one upgrade at least, and each once at most."""
    chance = random.Random(seed)
    upgrades = [("upgrade", name) for name in upgraded]
    every = [(kind, name) for name in names for kind in KINDS + (OF_REDIS if name == "redis" else ())]
    between = [(kind, way_name(pair)) for pair in ways for kind in OF_WAYS]
    for faults in (upgrades, every, between):
        chance.shuffle(faults)
    turns = [fault for both in zip(every, between) for fault in both]
    turns += every[len(between):] + between[len(every):]
    script = (upgrades[:1] + turns)[:most]
    for fault in upgrades[1:]:
        if len(script) > len(turns) // 4:
            script[chance.randrange(1, len(script))] = fault
    while len(script) < most:
        chance.shuffle(turns)
        script += turns[:most - len(script)]
    chance.shuffle(script)
    return script


def long_scripts(seed, ways, first_workers, most):
    """[(kind, where)] for each contract: those that outlast a lease, of whoever runs or builds something for it just then. The
    first contract's has those of coordinators and of its workers' single ways, too, by turns: no more than one of a contract's
    workers is away for long at a time."""
    chance = random.Random(seed)
    at_work = [(kind, what) for kind in LONG for what in WORK]
    others = [("silence", way_name(pair)) for pair in ways if pair[0] in first_workers or pair[1] == "postgres"]
    others += [("freeze", pair[0]) for pair in ways if pair[1] == "keystore"]  # coordinators
    chance.shuffle(at_work)
    chance.shuffle(others)
    unlike = [fault for fault in at_work if fault[0] != at_work[0][0] and fault[1] != at_work[0][1]]
    second = unlike[:1] + [fault for fault in at_work if fault != unlike[0]]
    first = [fault for both in zip(at_work * len(others), others) for fault in both]
    half = most // 2
    return first[:most - half], (second * half)[:half]


class Faults(threading.Thread):
    """Each fault in turn, the next one when all members serve again, but for those that are away for long meanwhile: of these
    another machine like this has charge."""

    def __init__(self, fleet, seed, script, tell=print):
        super().__init__(daemon=True)
        self.fleet, self.random, self.tell, self.over, self.done, self.failed = fleet, random.Random(seed), tell, False, [], None
        self.script = collections.deque(script)

    def run(self):
        fault = None
        try:
            while self.script and not self.over:
                fault = self.script.popleft()
                if not self.make(*fault):
                    self.script.append(fault)  # when it is back
                self.pause()
        except Exception as e:
            self.failed = f"{fault}: {e!r}"

    def pause(self):
        time.sleep(self.random.uniform(0.3, 1.2))

    def make(self, kind, where):
        """False: the member is away for long just now."""
        m = self.fleet.members[where.split("->")[0]]
        if not m.busy.acquire(blocking=False):
            return False
        began = self.ended = time.time()
        try:
            self.fault(kind, where, m)
        finally:
            m.busy.release()
        self.note(kind, where, m, began)
        return True

    def fault(self, kind, where, m):
        if "->" in where:
            self.hold([self.fleet.ways[tuple(where.split("->"))]], kind, self.rest)
        else:
            getattr(self, kind)(m)

    def note(self, kind, where, m, began):
        # From the chain alone a worker is not away. A coordinator that has its database again gives all leases their time anew.
        if "->" not in where or where.endswith(("->" + COORDINATORS, "->postgres")):
            m.away.append((began, time.time()))
        self.done.append((kind, where))
        self.tell(f"  {kind} {where}: {time.time() - began:.1f} s" +
                  (f", of which to its end {self.ended - began:.1f}" if self.ended > began else ""))

    def rest(self):
        time.sleep(self.random.uniform(0.2, 3))

    @staticmethod
    def hold(gates, kind, rest):
        for gate in gates:
            gate.cut() if kind == "cut" else gate.silence()
        rest()
        for gate in gates:
            gate.mend() if kind == "cut" else gate.speak()

    def kill(self, m):
        m.kill()
        self.rest()
        m.start()

    def restart(self, m):
        status = m.stop()
        self.ended = time.time()
        if status != 0:
            raise RuntimeError(f"it ended with status {status} after SIGTERM: {m.log()[-600:]}")
        m.start()

    def upgrade(self, m):
        m.folder = None
        self.restart(m)

    def empty(self, m):
        m.server.ask("FLUSHALL")

    def read_only(self, m):
        m.server.ask("REPLICAOF", "127.0.0.1", "1")  # nobody is there: it goes on answering, and takes nothing
        self.rest()
        m.server.ask("REPLICAOF", "NO", "ONE")

    def freeze(self, m):
        m.freeze()
        self.rest()
        m.thaw()

    def cut(self, m):
        self.hold(self.fleet.ways_of(m.name), "cut", self.rest)

    def silence(self, m):
        self.hold(self.fleet.ways_of(m.name), "silence", self.rest)


class LongFaults(Faults):
    """Those that outlast a lease, with requests of their own for workers that are to be at work: `asked`, by fault."""

    def __init__(self, fleet, seed, script, contract, load, plan, tell=print):
        super().__init__(fleet, seed, script, tell)
        self.load, self.hit = load, []  # hit: (request, worker's name, from when, until when)
        self.asked = {i: plan.one(WORK[where], contract) for i, (_, where) in enumerate(script) if where in WORK}
        self.made = 0

    def rest(self):
        time.sleep(self.random.uniform(*LONG_SECONDS))

    def make(self, kind, where):
        a, self.made = self.asked.get(self.made), self.made + 1
        if not a:
            m = self.fleet.members[where.split("->")[0]]
            with m.busy:
                began = self.ended = time.time()
                self.fault(kind, where, m)
            self.note(kind, where, m, began)
            return True
        m = self.at_it(a, where)
        began = self.ended = time.time()
        try:
            getattr(self, kind)(m)
        finally:
            m.busy.release()
        self.hit.append((a, m.name, began, time.time()))
        self.note(kind, f"{m.name}, {where}", m, began)
        return True

    def at_it(self, a, what):
        """Who is at it, from now on nobody else's to disturb."""
        self.load.ask(a)
        end = time.monotonic() + 60
        while time.monotonic() < end and not self.load.ends(a):
            m = self.who(a, what)
            if m and m.busy.acquire(timeout=1):
                if self.who(a, what) is m:
                    return m
                m.busy.release()
            time.sleep(0.1)
        raise RuntimeError(f"nobody was seen {what} {a.contract}/{a.id}")

    def who(self, a, what):
        job = self.fleet.job(a)
        m = self.fleet.members.get(job.get("worker_id")) if job.get("state") == what else None
        begun = what != "building" or (m and self.builds(m, a))
        return m if m and begun else None

    @staticmethod
    def builds(m, a):
        """It is not for another's build that it waits."""
        lines = [x for x in m.log().splitlines() if f"[{a.contract}/{a.id}]" in x and (" building repo=" in x or "build end=" in x)]
        return lines and "building repo=" in lines[-1]
