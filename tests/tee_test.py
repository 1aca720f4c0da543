#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`outlayer tee`: what machines prove about themselves."""
import json, os, subprocess, threading, time

import kit, near
from fakes import line
from fakes.pcs import Pcs, read
from kit import check, equal

CONTRACT, REGISTER, PAYER = "outlayer.test.near", "operator.test.near", "payer.test.near"
VECTORS = os.path.join(kit.ROOT, "tests", "vectors", "dcap")
# A machine of near/mpc: its compose file has no instances, its provider of keys is a local enclave.
MACHINE = "mpc_tdx_v4_b0c06f_1b075a77b"
PROVIDER = '{"name":"local-sgx","id":"1b7a49378403249b6986a907844cab0921eca32dd47e657f3c10311ccaeccf8b"}'


def run(*args, env=None, stdin=None, timeout=120):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OUTLAYER_", "DSTACK_", "NEAR_"))}
    return subprocess.run([kit.program("outlayer"), "tee", *args], env=clean | (env or {}), capture_output=True,
                          text=True, input=stdin or "", timeout=timeout)


def answer(done):
    lines = done.stdout.strip().splitlines()
    return json.loads(lines[-1]) if lines else {}


def test_measure():
    """If it fails, an owner approves a hash that no machine shows."""
    with open(os.path.join(VECTORS, MACHINE + ".tcb_info.json")) as f:
        machine = json.load(f)
    with open(os.path.join(VECTORS, MACHINE + ".quote.bin"), "rb") as f:
        quote = f.read()
    with kit.folder() as home:
        path = os.path.join(home, "app-compose.json")
        with open(path, "w") as f:
            f.write(machine["app_compose"])
        got = answer(run("measure", path, "--json"))
        equal("the compose hash is the machine's", got.get("compose_hash"), machine["compose_hash"])
        equal("so is MRCONFIGID, as its quote has it", got.get("mr_config_id"), quote[232:280].hex())
        equal("RTMR3 is not guessed", got.get("rtmr3"), None)
        known = answer(run("measure", path, "--key-provider", PROVIDER, "--storage-fs", "none", "--json"))
        equal("RTMR3 is 48 bytes once its parts are known", len(known.get("rtmr3") or ""), 96)
        people = run("measure", path)
        check("people are told what is missing", "RTMR3         also depends on --key-provider, --storage-fs" in people.stdout,
              people.stdout)
        service = answer(run("measure", path, "--key-provider", '{"name":"kms","id":"30"}', "--storage-fs", "zfs", "--json"))
        equal("nor is it guessed where a key service's answer is measured", service.get("rtmr3"), None)
        wrong = {"an instance where there are none": ["--instance-id", "00" * 20],
                 "half an id": ["--app-id", "00" * 19],
                 "a provider that is no JSON": ["--key-provider", "kms"],
                 "a file system that dstack has not": ["--storage-fs", "btrfs"]}
        for what, args in wrong.items():
            done = run("measure", path, *args)
            equal(f"{what} is wrong usage", (done.returncode, done.stdout), (2, ""))
        with open(path, "a") as f:
            f.write(" ")
        check("one more space is another file",
              answer(run("measure", path, "--json"))["compose_hash"] != machine["compose_hash"])
    equal("no file is wrong usage", run("measure").returncode, 2)


class Machine:
    """A devnet, a simulated TDX machine, and both contracts; `outlayer tee` in a home of its own."""

    def __init__(self, home, **simulator):
        self.home = home
        self.simulator_home, self.keys = os.path.join(home, "simulator"), os.path.join(home, "keys")
        for folder in (self.simulator_home, self.keys, os.path.join(home, "chain")):
            os.makedirs(folder)
        accounts = {name: near.Key() for name in (CONTRACT, REGISTER, PAYER)}
        rich = [{"account_id": name, "public_key": key.public, "balance": str(10000 * near.NEAR)}
                for name, key in accounts.items()]
        for name, key in accounts.items():
            with open(self.key_file(name), "w") as f:
                json.dump({"account_id": name, "public_key": key.public, "private_key": key.secret}, f)
            os.chmod(self.key_file(name), 0o600)
        with open(os.path.join(home, "genesis.json"), "w") as f:
            json.dump({"chain_id": "devnet", "accounts": rich}, f)
        self.chain = kit.Daemon("outlayer-devnet", {"BLOCK_MS": "0", "GENESIS": os.path.join(home, "genesis.json")},
                                home=os.path.join(home, "chain"))
        self.simulator = kit.Daemon("outlayer-dstack-simulator", simulator, home=self.simulator_home)
        self.rpc = self.chain.url
        self.agent, self.pcs = self.simulator.ready["socket"], self.simulator.ready["pcs"]
        done = self.outlayer("deploy", "--network", "devnet", "--rpc-url", self.rpc, "--contract", CONTRACT,
                             "--credentials", self.key_file(CONTRACT), "--operator", REGISTER,
                             "--operator-credentials", self.key_file(REGISTER), "--registrar", PAYER,
                             "--worker-key", os.path.join(home, "worker.json"),
                             "--root-key", self.simulator.ready["root_key"],
                             "--min-tcb-eval", "0", "--min-qe-eval", "0", "--json")
        self.deployed = answer(done)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)

    def again(self, **simulator):
        """The machine starts anew, with other settings."""
        self.simulator.stop()
        self.simulator = kit.Daemon("outlayer-dstack-simulator", simulator, home=self.simulator_home)
        self.agent, self.pcs = self.simulator.ready["socket"], self.simulator.ready["pcs"]

    def key_file(self, account):
        return os.path.join(self.keys, account + ".json")

    def control(self, **what):
        """What the simulated machine does wrong from now on."""
        path = os.path.join(self.simulator_home, "control.json")
        with open(path + ".new", "w") as f:
            json.dump(what, f)
        os.rename(path + ".new", path)

    def outlayer(self, *args, env=None, timeout=120):
        return subprocess.run([kit.program("outlayer"), *args], env=self.env() | (env or {}), capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=timeout)

    def env(self):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("OUTLAYER_", "DSTACK_", "NEAR_", "PCCS_"))}
        return clean | {"OUTLAYER_HOME": os.path.join(self.home, "operator"), "DSTACK_SIMULATOR_ENDPOINT": self.agent,
                        "PCCS_URL": self.pcs, "REGISTER_CONTRACT_ID": REGISTER, "HOME": self.home}

    def arguments(self, action, *args, by=PAYER):
        return ["tee", action, *args, "--network", "devnet", "--rpc-url", self.rpc, "--contract", CONTRACT,
                "--credentials", self.key_file(by)]

    def tee(self, action, *args, by=PAYER, env=None, timeout=120):
        return self.outlayer(*self.arguments(action, *args, by=by), env=env, timeout=timeout)

    def start_register(self, *args, home=None):
        """`outlayer tee register` under way."""
        env = self.env() | ({"OUTLAYER_HOME": home} if home else {})
        return subprocess.Popen([kit.program("outlayer"), *self.arguments("register", *args)], env=env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)

    def approve(self, *how):
        done = self.tee("approve", "--name", "test", "--json", *how, by=CONTRACT)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return answer(done)

    def workers(self):
        return near.view_value(self.rpc, REGISTER, "get_workers")

    def own_key(self):
        with open(os.path.join(self.home, "operator", "keys", "tee-worker.json")) as f:
            return json.load(f)["public_key"]


def rights(machine, key):
    """What the chain says of an access key of the register contract's account; None: there is no such key."""
    question = {"request_type": "view_access_key", "finality": "final", "account_id": REGISTER, "public_key": key}
    permission = kit.rpc(machine.rpc, "query", question).get("result", {}).get("permission")
    return permission and permission["FunctionCall"]


def test_life():
    """From nothing to a registered key and to its end, by what an operator and an owner type."""
    with kit.folder() as home:
        m = Machine(home)
        equal("deploy sets the register contract up",
              (m.deployed.get("register_contract_id"), bool(m.deployed.get("register_transaction"))), (REGISTER, True))

        nowhere = m.tee("status", "--json", "--register", "nobody.test.near")
        said = answer(nowhere)
        equal("a machine can be looked at where no register contract is",
              (nowhere.returncode, said["tee"], said["measurements"]["rtmr3"]),
              (1, "simulated", m.simulator.ready["rtmr3"]))
        check("and is told how one comes there", "outlayer deploy" in said["mend"], said["mend"])
        status = m.tee("status", "--json")
        first = answer(status)
        equal("a machine that nobody approved is told so", (status.returncode, first["tee"], first["key"]),
              (1, "simulated", None))
        check("its socket and version are named",
              first["agent"]["endpoint"] == m.agent and first["agent"]["version"] == "0.5.8", first["agent"])
        check("the measurement says that it is simulated", first["measurement"].startswith("simulated:"), first)
        equal("RTMR3 is the machine's", first["measurements"]["rtmr3"], m.simulator.ready["rtmr3"])

        early = m.tee("register", "--json")
        equal("a machine that is not approved is refused before anything is paid",
              (early.returncode, near.view_value(m.rpc, REGISTER, "get_challenge")), (2, None))
        for what in (["--collateral", m.key_file(PAYER) + ".none"], ["--pccs-url", "gopher://nowhere"]):
            wrong = m.tee("register", "--json", *what)
            equal(f"{what[0]} that cannot be used is named before anything is paid",
                  (wrong.returncode, near.view_value(m.rpc, REGISTER, "get_challenge")), (2, None))
            check("with what is wrong", what[1] in wrong.stderr, wrong.stderr)
        equal("status takes no such address either", m.tee("status", "--pccs-url", "gopher://nowhere").returncode, 2)
        check("with the reason and what to do",
              "No approved image has these measurements" in early.stderr and "tee approve" in early.stderr,
              early.stderr)
        equal("nothing is registered", m.workers(), [])

        refused = m.tee("approve", "--json", by=PAYER)
        equal("nobody but the owner approves", refused.returncode, 2)
        approved = m.approve()
        equal("the owner approves by the compose hash that the log shows",
              (approved["compose_hash"], approved["simulated"]), (m.simulator.ready["compose_hash"], True))

        again = m.approve()
        equal("approving it again changes nothing", (again["image_id"], again["transaction_hash"], again["simulated"]),
              (0, None, True))
        made = m.tee("register", "--json")
        key = answer(made)
        if not check("the machine's key is registered", made.returncode == 0 and key.get("result") == "registered",
                     (made.stderr, made.stdout)):
            return
        equal("its collateral went with it", key["with_collateral"], True)
        equal("it says that this is a simulation", key["simulated"], True)
        right = rights(m, key["public_key"]) or {}
        equal("the key may call the main contract and nothing else, for 10 NEAR at most",
              (right.get("receiver_id"), right.get("allowance")), (CONTRACT, str(10 * near.NEAR)))
        check("it may answer requests", "resolve_execution" in right.get("method_names", []), right)
        equal("the key file is its owner's alone", os.stat(key["key_file"]).st_mode & 0o777, 0o600)

        again = answer(m.tee("register", "--json"))
        equal("repeating it changes nothing", (again["result"], again["transaction_hash"], again["public_key"]),
              ("kept", None, key["public_key"]))
        renewed = answer(m.tee("register", "--renew", "--json"))
        equal("renewing keeps the key", (renewed["result"], renewed["public_key"], renewed["with_collateral"]),
              ("renewed", key["public_key"], False))
        check("and gives it more time",
              renewed["valid_until"] >= key["valid_until"] and renewed["registered_at"] == key["registered_at"],
              (renewed, key))

        good = m.tee("status", "--json")
        fine = answer(good)
        equal("all is well then", (good.returncode, fine["wrong"], fine["key"]["registered"]), (0, None, True))
        equal("by today's set and by the next one", (fine["tcb"]["standard"]["status"], fine["tcb"]["early"]["status"]),
              ("UpToDate", "UpToDate"))
        check("the key has days left", 12 <= fine["key"]["days_left"] <= 14, fine["key"])
        check("so has each part of the collateral",
              fine["collateral"] and all(p["days_left"] > 3 for p in fine["collateral"]), fine["collateral"])
        people = m.tee("status")
        check("people are told the same", "all is well" in people.stdout and "simulated" in people.stdout,
              people.stdout)

        judged = answer(m.tee("recheck", "--json"))
        equal("judged again by today's collateral, it stays", (judged["checked"], judged["removed"]), (1, 0))
        gone = answer(m.tee("remove", "--json", by=CONTRACT))
        equal("the owner removes it", gone["removed"], 1)
        equal("with its rights", (m.workers(), rights(m, key["public_key"])), ([], None))
        said = answer(m.tee("status", "--json"))
        check("status says that it was removed, and the one command that mends it",
              "removed" in said["wrong"] and "--new-key" in said["mend"] and said["key"]["state"] == "removed", said)
        check("people, too", "removed: it never comes back" in m.tee("status").stdout)
        never = m.tee("register", "--json")
        equal("a removed key never comes back, which is a refusal", never.returncode, 2)
        check("and the way on is named", "--new-key" in never.stderr, never.stderr)
        other = answer(m.tee("register", "--new-key", "--json"))
        check("which is another key", other.get("result") == "registered" and other["public_key"] != key["public_key"],
              other)
        equal("--new-key again changes nothing", answer(m.tee("register", "--new-key", "--json"))["public_key"],
              other["public_key"])
        equal("one key is registered", [w["public_key"] for w in m.workers()], [other["public_key"]])


class Watch:
    """Stands between `outlayer tee` and all that it asks, counts its calls, and kills it at one of them."""

    def __init__(self, machine):
        self.machine, self.rpc, self.agent = machine, line.Line(machine.rpc), line.Line(machine.agent)
        self.rpc.at = self.agent.at = self.at
        self.count = self.sends = 0
        self.kill_at = self.kill_at_send = self.fate = None
        self.started = threading.Event()
        machine.rpc, machine.agent = self.rpc.url, self.agent.url

    def at(self, call):
        self.count += 1
        if b"send_tx" in call[2] or b"broadcast" in call[2]:
            self.sends += 1
        if self.count != self.kill_at and self.sends != self.kill_at_send:
            return None
        self.started.wait()
        self.victim.kill()
        return self.fate

    def register(self, home, *args, kill_at=None, kill_at_send=None, fate=None):
        """Runs `outlayer tee register`, to its end or until it is killed; what it answered."""
        self.count, self.sends, self.kill_at, self.kill_at_send, self.fate = 0, 0, kill_at, kill_at_send, fate
        self.started.clear()
        self.victim = self.machine.start_register("--json", *args, home=home)
        self.started.set()
        out, self.errors = self.victim.communicate(timeout=120)
        self.kill_at = self.kill_at_send = None
        return json.loads(out.strip().splitlines()[-1]) if out.strip() else {}


def key_in(home):
    path = os.path.join(home, "keys", "tee-worker.json")
    if not os.path.exists(path):
        return None
    with open(path) as f:
        return json.load(f)["public_key"]


def test_approve_takes_no_strangers_log():
    """Nobody signs the event log beside a quote. If this fails, a quote that is true with a log that is not has a
    stranger's compose file approved."""
    with kit.folder() as home:
        m = Machine(home)
        quoted = json.loads(line.ask(m.agent, "POST", "/GetQuote", b'{"report_data":"00"}')[2])
        log = json.loads(quoted["event_log"])
        forged = "66" * 32
        for event in log:
            if event.get("event") == "compose-hash":
                event["event_payload"] = forged
        path = os.path.join(home, "quote.json")

        def approve(events, *how):
            with open(path, "w") as f:
                json.dump(dict(quoted, event_log=json.dumps(events)), f)
            return m.tee("approve", path, "--json", *how, by=CONTRACT)
        done = approve(log)
        check("a log that the quote's RTMR3 does not show is refused", done.returncode == 2 and
              "does not end in the register's value" in done.stderr and not done.stdout, (done.stdout, done.stderr))
        equal("and nothing is approved", near.view_value(m.rpc, REGISTER, "get_images"), [])
        exact = approve(log, "--exact")
        check("the registers alone can be, without the log's words", exact.returncode == 0 and
              forged not in exact.stdout + exact.stderr, (exact.stdout, exact.stderr))
        done = approve(log, "--role", "keystore")
        equal("nor is it for keystores, where a worker's image has these registers", done.returncode, 2)
        equal("the log that is true is taken",
              answer(approve(json.loads(quoted["event_log"]), "--role", "keystore")).get("compose_hash"),
              m.simulator.ready["compose_hash"])


REMOVED = "This key was removed and is never registered again; make a new one"


def test_strangers_words():
    """An agent and a server say what they like. It is shown as text, and costs no key its place."""
    with kit.folder() as home:
        m = Machine(home)
        m.approve()
        equal("a key is registered", answer(m.tee("register", "--json")).get("result"), "registered")
        key = m.own_key()
        agent, rpc = line.Line(m.agent), line.Line(m.rpc)
        m.agent, m.rpc = agent.url, rpc.url
        agent.at = lambda call: (500, {"error": "\x1b[2J" + REMOVED}) if call[1] == "/GetQuote" else None
        done = m.tee("register", "--renew", "--new-key", "--json")
        check("an agent's words are no removal by the contract", done.returncode == 3 and m.own_key() == key, done.stderr)
        shown = m.tee("status")
        check("no terminal obeys them", REMOVED in shown.stdout and "\x1b" not in shown.stdout + shown.stderr, shown.stdout)
        agent.at = lambda call: None
        quoted = json.loads(line.ask(m.agent, "POST", "/GetQuote", b'{"report_data":"00"}')[2])
        end = quoted["quote"].rindex(b"-----END CERTIFICATE".hex())
        torn = dict(quoted, quote=quoted["quote"][:end] + b"+".hex() + quoted["quote"][end + 2:])
        with open(os.path.join(VECTORS, MACHINE + ".quote.bin"), "rb") as f:
            intels = f.read()
        zeros = intels[:48 + 520] + bytes(64) + intels[48 + 584:]
        for what, answered, tee in (("whose certificates cannot be read", torn, "simulated"),
                                    ("with Intel's", dict(quoted, quote=zeros.hex()), "tdx")):
            agent.at = lambda call: (200, answered) if call[1] == "/GetQuote" else None
            equal(f"a quote {what} is {tee}", answer(m.tee("status", "--json")).get("tee"), tee)
        agent.at = lambda call: None

        config = near.view_value(m.rpc, REGISTER, "get_config")

        def says(**other):
            value = list(json.dumps(config | other).encode())
            def at(call):
                question = json.loads(call[2] or b"{}")
                if "get_config" not in json.dumps(question):
                    return None
                return 200, {"jsonrpc": "2.0", "id": question["id"], "result": {
                    "result": value, "logs": [], "block_height": 1, "block_hash": "1" * 32}}
            rpc.at = at
        says(owner_id="../../" + PAYER)
        done = m.outlayer(*m.arguments("approve", "--json")[:-2])
        check("an owner that is no account is no path to a key", done.returncode != 0 and "account" in done.stderr and
              "no key for" not in done.stderr, done.stderr)
        rpc.at = lambda call: None
        where = ["--network", "testnet", "--rpc-url", m.rpc, "--contract", CONTRACT, "--credentials", m.key_file(PAYER)]
        for action in ("register", "status"):
            done = m.outlayer("tee", action, *(where if action == "register" else where[:-2]), "--json")
            check(f"off a devnet {action} believes no other root than Intel's", done.returncode == 2 and
                  "said to trust another root" in done.stderr, (done.returncode, done.stderr))

        rpc.at = lambda call: (200, {"jsonrpc": "2.0", "id": 1, "error": {
            "cause": {"name": "OTHER"}, "data": "\x1b]0;taken\x07\ncollateral  all is well"}})
        done = m.outlayer("collateral", "fetch", "--fmspc", "0a1b2c3d4e5f", "--network", "devnet", "--rpc-url", m.rpc,
                          "--contract", CONTRACT)
        check("a server's words stand in one line of ours", "\x1b" not in done.stderr and
              "\ncollateral  all is well" not in done.stderr and "all is well" in done.stderr, done.stderr)


def test_platform_out_of_date():
    """An operator is told what Intel says of the machine before a contract does; then a key of such a machine fails."""
    with kit.folder() as home:
        m = Machine(home, AT=str(int(time.time()) - 5 * 86400))
        m.approve()
        equal("a good machine is registered", answer(m.tee("register", "--json")).get("result"), "registered")
        m.again()
        m.control(tcb={"status": "OutOfDate", "advisories": "INTEL-SA-00001"})
        said = answer(m.tee("status", "--json"))
        equal("Intel says so of today's set and of the next one",
              [said["tcb"][s]["status"] for s in ("standard", "early")], ["OutOfDate"] * 2)
        check("an operator is warned before the contract hears of it", "set of today" in (said["warning"] or ""), said)
        equal("the chain does not know it yet", said["on_chain"]["status"], "UpToDate")
        with Pcs(read(os.path.join(m.simulator_home, "collateral.json"))) as cache:
            cached = answer(m.tee("status", "--json", "--pccs-url", cache.url))
            equal("a cache without the next set says nothing against the machine",
                  (cached["tcb"]["standard"].get("status"), "error" in cached["tcb"]["early"], cached["warning"]),
                  ("UpToDate", True, None))
        m.control(pcs="503")
        blind = m.tee("status", "--json")
        said = answer(blind)
        check("without Intel's service the chain's word is left",
              said["on_chain"]["status"] == "UpToDate" and "error" in said["tcb"]["standard"], said["tcb"])
        equal("which is no fault of the machine", (blind.returncode, said["wrong"], said["warning"]), (0, None, None))

        m.control(tcb={"status": "OutOfDate", "advisories": "INTEL-SA-00001"})
        quote = os.path.join(home, "quote")
        with open(quote, "wb") as f:
            f.write(line.ask(m.agent, "POST", "/GetQuote", b'{"report_data":"00"}')[2])
        where = ["--network", "devnet", "--rpc-url", m.rpc, "--contract", CONTRACT]
        for action in (["fetch", quote], ["push", "--from", PAYER, "--credentials", m.key_file(PAYER)]):
            done = m.outlayer("collateral", *action, *where, "--json")
            check(f"new collateral: {action[0]}", done.returncode == 0, done.stderr[-300:])
        judged = answer(m.tee("recheck", "--json"))
        equal("judged again, the key stays for the days of grace", (judged["checked"], judged["removed"]), (1, 0))
        bad = m.tee("status", "--json")
        said = answer(bad)
        equal("and fails from now on", (bad.returncode, said["on_chain"]["status"], said["key"]["state"]),
              (1, "OutOfDate", "failing"))
        late = m.tee("register", "--renew", "--json")
        check("it is not renewed, and told why", late.returncode == 2 and "TCB status" in late.stderr, late.stderr)


def test_payer_of_the_environment():
    """A worker has its payer's key in a file that the environment names, as the public documents have it."""
    with kit.folder() as home:
        m = Machine(home)
        m.approve()
        path = os.path.join(home, "payer.key")
        with open(m.key_file(PAYER)) as f:
            secret = json.load(f)["private_key"]
        with open(path, "w") as f:
            f.write(secret + "\n")
        where = ["tee", "register", "--json", "--network", "devnet", "--rpc-url", m.rpc, "--contract", CONTRACT]
        half = m.outlayer(*where, env={"INIT_ACCOUNT_ID": PAYER})
        check("an account without its key is told so",
              half.returncode == 2 and "INIT_ACCOUNT_PRIVATE_KEY" in half.stderr, half.stderr)
        done = m.outlayer(*where, env={"INIT_ACCOUNT_ID": PAYER, "INIT_ACCOUNT_PRIVATE_KEY_FILE": path})
        equal("with it the key is registered", (done.returncode, answer(done).get("result")), (0, "registered"))
        check("its secret is in no answer", secret not in done.stdout + done.stderr)
        gone = m.outlayer("tee", "remove", *where[2:],
                          env={"INIT_ACCOUNT_ID": PAYER, "INIT_ACCOUNT_PRIVATE_KEY_FILE": path})
        equal("and removed by it, as a registrar may", (gone.returncode, answer(gone).get("removed")), (0, 1))


def kill_everywhere(w, home_of, args, ends_well):
    """Kills `register` before its first call is heard, before the second, and so on until one run comes through, and
    behind each; repeats it. What did not end well, and how often it was killed."""
    wrong, kills = [], 0
    cases = [(1, "dropped")]
    while cases:
        number, fate = cases.pop(0)
        home = home_of(number, fate)
        w.register(home, *args, kill_at=number, fate=fate)
        if w.victim.returncode != -9:
            continue  # it makes fewer calls than that
        kills += 1
        had = key_in(home)
        again = w.register(home, *args)
        if fate == "dropped":
            cases += [(number + 1, "dropped")] + [(number, "lost")]
        if not ends_well(again) or (had and again["public_key"] != had):
            wrong.append((number, fate, again, w.errors[-300:]))
    return wrong, kills


def test_killed_at_each_step():
    """A machine that loses its power anywhere goes on with the key that it had: never two where one is meant."""
    with kit.folder() as home:
        m = Machine(home)
        m.approve()
        w = Watch(m)
        first, keys = os.path.join(home, "first"), set()
        w.register(first, kill_at_send=2, fate="lost")  # the challenge's, and the registration's with all collateral
        equal("the power is lost when the registration has just been sent", w.victim.returncode, -9)
        check("the chain goes on with it", kit.until(m.workers))
        equal("then there is nothing left to do", w.register(first).get("result"), "kept")

        def fresh(number, fate):
            return os.path.join(home, f"at-{number}-{fate}")
        wrong, kills = kill_everywhere(w, fresh, [], lambda a: a.get("result") in ("registered", "kept"))
        equal("killed anywhere, a registration ends well when it is repeated", wrong, [])
        check("it was killed at each step", kills > 20, kills)
        keys = {key_in(os.path.join(home, name)) for name in os.listdir(home)} - {None}
        equal("each machine has one key on chain", sorted(k["public_key"] for k in m.workers()), sorted(keys))

        one = key_in(first)
        wrong, kills = kill_everywhere(w, lambda *_: first, ["--renew"],
                                       lambda a: (a.get("result"), a.get("public_key")) == ("renewed", one))
        equal("so does a renewal", wrong, [])
        check("which was killed at each step, too", kills > 20, kills)
        equal("with the same keys", sorted(k["public_key"] for k in m.workers()), sorted(keys))


def test_leftovers():
    """A file that a killed run left behind hurts nobody, and two runs at once make one key."""
    with kit.folder() as home:
        m = Machine(home)
        m.approve()
        folder = os.path.join(home, "operator", "keys")
        os.makedirs(folder)
        with open(os.path.join(folder, "tee-worker.json.tmp-abcdef"), "w") as f:
            f.write("half")
        m.control(quote_ms=500)
        runs = [m.start_register("--json") for _ in range(3)]
        ends = [(r.communicate(timeout=120), r.returncode) for r in runs]
        codes = sorted(code for _, code in ends)
        check("one of three runs at once registers, or finds it done, the others say who does",
              codes[0] == 0 and set(codes) <= {0, 2}, ends)
        equal("one key is there", [w["public_key"] for w in m.workers()], [m.own_key()])
        equal("the leftover is gone", sorted(os.listdir(folder)), ["tee-worker.json", "tee-worker.json.lock"])


def test_key_files_that_are_none():
    """A key that cannot be read may be registered: it is never replaced, and what there is to do is said."""
    with kit.folder() as home:
        m = Machine(home)
        m.approve()
        path = os.path.join(home, "operator", "keys", "tee-worker.json")
        os.makedirs(os.path.dirname(path))
        for what in ("", "{half"):
            with open(path, "w") as f:
                f.write(what)
            done, status = m.tee("register"), answer(m.tee("status", "--json"))
            with open(path) as f:
                equal(f"the file stays: {what!r}", f.read(), what)
            check("and the way on is named", done.returncode == 2 and "tee remove" in done.stderr, done.stderr)
            check("the same by status", "key file" in status["wrong"] and status["mend"], status)
        nowhere = m.tee("register", "--key", os.path.join(home, "no", "such", "key.json"))
        check("a folder that is not there is no other registration", nowhere.returncode == 3 and
              "folder must be there" in nowhere.stderr and "under way" not in nowhere.stderr, nowhere.stderr)


def test_agents_of_all_kinds():
    """A guest agent that is slow, busy, silent, gone or lying costs a machine its time, never its truth."""
    with kit.folder() as home:
        m = Machine(home)
        m.approve()
        m.control(quote_ms=1000)
        slow = m.tee("register", "--json")
        equal("a second for a quote is no trouble", (slow.returncode, answer(slow).get("result")), (0, "registered"))
        faults = {"busy": "busy", "error": "status 500", "half": "guest agent", "oversize": "larger than",
                  "garbage": "no JSON", "lying": "other report data than was asked for"}
        for fault, text in faults.items():
            m.control(quote=fault)
            done = m.tee("register", "--renew", "--json")
            check(f"{fault}: it ends with status 3 and says so",
                  done.returncode == 3 and text in done.stderr and not done.stdout,
                  (done.returncode, done.stderr[-300:]))
        m.control(quote="silent")
        done = m.tee("register", "--renew", "--json")
        check("silent: it is given up within its 10 seconds",
              done.returncode == 3 and "did not answer in time" in done.stderr, done.stderr[-300:])
        m.control()
        equal("then all is well again", answer(m.tee("register", "--renew", "--json")).get("result"), "renewed")
        m.simulator.kill()
        done = m.tee("register", "--renew", "--json")
        check("gone: that is said, too", done.returncode == 3 and m.agent in done.stderr, done.stderr[-300:])
        status = m.tee("status", "--json")
        said = answer(status)
        equal("and the status goes on without it", (status.returncode, said["tee"], said["key"]["registered"]),
              (1, "none", True))
        equal("the key is still the one", [w["public_key"] for w in m.workers()], [m.own_key()])


def test_no_agent():
    """A machine without a guest agent is no wrong usage: the platform is not there."""
    with kit.folder() as home:
        m = Machine(home)
        m.agent = ""
        done = m.tee("register", "--json")
        check("without a socket it ends with status 3", done.returncode == 3 and "no guest agent" in done.stderr and
              "/var/run/dstack.sock" in done.stderr, (done.returncode, done.stderr))
        m.agent = os.path.join(home, "gone.sock")
        done = m.tee("register", "--json")
        check("so it does where the one that is named is not there", done.returncode == 3 and m.agent in done.stderr,
              (done.returncode, done.stderr))


def test_keys_of_another_contract():
    """A key belongs to one register contract, which status says before somebody pays."""
    with kit.folder() as home:
        m = Machine(home)
        m.approve()
        path = os.path.join(home, "other.json")
        with open(m.key_file(PAYER)) as f, open(path, "w") as to:
            to.write(f.read())
        os.chmod(path, 0o600)
        said = answer(m.tee("status", "--key", path, "--json"))
        check("status says so", PAYER in said["wrong"] and "--key" in said["mend"], said)
        done = m.tee("register", "--key", path)
        check("and so does register", done.returncode == 2 and PAYER in done.stderr and
              near.view_value(m.rpc, REGISTER, "get_challenge") is None, (done.returncode, done.stderr))


def test_versions():
    """Every version of dstack is found, named and asked in its own way."""
    with kit.folder() as home:
        m = Machine(home)
        for version, form, how, storage in (("0.3.6", "v4", ["--exact"], None), ("0.4.2", "v4", [], "none"),
                                            ("0.5.3", "v5", [], "none"), ("0.5.8", "v5", [], "ext4"),
                                            ("0.6.0", "v5-1.5", [], "ext4")):
            compose = os.path.join(home, version)
            with open(compose, "w") as f:
                json.dump({"docker_compose_file": "", "no_instance_id": True, "name": version} |
                          ({"event_log_version": 2} if version == "0.6.0" else {}), f)
            m.again(DSTACK_VERSION=version, QUOTE_FORMAT=form, APP_COMPOSE=compose)
            if storage:
                equal(f"{version} measures what can be computed from its compose file",
                      answer(m.outlayer("tee", "measure", compose, "--key-provider", '{"name":"none","id":""}', "--storage-fs", storage, "--json"))["rtmr3"],
                      m.simulator.ready["rtmr3"])
            said = answer(m.tee("status", "--json"))
            equal(f"{version} with quotes {form} is recognised", (said["tee"], said["measurements"]["rtmr3"]),
                  ("simulated", m.simulator.ready["rtmr3"]))
            if how:
                refused = m.tee("approve", "--json", by=CONTRACT)
                check(f"{version} shows no compose hash that could be approved",
                      refused.returncode == 2 and "--exact" in refused.stderr, refused.stderr)
            m.approve(*how)
            done = m.tee("register", "--renew", "--json")
            check(f"{version} registers", done.returncode == 0, done.stderr[-300:])


if __name__ == "__main__":
    kit.main(globals())
