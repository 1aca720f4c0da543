#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""outlayer-coordinator in front of a keystore, and how often one address may ask."""
import contextlib, http.server, json, socket, threading, time, urllib.parse

import kit
from coordinator_world import Coordinator, coordinator, error_of, limited_after
from fakes.accounts import Accounts
from fakes.keystore import Keystore
from kit import check, equal


# --- secrets: the way to the keystore

@contextlib.contextmanager
def with_keystore(**env):
    """The keystore answers what no keystore answers: what is passed on is not what the description says of it."""
    keystore = Keystore()
    try:
        with coordinator(KEYSTORE_BASE_URL=keystore.url, KEYSTORE_AUTH_TOKEN="keystore-token", **env) as c:
            kit.coordinators[:] = [u for u in kit.coordinators if u != c.url + "/"]
            yield c, keystore
    finally:
        keystore.gate.set()
        keystore.shutdown()


PUBLIC_SECRETS = (("GET", "/secrets/pubkey?repo=a/b&owner=alice.near", "/pubkey"),
                  ("POST", "/secrets/pubkey", "/pubkey"),
                  ("POST", "/secrets/add_generated_secret", "/add_generated_secret"))
WORKER_SECRETS = tuple(("POST", f"/secrets/{name}", f"/{name}") for name in ("challenge", "session", "decrypt"))


def test_secrets_are_passed_on():
    """Signed answers must come back byte for byte; whoever may not ask must not reach the keystore."""
    with with_keystore(LOG_LEVEL="debug") as (c, keystore):
        body = b'{ "owner" : "alice.near",\n"planted-marker":1.50, "planted-marker":2}'
        for method, path, there in PUBLIC_SECRETS + WORKER_SECRETS:
            token = c.token if (method, path, there) in WORKER_SECRETS else None
            keystore.asked.clear()
            for status, raw in ((200, b'{"b":1,  "a":"planted-answer\\u00e9"}\n'),
                                (403, b'{"error":{"code":"forbidden","message":"Access denied: x"}, "signature":"s"}'),
                                (500, b"no JSON"), (429, b"")):
                keystore.answer = (status, raw)
                got, _, answer = kit.http(method, c.url + path, body if method == "POST" else None,
                                          {"Authorization": f"Bearer {token}"} if token else {})
                equal(f"{method} {there}: {status} verbatim", (got, answer), (status, raw))
            query = "?repo=a%2Fb&owner=alice.near" if method == "GET" else ""
            equal(f"{method} {there}: asked as it was", keystore.asked,
                  [(method, there + query, "Bearer keystore-token", body if method == "POST" else b"")] * 4)
        keystore.asked.clear()
        for _, path, _ in WORKER_SECRETS:
            equal(f"{path} without a token", c.call("POST", path, {}, token=None)[0], 401)
        equal("and the keystore was not asked", keystore.asked, [])
        keystore.answer = (200, b"{}")
        branch = "re lease/1&owner=bob#?%é"
        c.call("GET", "/secrets/pubkey?" + urllib.parse.urlencode({"repo": "a/b", "owner": "a.near", "branch": branch}),
               token=None)
        equal("a strange branch arrives",
              urllib.parse.parse_qs(urllib.parse.urlparse(keystore.asked[-1][1]).query)["branch"], [branch])
        sealed = json.dumps({"encrypted_secrets_base64": "A" * (192 << 10)}).encode()
        equal("a large blob passes", (c.call("POST", "/secrets/add_generated_secret", sealed, token=None)[0],
                                      keystore.asked[-1][3] == sealed), (200, True))
        for path, size in (("add_generated_secret", 256 << 10), ("pubkey", 64 << 10), ("decrypt", 64 << 10)):
            equal(f"too large for {path}", c.call("POST", f"/secrets/{path}", b" " * (size + 1))[0], 413)
        keystore.answer = (401,
                           b'{"error":{"code":"unauthorized","message":"Invalid token","hint":"SHA-256 of the token stands in ALLOWED_WORKER_TOKEN_HASHES"}}')
        for method, path in (("GET", "/secrets/pubkey?repo=a/b&owner=alice.near"),
                             ("POST", "/secrets/add_generated_secret")):
            status, answer = c.call(method, path, None if method == "GET" else {}, token=None)
            check(f"{path}: a keystore that refuses the coordinator is not the visitor's fault", status == 503
                  and "keystore-token" not in str(answer), answer)
        keystore.answer = (401,
                           b'{"error":{"code":"unauthorized","message":"the signature is not that of this key","hint":""}}')
        equal("a visitor's own wrong signature is", c.call("POST", "/secrets/add_generated_secret", {}, token=None)[0],
              401)
        equal("and a worker hears of his", c.call("POST", "/secrets/decrypt", {})[0], 401)
        log = c.output()
        check("the log has nothing of it", not any(x in log for x in ("planted", "keystore-token", "AAAA", c.token)),
              log[-300:])


def test_keystore_that_is_not_there():
    with coordinator() as c:
        for method, path, _ in PUBLIC_SECRETS + WORKER_SECRETS:
            status, answer = c.call(method, path, {} if method == "POST" else None)
            check(f"{method} {path}: no keystore", status == 503 and "not offered" in answer["error"]["message"],
                  answer)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with coordinator(KEYSTORE_BASE_URL=f"http://127.0.0.1:{nobody.getsockname()[1]}", KEYSTORE_AUTH_TOKEN="t") as c:
            status, answer = c.call("POST", "/secrets/pubkey", {}, token=None)
            check("down", (status, error_of(answer)) == (503, "unavailable") and "127.0.0.1" not in str(answer), answer)
    with kit.folder() as home:
        try:
            Coordinator(home, KEYSTORE_BASE_URL="keystore.example")
            check("an address without a scheme is refused", False)
        except RuntimeError as e:
            check("an address without a scheme is refused", "KEYSTORE_BASE_URL" in str(e), e)


def test_slow_keystore():
    """It hangs: visitors wait for it, nothing else does, not even workers that it would answer."""
    with with_keystore() as (c, keystore):
        keystore.gate.clear()
        answers = []
        ask = lambda i: answers.append(c.call("POST", "/secrets/pubkey", {"owner": f"a{i}.near"}, token=None))
        threads = [threading.Thread(target=ask, args=(i,)) for i in range(30)]
        for t in threads:
            t.start()
        check("it was asked", kit.until(lambda: len(keystore.asked) >= 8))
        for i in range(1, 20):
            c.create(i)
        equal("executions do not wait", (answers, c.call("GET", "/health", token=None)[0]), ([], 200))
        worker = threading.Thread(target=lambda: c.call("POST", "/secrets/challenge", {}))
        worker.start()
        check("a worker's question is asked meanwhile",
              kit.until(lambda: any(path == "/challenge" for _, path, _, _ in keystore.asked)), len(keystore.asked))
        check("no more than eight at a time for visitors",
              len([1 for _, path, _, _ in keystore.asked if path == "/pubkey"]) == 8)
        keystore.gate.set()
        for t in threads + [worker]:
            t.join(60)
        equal("all are answered in the end", [status for status, _ in answers], [200] * 30)
        keystore.gate.clear()
        status, answer = c.call("POST", "/secrets/pubkey", {"owner": "late.near"}, token=None)
        equal("one that never answers is given up", (status, error_of(answer)), (504, "timeout"))
        answers.clear()
        threads = [threading.Thread(target=ask, args=(i,)) for i in range(12)]
        for t in threads:
            t.start()
        kit.until(lambda: len(keystore.asked) > 39)
        start = time.monotonic()
        equal("a stop does not wait for it", (c.stop(), time.monotonic() - start < 15), (0, True))  # of 20 s
        for t in threads:
            t.join(60)
        equal("and those who wait are told", [status for status, _ in answers], [503] * 12)


def test_audits_leave_the_way_to_the_keystore_free():
    """A few who read its audit log, which takes long, would keep visitors from sealing secrets."""
    chain = Accounts()
    with with_keystore(NEAR_RPC_URL=chain.url) as (c, keystore):
        keys = [chain.account(f"a{i}.test.near").make(c)[1]["key"] for i in range(8)]
        asked = lambda path: len([1 for _, p, _, _ in keystore.asked if p == path])
        answers, sealed = [], []
        ask = lambda key: answers.append(c.call("POST", "/secrets/audit", {"nonce": "ab" * 32}, token=None,
                                                headers={"X-API-Key": key})[0])
        keystore.gate.clear()
        audits = [threading.Thread(target=ask, args=(key,)) for key in keys for _ in range(5)]
        for t in audits:
            t.start()
        check("of each account four questions are taken", kit.until(lambda: len(answers) == 8), answers)
        equal("the others are told to ask again", answers, [503] * 8)
        check("four are asked at a time", kit.until(lambda: asked("/audit") == 4), asked("/audit"))
        seals = [threading.Thread(target=lambda: sealed.append(c.call("POST", "/secrets/pubkey", {"owner": "b.near"}, token=None)[0]))
                 for _ in range(8)]
        for t in seals:
            t.start()
        check("eight visitors are let through meanwhile", kit.until(lambda: asked("/pubkey") == 8), asked("/pubkey"))
        equal("and no fifth reader", asked("/audit"), 4)
        keystore.gate.set()
        for t in audits + seals:
            t.join(60)
        equal("all are answered in the end", (sorted(answers), sealed), ([200] * 32 + [503] * 8, [200] * 8))
    chain.shutdown()


def asked_as(c, forwarded, owner="alice.near"):
    """(status, Retry-After) of a question about secrets with these X-Forwarded-For lines."""
    connection = http.client.HTTPConnection("127.0.0.1", c.port, timeout=120)
    connection.putrequest("GET", f"/secrets/pubkey?repo=a/b&owner={owner}")
    for line in forwarded:
        connection.putheader("X-Forwarded-For", line)
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.headers.get("Retry-After")


def test_limits():
    """One address or account asks without end: it alone hears so, and cannot help itself with a header."""
    with with_keystore() as (c, keystore):
        hit = limited_after(lambda i: asked_as(c, [f"198.51.100.{i}"], f"a{i}.near"))
        check("an address is limited, whatever X-Forwarded-For says", hit and 60 <= hit[0] < 70 and hit[1], hit)
        check("the keystore was not asked then", len(keystore.asked) == hit[0], len(keystore.asked))
        equal("workers are not", c.call("POST", "/secrets/decrypt", {})[0], 200)
        equal("nor is anything else", c.call("GET", "/public/jobs", token=None)[0], 200)
    with with_keystore(TRUSTED_PROXIES="10.9.9.9, 127.0.0.1") as (c, keystore):
        hit = limited_after(lambda i: asked_as(c, [f"203.0.113.{i}", f"192.0.2.{i}, 198.51.100.1"], f"a{i}.near"))
        check("behind a proxy the address that it saw is", hit and 60 <= hit[0] < 70, hit)
        equal("another one is not", asked_as(c, ["198.51.100.2"])[0], 200)
        hit = limited_after(lambda i: asked_as(c, ["198.51.100.3"], "bob.near"))
        check("whoever asks in an account's name without end is limited", hit and 60 <= hit[0] < 70, hit)
        equal("the account itself is not", asked_as(c, ["198.51.100.4"], "bob.near")[0], 200)
        hit = limited_after(lambda i: asked_as(c, [f"192.0.{i // 250}.{i % 250}"], "dave.near"), 3000)
        check("an account is limited over all addresses", hit and hit[0] >= 600, hit)
        equal("another one is not", asked_as(c, ["192.0.2.200"], "carol.near")[0], 200)
        hit = limited_after(lambda i: asked_as(c, [f"2001:db8:7:8::{i:x}"], f"b{i}.near"))
        check("an IPv6 network counts as one", hit and 60 <= hit[0] < 70, hit)


if __name__ == "__main__":
    kit.main(globals())
