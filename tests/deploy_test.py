#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`outlayer deploy` on a network that is not the local stack, then a coordinator and a worker that know it by the
environment names of the documents only, and a request from outside."""
import json, os, subprocess

import kit, near
from kit import check, equal

ACCOUNTS = ("outlayer.test.near", "operator.test.near", "alice.test.near")


def run(env, *args, timeout=120):
    return subprocess.run([kit.program("outlayer"), *args], env=env, capture_output=True, timeout=timeout)


def last_object(done):
    lines = done.stdout.decode().strip().splitlines()
    return json.loads(lines[-1]) if lines else {}


def network(home):
    """A chain that calls itself testnet, with keys where near-cli would put them."""
    folder = os.path.join(home, ".near-credentials", "testnet")
    os.makedirs(folder)
    genesis = {"chain_id": "testnet", "accounts": []}
    for name in ACCOUNTS:
        key = near.Key()
        genesis["accounts"].append({"account_id": name, "public_key": key.public, "balance": str(10000 * near.NEAR)})
        path = os.path.join(folder, name + ".json")
        with open(path, "w") as f:
            json.dump({"account_id": name, "public_key": key.public, "private_key": key.secret}, f)
        os.chmod(path, 0o600)
    path = os.path.join(home, "genesis.json")
    with open(path, "w") as f:
        json.dump(genesis, f)
    chain = os.path.join(home, "chain")
    os.makedirs(chain)
    return kit.Daemon("outlayer-devnet", {"BLOCK_MS": "100", "GENESIS": path}, home=chain)


def repository(home):
    folder = os.path.join(home, "echo")
    os.makedirs(folder)
    with open(os.path.join(folder, "main.c"), "w") as f:
        f.write('#include <stdio.h>\nint main(void) { int c; while ((c = getchar()) != EOF) putchar(c); return 0; }\n')
    with open(os.path.join(folder, "Makefile"), "w") as f:
        f.write("main.wasm: main.c\n\t$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $<\n")
    git = ["git", "-C", folder, "-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"]
    for args in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"], ["branch", "-M", "main"]):
        subprocess.run(git + args, check=True)
    return folder


def test_deploy_and_serve():
    with kit.folder() as home:
        chain = network(home)
        env = {k: v for k, v in os.environ.items()
               if not k.startswith("OUTLAYER_")} | {"HOME": home, "OUTLAYER_HOME": os.path.join(home, "cli")}
        where = ["--network", "testnet", "--rpc-url", chain.url, "--contract", ACCOUNTS[0]]
        keys = os.path.join(home, ".near-credentials", "testnet")
        deploy = ["deploy", *where, "--operator", ACCOUNTS[1], "--operator-credentials",
                  os.path.join(keys, ACCOUNTS[1] + ".json"),
                  "--worker-key", os.path.join(home, "worker.json"), "--json"]
        done = run(env, *deploy)
        first = last_object(done)
        if not check("it deploys", done.returncode == 0 and first.get("deploy_transaction")
                     and first.get("key_transaction"), (done, first)):
            return
        check("its cost was shown first", b"locked for storage" in done.stderr, done.stderr)
        again = last_object(run(env, *deploy))
        equal("repeating changes nothing", [again.get(f"{what}_transaction") for what in ("deploy", "register", "key")],
              [None] * 3)
        check("the register contract is set up, too",
              first.get("register_transaction") and first.get("register_contract_id") == ACCOUNTS[1], first)
        register = near.view_value(chain.url, ACCOUNTS[1], "get_config")
        equal("for this contract, and only its owner registers",
              (register["outlayer_contract_id"], register["init_worker_account"]), (ACCOUNTS[0], ACCOUNTS[0]))
        intel = "0ba9c4c0c0c86193a3fe23d6b02cda10a8bbd4e88e48b4458561a36e705525f5"
        check("it believes Intel alone", register["root_public_key"].startswith(intel), register)
        config = near.view_value(chain.url, ACCOUNTS[0], "get_config")
        check("operator is set", ACCOUNTS[1] in json.dumps(config), config)

        coordinator_home, worker_home = os.path.join(home, "coordinator"), os.path.join(home, "worker")
        os.makedirs(coordinator_home)
        os.makedirs(worker_home)
        token = last_object(run(env, "token", "create", "w1", "--home", coordinator_home, "--json"))["token"]
        coordinator = kit.Daemon("outlayer-coordinator", {"NEAR_RPC_URL": chain.url,
                                                          "OFFCHAINVM_CONTRACT_ID": ACCOUNTS[0]}, home=coordinator_home)
        with open(os.path.join(home, "worker.json")) as f:
            secret = json.load(f)["private_key"]
        kit.Daemon("outlayer-worker",
                   {"API_BASE_URL": coordinator.url, "API_AUTH_TOKEN": token, "NEAR_RPC_URL": chain.url,
                    "NEARDATA_API_URL": chain.url,
                    "OFFCHAINVM_CONTRACT_ID": ACCOUNTS[0], "OPERATOR_ACCOUNT_ID": ACCOUNTS[1],
                    "OPERATOR_PRIVATE_KEY": secret,
                    "ENABLE_EVENT_MONITOR": "true", "ISOLATION": "process",
                    "REPO_MAP": f"git.example/o/echo={repository(home)}"}, home=worker_home)
        done = run(env, "request", *where, "--coordinator-url", coordinator.url, "--from", ACCOUNTS[2], "--repo",
                   "https://git.example/o/echo",
                   "--commit", "main", "--target", "wasm32-wasip1", "--input", "hello", "--json")
        answer = last_object(done)
        check("a request is served", done.returncode == 0 and answer.get("output") == "hello", (done, answer))
        status, prices = kit.get_json(coordinator.url + "/public/pricing")
        check("prices come from the contract", status == 200 and int(prices["base_fee"]) > 0, prices)


def test_deploy_refusals():
    """Without a key, or towards nothing: a sentence, status 2 or 3, nothing changed."""
    with kit.folder() as home:
        env = {k: v for k, v in os.environ.items()
               if not k.startswith("OUTLAYER_")} | {"HOME": home, "OUTLAYER_HOME": os.path.join(home, "cli")}
        done = run(env, "deploy", "--network", "testnet", "--rpc-url", "http://127.0.0.1:9", "--contract",
                   "nobody.testnet", "--json")
        check("no key: refused with where it would be", done.returncode in (2, 3) and b"nobody.testnet" in done.stderr,
              done)


def test_terms_are_looked_at_first():
    """If it fails, an owner pays for the main contract and then hears that the register contract's terms are none."""
    with kit.folder() as home:
        chain = network(home)
        env = {k: v for k, v in os.environ.items()
               if not k.startswith("OUTLAYER_")} | {"HOME": home, "OUTLAYER_HOME": os.path.join(home, "cli")}
        testnet = os.path.join(home, ".near-credentials", "testnet")
        os.symlink(testnet, os.path.join(home, ".near-credentials", "devnet"))
        for what, wanted, args in (
                ("a simulator's root key on a public network", "--root-key is for a devnet",
                 ["--network", "testnet", "--root-key", "00" * 64]),
                ("a root key of another length", "128 hexadecimal digits", ["--network", "devnet", "--root-key", "00" * 63]),
                ("a registrar that is no account", "--registrar", ["--network", "testnet", "--registrar", "A B"])):
            done = run(env, "deploy", "--rpc-url", chain.url, "--contract", ACCOUNTS[0], "--operator", ACCOUNTS[1], "--json",
                       *args)
            check(f"{what} is wrong usage", done.returncode == 2 and wanted in done.stderr.decode(), done)
        account = kit.rpc(chain.url, "query", {"request_type": "view_account", "finality": "final",
                                               "account_id": ACCOUNTS[0]})["result"]
        equal("and nothing was paid for", (account["code_hash"], account["amount"]), ("1" * 32, str(10000 * near.NEAR)))


kit.main(globals())
