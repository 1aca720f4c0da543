#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""outlayer-keystore and a chain that lies, lags or is slow: it opens nothing by it, and holds nobody up."""
import contextlib, http.server, threading, time

import kit
from fakes.chain import Liar
from keystore_world import REPO, Session, world
from kit import check, equal


@contextlib.contextmanager
def lying_chain(w, honest=False):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Liar.url, Liar.how = w.url, None
    Liar.waits.clear()
    w.keystore.stop()
    w.start(w.stack, NEAR_RPC_URL=f"http://127.0.0.1:{server.server_port}" + (f",{w.url}" if honest else ""))
    try:
        yield
    finally:
        Liar.how = None
        Liar.waits.set()
        server.shutdown()


TROUBLE = ("TIMEOUT_ERROR", "UNKNOWN_BLOCK", "INTERNAL_ERROR", "NO_SYNCED_BLOCKS", "UNAVAILABLE_SHARD",
           "GARBAGE_COLLECTED_BLOCK",
           "rate limit", "other block", "malformed")


def test_a_chain_that_lies_opens_nothing():
    # trouble of a server that counted as the chain's word would deny, for good and for money, who should be served
    with world() as w, lying_chain(w):
        w.put(w.alice, w.seal({"A": "1"}, "alice.test.near"),
              {"Not": {"condition": {"NearBalance": {"operator": "Gt", "value": str(10 ** 30)}}}})
        s, n = Session(w), w.request(w.bob)
        equal("the truth", s.decrypt(n)[0], 200)
        for about in ("view_account", "get_request", "get_secrets", "count_secret_branches", "block"):
            for how in ("behind", "malformed", "INTERNAL_ERROR") if about == "block" else TROUBLE:
                Liar.about, Liar.how = about, how
                status, a, values = s.decrypt(n)
                check(f"{about}, {how}: nothing is given, and nothing is decided", values is None
                      and status in (502, 503, 504) and "signature" not in a, (status, a))
        Liar.how = None
        equal("the truth again", s.decrypt(n)[0], 200)
        for about in ("view_access_key", "is_operator"):
            for how in TROUBLE:
                Liar.about, Liar.how = about, how
                other = Session(w)
                check(f"{about}, {how}: no session", other.status in (502, 503, 504), (other.status, other.answer))
        Liar.how = None
        equal("a session again", Session(w).status, 200)


def test_servers_that_are_behind():
    # behind one address there are many servers, and a list of addresses is there for the day that one of them fails
    with world() as w, lying_chain(w):
        w.put(w.alice, w.seal({"A": "1"}, "alice.test.near"))
        s, n = Session(w), w.request(w.bob)
        Liar.about, Liar.how = "get_secrets", "lags"
        equal("a block that a server gets a moment later", s.decrypt(n)[0], 200)
    with world() as w, lying_chain(w, honest=True):
        w.put(w.alice, w.seal({"A": "1"}, "alice.test.near"), {"NearBalance": {"operator": "Gt", "value": "1"}})
        s, n = Session(w), w.request(w.bob)
        equal("the truth", s.decrypt(n)[0], 200)
        for about, how in (("block", "behind"), ("block", "INTERNAL_ERROR"), ("get_secrets", "UNKNOWN_BLOCK"),
                           ("get_request", "TIMEOUT_ERROR"), ("view_account", "rate limit")):
            Liar.about, Liar.how = about, how
            for _ in range(3):  # whichever is asked first
                equal(f"{about}, {how}: the other server is asked", s.decrypt(n)[0], 200)


def test_a_slow_chain_holds_nobody_up():
    # conditions are strangers': one that asks without end, or asks a server that hangs, must not keep others waiting
    with world() as w, lying_chain(w):
        many = {"Logic": {"operator": "Or", "conditions": [{"FtBalance": {"contract": f"c{i}.near", "operator": "Gt",
                                                                          "value": "0"}} for i in range(33)]}}
        each = {"Not": {"condition": {"NearBalance": {"operator": "Gt", "value": str(10 ** 30)}}}}
        s, n = Session(w), w.request(w.bob)
        w.put(w.alice, w.seal({"A": "1"}, "alice.test.near"), {"Logic": {"operator": "And", "conditions": [each] * 32}})
        equal("32 questions", s.decrypt(n)[0], 200)
        w.put(w.alice, w.seal({"A": "1"}, "alice.test.near"), {"Logic": {"operator": "And", "conditions": [each] * 33}})
        s.refused("33 questions", n, "more than 32 questions")
        w.put(w.alice, w.seal({"A": "1"}, "alice.test.near"), {"Logic": {"operator": "Or", "conditions": [each, many]}})
        w.put(w.bob, w.seal({"B": "2"}, "bob.test.near"))
        m = w.request(w.bob, "bob.test.near")
        Liar.about, Liar.how = "view_account", "hangs"
        ends, sessions = [], [Session(w) for _ in range(7)]
        def hang(session):
            began = time.monotonic()
            ends.append((session.decrypt(n)[0], time.monotonic() - began))
        threads = [threading.Thread(target=hang, args=(x,)) for x in sessions]
        for t in threads:
            t.start()
        equal("another owner's secrets meanwhile", s.decrypt(m)[2], {"B": "2"})
        equal("before any of those has its end", ends, [])
        equal("ready meanwhile", w.ask("GET", "/readyz", token=None)[0], 200)
        for t in threads:
            t.join()
        check("each decision has its end", len(ends) == 7 and all(x == 504 and y < 28 for x, y in ends), ends)
        hanging = threading.Thread(target=hang, args=(sessions[0],))
        hanging.start()
        time.sleep(0.3)  # it waits for the chain
        began = time.monotonic()
        equal("a keystore that waits for the chain stops", w.keystore.stop(), 0)
        check("before that has its end", time.monotonic() - began < 9, time.monotonic() - began)
        hanging.join()


def test_an_owner_whose_contract_hangs_waits_alone():
    # a condition names contracts: for the price of a request each, an owner of a slow one took every thread
    with world() as w, lying_chain(w):
        slow = {"FtBalance": {"contract": "slow.test.near", "operator": "Gt", "value": "0"}}
        quick = {"Not": {"condition": {"NearBalance": {"operator": "Gt", "value": str(10 ** 30)}}}}
        w.put(w.alice, w.seal({"A": "1"}, "alice.test.near"), slow)
        w.put(w.bob, w.seal({"B": "2"}, "bob.test.near"), quick)
        n, m = w.request(w.bob), w.request(w.bob, "bob.test.near")
        Liar.about, Liar.how = "ft_balance_of", "hangs"
        ends, sessions, own = [], [Session(w) for _ in range(30)], Session(w)
        threads = [threading.Thread(target=lambda x=x: ends.append(x.decrypt(n)[0])) for x in sessions]
        for t in threads:
            t.start()
        kit.until(lambda: len(ends) >= 20)
        equal("of 30 decisions of one owner 10 wait, for the chain or for their turn", sorted(ends), [503] * 20)
        for _ in range(5):
            equal("another owner's condition, which asks the chain, too", own.decrypt(m)[2], {"B": "2"})
        equal("before any of those has its end", len(ends), 20)
        equal("and his secrets can be made", w.ask("POST", "/add_generated_secret",
              {"repo": REPO, "owner": "bob.test.near", "profile": "x",
               "new_secrets": [{"name": "PROTECTED_A", "generation_type": "hex16"}]})[0], 200)
        for t in threads:
            t.join()
        equal("each of them has its end", sorted(ends), [503] * 20 + [504] * 10)


if __name__ == "__main__":
    kit.main(globals())
