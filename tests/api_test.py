#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The description of the coordinator's API, and that the coordinator is as it says: what it refuses, in which form."""
import http.client, json, os, subprocess

import described, kit
from coordinator_world import coordinator, error_of
from kit import check, equal


def test_description():
    """docs/openapi.json, from which clients are generated, is what this coordinator's tables give, and what it serves."""
    if not described.jsonschema:
        raise kit.Skip("python3-jsonschema is not installed: no answer of any test is compared with its description")
    written = subprocess.run([kit.built("help/api-document")], capture_output=True, check=True).stdout
    equal("docs/openapi.json: make api", json.loads(written) == described.document(), True)
    equal("docs/api-reference.md: make api",
          subprocess.run(["python3", os.path.join(kit.ROOT, "scripts/api_reference.py"), "--check"],
                         capture_output=True, text=True).stdout, "")
    with coordinator() as c:
        equal("and what is served", c.call("GET", "/openapi.json", token=None), (200, described.document()))
    ids = [o["operationId"] for p in described.document()["paths"].values() for o in p.values()]
    equal("no two operations have one name", len(set(ids)), len(ids))


def test_closed():
    """The comparison with the description finds a member too many, one too few, and a status of which nothing is said."""
    json_type = {"Content-Type": "application/json; charset=utf-8"}
    said = lambda value, status=200, path="/workers/heartbeat": described.fault(
        "POST", "http://x" + path, status, json_type, json.dumps(value).encode())
    equal("as described", said({"ok": True}), None)
    for name, answer in (("one too many", said({"ok": True, "more": 1})), ("one too few", said({})),
                         ("another type", said({"ok": "yes"})), ("another status", said({"ok": True}, 202)),
                         ("an error of another form", said({"error": "no"}, 400)),
                         ("one of an unknown path", said({"error": "no"}, 404, "/no/such/path"))):
        check(name, answer, answer)


def raw(c, method, path, headers=(), body=b""):
    connection = http.client.HTTPConnection("127.0.0.1", c.port, timeout=10)
    connection.request(method, path, body, dict(headers))
    answer = connection.getresponse()
    got = answer.status, answer.headers, answer.read()
    connection.close()
    return got


def test_refusals():
    """Whatever is wrong, it is said in the same form."""
    with coordinator() as c:
        form = lambda body: (set(json.loads(body)["error"]) == {"code", "message", "hint"}) and json.loads(body)["error"]
        for method, path, status, code in (
                ("GET", "/no/such/path", 404, "not_found"), ("GET", "/", 404, "not_found"),
                ("POST", "/public/jobs", 405, "method_not_allowed"), ("BREW", "/public/jobs", 405, "method_not_allowed"),
                ("BREW", "/no/such/path", 404, "not_found"), ("GET", "/tasks/poll", 401, "unauthorized"),
                ("GET", "/public/jobs?limit=x", 400, "invalid_input"), ("GET", "/wasm/zz", 400, "invalid_input"),
                ("GET", "/%zz", 404, "not_found")):
            got, headers, body = raw(c, method, path)
            error = form(body)
            equal(f"{method} {path}", (got, error and error["code"]), (status, code))
            check(f"{method} {path} is JSON", headers["Content-Type"].startswith("application/json"))
            if status == 405:
                equal("and says what there is", headers["Allow"], "HEAD, GET, OPTIONS")
        got, _, body = raw(c, "GET", "/public/jobs", body=b"x")
        equal("a body where there is none", (got, form(body)["code"]), (413, "too_large"))
        got, _, body = raw(c, "POST", "/tasks/create", {"Authorization": f"Bearer {c.token}"}, b"{")
        equal("a body that is no JSON", (got, form(body)["code"]), (400, "invalid_input"))


def test_parameters():
    """A typing error in a query is told, and does not show everything as if nothing had been asked."""
    with coordinator() as c:
        ask = lambda query: c.call("GET", "/public/jobs" + query, token=None)
        c.create(1)
        for query, words in (("?request=1", "'request' is no parameter"), ("?limit=201", "'limit' is a number from 0 to 200"),
                             ("?limit=-1", "'limit' is a number"), ("?limit=1&limit=2", "'limit' is given twice"),
                             ("?limit=%zz", "broken percent escape"), ("?contract_id=A", "not a NEAR account"),
                             ("?transaction_hash=%ff", "not UTF-8"), ("?transaction_hash=" + "a" * 129, "0 to 128 bytes"),
                             ("?before", "'before' is a number"), ("?request_id=9223372036854775808", "'request_id'")):
            status, answer = ask(query)
            check(f"/public/jobs{query[:40]}", (status, error_of(answer)) == (400, "invalid_input") and
                  words in answer["error"]["message"], answer)
        check("and what there is instead", "transaction_hash, contract_id" in ask("?request=1")[1]["error"]["hint"])
        equal("one that is right", [j["request_id"] for j in ask("?request_id=1&limit=1")[1]], [1])
        status, answer = c.call("GET", "/public/wasm/info", token=None)
        check("one that is missing", status == 400 and "'repo' is missing" in answer["error"]["message"], answer)
        equal("whoever may not ask is told that first", c.call("GET", "/tasks/poll?x=1", token=None)[0], 401)


if __name__ == "__main__":
    kit.main(globals())
