#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""outlayer-worker from outside: what it answers, builds and believes."""
import base64, hashlib, os, re, shutil, subprocess, time

import attested, kit, near
from fakes.coordinator import Coordinator
from fakes.git_host import git_host
from kit import check, equal
from near import Key, NEAR
from worker_world import ALICE, CONTRACT, ECHO, HOST, METHODS, OPERATOR, World, builds, c_repo, refusal


def test_one_of_each():
    with kit.folder() as home:
        w = World(home)
        repo = c_repo(w, "echo", ECHO)
        with w.worker() as worker:
            try:
                check("ready line", worker.ready.get("port") == 0 and worker.ready.get("status_port", 0) > 0, worker.ready)
                id, tx, _ = w.request(repo, "hello")
                event, value = w.answer(tx)
                equal("the answer on chain", value, "hello")
                report = w.coordinator.report(id)
                check("it was built here", event["resources_used"]["compile_time_ms"] > 0, event)
                check("report of a success", report and report["outcome"] == "success"
                      and report["charged"] == event["payment_charged"]
                      and report["refunded"] == event["payment_refunded"]
                      and report["output_hash"] == event["output_hash"]
                      and report["instructions"] > 0 and report["wasm_hash"] == event["wasm_hash"]
                      and re.fullmatch("[0-9a-f]{40}", report["commit"]), report)
                attests = lambda id, event: attested.digest(w.coordinator.report(id)["attestation"], CONTRACT, id)
                equal("the digest on chain is that of the parts that were told", event["attestation_digest"],
                      attests(id, event))
                equal("which say what was run", [report["attestation"][k] for k in ("commit", "wasm_hash", "output_hash")],
                      [report["commit"], event["wasm_hash"], event["output_hash"]])
                check("its sender may see what the build said", "main.c" in report.get("build_log", ""), report)
                stages = [b.get("stage") for b in w.coordinator.beats]
                check("stages were told", "building" in stages, stages)
                said = list(w.coordinator.workers.values())[0]
                equal("as whom it answers", (said["operator_id"], said["public_key"].split(":")[0]), (OPERATOR, "ed25519"))
                check("of a chain that it does not watch it says nothing", "block_height" not in said, said)
                check("and since when it runs", 0 <= time.time() - said["started_at_ms"] / 1000 < 600, said)
                id, tx, _ = w.request(repo, "again")
                event, value = w.answer(tx)
                equal("the second answer", value, "again")
                equal("from the cache: nothing is built again", builds(worker), 1)
                check("but the look-up of the branch is paid for", event["resources_used"]["compile_time_ms"] > 0,
                      event)
                id, tx, _ = w.request(repo, "named", commit=report["commit"])
                event, value = w.answer(tx)
                equal("a commit needs none: nothing is paid beside the run",
                      (value, event["resources_used"]["compile_time_ms"]), ("named", None))
                check("a note says so", (event["compilation_note"] or "").startswith("Cached WASM from 20"), event)
                id, tx, _ = w.request(repo, "env", resource_limits={"max_memory_mb": 64})
                equal("environment", w.answer(tx)[1], f"{ALICE} {id} {NEAR} 64")
                id, tx, _ = w.request(repo, "exit")
                event, value = w.answer(tx)
                equal("an exit status is a failure", (value, event["failure"], event["error_message"]),
                      (None, "guest", "exit status 3: no luck"))
                check("that is charged", 0 < int(event["payment_charged"]) < NEAR // 10, event)
                equal("and attested", (event["attestation_digest"], w.coordinator.report(id)["attestation"]["success"]),
                      (attests(id, event), False))
                report = w.coordinator.report(id)
                equal("and reported", report["outcome"], "guest_failed")
                equal("with what it said, and of no build, since there was none", (report.get("guest_stderr"),
                                                                                   report.get("build_log")), ("no luck\n", None))
                id, tx, _ = w.request(repo, "trap")
                equal("a trap", w.answer(tx)[0]["error_message"], "the guest trapped: unreachable instruction executed")
                id, tx, _ = w.request(repo, "spin", resource_limits={"max_instructions": 20000000})
                equal("out of instructions", w.answer(tx)[0]["error_message"],
                      "the guest used up its 20,000,000 instructions")
                id, tx, _ = w.request(repo, "not json", response_format="Json")
                check("no JSON", "JSON" in w.answer(tx)[0]["error_message"])
                id, tx, _ = w.request(repo, ' {"a": [1, 2.50, "x y"], "n": 123456789012345678901234} ',
                                      response_format="Json")
                equal("JSON", w.answer(tx)[1], {"a": [1, 2.5, "x y"], "n": 123456789012345678901234})
                id, tx, _ = w.request(repo, "bytes", response_format="Bytes")
                equal("Bytes come as base64", w.answer(tx)[1], base64.b64encode(b"bytes").decode())
                for n in (850, 1100, 100000):
                    id, tx, _ = w.request(repo, f"long{n}")
                    event, value = w.answer(tx)
                    check(f"an output of {n} bytes", value == "x" * n and event["output_length"] == n, event)
                id, tx, _ = w.request(repo, "long500000")
                event, value = w.answer(tx)
                check("an output that is too large", value is None and event["failure"] == "guest"
                      and "393,216" in event["error_message"], event)
                has = kit.rpc(w.net.url, "query",
                              {"request_type": "view_account", "finality": "final", "account_id": CONTRACT})["result"]
                w.contract.send(ALICE, near.transfer(int(has["amount"]) - has["storage_usage"] * 10 ** 19 - NEAR // 10))
                id, tx, _ = w.request(repo, "long100000", deposit=NEAR // 10)
                event, value = w.answer(tx)
                check("an output for which the contract cannot lend: its sender learns how much to attach",
                      value is None and event["failure"] == "guest"
                      and "until the request ends needs 100" in event["error_message"]
                      and "attach more" in event["error_message"], event)
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
            check("a build that fails is an answer", value is None and event["failure"] == "build"
                  and "nothing" in event["error_message"], event)
            report = w.coordinator.report(id)
            check("its sender may see all of it", report and "error: use of undeclared identifier 'nothing'"
                  in report.get("build_log", ""), report)
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
        deep, lib = w.repo("deep", {"answer.h": '#define ANSWER "forty-two"\n'}), w.repo("lib",
                                                                                         {"lib.h": '#include "inner/answer.h"\n'})
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
            check("a commit that its repository has not",
                  f"the submodule 'parts/lib' cannot be had: {at('lib')} has no commit 111" in str(answer), answer)


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
            said = kit.until(lambda: (x := list(w.coordinator.workers.values())[0]).get("block_height") and x)
            check("it says which block it has come to", said and said["block_height"] > 0 and said["blocks_behind"] < 300, said)
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
                w.coordinator.wait(lambda: w.coordinator.failed)
                failed = w.coordinator.failed
                check(f"a lie about {field} is named", failed and f"'{field}'" in failed[0]["reason"]
                      and not failed[0]["retry"], failed)
            w.coordinator.spoil = None
            w.coordinator.add(task)
            equal("the truth is run", w.answer(tx)[1], "true")
            w.coordinator.report(id)
            w.coordinator.completed.clear()
            w.coordinator.add(task)
            report = w.coordinator.report(id)
            check("an answered request is not run again", report and report["outcome"] == "success"
                  and int(report["charged"]) > 0, report)
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
                                "a lease without its source": lambda t: {k: v for k, v in t.items()
                                                                         if k not in ("code_source", "context")},
                                "a lease with a limit that is none": lambda t: {"data_id": t["data_id"],
                                                                                "resource_limits": {"max_memory_mb": "x"}}}.items():
                id, tx, task = w.request(repo, name, record=False)
                w.coordinator.add({**lease(task), **{k: task[k] for k in ("contract_id", "request_id", "context")}})
                event, value = w.answer(tx)
                equal(f"{name} is served", (value, event and event["success"]), (name, True))
                equal("and reported", w.coordinator.report(id)["outcome"], "success")
            check("it says why it asked the chain", "field 'x' is missing" in worker.output())
            _, tx, task = w.request(repo, "nobody", record=False)
            for context, retry in (({}, False),
                                   ({**task["context"], "transaction_hash": near.b58(os.urandom(32))}, True)):
                w.coordinator.failed.clear()
                w.coordinator.add({"refused": "no JSON", **{k: task[k] for k in ("contract_id", "request_id")},
                                   "context": context})
                w.coordinator.wait(lambda: w.coordinator.failed)
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
            check("a record whose signature is not good is not believed", value == "three" and builds(worker) == 1,
                  event)
        signed = hashlib.sha256(borsh_record(record)).digest()
        w.coordinator.builds[name] = {**record, "public_key": other.public,
                                      "signature": base64.b64encode(other.sign(signed)).decode()}
        with w.worker("fourth") as worker:
            _, tx, _ = w.request(repo, "four")
            event, value = w.answer(tx)
            check("a stranger's record is not believed", value == "four" and builds(worker) == 1, event)
        w.operator.send(OPERATOR, near.add_call_key(other.public, CONTRACT, METHODS))
        record = next(iter(w.coordinator.builds.values()))
        signed = hashlib.sha256(borsh_record(record)).digest()
        w.coordinator.builds[name] = {**record, "public_key": other.public,
                                      "signature": base64.b64encode(other.sign(signed)).decode()}
        w.coordinator.builds[name] = {"records": [
            {**record, "wasm_hash": "00" * 32}, {"build_key": name}, 7,
            {**record, "public_key": Key().public}, w.coordinator.builds[name]]}
        with w.worker("fifth") as worker:
            _, tx, _ = w.request(repo, "five")
            event, value = w.answer(tx)
            equal("one of another operator's key is, among those of others", (value, builds(worker)), ("five", 0))
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
        equal("with one lock", [(r["lock_hash"], r["lock_made"]) for r in records][1],
              (records[0]["lock_hash"], records[0]["lock_made"]))


def borsh_record(r):
    text = lambda s: len(s.encode()).to_bytes(4, "little") + s.encode()
    return (text("outlayer-build-v2") + bytes.fromhex(r["build_key"]) + bytes.fromhex(r["wasm_hash"]) + text(r["repo"])
            + text(r["commit"]) + text(r["target"]) + text(r["toolchain"]) + r["built_at"].to_bytes(8, "little")
            + r["build_ms"].to_bytes(8, "little") + bytes.fromhex(r["lock_hash"]) + r["lock_made"].to_bytes(8,
                                                                                                            "little"))


def test_wrong_settings():
    with kit.folder() as home:
        w = World(home)
        other = Key()
        w.operator.send(OPERATOR, near.add_call_key(other.public, "somebody.near"))
        for what, env, says in (
                ("no token", {"API_AUTH_TOKEN_FILE": ""}, "API_AUTH_TOKEN is not set"),
                ("no key", {"OPERATOR_PRIVATE_KEY_FILE": ""}, "OPERATOR_PRIVATE_KEY is not set"),
                ("a key that is not there", {"OPERATOR_PRIVATE_KEY_FILE": "", "OPERATOR_PRIVATE_KEY": Key().secret},
                 "add the key to the account"),
                ("a key for something else", {"OPERATOR_PRIVATE_KEY_FILE": "", "OPERATOR_PRIVATE_KEY": other.secret},
                 "may only call 'somebody.near'"),
                ("not the operator", {"OPERATOR_ACCOUNT_ID": ALICE}, f"the operator of '{CONTRACT}' is '{OPERATOR}'"),
                ("not the contract", {"OFFCHAINVM_CONTRACT_ID": ALICE},
                 "is OFFCHAINVM_CONTRACT_ID the OutLayer contract"),
                ("no toolchain", {"TOOLCHAIN_DIR": "/nowhere"}, "make toolchains"),
                ("no source of blocks", {"ENABLE_EVENT_MONITOR": "true"}, "needs NEARDATA_API_URL"),
                ("out of bounds", {"POLL_TIMEOUT_SECONDS": "61"}, "POLL_TIMEOUT_SECONDS"),
                ("an exception without a port", {"EGRESS_ALLOW": "10.0.0.0/8"},
                 "EGRESS_ALLOW: '10.0.0.0/8' is no host and port"),
                ("no such isolation", {"ISOLATION": "best"}, "ISOLATION is 'best', not full, user or process"),
                ("no ports", {"EGRESS_PORTS": "http"}, "EGRESS_PORTS: 'http'"),
                ("no certificates", {"EGRESS_CA_FILE": "/dev/null"}, "no certificate in '/dev/null'"),
                ("no http", {"API_BASE_URL": "localhost"}, "API_BASE_URL")):
            text = refusal(w, **env)
            check(what, says in text and other.secret not in text, text)


def test_isolation():
    """A worker that is nobody in particular keeps strangers' code less apart than root's: only where a setting allows
    it."""
    become = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"] if os.geteuid() == 0 else []
    with kit.folder() as home:
        w = World(home)
        user_home = os.path.join(home, "user")
        os.makedirs(user_home)
        programs = os.path.join(home, "bin")  # the checkout may lie in a folder that is root's alone
        os.makedirs(programs)
        for name in ("worker", "sandbox", "broker", "executor"):
            shutil.copy(kit.program("outlayer-" + name), programs)
        settings = w.settings("worker", OUTLAYER_HOME=user_home, TOOLCHAIN_DIR="/nowhere")  # it ends before it works
        for path in (home, user_home, *(settings[n] for n in ("API_AUTH_TOKEN_FILE", "OPERATOR_PRIVATE_KEY_FILE"))):
            os.chmod(path, 0o777 if os.path.isdir(path) else 0o644)

        def start(isolation):
            os.chmod(os.path.dirname(settings["API_AUTH_TOKEN_FILE"]), 0o755)
            return subprocess.run([*become, os.path.join(programs, "outlayer-worker")], capture_output=True, text=True, timeout=120,
                                  env={"PATH": os.environ["PATH"], **settings, "ISOLATION": isolation}).stderr

        said = start("full")
        check("less than full is refused",
              "cannot be isolated as ISOLATION=full says, missing: users of its own" in said, said)
        check("and what would do is said", "suffices for ISOLATION=user" in said
              or "suffices for ISOLATION=process" in said, said)
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
            check("after other tries", len(w.coordinator.failed) >= 2 and all(f["retry"] for f in w.coordinator.failed),
                  w.coordinator.failed)
            equal("reported", (w.coordinator.report(id) or {}).get("failure"), "platform")
            check("capabilities", all("execution" in x["capabilities"] and "compilation" not in x["capabilities"]
                                      for x in w.coordinator.workers.values()), w.coordinator.workers)


if __name__ == "__main__":
    kit.main(globals())
