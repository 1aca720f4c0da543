# SPDX-License-Identifier: Apache-2.0
"""A worker's surroundings in the black-box tests: a real devnet with the real contract, repositories on disk, and a
coordinator of a few lines, so that each thing that a coordinator may do wrong can be done."""
import base64, hashlib, json, os, subprocess

import kit, near
from fakes.coordinator import Coordinator
from near import Account, Key, NEAR, TGAS

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
        done = contract.send(CONTRACT, near.deploy(code),
                             near.call("new", {"owner_id": CONTRACT, "operator_id": OPERATOR}))
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
        env = {**os.environ, **{f"GIT_{who}_{what}": "test@example.com" for who in ("AUTHOR", "COMMITTER")
                                for what in ("NAME", "EMAIL")}}
        for command in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "--allow-empty", "-m", "files")):
            subprocess.run(["git", *command], cwd=path, env=env, check=True)
        return f"https://{HOST}/test/{name}"

    def git(self, repo, *command):
        env = {**os.environ, **{f"GIT_{who}_{what}": "test@example.com" for who in ("AUTHOR", "COMMITTER")
                                for what in ("NAME", "EMAIL")}}
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
                "WORKER_ID": name, "ISOLATION": "process", "POLL_TIMEOUT_SECONDS": "5",
                "TOOLCHAIN_DIR": kit.built("guest"),
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

    def ask_chain(self, repo, text="", commit="main", deposit=NEAR, target="wasm32-wasip1", gas=200 * TGAS, nonce=None,
                  contract=CONTRACT, **more):
        """Asks on chain and does not wait; gives the transaction's hash."""
        args = {"code_source": {"repo": repo, "commit": commit, "build_target": target}, "input_data": text,
                "response_format": "Text", **more}
        raw, tx = self.alice.signed(contract, near.call("request_execution", args, gas, deposit), nonce=nonce)
        kit.rpc(self.net.url, "broadcast_tx_async", [raw])
        return tx

    def task_of(self, tx):
        """The task that a monitor would record of it."""
        event, outcome, block = kit.until(lambda: self.event(tx, "execution_requested"))
        task = json.loads(event["request_data"])
        task.update(contract_id=CONTRACT, payer_id=ALICE, data_id=bytes(event["data_id"]).hex(), context={
            "block_height": block["height"], "block_timestamp": block["timestamp"], "transaction_hash": tx,
            "receipt_id": outcome["id"], "predecessor_id": ALICE, "signer_id": ALICE,
            "signer_public_key": self.alice.key.public, "gas_burnt": outcome["outcome"]["gas_burnt"]})
        return task

    def request(self, repo, text="", record=True, **how):
        """Asks on chain; gives (request id, transaction hash), and records the task with the coordinator."""
        tx = self.ask_chain(repo, text, **how)
        task = self.task_of(tx)
        if record:
            self.coordinator.add(task)
        return task["request_id"], tx, task

    def extensions(self, id):
        args = base64.b64encode(json.dumps({"request_id": id}).encode()).decode()
        got = kit.rpc(self.net.url, "query",
                      {"request_type": "call_function", "finality": "final", "account_id": CONTRACT,
                                              "method_name": "get_request", "args_base64": args})
        request = json.loads(bytes(got["result"]["result"]))
        return request and request["extensions"]

    def event(self, tx, name):
        answer = kit.rpc(self.net.url, "EXPERIMENTAL_tx_status",
                         {"tx_hash": tx, "sender_account_id": ALICE, "wait_until": "NONE"})
        for r in answer.get("result", {}).get("receipts_outcome", []):
            for log in r["outcome"]["logs"]:
                if log.startswith("EVENT_JSON:") and json.loads(log[11:])["event"] == name:
                    header = kit.rpc(self.net.url, "block", {"block_id": r["block_hash"]})["result"]["header"]
                    return json.loads(log[11:])["data"][0], r, header
        return None

    def answer(self, tx, seconds=120):
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
    return world.repo(name,
                      {"main.c": "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n" + body, "Makefile": makefile})


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


def answers_sent(w):
    """How many transactions the worker's key has signed into the chain."""
    got = kit.rpc(w.net.url, "query", {"request_type": "view_access_key", "finality": "final", "account_id": OPERATOR,
                                       "public_key": w.key.public})["result"]["nonce"]
    return got % 1000000


def refusal(w, **env):
    """What a worker says that does not start."""
    try:
        w.worker("refused", **env).kill()
        return "it started"
    except RuntimeError as e:
        return str(e)
