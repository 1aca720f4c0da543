# SPDX-License-Identifier: Apache-2.0
"""A whole deployment on loopback for the fleet's test: a chain, a keystore, PostgreSQL (or SQLite), coordinators behind one
address, workers with keys of their own, two contracts. On the way from each to what it asks stands a gate of its own."""
import asyncio, contextlib, glob, hashlib, json, os, signal, sqlite3, subprocess, threading, time

import before, databases, kit, near
from near import Account, Key, NEAR
from worker_world import ALICE as OWNER, HOST, METHODS, OPERATOR, World

COORDINATORS = "coordinators"
CONTRACTS = ("outlayer.test.near", "second.test.near")
SETUP_BLOCK_MS = 30  # while accounts and contracts are made
BUILD_BLOCK_MS = 400  # while all is built that most requests run
BUILDS, RUNS = {"EXECUTION_ENABLED": "false"}, {"COMPILATION_ENABLED": "false"}


class Gates:
    """TCP proxies on ports that stay, in one thread. A connection goes to the next back end that takes it."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def open(self, targets):
        gate = Gate(self.loop, targets)
        asyncio.run_coroutine_threadsafe(gate.listen(), self.loop).result()
        return gate

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)


class Straight:
    """In a gate's place, where nothing is cut: whoever asks is sent to the next back end."""

    def __init__(self, targets):
        self.targets, self.turn = targets, 0

    @property
    def port(self):
        self.turn += 1
        return self.targets[self.turn % len(self.targets)]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"


class Gate:
    """The way to `targets`: ports, which whoever starts what listens there changes. Several may cut or silence it at once: it
    is open when all of them are done."""

    def __init__(self, loop, targets):
        self.loop, self.targets, self.turn, self.writers = loop, targets, 0, set()
        self.cuts = self.silences = 0
        self.passes = asyncio.Event()
        self.passes.set()

    async def listen(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def connect(self):
        targets, self.turn = list(self.targets), self.turn + 1
        for i in range(len(targets)):
            with contextlib.suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", targets[(self.turn + i) % len(targets)])
        return None

    async def serve(self, reader, writer):
        self.writers.add(writer)
        await self.passes.wait()
        other = None if self.cuts else await self.connect()
        if not other or self.cuts:
            self.writers.discard(writer)
            writer.transport.abort()
            if other:
                other[1].transport.abort()
            return
        self.writers.add(other[1])
        await asyncio.gather(self.pump(reader, other[1]), self.pump(other[0], writer))
        self.writers -= {writer, other[1]}

    def passed(self, piece):
        """What goes on in the place of what came."""
        return piece

    async def pump(self, reader, writer):
        with contextlib.suppress(OSError):
            while piece := await reader.read(1 << 16):
                await self.passes.wait()
                writer.write(self.passed(piece))
                await writer.drain()
        with contextlib.suppress(OSError, RuntimeError):
            writer.close()

    def _cut(self, by):
        self.cuts += by
        for w in self.writers if self.cuts else ():
            w.transport.abort()

    def _silence(self, by):
        self.silences += by
        (self.passes.clear if self.silences else self.passes.set)()

    def cut(self):
        """Nobody gets through until mend(), and whoever was through is thrown out."""
        self.loop.call_soon_threadsafe(self._cut, 1)

    def mend(self):
        self.loop.call_soon_threadsafe(self._cut, -1)

    def silence(self):
        """Nothing passes until speak(), and nothing is closed: as where a cable was drawn. What was sent arrives then."""
        self.loop.call_soon_threadsafe(self._silence, 1)

    def speak(self):
        self.loop.call_soon_threadsafe(self._silence, -1)


def tree(process):
    """The process and all below it: {pid: (start time, command)}."""
    parents, seen = {}, {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, ValueError):
            with open(f"/proc/{entry}/stat") as f:
                text = f.read()
            rest = text[text.rindex(")") + 2:].split()
            parents.setdefault(int(rest[1]), []).append(int(entry))
            if rest[0] != "Z":
                seen[int(entry)] = (int(rest[19]), text[text.index("(") + 1:text.rindex(")")])
    found, left = {}, [process]
    while left:
        here = left.pop()
        left += parents.get(here, [])
        if here in seen:
            found[here] = seen[here]
    return found


class Member:
    """A daemon of the fleet: started again in the same home, with the same settings. serves: the ports of those that do what
    it does. earlier: it is the program before the newest migration."""

    def __init__(self, fleet, name, program, settings, serves=None, earlier=False):
        self.fleet, self.name, self.program, self.settings, self.serves = fleet, name, program, settings, serves
        self.busy = threading.Lock()  # of whoever has it stand still or away
        self.folder = before.programs() if earlier else None
        self.home = os.path.join(fleet.home, name)
        os.makedirs(self.home, exist_ok=True)
        self.daemon, self.logs, self.away = None, [], []  # away: when it was frozen, cut off or dead

    def start(self):
        self.daemon = kit.Daemon(self.program, self.settings, home=self.home, folder=self.folder)
        if self.serves is not None:
            self.serves.append(self.daemon.port)

    def gone(self):
        if self.serves and self.daemon.port in self.serves:
            self.serves.remove(self.daemon.port)
        self.logs.append(self.daemon.output())
        if self.daemon in kit.running:  # it is not where a start has failed
            kit.running.remove(self.daemon)

    def pids(self):
        return tree(self.daemon.process.pid)

    def kill(self):
        self.daemon.kill()
        self.gone()

    def stop(self):
        status = self.daemon.stop()
        self.gone()
        return status

    def freeze(self):
        self.frozen = list(self.pids())
        self.each(signal.SIGSTOP)

    def thaw(self):
        self.each(signal.SIGCONT)

    def each(self, number):
        for pid in self.frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def log(self):
        return "".join(self.logs) + (self.daemon.output() if self.daemon in kit.running else "")


class Server(Member):
    """PostgreSQL or Redis, with the same handles. gentle: the signal by which it ends in order."""

    def __init__(self, fleet, name, server, gentle):
        self.fleet, self.name, self.server, self.gentle, self.away = fleet, name, server, gentle, []
        self.busy = threading.Lock()

    def pids(self):
        return tree(self.server.process.pid)

    def start(self):
        self.server.start()

    def kill(self):
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.server.process.wait()

    def stop(self):
        self.server.stop(self.gentle)
        return 0

    def log(self):
        return ""


class Scan(threading.Thread):
    """What the chain says, block by block: requests, extensions and ends of all contracts."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.url, self.next, self.changed, self.over = url, 1, threading.Condition(), False
        self.asked, self.ends, self.extended = {}, {}, {}  # by (contract, request id)

    def run(self):
        while not self.over:
            try:
                head = kit.rpc(self.url, "block", {"finality": "final"}, 5)["result"]["header"]["height"]
                while self.next <= head and not self.over:
                    block = self.block(self.next)
                    after = self.next + 1 if block else self.behind_gap(head)
                    with self.changed:
                        self.take(block)
                        self.next = after
                        self.changed.notify_all()
            except (OSError, ValueError, KeyError):
                pass  # the chain is killed or cut off at times; it is asked again
            time.sleep(0.05)

    def block(self, height):
        return kit.get_json(f"{self.url}/v0/block/{height}", timeout=120)[1]

    def behind_gap(self, height):
        """The first block from the next height on; there is one at `height`."""
        while (before := self.block(height)["block"]["header"]["prev_height"]) >= self.next:
            height = before
        return height

    def take(self, block):
        for shard in (block or {}).get("shards", []):
            for found in shard["receipt_execution_outcomes"]:
                outcome = found["execution_outcome"]["outcome"]
                if outcome["executor_id"] not in CONTRACTS or "Failure" in outcome["status"]:
                    continue
                for line in outcome["logs"]:
                    if line.startswith("EVENT_JSON:"):
                        self.event(outcome["executor_id"], json.loads(line[11:]))

    def event(self, contract, event):
        data = event["data"][0]
        if event["event"] == "execution_requested":
            request = json.loads(data["request_data"])
            self.asked[contract, request["request_id"]] = request
        elif event["event"] == "execution_completed":
            self.ends.setdefault((contract, data["request_id"]), []).append(data)
        elif event["event"] == "execution_extended":
            self.extended[contract, data["request_id"]] = self.extended.get((contract, data["request_id"]), 0) + 1

    def wait(self, condition, seconds):
        with self.changed:
            return self.changed.wait_for(condition, seconds)


class Fleet:
    repo, git, store_secret = World.repo, World.git, World.store_secret

    def __init__(self, home, form="postgres", coordinators=3, workers=5, earlier=(), block_ms=150, contracts=len(CONTRACTS),
                 direct=False, log_level="info", later=()):
        """earlier: the names of those coordinators that begin as the program before the newest migration. contracts: so
        many have workers. direct: nothing can be cut. later: the names of workers that the test starts itself."""
        self.home, self.form, self.gates, self.members, self.seen = home, form, Gates(), {}, {}
        self.opened, self.log_level = Straight if direct else self.gates.open, log_level
        self.at = {"devnet": [], "keystore": [], COORDINATORS: [], "postgres": [], "redis": []}  # the ports where they listen
        self.ways = {}  # (who asks, whom): the gate between them
        self.earlier, self.block_ms = earlier, block_ms
        self.repos = os.path.join(home, "repos")
        os.makedirs(self.repos)
        os.makedirs(os.path.join(home, "tmp"))
        self.contract_of = {f"worker{i}": CONTRACTS[i * contracts // workers] for i in range(workers)}
        self.key_of = {name: Key() for name in self.contract_of}
        self.role_of = self._roles()
        self._chain(SETUP_BLOCK_MS)
        self._contracts()
        self.set_block_ms(BUILD_BLOCK_MS)
        self._keystore()
        self._database()
        self.coordinators = [self._coordinator(f"coordinator{i}") for i in range(coordinators if form == "postgres" else 1)]
        self.workers = [self._worker(name, contract) for name, contract in self.contract_of.items()]
        for m in self.workers:
            if m.name not in later:
                m.start()
        self.watch = threading.Thread(target=self._watch, daemon=True)
        self.ending = threading.Event()
        self.watch.start()

    def way(self, name, target):
        self.ways[name, target] = gate = self.opened(self.at[target])
        return gate

    def ways_of(self, name):
        """All that its loss of the network cuts."""
        ends = (name, COORDINATORS) if self.form != "postgres" and name == "coordinator0" else (name,)
        return [gate for pair, gate in self.ways.items() if any(end in pair for end in ends)]

    def set_block_ms(self, ms):
        chain = self.members["devnet"]
        chain.stop()
        chain.settings["BLOCK_MS"] = str(ms)
        chain.start()

    def add(self, *args, **more):
        m = Member(self, *args, **more)
        self.members[m.name] = m
        return m

    def _chain(self, block_ms):
        chain = self.add("devnet", "outlayer-devnet", {"BLOCK_MS": str(block_ms), "STATUS_LISTEN": "off"}, serves=self.at["devnet"])
        chain.start()
        chain.settings["PORT"] = str(chain.daemon.port)
        self.url = chain.daemon.url  # of the test itself, whom no gate keeps out
        with open(os.path.join(chain.home, "test.near.json")) as f:
            self.root = Account(self.url, "test.near", Key.parse(json.load(f)["private_key"]))
        self.scan = Scan(self.url)
        self.scan.start()

    def ok(self, answer):
        if "SuccessValue" not in answer.get("result", {}).get("status", {}):
            raise RuntimeError(f"a transaction failed: {json.dumps(answer)[:800]}")

    @staticmethod
    def code_of(contract):
        with open(kit.built(f"contracts/{contract}.wasm"), "rb") as f:
            return f.read()

    def _contracts(self):
        self.operator = self.root.create(OPERATOR, 1000 * NEAR)
        self.owner = self.alice = self.root.create(OWNER, 1000 * NEAR)
        self.callers, self.askers, self.purses = [], [], []
        self.accounts = {}  # of the contracts
        self.code, asker = (self.code_of(name) for name in ("outlayer", "asker"))
        for contract in CONTRACTS:
            self.accounts[contract] = account = self.root.create(contract, 100 * NEAR)
            self.ok(account.send(contract, near.deploy(self.code), near.call("new", {"owner_id": OWNER, "operator_id": OPERATOR})))
            client = self.root.create("ask" + str(len(self.askers)) + ".test.near", 100 * NEAR)
            self.ok(client.send(client.id, near.deploy(asker), near.call("new", {"outlayer_id": contract})))
            self.askers.append(client.id)
        for i in range(4):
            self.callers.append(self.root.create(f"caller{i}.test.near", 20000 * NEAR))
            self.purses.append(self.root.create(f"purse{i}.test.near", NEAR).id)

        for name, key in self.key_of.items():
            self.ok(self.operator.send(OPERATOR, near.add_call_key(
                key.public, self.contract_of[name], (*METHODS, "cancel_stale_execution"), 100 * NEAR)))

    def balance(self, account):
        return int(kit.rpc(self.url, "query", {"request_type": "view_account", "finality": "final",
                                               "account_id": account})["result"]["amount"])

    def _keystore(self):
        k = self.add("keystore", "outlayer-keystore", {
            "SERVER_PORT": "0", "NEAR_RPC_URL": self.way("keystore", "devnet").url, "OFFCHAINVM_CONTRACT_ID": CONTRACTS[0],
            "ALLOWED_WORKER_TOKEN_HASHES": hashlib.sha256(b"seal").hexdigest()}, serves=self.at["keystore"])
        k.start()
        self.ok(self.owner.send(CONTRACTS[0], near.call("set_keystore_key", {"public_key": k.daemon.ready["identity"]})))

    def _database(self):
        self.postgres = self.redis = None
        if self.form == "postgres":
            self.postgres = databases.Postgres()
            self.database_name = self.postgres.database().split("///")[1].split("?")[0]
            self.at["postgres"].append(self.postgres.port)
            self.members["postgres"] = Server(self, "postgres", self.postgres, signal.SIGINT)
            self.redis = databases.Redis()
            self.at["redis"].append(self.redis.port)
            self.members["redis"] = Server(self, "redis", self.redis, signal.SIGTERM)

    def _database_url(self, port):
        return f"postgres://outlayer:{self.postgres.password}@127.0.0.1:{port}/{self.database_name}"

    def _shared(self, name):
        """How a coordinator reaches what it shares with others."""
        if not self.postgres:
            return {}
        return {"DATABASE_URL": self._database_url(self.way(name, "postgres").port),
                "REDIS_URL": f"redis://:{self.redis.password}@127.0.0.1:{self.way(name, 'redis').port}",
                "WASM_CACHE_DIR": os.path.join(self.home, "wasm")}

    def sql(self, text):
        if self.postgres:
            return [line.split("|") for line in self.postgres.sql(text, self.database_name).split("\n") if line]
        with contextlib.closing(sqlite3.connect(f"file:{self.coordinators[0].home}/coordinator.db?mode=ro", uri=True)) as db:
            return [[str(x) for x in row] for row in db.execute(text).fetchall()]

    def _coordinator(self, name):
        m = self.add(name, "outlayer-coordinator", {
            "NEAR_RPC_URL": self.way(name, "devnet").url, "KEYSTORE_BASE_URL": self.way(name, "keystore").url,
            "KEYSTORE_AUTH_TOKEN": "seal", "LOG_LEVEL": self.log_level, "DRAIN_SECONDS": "5",
            "REPO_MAP": f"{HOST}={self.repos}", "TRUSTED_PROXIES": "127.0.0.1", **self._shared(name)},
            serves=self.at[COORDINATORS], earlier=name in self.earlier)
        m.start()
        return m

    def job(self, a):
        """What a coordinator shows of a request; {} where none can now."""
        for m in self.coordinators:
            with contextlib.suppress(OSError, ValueError):
                status, jobs = kit.get_json(f"{m.daemon.url}/public/jobs?contract_id={a.contract}&request_id={a.id}", timeout=2)
                if status == 200 and jobs:
                    return jobs[0]
        return {}

    def _roles(self):
        """Those of the last contract, if there is more than one: one builds, one runs, and others do both, so that each can
        be away for long."""
        names = [name for name, contract in self.contract_of.items() if contract == CONTRACTS[-1]]
        return dict(zip(names, (BUILDS, RUNS))) if len(names) > 1 else {}

    def _token(self, name):
        where = {"DATABASE_URL": self._database_url(self.postgres.port)} if self.postgres else {"OUTLAYER_HOME": self.coordinators[0].home}
        run = subprocess.run([kit.program("outlayer"), "token", "create", name], capture_output=True, text=True,
                             env={**os.environ, **where})
        if run.returncode:
            raise RuntimeError(run.stderr)
        return run.stdout.strip()

    def _worker(self, name, contract):
        chain = self.way(name, "devnet").url
        m = self.add(name, "outlayer-worker", {
            "API_BASE_URL": self.way(name, COORDINATORS).url, "API_AUTH_TOKEN": self._token(name), "NEAR_RPC_URL": chain,
            "NEARDATA_API_URL": chain, "OFFCHAINVM_CONTRACT_ID": contract, "OPERATOR_ACCOUNT_ID": OPERATOR,
            "OPERATOR_PRIVATE_KEY": self.key_of[name].secret, "WORKER_ID": name, "REPO_MAP": f"{HOST}={self.repos}",
            "ISOLATION": "process", "POLL_TIMEOUT_SECONDS": "5", "TOOLCHAIN_DIR": kit.built("guest"),
            "ENABLE_EVENT_MONITOR": "true", "START_BLOCK_HEIGHT": "1", "MAX_CONCURRENT_RUNS": "4",
            "MAX_CONCURRENT_BUILDS": "1", "LOG_LEVEL": self.log_level, "TMPDIR": os.path.join(self.home, "tmp"),
            "DRAIN_SECONDS": "5", **self.role_of.get(name, {})})
        return m

    # --- what is left behind
    def _watch(self):
        """Everything that was ever started, to be looked for at the end."""
        while not self.ending.wait(0.5):
            for m in list(self.members.values()):
                with contextlib.suppress(OSError, AttributeError):
                    for pid, what in m.pids().items():
                        self.seen[pid, what[0]] = (m.name, what[1], self._groups(pid))

    @staticmethod
    def _groups(pid):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/cgroup") as f:
                return [line.split(":", 2)[1:] for line in f.read().splitlines() if "outlayer-" in line]
        return []

    def processes_left(self):
        left = {}
        for (pid, start), (member, command, _) in self.seen.items():
            now = tree(pid).get(pid)
            if now and now[0] == start:
                left[pid] = (member, command)
        return left

    def groups_left(self):
        found = set()
        for _, _, groups in self.seen.values():
            for kind, path in groups:
                for top in glob.glob("/sys/fs/cgroup/*/"):
                    if os.path.isdir(top + path.lstrip("/")):
                        found.add(top + path.lstrip("/"))
        return sorted(found)

    def end(self):
        """Ends everything in order; {name: exit status}."""
        self.scan.over = True
        status = {}
        for m in (*self.workers, *self.coordinators, self.members["keystore"], self.members["devnet"]):
            status[m.name] = m.stop()
        self.ending.set()
        self.watch.join()
        if self.postgres:
            self.postgres.close()
            self.redis.close()
        self.gates.close()
        return status
