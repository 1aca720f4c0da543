#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keystore: from a decrypt question to its answer, over HTTP, with the chain on the same machine: three views and an
evaluation of the condition each. The reference has no figure of its own."""
import http.client, json, os, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests"))
import kit, near
from keystore_world import NETWORK, CONTRACT, Session, digest, option, struct, text, world

ROUNDS = 300


def percentile(values, p):
    return sorted(values)[min(len(values) - 1, int(len(values) * p / 100))]


def questions(session, request_id, n):
    for counter in range(session.counter + 1, session.counter + 1 + n):
        record = digest(text("outlayer-decrypt-v1"), text(NETWORK), text(CONTRACT), session.id,
                        struct.pack("<QQ", counter, request_id), option("main"))
        yield json.dumps({"session_id": session.id.hex(), "counter": counter, "request_id": request_id,
                          "branch": "main",
                          "signature": "ed25519:" + near.b58(session.key.sign(record))})
    session.counter += n


def measure(name, w, session, request_id):
    connection = http.client.HTTPConnection("127.0.0.1", w.keystore.port)
    times = []
    for body in list(questions(session, request_id, ROUNDS)):
        t0 = time.perf_counter()
        connection.request("POST", "/decrypt", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        raw = answer.read()
        times.append((time.perf_counter() - t0) * 1000)
        assert answer.status == 200, raw
    print(f"{name:<46} p50 {percentile(times, 50):7.2f} ms   p99 {percentile(times, 99):7.2f} ms   ({ROUNDS} questions)", flush=True)


with world() as w:
    w.put(w.alice, w.seal({"API_KEY": "k" * 32}, "alice.test.near"))
    session, n = Session(w), w.request(w.bob)
    measure("decrypt, AllowAll", w, session, n)
    w.put(w.alice, w.seal({"API_KEY": "k" * 32}, "alice.test.near"), {"NearBalance": {"operator": "Gte", "value": "1"}})
    measure("decrypt, a balance asked of the chain", w, session, n)
    values = {f"NAME_{i}": "v" * 600 for i in range(100)}
    w.put(w.alice, w.seal(values, "alice.test.near"))
    measure("decrypt, 100 secrets of 600 bytes", w, session, n)
while kit.running:
    kit.running.pop().kill()
