#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""outlayer-devnet as a process: its state on disk, its clock and its settings."""
import base64, json, os, socket, subprocess, threading, time

import kit, near
from devnet_world import Devnet, ROOT, error, probe_code
from kit import check, equal
from near import Account, Key, NEAR


def test_faucet_and_patch():
    with kit.folder() as home, Devnet(home) as net:
        key = Key()
        status, _, body = kit.http("POST", net.url + "/account",
                                   {"newAccountId": "dev.testnet", "newAccountPublicKey": key.public})
        equal("the faucet makes an account", (status, json.loads(body).get("account_id")), (200, "dev.testnet"))
        dev = Account(net.url, "dev.testnet", key)
        done = dev.send(ROOT, near.transfer(NEAR))
        check("that can pay", "SuccessValue" in done.get("result", {}).get("status", {}), done)
        status, _, _ = kit.http("POST", net.url + "/account",
                                {"newAccountId": "dev.testnet", "newAccountPublicKey": key.public})
        equal("not twice", status, 409)
        status, _, _ = kit.http("POST", net.url + "/account", {"newAccountId": "x"})
        equal("not without a key", status, 400)
        other = Key()
        patch = [{"Account": {"account_id": "rich.near",
                              "account": {"amount": str(7 * NEAR), "locked": "0", "code_hash": "1" * 32,
                                          "storage_usage": 182, "version": "V1"}}},
                 {"AccessKey": {"account_id": "rich.near", "public_key": other.public,
                                "access_key": {"nonce": 0, "permission": "FullAccess"}}},
                 {"Contract": {"account_id": "rich.near", "code": base64.b64encode(probe_code()).decode()}},
                 {"Data": {"account_id": "rich.near", "data_key": "aw==",
                           "value": base64.b64encode(b"patched").decode()}}]
        equal("state is patched", net.rpc("sandbox_patch_state", {"records": patch}).get("result"), {})
        equal("a patched contract runs", bytes(near.view(net.url, "rich.near", "get")["result"]["result"]), b"patched")
        done = Account(net.url, "rich.near", other).send(ROOT, near.transfer(NEAR))
        check("a patched key signs", "SuccessValue" in done.get("result", {}).get("status", {}), done)
        bad = net.rpc("sandbox_patch_state",
                      {"records": patch[:1] + [{"Data": {"account_id": "rich.near"}, "More": 1}]})
        equal("a wrong record", error(bad)[1], "PARSE_ERROR")


def outcomes(net, hashes):
    return [net.rpc("EXPERIMENTAL_tx_status",
                    {"tx_hash": h, "sender_account_id": ROOT, "wait_until": "FINAL"}).get("result") for h in hashes]


def test_restart():
    with kit.folder() as home:
        with Devnet(home) as net:
            a = net.probe()
            hashes = [net.root.send(a.id, near.call("set", b"%d" % i), wait="FINAL")["result"]["transaction"]["hash"]
                      for i in range(3)]
            raw, waiting = net.root.signed(a.id, near.call("wait", b""))
            net.rpc("send_tx", {"signed_tx_base64": raw, "wait_until": "INCLUDED"})
            before, height = outcomes(net, hashes), net.height()
            genesis = net.rpc("status", [])["result"]["genesis_hash"]
            block = net.rpc("block", {"block_id": height})["result"]
            equal("SIGTERM ends it well", net.stop(), 0)
        with Devnet(home) as net:
            check("heights go on", net.height() >= height, (net.height(), height))
            equal("the same chain", net.rpc("status", [])["result"]["genesis_hash"], genesis)
            equal("the same block", net.rpc("block", {"block_id": height})["result"], block)
            equal("transactions are found", outcomes(net, hashes), before)
            equal("state is there", bytes(near.view(net.url, a.id, "get")["result"]["result"]), b"2")
            a.url = net.url
            equal("a yield outlives the restart",
                  a.send(a.id, near.call("answer", b"after"))["result"]["final_execution_status"] != "", True)
            equal("and is resumed", near.value_of(net.rpc("tx", [waiting, ROOT])["result"]), b"after")
            other = subprocess.run([kit.program("outlayer-devnet")],
                                   env={**os.environ, "OUTLAYER_HOME": home, "PORT": "0"},
                                   capture_output=True, text=True, timeout=120)
            check("a second one on the same home is refused", other.returncode != 0
                  and "lock" in other.stderr + other.stdout, other.stderr)


def test_genesis_time():
    """A contract that looks at dates is tried at the day that its data are of."""
    began = 1_750_320_802

    def seconds(net):
        return net.rpc("block", {"finality": "final"})["result"]["header"]["timestamp"] / 1e9

    with kit.folder() as home:
        with Devnet(home, GENESIS_TIME=str(began)) as net:
            first = seconds(net)
            check("the chain begins at its time", began <= first < began + 60, first)
            check("its time passes", kit.until(lambda: seconds(net) > first + 0.2))
            last = seconds(net)
        with Devnet(home) as net:
            check("and goes on after a restart that says nothing", last <= seconds(net) < began + 120, seconds(net))
        with Devnet(home, GENESIS_TIME=str(began + 1_000_000)) as net:
            check("a later setting changes nothing", seconds(net) < began + 180, seconds(net))
    with kit.folder() as home:
        with Devnet(home) as net:
            check("else it is the clock's", abs(seconds(net) - time.time()) < 60, seconds(net))
        with Devnet(home, GENESIS_TIME=str(began)) as net:
            check("which stays", abs(seconds(net) - time.time()) < 120, seconds(net))


def test_kill_9():
    """Whatever a client saw before a crash is there after it."""
    with kit.folder() as home:
        with Devnet(home) as net:
            a = net.probe()
            net.root.send(a.id, near.call("set", b"0"))
        seen = b"0"
        for round_ in range(6):
            net = Devnet(home, BLOCK_IDLE_MS="1")
            equal(f"crash {round_}: what was seen is there", bytes(near.view(net.url, a.id, "get")["result"]["result"]),
                  seen)
            hashes, stop, heights = [], threading.Event(), [net.height()]

            def watch():
                while not stop.is_set():
                    try:
                        heights.append(net.height())
                    except (OSError, ValueError, KeyError):
                        return

            watcher = threading.Thread(target=watch)
            watcher.start()
            for i in range(round_ + 1):
                value = b"%d-%d" % (round_, i)
                result = net.root.send(a.id, near.call("set", value))["result"]
                seen = near.value_of(result)
                hashes.append(result["transaction"]["hash"])
            net.kill()
            stop.set()
            watcher.join(60)
            with Devnet(home) as again:
                check(f"crash {round_}: no height is lost", again.height() >= max(heights),
                      (again.height(), max(heights)))
                check(f"crash {round_}: transactions are found", all(outcomes(again, hashes)), hashes)


def test_interval():
    with kit.folder() as home, Devnet(home, BLOCK_MS="100") as net:
        for _ in range(20):  # a busy machine may make some of them late, but never too many
            start, first = time.monotonic(), net.height()
            time.sleep(2)
            made, took = net.height() - first, time.monotonic() - start
            if made >= 0.7 * took * 10:
                break
        check("a block each 100 ms", 0.7 * took * 10 <= made <= 1.2 * took * 10, (made, took))
        result = net.root.send("new." + ROOT, near.create_account(), near.transfer(NEAR),
                               near.add_key(Key().public))["result"]
        check("transactions go through", "SuccessValue" in result["status"], result)


def test_settings():
    with kit.folder() as home:
        key = Key()
        genesis = os.path.join(home, "genesis.json")
        with open(genesis, "w") as f:
            json.dump({"chain_id": "mine",
                       "accounts": [{"account_id": "me.near", "public_key": key.public, "balance": str(5 * NEAR)}]}, f)
        with kit.Daemon("outlayer-devnet", {"GENESIS": genesis, "BLOCK_MS": "0"}, home=home) as net:
            equal("a genesis of one's own", kit.rpc(net.url, "status", [])["result"]["chain_id"], "mine")
            equal("ready line", {**net.ready, "status_port": 0}, {"port": net.port, "chain_id": "mine", "status_port": 0})
            got = kit.rpc(net.url, "query", ["account/me.near", ""])["result"]["amount"]
            equal("its account", got, str(5 * NEAR))
        def status_of(**env):
            clean = {k: v for k, v in os.environ.items() if not k.startswith("OUTLAYER_")}
            return subprocess.run([kit.program("outlayer-devnet")],
                                  env={**clean, "OUTLAYER_HOME": home, "PORT": "0", **env},
                                  capture_output=True, text=True, timeout=120)
        got = status_of()
        check("another chain's home is refused", got.returncode == 1 and "holds the chain 'mine'" in got.stderr,
              got.stderr)
        got = status_of(BLOCK_MS="soon")
        check("a wrong setting is named", got.returncode == 1 and "BLOCK_MS" in got.stderr, got.stderr)
        with open(genesis, "w") as f:
            f.write('{"chain_id":"mine","accounts":[]}')
        got = status_of(GENESIS=genesis)
        check("a genesis without accounts is refused", got.returncode == 1 and "1 to" in got.stderr, got.stderr)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            with kit.folder() as other:
                got = status_of(PORT=str(taken.getsockname()[1]), OUTLAYER_HOME=other)
                check("a taken port is named", got.returncode == 1 and str(taken.getsockname()[1]) in got.stderr,
                      got.stderr)


if __name__ == "__main__":
    kit.main(globals())
