#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Schemathesis asks a real coordinator what its description allows and what it forbids, with a fixed seed: an answer that
is not described, a refusal of what is right, a parameter that is taken though it is wrong, a server's error."""
import fcntl, hashlib, os, re, subprocess, sys

import kit
from api_test import ended
from coordinator_world import coordinator
from fakes.accounts import Accounts
from fakes.keystore import Keystore
from kit import check

FOLDER = os.path.join(kit.ROOT, "tests/schemathesis")
SECONDS = 170


def installed():
    """The pinned packages, in a folder outside the checkout that is named by their list."""
    wanted = os.path.join(FOLDER, "requirements.txt")
    with open(wanted, "rb") as f:
        name = hashlib.sha256(f.read() + sys.version.encode()).hexdigest()[:16]
    cache = os.environ.get("OUTLAYER_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")),
                                                             "outlayer")
    folder = os.path.join(cache, f"schemathesis-{name}")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(folder, ".whole")):
            subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
            done = subprocess.run([os.path.join(folder, "bin/pip"), "install", "-q", "--no-deps", "-r", wanted],
                                  capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"pip: {done.stderr[-800:]}")
            open(os.path.join(folder, ".whole"), "w").close()
    return os.path.join(folder, "bin/schemathesis")


def run(name, c, *more, least=10):
    """Everything that it finds is told by its own words. least: so many operations are more than too few."""
    done = subprocess.run([installed(), "--config-file", os.path.join(FOLDER, "schemathesis.toml"), "run",
                           c.url + "/openapi.json", "--seed", "1", "--no-color", "--phases", "coverage,fuzzing",
                           *(["-H", f"Authorization: Bearer {c.token}"] if c.token else []), *more],
                          capture_output=True, text=True, timeout=SECONDS, cwd=c.home)
    text = done.stdout + done.stderr
    tested = re.search(r"Tested: (\d+)", text)
    found = text[text.find("= FAILURES ="):] if done.returncode else ""
    check(f"{name}: {tested and tested.group(1)} operations", done.returncode == 0 and tested and int(tested.group(1)) > least,
          found or text[-600:])


def test_what_anybody_may_ask():
    with coordinator(PUBLIC_PER_MINUTE="0") as c:
        ended(c, 1, charged="5", wasm_hash="ab" * 32)
        c.create(2)
        run("public", c, "--max-examples", "8", "--include-path-regex", "^/(public|health|openapi|readyz|metrics)")


def test_what_workers_ask():
    """Bodies mean more than their form says, so that a refusal of a good form is no finding; polls wait for nothing, and
    there is no repository to ask."""
    with coordinator() as c:
        run("with a token", c, "--max-examples", "5", "--exclude-checks", "positive_data_acceptance",
            "--exclude-path-regex", "^/(public|health|openapi|readyz|metrics|secrets|github)")


def test_what_an_account_asks():
    """By its key, which opens what others are refused."""
    chain = Accounts()
    with coordinator(PUBLIC_PER_MINUTE="0", NEAR_RPC_URL=chain.url) as c:
        c.token = None  # a key alone
        key = chain.account("alice.test.near").make(c, "k")[1]["key"]
        run("with a key", c, "-H", f"X-API-Key: {key}", "--max-examples", "5", "--include-path-regex",
            "^/public/(api-keys|jobs|executions|earnings|usage)", least=4)


def test_what_is_passed_on():
    """To a keystore that gives nothing out, as it does whatever it does not know."""
    keystore = Keystore()
    keystore.answer = (403, b'{"error":{"code":"forbidden","message":"Access denied: no such secrets","hint":""}}')
    try:
        with coordinator(PUBLIC_PER_MINUTE="0", KEYSTORE_BASE_URL=keystore.url, KEYSTORE_AUTH_TOKEN="k") as c:
            run("secrets", c, "--max-examples", "5", "--exclude-checks", "positive_data_acceptance",
                "--include-path-regex", "^/secrets", least=4)
            check("it was asked", keystore.asked)
    finally:
        keystore.shutdown()


if __name__ == "__main__":
    kit.main(globals())
