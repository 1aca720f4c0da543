#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whole requests through the local stack: from the block that shows the event to the resolving transaction signed and
handed on, runs a second of one worker, `up` to its first answer, memory, transactions a second of the chain. The
reference's figures are those measured for the public implementation on comparable cores."""
import http.client, json, os, re, signal, subprocess, sys, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests"))
import kit, near

WARM = 200
ROOT = kit.ROOT


def percentile(values, p):
    return sorted(values)[min(len(values) - 1, int(len(values) * p / 100))]


def row(what, ours, unit, reference=None, better="lower"):
    ratio = ""
    if reference:
        times = reference / ours if better == "lower" else ours / reference
        ratio = f"reference {reference:g} {unit}, {times:.1f} times better" if times >= 1 else f"reference {reference:g} {unit}, {1 / times:.1f} times worse"
    print(f"{what:<58} {ours:>10.3f} {unit:<6} {ratio}", flush=True)


def start(home, *args):
    env = {**os.environ, "OUTLAYER_HOME": home, "LOG_LEVEL": os.environ.get("LOG_LEVEL", "warn")}
    t0 = time.monotonic()
    up = subprocess.Popen([kit.program("outlayer"), "up", "--json", *args], env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    info = json.loads(up.stdout.readline())
    return up, info, env, time.monotonic() - t0


def request(env, text, *more):
    done = subprocess.run([kit.program("outlayer"), "request", "--repo", os.path.join(ROOT, "examples", "stats-c"),
                           "--input", text,
                           "--json", *more], env=env, capture_output=True)
    answer = json.loads(done.stdout.decode().strip().splitlines()[-1])
    if not answer["success"]:
        raise SystemExit(f"request failed: {answer}")
    return answer


def resident(pid):
    total = 0
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as f:
                parent = int(f.read().rsplit(")", 1)[1].split()[1])
            if int(entry) == pid or parent == pid:
                with open(f"/proc/{entry}/status") as f:
                    total += int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))
        except (OSError, AttributeError):
            pass
    return total / 1024


def signed_requests(info, count, commit, repo, account=0):
    """Direct calls of request_execution by a developer account, signed ahead."""
    account = info["accounts"][account]
    me = near.Account(info["rpc_url"], account["account_id"], near.Key.parse(account["private_key"]))
    nonce = me.nonce()
    block = kit.rpc(info["rpc_url"], "block", {"finality": "final"})["result"]["header"]["hash"]
    args = json.dumps({"code_source": {"repo": repo, "commit": commit, "build_target": "wasm32-wasip1"},
                       "input_data": '{"numbers":[1,2,3]}', "response_format": "Text"}).encode()
    call = near.call("request_execution", args, deposit=near.NEAR // 10, gas=300 * near.TGAS)
    return [me.signed(info["contract_id"], call, nonce=nonce + 1 + i, block_hash=block)[0] for i in range(count)]


def send_all(url, signed, wait):
    """In their order, which is that of their nonces, over one kept connection."""
    host = url.split("//")[1]
    client = http.client.HTTPConnection(host, timeout=120)
    for one in signed:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "send_tx",
                           "params": {"signed_tx_base64": one, "wait_until": wait}})
        client.request("POST", "/", body, {"Content-Type": "application/json"})
        answer = json.loads(client.getresponse().read())
        if "error" in answer:
            raise SystemExit(f"send_tx: {answer['error']}")
    client.close()


def jobs_done(info):
    return kit.get_json(info["coordinator_url"] + "/public/stats")[1]["successful_executions"]


def daemons(up):
    """The process of each daemon that `up` has started."""
    found = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as f:
                text = f.read()
            if int(text.rsplit(")", 1)[1].split()[1]) == up.pid:
                with open(f"/proc/{entry}/cmdline") as f:
                    found[os.path.basename(f.read().split("\0")[0]).removeprefix("outlayer-")] = int(entry)
        except OSError:
            pass
    return found


def cpu_ms(pid):
    """Of the process itself, and of what lives below it or has ended there."""
    own = below = 0
    parents = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            parents[int(entry)] = (int(fields[1]), sum(map(int, fields[11:13])), sum(map(int, fields[13:15])))
        except OSError:
            pass
    for process, (_, used, ended) in parents.items():
        above = process
        while above in parents and above != pid:
            above = parents[above][0]
        if process == pid:
            own, below = used, below + ended
        elif above == pid:
            below += used + ended
    tick = 1000 / os.sysconf("SC_CLK_TCK")
    return own * tick, below * tick


def backlog(up, info, home, job):
    """A worker that comes back to many requests: from its first lease to its last signed answer."""
    worker = daemons(up)["worker"]
    before = jobs_done(info)
    os.kill(worker, signal.SIGSTOP)
    signed = signed_requests(info, WARM, job["commit"], job["repo"])
    last = near.Account(info["rpc_url"], info["accounts"][0]["account_id"],
                        near.Key.parse(info["accounts"][0]["private_key"]))
    nonce = last.nonce()
    send_all(info["rpc_url"], signed, "NONE")
    kit.until(lambda: last.nonce() >= nonce + WARM, 60)
    os.kill(worker, signal.SIGCONT)
    kit.until(lambda: jobs_done(info) >= before + WARM, 120)
    leased, sent = (sorted(log_times(home, words).values())[-WARM:] for words in (" leased ", "answered class="))
    row("runs a second of one worker, from lease to signed answer (aim 500)", WARM / (sent[-1] - leased[0]), "/s", 15.8,
        "higher")


def instant(info, job):
    """Blocks on demand hurry through the 200 blocks in which a request must be answered: each client waits for its
    answer before it asks again."""
    before, clients = jobs_done(info), len(info["accounts"])
    signed = [signed_requests(info, WARM // clients, job["commit"], job["repo"], i) for i in range(clients)]
    threads = [threading.Thread(target=send_all, args=(info["rpc_url"], s, "FINAL")) for s in signed]
    t0 = time.monotonic()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    kit.until(lambda: jobs_done(info) >= before + WARM // clients * clients, 60)
    row(f"requests settled a second on instant blocks, {clients} clients (aim 300)",
        WARM // clients * clients / (time.monotonic() - t0), "/s")


def log_times(home, words):
    """Wall-clock times of the worker's log lines with these words, by request id."""
    found = {}
    with open(os.path.join(home, "log", "worker.log")) as f:
        for line in f:
            if words in line:
                stamp = line.split(" ", 1)[0]
                at = time.mktime(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")) + float("0" + stamp[19:-1])
                number = re.search(r"\[[^/\]]*/(\d+)", line)
                if number:
                    found.setdefault(int(number.group(1)), at)
    return found


def main():
    with kit.folder() as home:
        up, info, env, _ = start(home, "--block-ms", "0")
        t0 = time.monotonic()
        env["LOG_LEVEL"] = "info"
        first = request(env, '{"numbers":[1]}')
        took = time.monotonic() - t0
        up.send_signal(signal.SIGINT)
        up.wait()
        env.pop("LOG_LEVEL")
        t0 = time.monotonic()
        up, info, env, ready = start(home, "--block-ms", "0")
        row("up again: ready", ready, "s")
        request(env, '{"numbers":[1]}')
        row("up again to the first answer (aim 3)", time.monotonic() - t0, "s")
        row("resident memory of all daemons", resident(up.pid), "MiB")
        row("first request with its build, from outside", took, "s")
        up.send_signal(signal.SIGINT)
        up.wait()

    with kit.folder() as home:
        os.environ["LOG_LEVEL"] = "info"
        env = {**os.environ, "OUTLAYER_HOME": home, "LOG_LEVEL": "info"}
        up = subprocess.Popen([kit.program("outlayer"), "up", "--json", "--block-ms", "0"], env=env,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        info = json.loads(up.stdout.readline())
        first = request(env, '{"numbers":[1,2,3]}')
        job = kit.until(lambda: next((j for j in kit.get_json(info["coordinator_url"] + "/public/jobs?limit=1")[1]
                                      if j.get("commit")), None))
        before = jobs_done(info)
        send_all(info["rpc_url"], signed_requests(info, WARM, job["commit"], job["repo"]), "FINAL")
        kit.until(lambda: jobs_done(info) >= before + WARM, 60)
        seen, sent = log_times(home, "seen in block"), log_times(home, "answered class=")
        spans = [1000 * (sent[i] - seen[i]) for i in sent if i in seen and i > first["request_id"]]
        row(f"event seen -> resolving transaction signed and handed on, p50 of {len(spans)}", percentile(spans, 50),
            "ms", 66)
        row("  p99 (aim p50 6, p99 20)", percentile(spans, 99), "ms", 85)
        instant(info, job)
        up.send_signal(signal.SIGINT)
        up.wait()
        # Blocks on demand would hurry through the 200 blocks in which a request must be answered.
        up, info, env, _ = start(home, "--block-ms", "100")
        backlog(up, info, home, job)
        before, pids = jobs_done(info), daemons(up)
        signed = signed_requests(info, WARM, job["commit"], job["repo"])
        spent = {name: cpu_ms(pid) for name, pid in pids.items()}
        t0 = time.monotonic()
        send_all(info["rpc_url"], signed, "NONE")
        kit.until(lambda: jobs_done(info) >= before + WARM, 120)
        row("requests settled a second, one worker, cached module", WARM / (time.monotonic() - t0), "/s", 15.8,
            "higher")
        used = {name: [(b - a) / WARM for a, b in zip(spent[name], cpu_ms(pids[name]))]
                for name in ("worker", "coordinator", "devnet")}
        for name, (own, _) in used.items():
            row(f"  processor time of a request: {name}", own, "ms")
        row("  processor time of a request: slot and process of its run", used["worker"][1], "ms")

        alice = info["accounts"][0]
        me = near.Account(info["rpc_url"], alice["account_id"], near.Key.parse(alice["private_key"]))
        nonce, block = me.nonce(), kit.rpc(info["rpc_url"], "block", {"finality": "final"})["result"]["header"]["hash"]
        transfers = [me.signed(info["accounts"][1]["account_id"], near.transfer(1), nonce=nonce + 1 + i,
                               block_hash=block)[0] for i in range(2000)]
        t0 = time.monotonic()
        send_all(info["rpc_url"], transfers, "NONE")
        last = nonce + len(transfers)
        kit.until(lambda: me.nonce() >= last, 60, 0.01)
        row("transfers a second through JSON-RPC (one client in Python)", len(transfers) / (time.monotonic() - t0),
            "/s")
        up.send_signal(signal.SIGINT)
        up.wait()


main()
