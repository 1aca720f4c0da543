#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""outlayer-worker from outside, against a real devnet with the real contract and a coordinator of a few lines, so that
each thing that a coordinator may do wrong can be done."""
import base64, hashlib, json, os, re, signal, socket, subprocess, time

import kit, near
from fakes.coordinator import Coordinator
from fakes.git_host import git_host
from fakes.wire import Wire, once
from kit import check, equal
from near import NEAR, TGAS, Account, Key

CONTRACT, OPERATOR, ALICE = "outlayer.test.near", "operator.test.near", "alice.test.near"
METHODS = ("resolve_execution", "submit_execution_output", "submit_execution_output_and_resolve", "extend_execution")
HOST = "local.test"


class World:
    """Devnet, contract, accounts, a folder of repositories, a coordinator; workers on request."""
    code = "contracts/outlayer.wasm"

    def __init__(self, home, **devnet):
        self.home, self.worker_count = home, 0
        os.makedirs(os.path.join(home, "devnet"))
        self.net = kit.Daemon("outlayer-devnet", {"BLOCK_MS": "100", **devnet}, home=os.path.join(home, "devnet"))
        with open(os.path.join(home, "devnet", "test.near.json")) as f:
            root = Account(self.net.url, "test.near", Key.parse(json.load(f)["private_key"]))
        self.contract = contract = root.create(CONTRACT, 100 * NEAR)
        self.operator, self.alice = root.create(OPERATOR, 100 * NEAR), root.create(ALICE, 1000 * NEAR)
        with open(kit.built(self.code), "rb") as f:
            code = f.read()
        done = contract.send(CONTRACT, near.deploy(code), near.call("new", {"owner_id": CONTRACT, "operator_id": OPERATOR}))
        assert "SuccessValue" in done["result"]["status"], json.dumps(done)[:800]
        self.key = Key()
        self.operator.send(OPERATOR, near.add_call_key(self.key.public, CONTRACT, METHODS, 10 * NEAR))
        self.coordinator = Coordinator()
        self.repos = os.path.join(home, "repos")
        os.makedirs(self.repos)

    def repo(self, name, files):
        """A repository of these files; its https name."""
        path = os.path.join(self.repos, "test", name)
        os.makedirs(path, exist_ok=True)
        for file, text in files.items():
            with open(os.path.join(path, file), "w") as f:
                f.write(text)
        env = {**os.environ, **{f"GIT_{who}_{what}": "test@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}}
        for command in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "--allow-empty", "-m", "files")):
            subprocess.run(["git", *command], cwd=path, env=env, check=True)
        return f"https://{HOST}/test/{name}"

    def git(self, repo, *command):
        env = {**os.environ, **{f"GIT_{who}_{what}": "test@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}}
        return subprocess.run(["git", *command], cwd=os.path.join(self.repos, "test", repo.rsplit("/", 1)[1]), env=env,
                              check=True, capture_output=True, text=True).stdout.strip()

    def settings(self, name, **env):
        home = os.path.join(self.home, name)
        os.makedirs(home, exist_ok=True)
        for file, text in (("key", self.key.secret), ("token", "a-token")):
            with open(os.path.join(home, file), "w") as f:
                f.write(text)
        return {"API_BASE_URL": self.coordinator.url, "API_AUTH_TOKEN_FILE": os.path.join(home, "token"),
                "NEAR_RPC_URL": self.net.url, "OFFCHAINVM_CONTRACT_ID": CONTRACT, "OPERATOR_ACCOUNT_ID": OPERATOR,
                "OPERATOR_PRIVATE_KEY_FILE": os.path.join(home, "key"), "REPO_MAP": f"{HOST}={self.repos}",
                "WORKER_ID": name, "ISOLATION": "process", "POLL_TIMEOUT_SECONDS": "5", "TOOLCHAIN_DIR": kit.built("guest"),
                "LOG_LEVEL": os.environ.get("LOG_LEVEL", "info"), **env}

    def worker(self, name="worker", **env):
        return kit.Daemon("outlayer-worker", self.settings(name, **env), home=os.path.join(self.home, name))

    def keystore(self, publish=True):
        """A keystore that the contract names, asked through the coordinator. Its token for sealing is "seal"."""
        home = os.path.join(self.home, "keystore")
        os.makedirs(home, exist_ok=True)
        k = kit.Daemon("outlayer-keystore", {
            "SERVER_PORT": "0", "NEAR_RPC_URL": self.net.url, "OFFCHAINVM_CONTRACT_ID": CONTRACT,
            "ALLOWED_WORKER_TOKEN_HASHES": hashlib.sha256(b"seal").hexdigest()}, home=home)
        if publish:
            self.contract.send(CONTRACT, near.call("set_keystore_key", {"public_key": k.ready["identity"]}))
        self.coordinator.keystore = k.url
        return k

    def store_secret(self, keystore, repo, profile, access="AllowAll", branch=None, name="PROTECTED_KEY"):
        """A value of ALICE that only the keystore knows, under `name`."""
        where = {"repo": repo.removeprefix("https://"), "profile": profile, **({"branch": branch} if branch else {})}
        status, _, body = kit.http("POST", keystore.url + "/add_generated_secret", {
            **where, "owner": ALICE, "new_secrets": [{"name": name, "generation_type": "hex32"}]},
            {"Authorization": "Bearer seal"})
        assert status == 200, body
        done = self.alice.send(CONTRACT, near.call("store_secrets", {
            **where, "encrypted_secrets_base64": json.loads(body)["encrypted_data_base64"], "access": access},
            100 * TGAS, NEAR))
        assert "SuccessValue" in done["result"]["status"], json.dumps(done)[:800]

    def request(self, repo, text="", commit="main", deposit=NEAR, record=True, target="wasm32-wasip1", gas=200 * TGAS, **more):
        """Asks on chain; gives (request id, transaction hash), and records the task with the coordinator."""
        args = {"code_source": {"repo": repo, "commit": commit, "build_target": target}, "input_data": text,
                "response_format": "Text", **more}
        raw, tx = self.alice.signed(CONTRACT, near.call("request_execution", args, gas, deposit))
        kit.rpc(self.net.url, "broadcast_tx_async", [raw])
        event, outcome, block = kit.until(lambda: self.event(tx, "execution_requested"), 20)
        task = json.loads(event["request_data"])
        task.update(contract_id=CONTRACT, payer_id=ALICE, data_id=bytes(event["data_id"]).hex(), context={
            "block_height": block["height"], "block_timestamp": block["timestamp"], "transaction_hash": tx,
            "receipt_id": outcome["id"], "predecessor_id": ALICE, "signer_id": ALICE,
            "signer_public_key": self.alice.key.public, "gas_burnt": outcome["outcome"]["gas_burnt"]})
        if record:
            self.coordinator.add(task)
        return task["request_id"], tx, task

    def extensions(self, id):
        args = base64.b64encode(json.dumps({"request_id": id}).encode()).decode()
        got = kit.rpc(self.net.url, "query", {"request_type": "call_function", "finality": "final", "account_id": CONTRACT,
                                              "method_name": "get_request", "args_base64": args})
        request = json.loads(bytes(got["result"]["result"]))
        return request and request["extensions"]

    def event(self, tx, name):
        answer = kit.rpc(self.net.url, "EXPERIMENTAL_tx_status", {"tx_hash": tx, "sender_account_id": ALICE, "wait_until": "NONE"})
        for r in answer.get("result", {}).get("receipts_outcome", []):
            for log in r["outcome"]["logs"]:
                if log.startswith("EVENT_JSON:") and json.loads(log[11:])["event"] == name:
                    header = kit.rpc(self.net.url, "block", {"block_id": r["block_hash"]})["result"]["header"]
                    return json.loads(log[11:])["data"][0], r, header
        return None

    def answer(self, tx, seconds=60):
        """(completed event, the value that the request's own call returned)"""
        found = kit.until(lambda: self.event(tx, "execution_completed"), seconds, 0.1)
        if not found:
            return None, None
        done = kit.rpc(self.net.url, "EXPERIMENTAL_tx_status", {"tx_hash": tx, "sender_account_id": ALICE,
                                                               "wait_until": "EXECUTED_OPTIMISTIC"})
        value = near.value_of(done["result"])
        return found[0], json.loads(value) if value is not None else None


C_MAKEFILE = "all:\n\tmkdir -p target\n\t$(CC) -O2 -o out.wasm main.c\n"


def c_repo(world, name, body, seconds=0):
    """A guest in C whose build takes so long at least."""
    example = os.path.join(kit.ROOT, "examples", "random-c", "Makefile")
    with open(example) as f:
        makefile = f.read().replace("\t$(CC)", f"\tsleep {seconds}\n\t$(CC)", 1)
    return world.repo(name, {"main.c": "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n" + body, "Makefile": makefile})


ECHO = """int main(void) {
    char b[4096];
    size_t n = fread(b, 1, sizeof b - 1, stdin);
    b[n] = 0;
    if (!strcmp(b, "trap")) __builtin_trap();
    if (!strcmp(b, "exit")) { fprintf(stderr, "no luck\\n"); return 3; }
    if (!strcmp(b, "sleep")) { sleep(50); return 0; }
    if (!strncmp(b, "nap", 3)) { sleep(atoi(b + 3)); fputs("rested", stdout); return 0; }
    if (!strcmp(b, "spin")) for (volatile unsigned i = 0;; i++);
    if (!strcmp(b, "env")) { printf("%s %s %s %s", getenv("NEAR_SENDER_ID"), getenv("NEAR_REQUEST_ID"), getenv("NEAR_PAYMENT_YOCTO"), getenv("NEAR_MAX_MEMORY_MB")); return 0; }
    if (!strncmp(b, "long", 4)) { for (int i = atoi(b + 4); i > 0; i--) putchar('x'); return 0; }
    fwrite(b, 1, n, stdout);
    return 0;
}
"""


def builds(worker):
    """How many builds it has begun."""
    return worker.output().count("building repo=")


def test_one_of_each():
    with kit.folder() as home:
        w = World(home)
        repo = c_repo(w, "echo", ECHO)
        with w.worker() as worker:
            try:
                equal("ready line", worker.ready, {"port": 0})
                id, tx, _ = w.request(repo, "hello")
                event, value = w.answer(tx)
                equal("the answer on chain", value, "hello")
                report = w.coordinator.report(id)
                check("it was built here", event["resources_used"]["compile_time_ms"] > 0, event)
                check("report of a success", report and report["outcome"] == "success" and report["charged"] == event["payment_charged"]
                      and report["refunded"] == event["payment_refunded"] and report["output_hash"] == event["output_hash"]
                      and report["instructions"] > 0 and report["wasm_hash"] == event["wasm_hash"] and re.fullmatch("[0-9a-f]{40}", report["commit"]), report)
                check("a digest is on chain", re.fullmatch("[0-9a-f]{64}", event["attestation_digest"] or ""), event)
                stages = [b.get("stage") for b in w.coordinator.beats]
                check("stages were told", "building" in stages, stages)
                id, tx, _ = w.request(repo, "again")
                event, value = w.answer(tx)
                equal("the second answer", value, "again")
                equal("from the cache: nothing is built again", builds(worker), 1)
                check("but the look-up of the branch is paid for", event["resources_used"]["compile_time_ms"] > 0, event)
                id, tx, _ = w.request(repo, "named", commit=report["commit"])
                event, value = w.answer(tx)
                equal("a commit needs none: nothing is paid beside the run", (value, event["resources_used"]["compile_time_ms"]), ("named", None))
                check("a note says so", (event["compilation_note"] or "").startswith("Cached WASM from 20"), event)
                id, tx, _ = w.request(repo, "env", resource_limits={"max_memory_mb": 64})
                equal("environment", w.answer(tx)[1], f"{ALICE} {id} {NEAR} 64")
                id, tx, _ = w.request(repo, "exit")
                event, value = w.answer(tx)
                equal("an exit status is a failure", (value, event["failure"], event["error_message"]), (None, "guest", "exit status 3: no luck"))
                check("that is charged", 0 < int(event["payment_charged"]) < NEAR // 10, event)
                equal("and reported", w.coordinator.report(id)["outcome"], "guest_failed")
                id, tx, _ = w.request(repo, "trap")
                equal("a trap", w.answer(tx)[0]["error_message"], "the guest trapped: unreachable instruction executed")
                id, tx, _ = w.request(repo, "spin", resource_limits={"max_instructions": 20000000})
                equal("out of instructions", w.answer(tx)[0]["error_message"], "the guest used up its 20,000,000 instructions")
                id, tx, _ = w.request(repo, "not json", response_format="Json")
                check("no JSON", "JSON" in w.answer(tx)[0]["error_message"])
                id, tx, _ = w.request(repo, ' {"a": [1, 2.50, "x y"], "n": 123456789012345678901234} ', response_format="Json")
                equal("JSON", w.answer(tx)[1], {"a": [1, 2.5, "x y"], "n": 123456789012345678901234})
                id, tx, _ = w.request(repo, "bytes", response_format="Bytes")
                equal("Bytes come as base64", w.answer(tx)[1], base64.b64encode(b"bytes").decode())
                for n in (850, 1100, 100000):
                    id, tx, _ = w.request(repo, f"long{n}")
                    event, value = w.answer(tx)
                    check(f"an output of {n} bytes", value == "x" * n and event["output_length"] == n, event)
                id, tx, _ = w.request(repo, "long500000")
                event, value = w.answer(tx)
                check("an output that is too large", value is None and event["failure"] == "guest" and "393,216" in event["error_message"], event)
                has = kit.rpc(w.net.url, "query", {"request_type": "view_account", "finality": "final", "account_id": CONTRACT})["result"]
                w.contract.send(ALICE, near.transfer(int(has["amount"]) - has["storage_usage"] * 10 ** 19 - NEAR // 10))
                id, tx, _ = w.request(repo, "long100000", deposit=NEAR // 10)
                event, value = w.answer(tx)
                check("an output for which the contract cannot lend: its sender learns how much to attach", value is None and event["failure"] == "guest"
                      and "until the request ends needs 100" in event["error_message"] and "attach more" in event["error_message"], event)
                id, tx, _ = w.request(repo, "long100000", deposit=2 * NEAR)
                equal("and does", w.answer(tx)[1], "x" * 100000)
            finally:
                if os.environ.get("SHOW"):
                    print(worker.output())


def test_builds_that_fail():
    with kit.folder() as home:
        w = World(home)
        repo = c_repo(w, "broken", "int main(void) { return nothing; }\n")
        with w.worker():
            id, tx, _ = w.request(repo)
            event, value = w.answer(tx)
            check("a build that fails is an answer", value is None and event["failure"] == "build" and "nothing" in event["error_message"], event)
            check("its time is charged", event["resources_used"]["compile_time_ms"] > 0, event)
            id, tx, _ = w.request(repo, commit="no-such-branch")
            check("no such branch", w.answer(tx)[0]["failure"] == "build")
            id, tx, _ = w.request(f"https://{HOST}/test/nothing")
            event, _ = w.answer(tx)
            check("no such repository", event["failure"] == "build" and "is not there" in event["error_message"], event)


def test_submodules():
    """Submodules, and theirs, are built at the commits that are pinned; one that is not there is named."""
    with kit.folder() as home, git_host(os.path.join(home, "repos")) as (_, cert):
        w = World(home)
        at = lambda name: f"https://127.0.0.2/test/{name}"
        deep, lib = w.repo("deep", {"answer.h": '#define ANSWER "forty-two"\n'}), w.repo("lib", {"lib.h": '#include "inner/answer.h"\n'})
        app = w.repo("app", {"Makefile": "app.wasm: main.c\n\t$(CC) $(CFLAGS) main.c -o app.wasm $(LDFLAGS)\n",
                             "main.c": '#include "parts/lib/lib.h"\n#include <stdio.h>\nint main(void) { fputs(ANSWER, stdout); return 0; }\n'})

        def point(repo, path, commit, url):
            w.git(repo, "config", "--file", ".gitmodules", f"submodule.{path}.path", path)
            w.git(repo, "config", "--file", ".gitmodules", f"submodule.{path}.url", url)
            w.git(repo, "add", ".gitmodules")
            w.git(repo, "update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
            w.git(repo, "commit", "-q", "-m", "points")
            return w.git(repo, "rev-parse", "HEAD")

        pinned = point(lib, "inner", w.git(deep, "rev-parse", "HEAD"), at("deep"))
        for repo, file in ((deep, "answer.h"), (lib, "lib.h")):
            w.git(repo, "rm", "-q", file)
            w.git(repo, "commit", "-q", "-m", "later")
        first = point(app, "parts/lib", pinned, "../lib")
        point(app, "parts/lib", "1" * 40, at("lib"))
        second = w.git(app, "rev-parse", "HEAD")
        with w.worker(EGRESS_ALLOW="127.0.0.2:443", GIT_SSL_CAINFO=cert):
            equal("a program of three repositories", w.answer(w.request(at("app"), commit=first)[1])[1], "forty-two")
            answer = w.answer(w.request(at("app"), commit=second)[1])
            check("a commit that its repository has not", f"the submodule 'parts/lib' cannot be had: {at('lib')} has no commit 111" in str(answer), answer)


def test_own_monitor():
    with kit.folder() as home:
        w = World(home)
        repo = c_repo(w, "echo", ECHO)
        with w.worker(ENABLE_EVENT_MONITOR="true", NEARDATA_API_URL=w.net.url, START_BLOCK_HEIGHT="1"):
            for text in ("one", "two"):
                id, tx, _ = w.request(repo, text, record=False)
                event, value = w.answer(tx)
                equal(f"seen and answered: {text}", value, text)
                report = w.coordinator.report(id)
                check("its end was seen", report and report.get("charged") == event["payment_charged"], report)
        equal("recorded once each", sorted(w.coordinator.created), [0, 1])


def test_coordinator_away():
    with kit.folder() as home:
        w = World(home)
        repo = c_repo(w, "echo", ECHO)
        address = w.coordinator.server_address
        with w.worker() as worker:
            _, tx, _ = w.request(repo, "before")
            equal("before", w.answer(tx)[1], "before")
            w.coordinator.gone = True
            w.coordinator.shutdown()
            w.coordinator.server_close()
            time.sleep(2)
            check("the worker lives on", worker.process.poll() is None)
            w.coordinator = Coordinator(address)
            _, tx, _ = w.request(repo, "after")
            equal("after", w.answer(tx)[1], "after")
            worker.stop()


def test_lying_coordinator():
    with kit.folder() as home:
        w = World(home)
        repo = c_repo(w, "echo", ECHO)
        lies = {"code_source.repo": lambda t: t["code_source"].update(repo=repo + "2"),
                "code_source.commit": lambda t: t["code_source"].update(commit="other"),
                "sender_id": lambda t: t.update(sender_id="mallory.near"),
                "input_data": lambda t: t.update(input_data="other"),
                "secrets_ref": lambda t: t.update(secrets_ref={"profile": "p", "account_id": "a.near"}),
                "response_format": lambda t: t.update(response_format="Json"),
                "payment": lambda t: t.update(payment="5"),
                "contract_id": lambda t: t.update(contract_id="evil.test.near"),
                "data_id": lambda t: t.update(data_id="00" * 32),
                "resource_limits.max_instructions": lambda t: t["resource_limits"].update(max_instructions=7)}
        with w.worker():
            id, tx, task = w.request(repo, "true", record=False)
            for field, lie in lies.items():
                w.coordinator.spoil = lambda t, lie=lie: (lie(t), t)[1]
                w.coordinator.failed.clear()
                w.coordinator.add(task)
                w.coordinator.wait(lambda: w.coordinator.failed, 20)
                failed = w.coordinator.failed
                check(f"a lie about {field} is named", failed and f"'{field}'" in failed[0]["reason"] and not failed[0]["retry"], failed)
            w.coordinator.spoil = None
            w.coordinator.add(task)
            equal("the truth is run", w.answer(tx)[1], "true")
            w.coordinator.report(id)
            w.coordinator.completed.clear()
            w.coordinator.add(task)
            report = w.coordinator.report(id)
            check("an answered request is not run again", report and report["outcome"] == "success" and int(report["charged"]) > 0, report)
            w.coordinator.completed.clear()
            w.coordinator.add({**task, "request_id": 999})
            report = w.coordinator.report(999)
            check("a request that is not there", report and report["outcome"] == "expired", report)


def test_words_of_no_use():
    """What the coordinator cannot say, or another worker could not read, the worker reads on the chain."""
    with kit.folder() as home:
        w = World(home)
        repo = c_repo(w, "echo", ECHO)
        with w.worker() as worker:
            for name, lease in {"an event that another worker could not read": lambda t: {"refused": "field 'x' is missing"},
                                "a lease without its source": lambda t: {k: v for k, v in t.items() if k not in ("code_source", "context")},
                                "a lease with a limit that is none": lambda t: {"data_id": t["data_id"], "resource_limits": {"max_memory_mb": "x"}}}.items():
                id, tx, task = w.request(repo, name, record=False)
                w.coordinator.add({**lease(task), **{k: task[k] for k in ("contract_id", "request_id", "context")}})
                event, value = w.answer(tx, 30)
                equal(f"{name} is served", (value, event and event["success"]), (name, True))
                equal("and reported", w.coordinator.report(id)["outcome"], "success")
            check("it says why it asked the chain", "field 'x' is missing" in worker.output())
            _, tx, task = w.request(repo, "nobody", record=False)
            for context, retry in (({}, False), ({**task["context"], "transaction_hash": near.b58(os.urandom(32))}, True)):
                w.coordinator.failed.clear()
                w.coordinator.add({"refused": "no JSON", **{k: task[k] for k in ("contract_id", "request_id")}, "context": context})
                w.coordinator.wait(lambda: w.coordinator.failed, 20)
                got = [(f["reason"], f["retry"]) for f in w.coordinator.failed]
                equal("without its transaction it goes back", got[:1], [("no JSON", retry)])


def test_builds_of_others():
    with kit.folder() as home:
        w = World(home)
        repo = c_repo(w, "echo", ECHO)
        with w.worker("first"):
            _, tx, _ = w.request(repo, "one")
            equal("the first worker builds", w.answer(tx)[1], "one")
        record = next(iter(w.coordinator.builds.values()))
        equal("one module was uploaded", w.coordinator.uploads, 1)
        with w.worker("second") as worker:
            _, tx, _ = w.request(repo, "two")
            event, value = w.answer(tx)
            equal("the second uses its build", (value, builds(worker)), ("two", 0))
            check("and is paid for making machine code of it", event["resources_used"]["compile_time_ms"] > 0, event)
        other = Key()
        name = record["build_key"]
        w.coordinator.builds[name] = {**record, "build_ms": record["build_ms"] + 1}
        with w.worker("third") as worker:
            _, tx, _ = w.request(repo, "three")
            event, value = w.answer(tx)
            check("a record whose signature is not good is not believed", value == "three" and builds(worker) == 1, event)
        signed = hashlib.sha256(borsh_record(record)).digest()
        w.coordinator.builds[name] = {**record, "public_key": other.public, "signature": base64.b64encode(other.sign(signed)).decode()}
        with w.worker("fourth") as worker:
            _, tx, _ = w.request(repo, "four")
            event, value = w.answer(tx)
            check("a stranger's record is not believed", value == "four" and builds(worker) == 1, event)
        w.operator.send(OPERATOR, near.add_call_key(other.public, CONTRACT, METHODS))
        record = next(iter(w.coordinator.builds.values()))
        signed = hashlib.sha256(borsh_record(record)).digest()
        w.coordinator.builds[name] = {**record, "public_key": other.public, "signature": base64.b64encode(other.sign(signed)).decode()}
        with w.worker("fifth") as worker:
            _, tx, _ = w.request(repo, "five")
            event, value = w.answer(tx)
            equal("one of another operator's key is", (value, builds(worker)), ("five", 0))
        w.coordinator.wasm[record["wasm_hash"]] = b"\0asm\1\0\0\0"
        with w.worker("sixth") as worker:
            _, tx, _ = w.request(repo, "six")
            event, value = w.answer(tx)
            check("other bytes are not run", value == "six" and builds(worker) == 1, event)


def test_lock_is_taken_again():
    """A module that nobody has any more is built again with the lock of its record, not with a new one."""
    with kit.folder() as home:
        w = World(home)
        repo = w.repo("unlocked", {"Cargo.toml": '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n'
                                                 '[[bin]]\nname = "app"\npath = "main.rs"\n',
                                   "main.rs": 'fn main() { println!("built"); }\n'})
        records = []
        for name in ("first", "second"):
            with w.worker(name):
                _, tx, _ = w.request(repo, "")
                equal("it is built", w.answer(tx)[1], "built\n")
            records.append(next(iter(w.coordinator.builds.values())))
            w.coordinator.wasm.clear()
        check("a lock was made", records[0]["lock_made"] > 0, records)
        check("it was built twice", records[0]["built_at"] < records[1]["built_at"], records)
        equal("with one lock", [(r["lock_hash"], r["lock_made"]) for r in records][1], (records[0]["lock_hash"], records[0]["lock_made"]))


def borsh_record(r):
    text = lambda s: len(s.encode()).to_bytes(4, "little") + s.encode()
    return (text("outlayer-build-v2") + bytes.fromhex(r["build_key"]) + bytes.fromhex(r["wasm_hash"]) + text(r["repo"])
            + text(r["commit"]) + text(r["target"]) + text(r["toolchain"]) + r["built_at"].to_bytes(8, "little")
            + r["build_ms"].to_bytes(8, "little") + bytes.fromhex(r["lock_hash"]) + r["lock_made"].to_bytes(8, "little"))


def answers_sent(w):
    """How many transactions the worker's key has signed into the chain."""
    got = kit.rpc(w.net.url, "query", {"request_type": "view_access_key", "finality": "final", "account_id": OPERATOR,
                                       "public_key": w.key.public})["result"]["nonce"]
    return got % 1000000


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
                check(f"{fate}: sent", kit.until(lambda: wire.sent, 20))
                worker.kill()
            equal(f"{fate}: the journal has it", len(os.listdir(pending)), 1)
            w.coordinator.add(task)  # its lease ran out meanwhile
            with w.worker(NEAR_RPC_URL=wire.url):
                equal(f"{fate}: answered", w.answer(tx)[1], "crash " + fate)
                equal(f"{fate}: reported after the crash", (w.coordinator.report(id, 30) or {}).get("outcome"), "success")
                equal(f"{fate}: by one transaction", answers_sent(w) - before, 1)
                equal(f"{fate}: always the same bytes", len({raw for raw, _ in wire.sent}), 1)
                equal(f"{fate}: the journal is empty", kit.until(lambda: os.listdir(pending) == [], 20), True)


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
            check("at once", time.monotonic() - began < 3, time.monotonic() - began)
        with w.worker() as worker:
            id, tx, _ = w.request(repo, "sleep", resource_limits=SLEEP)
            check("it runs", w.coordinator.wait(lambda: any(b["request_id"] == id and b.get("stage") == "running" for b in w.coordinator.beats)))
            began = time.monotonic()
            equal("a busy worker stops", worker.stop(), 0)
            took = time.monotonic() - began
            check("after the grace", 8 < took < 18, took)
            check("its lease is given back", any(f["request_id"] == id and f["retry"] for f in w.coordinator.failed), w.coordinator.failed)
        with w.coordinator.changed:
            w.coordinator.queue.clear()
        with w.worker() as worker:
            id, tx, _ = w.request(repo, "sleep", resource_limits={"max_execution_seconds": 8})
            w.coordinator.wait(lambda: any(b["request_id"] == id for b in w.coordinator.beats))
            w.coordinator.refuse_beats = True
            check("work whose lease is lost is dropped", kit.until(lambda: "the work is dropped" in worker.output(), 30))
            equal("a lost lease answers nothing", [w.event(tx, "execution_completed"), w.extensions(id) is None], [None, False])
        w.coordinator.refuse_beats = None
        slow = c_repo(w, "slow", ECHO, seconds=40)
        with w.worker() as worker:
            id, tx, _ = w.request(slow, "x", resource_limits=SLEEP, deposit=2 * NEAR)
            check("it is built", kit.until(lambda: builds(worker) == 1, 20), worker.output()[-600:])
            w.coordinator.refuse_beats = True
            check("its lease is lost, too", kit.until(lambda: "lease lost" in worker.output(), 20))
            check("a build ends with its lease", kit.until(lambda: "the work is dropped" in worker.output(), 5), worker.output()[-600:])


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
            event, value = w.answer(tx, 90)
            equal("a run that is longer than the yield's window is answered", value, "rested")
            equal("and a build", w.answer(slow_tx)[1], "built")
            sent = answers_sent(w) - before
            check("by a few extensions and one answer each", 5 <= sent <= 7, sent)
            equal("reported", [(w.coordinator.report(i) or {}).get("outcome") for i in (id, slow_id)], ["success"] * 2)
            late = c_repo(w, "late", ECHO, seconds=6)  # by the time that it runs the worker knows the pace of blocks
            _, tx, _ = w.request(late, "nap50", resource_limits=SLEEP, gas=53 * TGAS)  # which pays no extension
            event, value = w.answer(tx, 60)
            check("a run for which there is no time on chain is ended and charged, not lost",
                  value is None and event["failure"] == "guest" and "time on chain" in event["error_message"]
                  and int(event["payment_charged"]) > 10 ** 21 and event["resources_used"]["time_ms"] > 2000, event)
        with w.worker() as worker:
            id, tx, task = w.request(repo, "nap18", resource_limits=SLEEP)
            check("extended", kit.until(lambda: w.extensions(id) == 1, 30))
            worker.kill()
        w.coordinator.add(task)  # its lease ran out
        with w.worker("other"):
            equal("a worker that takes it over asks for time, too", w.answer(tx, 60)[1], "rested")


def refusal(w, **env):
    """What a worker says that does not start."""
    try:
        w.worker("refused", **env).kill()
        return "it started"
    except RuntimeError as e:
        return str(e)


def test_wrong_settings():
    with kit.folder() as home:
        w = World(home)
        other = Key()
        w.operator.send(OPERATOR, near.add_call_key(other.public, "somebody.near"))
        for what, env, says in (
                ("no token", {"API_AUTH_TOKEN_FILE": ""}, "API_AUTH_TOKEN is not set"),
                ("no key", {"OPERATOR_PRIVATE_KEY_FILE": ""}, "OPERATOR_PRIVATE_KEY is not set"),
                ("a key that is not there", {"OPERATOR_PRIVATE_KEY_FILE": "", "OPERATOR_PRIVATE_KEY": Key().secret}, "add the key to the account"),
                ("a key for something else", {"OPERATOR_PRIVATE_KEY_FILE": "", "OPERATOR_PRIVATE_KEY": other.secret}, "may only call 'somebody.near'"),
                ("not the operator", {"OPERATOR_ACCOUNT_ID": ALICE}, f"the operator of '{CONTRACT}' is '{OPERATOR}'"),
                ("not the contract", {"OFFCHAINVM_CONTRACT_ID": ALICE}, "is OFFCHAINVM_CONTRACT_ID the OutLayer contract"),
                ("no toolchain", {"TOOLCHAIN_DIR": "/nowhere"}, "make toolchains"),
                ("no source of blocks", {"ENABLE_EVENT_MONITOR": "true"}, "needs NEARDATA_API_URL"),
                ("out of bounds", {"POLL_TIMEOUT_SECONDS": "61"}, "POLL_TIMEOUT_SECONDS"),
                ("an exception without a port", {"EGRESS_ALLOW": "10.0.0.0/8"}, "EGRESS_ALLOW: '10.0.0.0/8' is no host and port"),
                ("no such isolation", {"ISOLATION": "best"}, "ISOLATION is 'best', not full, user or process"),
                ("no ports", {"EGRESS_PORTS": "http"}, "EGRESS_PORTS: 'http'"),
                ("no certificates", {"EGRESS_CA_FILE": "/dev/null"}, "no certificate in '/dev/null'"),
                ("no http", {"API_BASE_URL": "localhost"}, "API_BASE_URL")):
            text = refusal(w, **env)
            check(what, says in text and other.secret not in text, text)


def test_ends_while_it_starts():
    """Before it serves, a worker waits for the chain and looks over its toolchain."""
    with kit.folder() as home:
        w = World(home)
        with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes connections and says nothing
            env = {**os.environ, **w.settings("early", NEAR_RPC_URL=f"http://127.0.0.1:{deaf.getsockname()[1]}"), "OUTLAYER_HOME": home}
            process = subprocess.Popen([kit.program("outlayer-worker")], env=env, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            connection, _ = deaf.accept()
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            try:
                _, said = process.communicate(timeout=20)
            finally:
                process.kill()
                connection.close()
            check("a worker that starts ends when it is told", process.returncode == 0 and b"ending before it has started" in said
                  and time.monotonic() - began < 10, said)


def test_isolation():
    """A worker that is nobody in particular keeps strangers' code less apart than root's: only where a setting allows it."""
    become = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"] if os.geteuid() == 0 else []
    with kit.folder() as home:
        w = World(home)
        user_home = os.path.join(home, "user")
        os.makedirs(user_home)
        settings = w.settings("worker", OUTLAYER_HOME=user_home, TOOLCHAIN_DIR="/nowhere")  # it ends before it works
        for path in (home, user_home, *(settings[n] for n in ("API_AUTH_TOKEN_FILE", "OPERATOR_PRIVATE_KEY_FILE"))):
            os.chmod(path, 0o777 if os.path.isdir(path) else 0o644)

        def start(isolation):
            os.chmod(os.path.dirname(settings["API_AUTH_TOKEN_FILE"]), 0o755)
            return subprocess.run([*become, kit.program("outlayer-worker")], capture_output=True, text=True, timeout=60,
                                  env={"PATH": os.environ["PATH"], **settings, "ISOLATION": isolation}).stderr

        said = start("full")
        check("less than full is refused", "cannot be isolated as ISOLATION=full says, missing: users of its own" in said, said)
        check("and what would do is said", "suffices for ISOLATION=user" in said or "suffices for ISOLATION=process" in said, said)
        said = start("process")
        check("accepted, it is said", "as ISOLATION=process allows" in said and "cannot be isolated" not in said, said)


def test_platform_failure():
    with kit.folder() as home:
        w = World(home)
        repo = c_repo(w, "echo", ECHO)
        with w.worker(COMPILATION_ENABLED="false"):
            id, tx, _ = w.request(repo, "hello")
            event, value = w.answer(tx)
            check("what no worker can build is told on chain", value is None and event["failure"] == "platform"
                  and "does not build" in event["error_message"], event)
            equal("and costs nothing", event["payment_charged"], "0")
            check("after other tries", len(w.coordinator.failed) >= 2 and all(f["retry"] for f in w.coordinator.failed), w.coordinator.failed)
            equal("reported", (w.coordinator.report(id) or {}).get("failure"), "platform")
            check("capabilities", all("execution" in x["capabilities"] and "compilation" not in x["capabilities"] for x in w.coordinator.workers.values()), w.coordinator.workers)


SECRET = """int main(void) {
    char b[64] = "";
    const char *k = getenv("PROTECTED_KEY");
    unsigned h = 2166136261u;
    fread(b, 1, sizeof b - 1, stdin);
    if (!strcmp(b, "show")) { fputs(k ? k : "none", stdout); return 0; }
    for (const char *p = k ? k : ""; *p; p++) h = (h ^ (unsigned char)*p) * 16777619u;
    printf("%u %s", h, getenv("NEAR_SENDER_ID"));
    return 0;
}
"""


def fnv(text):
    h = 2166136261
    for c in text.encode():
        h = ((h ^ c) * 16777619) & 0xffffffff
    return h


def memory_of(process):
    """Everything that a process may write to, for root to read."""
    pieces = []
    with open(f"/proc/{process}/maps") as maps, open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, mode = line.split()[:2]
            start, end = (int(x, 16) for x in span.split("-"))
            if mode.startswith("rw") and end - start < 1 << 30:
                try:
                    memory.seek(start)
                    pieces.append(memory.read(end - start))
                except OSError:
                    pass
    return b"".join(pieces)


def files_with(folder, needle):
    found = []
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    found += [path] if needle in f.read() else []
    return found


def secrets_of(profile, owner=ALICE):
    return {"secrets_ref": {"profile": profile, "account_id": owner}}


def test_secrets():
    with kit.folder() as home:
        w = World(home)
        repo = c_repo(w, "secret", SECRET)
        with w.keystore() as keystore:
            w.store_secret(keystore, repo, "prod", {"Whitelist": {"accounts": [ALICE]}})
            w.store_secret(keystore, repo, "others", {"Whitelist": {"accounts": [OPERATOR]}})
            with w.worker("first"):
                _, tx, _ = w.request(repo, "show", **secrets_of("prod"))
                event, value = w.answer(tx)
                check("a secret is in the guest's environment", re.fullmatch("[0-9a-f]{64}", value or ""), (event, value))
                _, tx, _ = w.request(repo, "show")
                equal("and only where it was asked for", w.answer(tx)[1], "none")
            if not value:
                return
            with w.worker("second") as worker:
                for target in ("wasm32-wasip1", "wasm32-wasip2"):
                    _, tx, _ = w.request(repo, "x", target=target, **secrets_of("prod"))
                    equal(f"{target}: the guest knows it", w.answer(tx)[1], f"{fnv(value)} {ALICE}")
                id, tx, _ = w.request(repo, "x", **secrets_of("others"))
                event, output = w.answer(tx)
                check("a refusal is the answer", output is None and event["failure"] == "access"
                      and event["error_message"].startswith("Access denied: "), event)
                equal("reported as one", w.coordinator.report(id)["outcome"], "refused")
                check("nothing ran", event["resources_used"]["instructions"] == 0, event)
                id, tx, _ = w.request(repo, "x", **secrets_of("nowhere"))
                event, output = w.answer(tx)
                check("secrets that are not there", output is None and event["failure"] == "access"
                      and event["error_message"].startswith("Secrets not found: "), event)
                needle = value.encode()
                if os.geteuid() == 0:
                    memory = memory_of(worker.process.pid)
                    check("its memory can be searched", b"prod" in memory and ALICE.encode() in memory)
                    check("the value is not in the worker's memory any more", needle not in memory)
                else:
                    check("nobody of the same user can read its memory or environment",
                          not any(os.access(f"/proc/{worker.process.pid}/{file}", os.R_OK) for file in ("mem", "environ")))
                check("files can be searched", files_with(home, ALICE.encode()))
                equal("nor in a file", files_with(os.path.join(home, "second"), needle), [])
                check("nor in its log", value not in worker.output(), worker.output()[-400:])


def test_secrets_meddled_with():
    """What the coordinator makes of the keystore's answers: nothing of it is believed, and nothing costs the caller. It is
    asked again for as long as a window of 20 s lasts."""
    with kit.folder() as home:
        w = World(home)
        repo = c_repo(w, "secret", SECRET)
        forge = {"error": {"code": "forbidden", "message": "Access denied: says the coordinator", "hint": ""}}
        flip = lambda text: text[:90] + ("A" if text[90] != "A" else "B") + text[91:]
        cases = {"a refusal of its own": lambda path, status, answer: (403, forge) if path == "/decrypt" else (status, answer),
                 "other words": lambda path, status, answer: (status, {**answer, "error": forge["error"]}),
                 "other secrets": lambda path, status, answer: (status, {**answer, **({"sealed": flip(answer["sealed"])} if "sealed" in answer else {})}),
                 "a session of its own": lambda path, status, answer: (status, {**answer, **({"signature": "ed25519:" + "1" * 64} if path == "/session" else {})})}
        with w.keystore() as keystore, w.worker():
            w.store_secret(keystore, repo, "prod")
            w.store_secret(keystore, repo, "others", {"Whitelist": {"accounts": [OPERATOR]}})
            for what, meddle in cases.items():
                w.coordinator.meddle = meddle
                _, tx, _ = w.request(repo, "x", **secrets_of("others" if what == "other words" else "prod"))
                event, value = w.answer(tx)
                check(f"{what}: not believed", value is None and event["failure"] == "platform"
                      and event["payment_charged"] == "0" and "coordinator" not in event["error_message"], event)
            _, tx, _ = w.request(repo, "x", **secrets_of("prod"))
            time.sleep(4)  # of failing tries
            w.coordinator.meddle = None
            check("a way that was bad for some seconds: then the keystore's own word", (w.answer(tx)[1] or "").endswith(ALICE))
            keystore.kill()
            with w.keystore(publish=False):  # the same master, and no session is known any more
                _, tx, _ = w.request(repo, "x", **secrets_of("prod"))
                check("a keystore that was killed and is back", (w.answer(tx)[1] or "").endswith(ALICE))


def test_keystore_killed_at_each_step():
    """kill -9 of the keystore when it has answered a question and the answer is on its way, and before: the request gets its
    secrets from the next one, once, and nothing runs without them."""
    with kit.folder() as home:
        w = World(home)
        repo = c_repo(w, "secret", SECRET)
        keystore = w.keystore()
        w.store_secret(keystore, repo, "prod")
        for path in ("/challenge", "/session", "/decrypt"):
            for when in ("before", "behind"):
                alive = [keystore]

                def meddle(at, status, answer):
                    if at == path and alive:
                        alive.pop().kill()
                        nonlocal keystore
                        keystore = w.keystore(publish=False)
                        if when == "before":
                            return 503, {"error": {"code": "unavailable", "message": "the keystore does not answer", "hint": ""}}
                    return status, answer
                w.coordinator.meddle = meddle
                with w.worker():  # without a session yet
                    before = answers_sent(w)
                    _, tx, _ = w.request(repo, "x", **secrets_of("prod"))
                    event, value = w.answer(tx)
                    check(f"killed {when} {path}'s answer: served", (value or "").endswith(ALICE) and not alive, (event, alive))
                    equal(f"killed {when} {path}'s answer: by one transaction", answers_sent(w) - before, 1)
        keystore.stop()


def test_secrets_of_branches():
    with kit.folder() as home:
        w = World(home)
        repo = c_repo(w, "secret", SECRET)
        w.git(repo, "checkout", "-q", "-b", "dev")
        w.git(repo, "commit", "-q", "--allow-empty", "-m", "of dev alone")
        w.git(repo, "tag", "v1")
        commit = w.git(repo, "rev-parse", "HEAD")
        w.git(repo, "checkout", "-q", "main")
        with w.keystore() as keystore, w.worker():
            w.store_secret(keystore, repo, "dev-only", branch="dev")
            w.store_secret(keystore, repo, "both")
            w.store_secret(keystore, repo, "both", branch="dev")

            def shown(ref, profile):
                _, tx, _ = w.request(repo, "show", commit=ref, **secrets_of(profile))
                event, value = w.answer(tx)
                return value or event["error_message"]
            first = shown("dev", "dev-only")
            check("a branch is itself", re.fullmatch("[0-9a-f]{64}", first), first)
            for ref in (commit, "v1"):
                equal(f"a commit or tag is of the branch that contains it: {ref}", shown(ref, "dev-only"), first)
            text = shown("main", "dev-only")
            check("another branch has none", text.startswith("Secrets not found: "), text)
            dev, main = shown("dev", "both"), shown("main", "both")
            check("each branch has its own, else what is for any", dev != main and len(dev) == len(main) == 64, (dev, main))
            # whoever may push tags, but not to the branch, must not get its secrets for code of his own
            w.git(repo, "checkout", "-q", "v1")
            w.git(repo, "commit", "-q", "--allow-empty", "-m", "of no branch")
            w.git(repo, "tag", "-f", "v1")
            w.git(repo, "checkout", "-q", "main")
            text = shown("v1", "dev-only")
            check("a tag that was moved to other code", text.startswith("Secrets not found: "), text)
            w.git(repo, "tag", "-f", "v1", commit)
            equal("and back", shown("v1", "dev-only"), first)


def test_no_keystore():
    with kit.folder() as home:
        w = World(home, BLOCK_MS="50")
        repo = c_repo(w, "secret", SECRET)
        with w.worker():
            _, tx, _ = w.request(repo, "x", **secrets_of("prod"))
            event, value = w.answer(tx)
            check("a deployment without a keystore says so", value is None and event["failure"] == "access"
                  and "no keystore" in event["error_message"], event)
        with w.keystore() as keystore:
            w.store_secret(keystore, repo, "prod")
            w.coordinator.keystore = None
            with w.worker(KEYSTORE_BASE_URL=keystore.url):
                _, tx, _ = w.request(repo, "x", **secrets_of("prod"))
                check("straight to the keystore", (w.answer(tx)[1] or "").endswith(ALICE))
            with w.worker("other"):
                _, tx, _ = w.request(repo, "x", **secrets_of("prod"))
                event, value = w.answer(tx)
                check("a coordinator that knows none", value is None and event["failure"] == "platform"
                      and "not offered" in event["error_message"] and event["payment_charged"] == "0", event)
        text = refusal(w, KEYSTORE_BASE_URL="keystore")
        check("an address that is none", "KEYSTORE_BASE_URL" in text, text)


def test_slow_builds_stop_nobody():
    """One place for runs, one for builds; a build of 12 s that many want, and more of another that waits for its turn."""
    with kit.folder() as home:
        w = World(home)
        echo, slow, slower = (c_repo(w, name, ECHO, seconds) for name, seconds in (("echo", 0), ("slow", 12), ("slower", 1)))
        with w.worker(MAX_CONCURRENT_RUNS="1", MAX_CONCURRENT_BUILDS="1") as worker:
            _, tx, _ = w.request(echo, "first")
            equal("a module that is there", w.answer(tx)[1], "first")
            waiting = [w.request(slow, "one", deposit=2 * NEAR) for _ in range(2)]
            check("a slow build", kit.until(lambda: builds(worker) == 2, 20), worker.output()[-600:])
            waiting.append(w.request(slower, "other", deposit=2 * NEAR))
            began = time.monotonic()
            for text in ("two", "three"):
                _, tx, _ = w.request(echo, text)
                equal(f"others run meanwhile: {text}", w.answer(tx)[1], text)
            check("at once", time.monotonic() - began < 8 and not w.event(waiting[0][1], "execution_completed"), time.monotonic() - began)
            events = [w.answer(tx) for _, tx, _ in waiting]
            equal("those who waited have their answers", [v for _, v in events], ["one", "one", "other"])
            equal("one build of each", builds(worker), 3)
            times = sorted(e["resources_used"]["compile_time_ms"] for e, _ in events[:2])
            check("which is paid once", times[0] < 6000 and times[1] > 12000, times)
            broken = c_repo(w, "broken", "int main(void) { return nothing; }\n", seconds=3)
            waiting = [w.request(broken) for _ in range(3)]
            events = [w.answer(tx)[0] for _, tx, _ in waiting]
            check("a build that fails fails for all who wait for it", all(e["failure"] == "build" and "nothing" in e["error_message"] for e in events), events)
            times = sorted(e["resources_used"]["compile_time_ms"] for e in events)
            check("and is paid once, too", builds(worker) == 4 and times[1] < 3000 < times[2], (builds(worker), times))


def test_late():
    """200 blocks are 20 s here, and whoever attaches 53 TGas buys no more. What was begun is paid, whatever took the
    time; what was not begun is not."""
    with kit.folder() as home:
        w = World(home)
        short = {"gas": 53 * TGAS, "deposit": 2 * NEAR}
        nap = {**short, "resource_limits": {"max_execution_seconds": 40}}
        echo, long, longer, alone = (c_repo(w, name, ECHO, s) for name, s in (("echo", 0), ("long", 8), ("longer", 26), ("alone", 60)))
        with w.worker(MAX_CONCURRENT_RUNS="4", MAX_CONCURRENT_BUILDS="3") as worker:
            _, tx, _ = w.request(echo, "first")
            w.answer(tx)
            ours = [w.request(repo, "x", deposit=2 * NEAR)[1] for repo in (long, longer)]
            check("two builds are under way", kit.until(lambda: builds(worker) == 3, 20))
            asked = [w.request(repo, text, record=False, **how) for repo, text, how in (
                (long, "nap39", nap), (longer, "x", short), (alone, "x", short), (echo, "nap39", nap))]
            waits, misses, builds_tx, runs = (tx for _, tx, _ in asked)
            height = lambda: kit.rpc(w.net.url, "block", {"finality": "final"})["result"]["header"]["height"]
            first = height()
            kit.until(lambda: height() > first + 25)  # from which the worker knows their pace
            for _, _, task in asked:
                w.coordinator.add(task)
            said = {}
            for what, tx, failure in (("a run", runs, "guest"), ("a run after a wait for another's build", waits, "guest"),
                                      ("a build", builds_tx, "build")):
                event, value = w.answer(tx, 40)
                said[what] = event["resources_used"]
                check(f"{what} that is cut is charged for what it used", value is None and event["failure"] == failure
                      and "time on chain" in event["error_message"] and int(event["payment_charged"]) > 10 ** 21, event)
            check("and for no wait", 10000 < said["a run"]["time_ms"] and 3000 < said["a run after a wait for another's build"]["time_ms"] < 12000
                  and 10000 < said["a build"]["compile_time_ms"] < 21000, said)
            event, value = w.answer(misses, 30)
            check("what did not begin in time is not charged", value is None and event["failure"] == "platform"
                  and "before its own work could begin" in event["error_message"] and event["payment_charged"] == "0", event)
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
            check("for as long as is paid", value is None and event["failure"] == "build" and "took longer than" in event["error_message"]
                  and 9000 < event["resources_used"]["compile_time_ms"] <= 11000 and int(event["payment_charged"]) > 10 ** 21, event)
            _, tx, _ = w.request(slow, "x", deposit=8 * 10 ** 21)
            event, value = w.answer(tx)
            check("a build that is longer than what is paid", value is None and event["failure"] == "build" and 9000 < event["resources_used"]["compile_time_ms"] <= 11000, event)
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
            check("all were reported", all(w.coordinator.completed[id]["outcome"] == "success" for _, id, _, _ in asked))
            equal("one build for all", w.coordinator.uploads, 1)
            if os.environ.get("SHOW"):
                print(f"24 runs, build included: {time.monotonic() - began:.2f} s")


if __name__ == "__main__":
    kit.main(globals())
