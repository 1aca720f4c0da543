#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""outlayer-worker with a real keystore: secrets reach the guests that may have them, and nothing else."""
import os, re, time

import kit
from kit import check, equal
from worker_world import ALICE, OPERATOR, World, answers_sent, c_repo, refusal

SECRET = """int main(void) {
    char b[64] = "";
    const char *k = getenv("PROTECTED_KEY");
    unsigned h = 2166136261u;
    fread(b, 1, sizeof b - 1, stdin);
    if (!strcmp(b, "show")) { fputs(k ? k : "none", stdout); fputs(k ? k : "none", stderr); return 0; }
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
                with_secrets, tx, _ = w.request(repo, "show", **secrets_of("prod"))
                event, value = w.answer(tx)
                check("a secret is in the guest's environment", re.fullmatch("[0-9a-f]{64}", value or ""),
                      (event, value))
                without, tx, _ = w.request(repo, "show")
                equal("and only where it was asked for", w.answer(tx)[1], "none")
                told, other = w.coordinator.report(with_secrets), w.coordinator.report(without)
                check("what a guest with secrets writes is told to nobody", told and "guest_stderr" not in told and
                      "build_log" not in told and value not in str(told), told)
                equal("what others write is", other and other.get("guest_stderr"), "none")
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
                          not any(os.access(f"/proc/{worker.process.pid}/{file}", os.R_OK)
                                  for file in ("mem", "environ")))
                check("files can be searched", files_with(home, ALICE.encode()))
                equal("nor in a file", files_with(os.path.join(home, "second"), needle), [])
                check("nor in its log", value not in worker.output(), worker.output()[-400:])


def test_secrets_meddled_with():
    """What the coordinator makes of the keystore's answers: nothing of it is believed, and nothing costs the caller. It
    is asked again for as long as a window of 20 s lasts."""
    with kit.folder() as home:
        w = World(home)
        repo = c_repo(w, "secret", SECRET)
        forge = {"error": {"code": "forbidden", "message": "Access denied: says the coordinator", "hint": ""}}
        flip = lambda text: text[:90] + ("A" if text[90] != "A" else "B") + text[91:]
        cases = {"a refusal of its own": lambda path, status, answer: (403, forge) if path == "/decrypt"
                 else (status, answer),
                 "other words": lambda path, status, answer: (status, {**answer, "error": forge["error"]}),
                 "other secrets": lambda path, status,
                 answer: (status, {**answer, **({"sealed": flip(answer["sealed"])} if "sealed" in answer else {})}),
                 "a session of its own": lambda path, status,
                 answer: (status, {**answer, **({"signature": "ed25519:" + "1" * 64} if path == "/session" else {})})}
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
            check("a way that was bad for some seconds: then the keystore's own word",
                  (w.answer(tx)[1] or "").endswith(ALICE))
            keystore.kill()
            with w.keystore(publish=False):  # the same master, and no session is known any more
                _, tx, _ = w.request(repo, "x", **secrets_of("prod"))
                check("a keystore that was killed and is back", (w.answer(tx)[1] or "").endswith(ALICE))


def test_keystore_killed_at_each_step():
    """kill -9 of the keystore when it has answered a question and the answer is on its way, and before: the request
    gets its secrets from the next one, once, and nothing runs without them."""
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
                            return 503, {"error": {"code": "unavailable", "message": "the keystore does not answer",
                                                   "hint": ""}}
                    return status, answer
                w.coordinator.meddle = meddle
                with w.worker():  # without a session yet
                    before = answers_sent(w)
                    _, tx, _ = w.request(repo, "x", **secrets_of("prod"))
                    event, value = w.answer(tx)
                    check(f"killed {when} {path}'s answer: served", (value or "").endswith(ALICE) and not alive,
                          (event, alive))
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
            check("each branch has its own, else what is for any", dev != main and len(dev) == len(main) == 64,
                  (dev, main))
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


if __name__ == "__main__":
    kit.main(globals())
