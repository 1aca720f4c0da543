#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole stack as `outlayer up` starts it: requests from outside, answers and money on the chain, and daemons that
are killed in the middle of everything. A request must end once, be charged once, and be answered."""
import hashlib, json, os, re, signal, subprocess, threading, urllib.parse

import kit, near
from kit import check, equal

C_FAST = '#include <stdio.h>\nint main(void) { int c; while ((c = getchar()) != EOF) putchar(c); return 0; }\n'
# Computes for a second or two, so that a kill meets it running.
C_SLOW = ('#include <stdio.h>\nint main(void) { volatile unsigned x = 1; for (unsigned i = 0; i < 1500000000u; i++) x = (x ^ i) * 16777619u;\n'
          ' int c; while ((c = getchar()) != EOF) putchar(c); return 0; }\n')
LIMIT = ["--max-instructions", "100000000000"]
MAKEFILE = 'main.wasm: main.c\n\t%s$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $<\n'


def project(home, name, source, before=""):
    """A folder with a Makefile program; a clean git tree of its own is not needed: it is snapshotted."""
    folder = os.path.join(home, name)
    os.makedirs(folder)
    with open(os.path.join(folder, "main.c"), "w") as f:
        f.write(source)
    with open(os.path.join(folder, "Makefile"), "w") as f:
        f.write(MAKEFILE % before)
    return folder


def children(pid):
    """{program name: pid} of the daemons that a running `up` has started."""
    found = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as f:
                text = f.read()
            with open(f"/proc/{entry}/cmdline", "rb") as f:
                name = os.path.basename(f.read().split(b"\0")[0].decode())
        except OSError:
            continue
        if int(text[text.rindex(")") + 2:].split()[1]) == pid:
            found[name] = int(entry)
    return found


class Stack:
    """`outlayer up --json` in a home of its own."""

    def __init__(self, home, *args):
        self.home = home
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("OUTLAYER_")} | {"OUTLAYER_HOME": home,
                                                                                             "LOG_LEVEL": "warn"}
        self.log = open(os.path.join(home, "up.log"), "ab")
        self.process = subprocess.Popen([kit.program("outlayer"), "up", "--json", "--block-ms", "100", *args],
                                        env=self.env,
                                        stdout=subprocess.PIPE, stderr=self.log, stdin=subprocess.DEVNULL)
        kit.running.append(self)
        self.info = json.loads(self.process.stdout.readline() or b"{}")
        kit.coordinators.append(self.info.get("coordinator_url", "") + "/")
        if not self.info:
            raise RuntimeError(f"up did not start: {open(os.path.join(home, 'up.log')).read()[-800:]}")

    def request(self, folder, text, *more, timeout=180):
        done = subprocess.run([kit.program("outlayer"), "request", "--repo", folder, "--target", "wasm32-wasip1",
                               "--input", text,
                               "--json", *more], env=self.env, capture_output=True, timeout=timeout)
        lines = done.stdout.decode().strip().splitlines()
        return done.returncode, json.loads(lines[-1]) if lines else {}, done.stderr.decode()

    def job(self, transaction=None):
        query = f"?transaction_hash={transaction}" if transaction else "?limit=1"
        try:
            jobs = kit.get_json(self.info["coordinator_url"] + "/public/jobs" + query, timeout=120)[1]
        except OSError:
            return {}  # it is being restarted
        return jobs[0] if isinstance(jobs, list) and jobs else {}

    def events(self, request_id, name="execution_completed"):
        """All events of this name and request in the chain's blocks."""
        found, height = [], 1
        head = kit.rpc(self.info["rpc_url"], "status", [])["result"]["sync_info"]["latest_block_height"]
        while height <= head:
            block = kit.get_json(f"{self.info['neardata_url']}/v0/block/{height}")[1]
            height += 1
            for shard in (block or {}).get("shards", []):
                for outcome in shard["receipt_execution_outcomes"]:
                    for line in outcome["execution_outcome"]["outcome"]["logs"]:
                        if line.startswith("EVENT_JSON:"):
                            event = json.loads(line[11:])
                            if event["event"] == name and event["data"][0].get("request_id") == request_id:
                                found.append(event["data"][0])
        return found

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(kit.STOP_SECONDS)
        except subprocess.TimeoutExpired:
            return None

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()  # its daemons end with it
            self.process.wait(kit.STOP_SECONDS)


def ended_once(stack, name, rc, answer, err, text):
    """Answered rightly, settled once on the chain, the money adds up."""
    if not check(f"{name}: answered", rc == 0 and answer.get("output") == text, (rc, answer, err[-600:])):
        return
    ends = stack.events(answer["request_id"])
    if check(f"{name}: it ended once", len(ends) == 1, ends):
        equal(f"{name}: charged as said", (ends[0]["payment_charged"], ends[0]["payment_refunded"]),
              (answer["charged"], answer["refunded"]))
        equal(f"{name}: nothing is lost", int(answer["charged"]) + int(answer["refunded"]), int(answer["payment"]))


def test_requests_and_restart():
    """State outlives a stop: the same home goes on with the same contract, accounts and modules."""
    with kit.folder() as home:
        folder = project(home, "echo", C_FAST)
        stack = Stack(home)
        keys = ["network_id", "rpc_url", "neardata_url", "coordinator_url", "coordinator_token", "contract_id",
                "accounts"]
        equal("up --json names everything", [k for k in keys if not stack.info.get(k)], [])
        rc, first, err = stack.request(folder, "one")
        ended_once(stack, "a request", rc, first, err, "one")
        equal("each daemon is ready, and says so to its operator",
              {name: kit.get(url + "/readyz")[0] for name, url in stack.info["status_urls"].items()},
              {"keystore": 200, "coordinator": 200, "worker": 200})
        equal("up stops at Ctrl-C with status 0", stack.stop(), 0)
        stack = Stack(home)
        rc, second, err = stack.request(folder, "two")
        ended_once(stack, "after a restart", rc, second, err, "two")
        check("its number is the next one", second.get("request_id") == first.get("request_id", -9) + 1,
              (first, second))
        equal("nothing was built again", (second.get("wasm_hash"), second.get("compile_time_ms") or 0),
              (first.get("wasm_hash"), 0))
        busy = subprocess.run([kit.program("outlayer"), "up", "--json"], env=stack.env, capture_output=True, timeout=120)
        check("a second up on the same home says who holds it", busy.returncode in (2, 3) and b"up" in busy.stderr,
              busy.stderr)
        stack.stop()


HEAD = "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n"
# name: (program, further arguments, words of the error, least instructions)
BAD_GUESTS = {
    "exits 3": ('int main(void) { fputs("told why\\n", stderr); return 3; }', [], ["exit status 3", "told why"], 1),
    "traps": ("int main(void) { __builtin_trap(); }", [], ["trapped", "unreachable"], 1),
    "divides by zero": ("int main(void) { volatile int zero = 0; return 5 / zero; }", [], ["division by zero"], 1),
    "loops": ("int main(void) { volatile unsigned x = 0; for (;;) x++; }", ["--max-instructions", "50000000"],
              ["50,000,000 instructions"], 50000000),
    "allocates": ("static char *volatile k;\nint main(void) { for (;;) { char *p = malloc(1 << 20); k = p; if (!p) return 9; memset(p, 1, 1 << 20); } }",
                  ["--max-memory-mb", "32"], ["32 MB"], 1),
    "sleeps": ("int main(void) { sleep(1000); return 0; }", ["--max-seconds", "1"], ["1 seconds"], 1),
    "floods": ("int main(void) { char b[4096]; memset(b, 'x', sizeof b); for (;;) fwrite(b, 1, sizeof b, stdout); }",
               ["--max-instructions", "5000000000"], ["output"], 1),
    "is not JSON": ('int main(void) { puts("not json"); return 0; }', ["--format", "json"], ["JSON"], 1),
    "is not text": ('int main(void) { fwrite("\\377\\376", 1, 2, stdout); return 0; }', [], ["UTF-8"], 1),
    "does not build": ("int main(void) { this is not C; }", [], ["build failed", "this"], 0),
    "overflows its stack": ("static int f(volatile int *p) { volatile int a[1000]; a[0] = *p; return f(a) + a[1]; }\nint main(void) { int x = 1; return f(&x); }", [], ["trap"], 1),
}


def test_bad_guests():
    """Each way to go wrong has its own clear answer, on the chain too, counted and paid for as far as it was used."""
    with kit.folder() as home:
        stack = Stack(home)
        for name, (body, more, words, least) in BAD_GUESTS.items():
            folder = project(home, name.replace(" ", "-"), HEAD + body + "\n")
            rc, answer, err = stack.request(folder, "{}", *more)
            if not check(f"a guest that {name}: status 1", rc == 1 and answer.get("success") is False,
                         (rc, answer, err[-300:])):
                continue
            check(f"a guest that {name}: the error says it", all(w in (answer["error"] or "") for w in words),
                  answer["error"])
            check(f"a guest that {name}: counted", answer["instructions"] >= least, answer)
            ends = stack.events(answer["request_id"])
            check(f"a guest that {name}: the chain says the same", len(ends) == 1
                  and ends[0]["error_message"] == answer["error"] and
                  ends[0]["failure"] == ("build" if least == 0 else "guest"), ends)
            equal(f"a guest that {name}: the money adds up", int(answer["charged"]) + int(answer["refunded"]),
                  int(answer["payment"]))
        rc, answer, err = stack.request("https://folder.invalid/no/such", "{}")
        check("a repository that does not exist: said so, on the chain", rc == 1
              and stack.events(answer["request_id"])[0]["failure"] == "build", (rc, answer, err[-300:]))
        known = stack.job(stack.request(os.path.join(kit.ROOT, "examples", "random-c"),
                                        '{"min":1,"max":2}')[1].get("transaction_hash"))["repo"]
        rc, answer, err = stack.request(known, '{"min":1,"max":2}', "--commit", "no-such-branch")
        check("a branch that does not exist: said so before anything is sent", rc == 2 and not answer
              and "no-such-branch" in err and "nothing was sent" in err, (rc, answer, err[-300:]))
        rc, answer, err = stack.request(known, '{"min":1,"max":2}', "--commit", "1" * 40)
        check("a commit that does not exist: said so, on the chain", rc == 1 and "1" * 40 in answer["error"]
              and stack.events(answer["request_id"])[0]["failure"] == "build", (rc, answer, err[-300:]))
        stack.stop()


def kill_at(stack, victim, state, transaction_known, outcome):
    """Kills `victim` as soon as the newest execution is in `state`; notes whether it was met there."""
    def look():
        job = stack.job()
        return job if job.get("state") in (state, "settled") and job.get("request_id", -1) >= transaction_known else None
    met = kit.until(look, step=0.005)
    pid = children(stack.process.pid).get(victim)
    if met and met["state"] == state and pid:
        os.kill(pid, signal.SIGKILL)
        outcome["met"] = True


def test_kills():
    """kill -9 of each daemon in each state of an execution's life; the supervisor starts it again."""
    with kit.folder() as home:
        stack = Stack(home)
        slow = project(home, "slow", C_SLOW)
        number = 0
        for victim in ("outlayer-worker", "outlayer-coordinator", "outlayer-devnet"):
            for state in ("building", "running", "submitting"):
                # A build that no cache has: its own source each time it has to be met building.
                folder = project(home, f"b{number}", C_SLOW + f"/* {number} */\n",
                                 "sleep 1; ") if state == "building" else slow
                outcome, text = {}, f"{victim} {state} {number}"
                watcher = threading.Thread(target=kill_at, args=(stack, victim, state, number, outcome))
                watcher.start()
                rc, answer, err = stack.request(folder, text, *LIMIT)
                watcher.join()
                if state != "submitting":  # that one is over in a block or two, and may be missed
                    check(f"{victim} was killed while {state}", outcome.get("met"))
                ended_once(stack, f"{victim} killed while {state}", rc, answer, err, text)
                number = answer.get("request_id", number) + 1
        # The executor is a child of the worker: its death is the platform's failure, which is tried again.
        stack.stop()


def test_up_killed_whole():
    """kill -9 of everything at once while a request runs: the next `up` finishes it, once."""
    with kit.folder() as home:
        folder = project(home, "slow", C_SLOW)
        stack = Stack(home)
        asked = subprocess.Popen([kit.program("outlayer"), "request", "--repo", folder, "--target", "wasm32-wasip1",
                                  "--input", "x", "--json", *LIMIT],
                                 env=stack.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        job = kit.until(lambda: (lambda j: j if j.get("state") == "running" else None)(stack.job()), step=0.01)
        daemons = children(stack.process.pid)
        stack.process.kill()
        for pid in daemons.values():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        stack.process.wait()
        asked.kill()
        asked.wait()
        if not check("it was running", job):
            return
        stack = Stack(home)
        done = kit.until(lambda: (lambda j: j if j.get("state") == "settled"
                                  else None)(stack.job(job["transaction_hash"])), 90, 0.1)
        check("the next up settled it", done and done.get("outcome") == "success", stack.job(job["transaction_hash"]))
        equal("once", len(stack.events(job["request_id"])), 1)
        stack.stop()


def test_home_with_a_long_path():
    """A socket's path has at most 107 bytes, a home's may have more: the simulated machine is there all the same."""
    with kit.folder() as short:
        home = os.path.join(short, "h" * 120)
        os.makedirs(home)
        stack = Stack(home)
        socket = stack.info["dstack_endpoint"]
        check("its guest agent has a socket", socket and len(socket) <= 107 and os.path.exists(socket), socket)
        done = subprocess.run([kit.program("outlayer"), "tee", "status", "--json"], env=stack.env, capture_output=True, text=True, timeout=120)
        equal("and is found and asked there", json.loads(done.stdout)["agent"].get("endpoint"), socket)
        stack.stop()
        check("with the stack its place is gone", not os.path.exists(os.path.dirname(socket)), socket)


def test_random_differs():
    """Twenty runs of the random service give at least two values, each in its range."""
    with kit.folder() as home:
        stack = Stack(home)
        folder = os.path.join(kit.ROOT, "examples", "random-c")
        values = []
        for _ in range(20):
            rc, answer, err = stack.request(folder, '{"min":1,"max":100}', "--format", "json")
            if not check("answered", rc == 0, (rc, answer, err[-300:])):
                break
            values.append(answer["output"]["random_number"])
        check("all within 1 to 100", all(1 <= v <= 100 for v in values), values)
        check("at least two values", len(set(values)) >= 2, values)
        stack.stop()


def test_made_lock():
    """A guest without Cargo.lock is built, and what it was built with is signed, served and named on the chain."""
    with kit.folder() as home:
        folder = os.path.join(home, "unlocked")
        for name, text in (("Cargo.toml", '[package]\nname = "unlocked"\nversion = "0.1.0"\nedition = "2021"\n'
                            '[dependencies]\nsmall = { path = "small" }\n'),
                           ("src/main.rs", 'fn main() { println!("here"); }\n'),
                           ("small/Cargo.toml", '[package]\nname = "small"\nversion = "0.1.0"\n'),
                           ("small/src/lib.rs", "")):
            os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
            with open(os.path.join(folder, name), "w") as f:
                f.write(text)
        s = Stack(home)
        notes = []
        for _ in range(2):
            status, answer, err = s.request(folder, "")
            equal("it is built", (status, answer.get("output")), (0, "here\n"))
            notes.append(s.events(answer["request_id"])[0].get("compilation_note") or "")
        url = s.info["coordinator_url"]
        record = kit.get_json(f"{url}/public/wasm/info?" + urllib.parse.urlencode({"repo": s.job()["repo"]}))[1]["builds"][0]
        check("the note names the lock", f"SHA-256 {record['lock_hash']}" in notes[0]
              and notes[0].startswith("Cargo.lock made 20"), notes)
        check("and so does that of a cached module", f"SHA-256 {record['lock_hash']}" in notes[1]
              and notes[1].startswith("Cached"), notes)
        status, _, lock = kit.http("GET", f"{url}/cargo-lock/{record['lock_hash']}")
        equal("the lock is served", (status, hashlib.sha256(lock).hexdigest()), (200, record["lock_hash"]))
        check("it is a lock", b'name = "small"' in lock, lock)
        check("the record tells when it was made", 0 <= record["built_at"] - record["lock_made"] < 300, record)
        s.stop()


def test_coin_flip():
    """The example that the README shows, on a chain: the coin's two sides, what is attached too much, and a price that
    OutLayer does not take. A contract written from it would lose its own or its players' money where this fails."""
    with kit.folder() as home:
        stack = Stack(home)
        stack.request(os.path.join(kit.ROOT, "examples", "random-c"),
                      '{"min":1,"max":2}')  # puts the folder where workers find it
        job, player = stack.job(), stack.info["accounts"][0]
        rpc, price = stack.info["rpc_url"], near.NEAR // 20
        alice = near.Account(rpc, player["account_id"], near.Key.parse(player["private_key"]))

        def game(name, price):
            """An account of its own would pay for the gas of what it signs: the owner is another one."""
            coin = alice.create(f"{name}.{alice.id}", 5 * near.NEAR)
            with open(kit.built("contracts/coin_flip.wasm"), "rb") as f:
                coin.send(coin.id, near.deploy(f.read()), near.call("new", {
                    "owner_id": alice.id, "outlayer_id": stack.info["contract_id"], "repo": job["repo"],
                                                                            "commit": job["commit"],
                                                                            "price": str(price)}), wait="FINAL")
            return coin.id

        def balance(name):
            return int(kit.rpc(rpc, "query", {"request_type": "view_account", "finality": "final",
                                              "account_id": name})["result"]["amount"])

        def call(coin, method, args, deposit=0):
            """(the call's value, what it cost the player beyond gas)"""
            before = balance(alice.id)
            done = alice.send(coin, near.call(method, args, 300 * near.TGAS, deposit), wait="FINAL")["result"]
            burnt = sum(int(x["outcome"]["tokens_burnt"])
                        for x in [done["transaction_outcome"], *done["receipts_outcome"]])
            return json.loads(near.value_of(done) or b"null"), before - balance(alice.id) - burnt

        coin, landed, wins, flips = game("coin", price), set(), 0, 0
        kept = balance(coin)
        while len(landed) < 2 and wins < 40:  # one side alone 40 times: once in 10^12
            result, cost = call(coin, "flip", {"choice": "Heads"}, near.NEAR // 10)
            if not check("the coin lands, and the call says how", result["landed"] in ("Heads", "Tails")
                         and result["won"] == (result["landed"] == "Heads"), result):
                break
            equal("the player pays the price and no more", cost, price)
            flips += 1
            landed.add(result["landed"])
            wins += result["won"]
        equal("both sides were seen", landed, {"Heads", "Tails"})
        score = near.view_value(rpc, coin, "get_score", {"account_id": alice.id})
        equal("the score", score, {"flips": flips, "wins": wins})
        gain = balance(coin) - kept
        check("the game keeps what the runs cost less", flips * price * 3 // 4 < gain <= flips * price, gain)
        _, cost = call(coin, "withdraw", None)
        check("which is the owner's, with the money that it began with", -cost > gain, cost)

        cheap = game("cheap", 1)
        kept = balance(cheap)
        result, cost = call(cheap, "flip", {"choice": "Tails"}, 1)
        check("a price that OutLayer does not take: nobody wins", result["won"] is None
              and "OutLayer" in result["error"], result)
        equal("the player has it back", cost, 0)
        check("and the game has lost nothing", 0 <= balance(cheap) - kept < near.NEAR // 100, balance(cheap) - kept)
        stack.stop()


def test_looks_before_it_pays():
    """What cannot be served is refused before anything is sent; what was asked for and what was built are told
    apart."""
    with kit.folder() as home:
        stack = Stack(home)
        folder = project(home, "fast", C_FAST)
        _, first, err = stack.request(folder, "one")
        equal("a folder is asked for by its commit, and that is built", (len(first["ref"]), first["commit"]),
              (40, first["ref"]))
        repo = next(w for w in err.split() if w.startswith("https://"))
        rc, answer, err = stack.request(repo, "two", "--commit", "c-" + first["commit"])
        equal("a branch is told by its name, and its commit",
              (rc, answer.get("output"), answer.get("ref"), answer.get("commit")),
              (0, "two", "c-" + first["commit"], first["commit"]))
        last = answer["request_id"]
        for name, address, ref, sentence in (("a branch that is not there", repo, "nothere",
                                              "has no branch or tag 'nothere'"),
                                             ("a ref that cannot be", repo, "a..b", "a..b"),
                                             ("a repository that cannot be", "https://user@host.example/a/b", "main",
                                              "user@host"),
                                             ("a repository that is not there", "https://folder.invalid/none/such",
                                              "main", None)):
            rc, answer, err = stack.request(address, "x", "--commit", ref)
            if sentence:
                check(f"{name} is refused before it is paid for", rc == 2 and sentence in err
                      and "estimate " not in err, (rc, err))
            else:
                check(f"{name} is the worker's to see", rc == 1 and "the worker looks" in err
                      and answer.get("commit", 0) is None, (rc, answer, err))
                equal("and that request alone was sent", answer.get("request_id"), last + 1)
        stack.stop()


def test_names_that_are_near():
    """--version, and what somebody may have meant."""
    for args, want, sentence in ((["--version"], 0, "outlayer 0."), (["requst"], 2, "did you mean outlayer request?"),
                                 (["upp"], 2, "did you mean outlayer up?"),
                                 (["nonsense"], 2, "--help lists the commands"),
                                 (["run", "--inptu", "x"], 2, "did you mean --input?"),
                                 (["run", "--envfile=x"], 2, "did you mean --env-file?"),
                                 (["run", "--zzz"], 2, "--help lists"),
                                 (["run", __file__], 2, "is no WebAssembly module"),
                                 (["run", __file__], 2, "or a folder that can be built: outlayer run ."),
                                 (["run", __file__, "--watch"], 2, "--watch goes with a folder"),
                                 (["run", kit.ROOT, "--target", "wasip3"], 2, "unknown target 'wasip3'")):
        done = subprocess.run([kit.program("outlayer"), *args], capture_output=True, text=True, timeout=120)
        check(f"outlayer {' '.join(args)}", done.returncode == want and sentence in done.stdout + done.stderr,
              (done.returncode, done.stdout, done.stderr))


def test_usage():
    """Wrong usage is status 2 with a hint; no running stack is said so."""
    with kit.folder() as home:
        env = {**os.environ, "OUTLAYER_HOME": home, "HOME": home}
        cases = [(["nonsense"], 2), (["request"], 2),
                 (["request", "--repo", ".", "--target", "wasm32-wasip9", "--input", "x"], 2),
                 (["run"], 2), (["request", "--json=false", "--repo", "."], 2), (["run", "/does/not/exist.wasm"], None),
                 (["token"], 2), (["token", "create"], 2), (["up", "--rpc-port", "99999"], 2)]
        for args, want in cases:
            done = subprocess.run([kit.program("outlayer"), *args], env=env, capture_output=True, timeout=120, cwd=home)
            said = done.stderr.decode()
            check(f"outlayer {' '.join(args)}: refused and explained", done.returncode not in (0, 1)
                  and "outlayer:" in said and
                  (want is None or done.returncode == want), (done.returncode, said))


def test_tokens():
    """A token opens the coordinator at once, and nothing any more when it was revoked; how soon, tokens_test.c shows."""
    with kit.folder() as home:
        stack = Stack(home)
        where = ["--home", os.path.join(home, "coordinator"), "--json"]
        def token(*args):
            done = subprocess.run([kit.program("outlayer"), "token", *args, *where], env=stack.env, capture_output=True,
                                  timeout=120)
            return json.loads(done.stdout)
        poll = stack.info["coordinator_url"] + "/tasks/poll?timeout=0&worker_id=t"
        made = token("create", "tester")["token"]
        auth = {"Authorization": f"Bearer {made}"}
        equal("without one", kit.get(poll)[0], 401)
        check("with one", kit.get(poll, headers=auth)[0] in (200, 204))
        check("it is listed by name only", "tester" in json.dumps(token("list"))
              and made not in json.dumps(token("list")))
        token("revoke", "tester")
        check("revoked", kit.until(lambda: kit.get(poll, headers=auth)[0] == 401))
        stack.stop()


def test_demo():
    """The README's first command, without the installing: all nine kinds of request, each checked three ways."""
    done = subprocess.run([kit.program("outlayer"), "demo"], capture_output=True, timeout=300)
    text = done.stdout.decode()
    check("demo: status 0", done.returncode == 0, done.stderr.decode()[-800:])
    check("demo: nine answers", "9 requests, each answered" in text and text.count("the callback stored:") == 9,
          text[-800:])
    check("demo: one of them from an API", "(as the API says)" in text, text[-800:])
    stored = re.findall(r"stored in (\w+)", text)
    check("demo: what it stored is named once", len(stored) == 1
          and (text + done.stderr.decode()).count(stored[0]) == 1, (stored, done.stderr))
    check("demo: a run with a secret, and a refusal", "the guest proved that it knows the key" in text
          and "refused: Access denied: bob.test.near" in text, text[-800:])


if __name__ == "__main__":
    kit.main(globals())
