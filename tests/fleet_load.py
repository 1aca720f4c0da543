# SPDX-License-Identifier: Apache-2.0
"""What the fleet's test asks and what it breaks: requests of every kind with the answer that each must get, sent by
client contracts; and a machine that kills, freezes, cuts off and restarts each member, by a seed."""
import collections, random, threading, time

import kit, near
from fleet_world import CONTRACTS
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
    if (!strcmp(what, "nap")) sleep(n);
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


class Asked:
    """A request as it is planned, and what became of it."""

    def __init__(self, number, kind, contract, repo, commit, target, text=None):
        self.number, self.kind, self.contract, self.repo, self.commit, self.target = number, kind, contract, repo, commit, target
        self.text = f"{number} {text or kind}"
        self.id = None
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
                **({"resource_limits": {"max_execution_seconds": 60}} if self.kind in ("nap", "cancel") else {})}


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
        if kind == "branch":
            commit = "main"
        text = {"nap": f"nap {self.nap}", "cancel": "nap 50", "long": f"long {LARGE}"}.get(kind)
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
        a.purse = purse
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
        """Sends it alone and waits until the chain has it, not until it ends."""
        self.queue.append(a)
        return kit.until(lambda: self.find() or a.id is not None, 20)

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


def script_of(seed, names, upgraded, most):
    """[(kind, member's name)]: each fault of each, in an order by the seed, and again, until there are as many as are
    wanted; with one upgrade at least, and each once at most."""
    chance = random.Random(seed)
    script = [("upgrade", name) for name in upgraded]
    chance.shuffle(script)
    every = [(kind, name) for name in names for kind in KINDS + (OF_REDIS if name == "redis" else ())]
    rest = every + script[1:]
    chance.shuffle(rest)
    script = (script[:1] + rest)[:most]
    while len(script) < most:
        chance.shuffle(every)
        script += every[:most - len(script)]
    chance.shuffle(script)
    return script


class Faults(threading.Thread):
    """Each fault in turn, the next one when all members serve again."""

    def __init__(self, fleet, seed, script, tell=print):
        super().__init__(daemon=True)
        self.fleet, self.random, self.tell, self.over, self.done, self.failed = fleet, random.Random(seed), tell, False, [], None
        self.script = script

    def run(self):
        try:
            for kind, name in self.script:
                if self.over:
                    return
                began = self.ended = time.time()
                m = self.fleet.members[name]
                getattr(self, kind)(m)
                m.away.append((began, time.time()))
                self.done.append((kind, name))
                self.tell(f"  {kind} {name}: {time.time() - began:.1f} s" +
                          (f", of which to its end {self.ended - began:.1f}" if self.ended > began else ""))
                time.sleep(self.random.uniform(0.3, 1.2))
        except Exception as e:
            self.failed = f"{kind} {name}: {e}"

    def rest(self):
        time.sleep(self.random.uniform(0.2, 3))

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
        gates = getattr(m, "ways", None) or [m.gate]
        if m.name.startswith("coordinator"):
            gates = [self.fleet.members["postgres"].gate] if self.fleet.postgres else [m.gate]
        for gate in gates:
            gate.cut()
        self.rest()
        for gate in gates:
            gate.mend()
