#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The description of the coordinator's API, and that the coordinator is as it says: what it refuses, in which form."""
import base64, concurrent.futures, contextlib, hashlib, http.client, json, os, socket, subprocess, threading, time, urllib.parse

import attested, described, figures, kit
from coordinator_test import record
from coordinator_world import again, coordinator, error_of, sql
from fakes.accounts import Accounts, elsewhere
from fakes.keystore import Keystore
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
    equal("as described", said({"ok": True, "now_ms": 5}), None)
    for name, answer in (("one too many", said({"ok": True, "more": 1})), ("one too few", said({})),
                         ("another type", said({"ok": "yes", "now_ms": 5})), ("another status", said({"ok": True, "now_ms": 5}, 202)),
                         ("an error of another form", said({"error": "no"}, 400)),
                         ("one of an unknown path", said({"error": "no"}, 404, "/no/such/path"))):
        check(name, answer, answer)


def raw(c, method, path, headers=(), body=b""):
    connection = http.client.HTTPConnection("127.0.0.1", c.port, timeout=120)
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
                ("DELETE", "/wasm/upload", 405, "method_not_allowed"), ("GET", "/%zz", 404, "not_found")):
            got, headers, body = raw(c, method, path)
            error = form(body)
            equal(f"{method} {path}", (got, error and error["code"]), (status, code))
            check(f"{method} {path} is JSON", headers["Content-Type"].startswith("application/json"))
            if status == 405:
                equal("and says what there is", headers["Allow"],
                      "POST, OPTIONS" if "upload" in path else "HEAD, GET, OPTIONS")
        got, _, body = raw(c, "GET", "/public/jobs", body=b"x")
        equal("a body where there is none", (got, form(body)["code"]), (413, "too_large"))
        got, _, body = raw(c, "POST", "/tasks/create", {"Authorization": f"Bearer {c.token}"}, b"{")
        equal("a body that is no JSON", (got, form(body)["code"]), (400, "invalid_input"))


def plain(schema):
    """The schema itself, where null or another form is taken, too."""
    schema = schema.get("anyOf", [schema])[0]
    reference = schema.get("$ref")
    return described.document()["components"]["schemas"][reference.rsplit("/", 1)[1]] if reference else schema


def good(schema):
    """The least that a schema takes."""
    schema = plain(schema)
    if schema.get("type") == "object":
        return {name: good(schema["properties"][name]) for name in schema.get("required", ())}
    if "enum" in schema:
        return schema["enum"][0]
    texts = {"64": "ab" * 32, "39": "1", "-_": "a.near"}
    text = next((v for k, v in texts.items() if k in schema.get("pattern", "")), "a" * schema.get("minLength", 1))
    return {"string": text, "boolean": True, "array": [], "integer": schema.get("minimum", 0)}.get(schema.get("type"))


def wrongs(schema):
    """Bodies each of which the schema forbids in one member: (where, body, words that say so)."""
    schema, right = plain(schema), good(schema)
    if not schema["additionalProperties"]:
        yield "a member too many", {**right, "colour": 1}, "unknown field 'colour'"
    for name in schema.get("required", ()):
        if name != "refused":  # without it, it is another form
            yield f"no {name}", {k: v for k, v in right.items() if k != name}, f"field '{name}' is missing"
    for name, member in ((k, plain(v)) for k, v in schema["properties"].items()):
        amount = "39" in member.get("pattern", "")  # which may be a number
        values = {"integer": ["x", -1, 1.5, *[member.get("maximum", 0) + 1] * ("maximum" in member)], "array": [{}, [7]], "object": [7],
                  "boolean": ["yes"], "string": [[] if amount else 7, *[10**18, 10**400] * (not amount and "20" not in member.get("pattern", "")), *["zz zz"] * any(k in member for k in ("enum", "pattern")),
                                                 *[c * (member.get("maxLength", 0) // len(c.encode()) + 1) for c in "aé"
                                                   if "maxLength" in member],
                                                 *[""] * ("minLength" in member)]}[member["type"]]
        for value in values:
            yield f"{name}={value!r:.30}", {**right, name: value}, f"'{name}'"
        for where, inner, words in wrongs(member) if member["type"] == "object" and "properties" in member else ():
            yield f"{name}: {where}", {**right, name: inner}, words


def test_bodies():
    """What the description says of bodies is what is enforced: a client that goes by it is not surprised, and one that
    does not is told which member is wrong. What is not described is never taken."""
    with coordinator() as c:
        count = 0
        for path, operations in described.document()["paths"].items():
            for method, operation in operations.items():
                schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
                passed_on = path.startswith("/secrets/") and path != "/secrets/audit"  # to the keystore, which checks it
                for form in schema.get("anyOf", [schema]) if schema and not passed_on else ():
                    for where, body, words in wrongs(form):
                        status, answer = c.call(method.upper(), path.replace("{build_key}", "ab" * 32), body)
                        count += 1
                        if (status, error_of(answer)) != (400, "invalid_input") or words not in answer["error"]["message"]:
                            check(f"{method} {path}: {where}", False, (status, answer))
        check("there are such", count > 200, count)
        status, answer = c.call("POST", "/tasks/heartbeat", {"contract_id": "a.near"})
        equal("what a missing one is", answer["error"]["hint"], "request_id: Number of the request.")
        status, answer = c.call("POST", "/public/api-keys", {"title": "x"}, token=None)
        equal("what there is", answer["error"], {"code": "invalid_input", "message": "unknown field 'title'", "hint": "there are name"})


def test_lengths():
    """A schema's maxLength counts characters and the coordinator bytes: if this fails, nobody is told, and a client that
    goes by the description sends what is refused."""
    document = described.document()
    members = [(f"{name}.{member}", value, plain(value)) for name, schema in document["components"]["schemas"].items()
               for member, value in schema.get("properties", {}).items()]
    members += [(f"{path}: {p['name']}", p, p["schema"]) for path, operations in document["paths"].items()
                for o in operations.values() for p in o["parameters"]]
    texts = [(where, said["description"], is_["maxLength"]) for where, said, is_ in members
             if "maxLength" in is_ and "pattern" not in is_]  # but an account, which is ASCII
    check("there are such", len(texts) > 40, len(texts))
    equal("of each it is said", [where for where, what, most in texts if not what.endswith(f" At most {most} bytes of UTF-8.")], [])


def ended(c, number, outcome="success", sender="alice.test.near", **report):
    """One execution from its beginning to its end."""
    c.create(number, sender_id=sender)
    got, token = c.lease()
    assert got == number
    c.beat(number, token, stage="running")
    c.complete(number, token, outcome=outcome, **report)


def test_lists():
    """What the pages of executions ask for: by each filter, page by page, and the reference's names beside ours."""
    with coordinator() as c:
        ended(c, 1, wasm_hash="AB" * 32, instructions="12345", charged=10**22, time_ms=5)
        ended(c, 2, "guest_failed", "bob.test.near", failure="guest", error="trap")
        c.create(3)
        ask = lambda query: c.call("GET", "/public/executions" + query, token=None)[1]
        numbers = lambda query: [x["request_id"] for x in ask(query)["executions"]]
        equal("all", (numbers(""), ask("")["next"]), ([3, 2, 1], None))
        first = ask("?limit=2")
        equal("a page, and where it goes on", (numbers("?limit=2"), numbers(f"?limit=2&before={first['next']}")),
              ([3, 2], [1]))
        for query, want in (("sender=bob.test.near", [2]), ("payer=alice.test.near", [3, 2, 1]), ("state=queued", [3]),
                            ("state=settled", [2, 1]), ("outcome=guest_failed", [2]), ("failure=guest", [2]),
                            ("repo=https://example.com/a/b&limit=1", [3]), ("worker=w1", [2, 1]),
                            (f"wasm_hash={'ab' * 32}", [1]), (f"wasm_hash={'AB' * 32}", [1]),
                            ("from=1", [3, 2, 1]), ("to=1", []), ("offset=1", [2, 1]), ("request_id=2", [2])):
            equal(f"by {query}", numbers("?" + query), want)
        for query, want in (("&worker=", []), ("", [3, 2, 1]), ("&worker=w1&failure=x%0Ay", []), ("&worker=w1", [2, 1]),
                            ("&repo=a%0Ab&worker=c", []), ("&repo=https://example.com/a/b", [3, 2, 1])):
            equal(f"what is kept for others is not the answer to ?limit=9{query}", numbers("?limit=9" + query), want)
        row = ask("?request_id=1")["executions"][0]
        equal("numbers are numbers, amounts are texts", (row["instructions"], row["charged"], row["payment"]),
              (12345, str(10**22), "100000000000000000000000"))
        for query in ("?user_account_id=bob.test.near", "?github_repo=https://example.com/a/b&offset=1&limit=1"):
            equal(f"the reference's {query}", [x["request_id"] for x in c.jobs(query)[1]], [2])
        jobs = {x["request_id"]: x for x in c.jobs()[1]}
        equal("and its words", [(jobs[i]["status"], jobs[i]["success"], jobs[i]["error_details"],
                                 jobs[i]["user_account_id"]) for i in (1, 2, 3)],
              [("completed", True, None, "alice.test.near"), ("execution_failed", False, "trap", "bob.test.near"),
               ("pending", False, None, "alice.test.near")])


def test_one_execution():
    """A page of one run: everything that happened to it, also what failed before it went well."""
    with coordinator() as c:
        c.create(1, input_data="the input")
        got, token = c.lease()
        c.report("fail", 1, token, reason="no disk", retry=True)
        ask = lambda: c.call("GET", "/public/executions/outlayer.test.near/1", token=None)
        steps = lambda: [s["stage"] for s in ask()[1]["timeline"]]
        equal("while it waits", (ask()[1]["state"], steps()), ("queued", ["recorded", "leased", "given_back"]))
        got, token = c.lease()
        c.beat(1, token, stage="running")
        c.complete(1, token, wasm_hash="ab" * 32, output_hash="cd" * 32)
        status, one = ask()
        equal("in the end", (status, one["state"], one["outcome"], one["input_bytes"]), (200, "settled", "success", 9))
        equal("what happened", [(s["stage"], s.get("attempt"), s.get("reason")) for s in one["timeline"]],
              [("recorded", None, None), ("leased", 1, None), ("given_back", 1, "no disk"), ("leased", 2, None),
               ("running", 2, None), ("settled", 2, None)])
        check("in its order", [s["at_ms"] for s in one["timeline"]] == sorted(s["at_ms"] for s in one["timeline"]))
        equal("what its digest is made of", [one["digest_parts"][k] for k in ("input_hash", "output_hash", "success",
                                                                             "block_height", "build_target")],
              [hashlib.sha256(b"the input").hexdigest(), "cd" * 32, True, 7, "wasm32-wasip1"])
        check("the input is its sender's", "the input" not in json.dumps(one))
        equal("one that is not known", c.call("GET", "/public/executions/outlayer.test.near/2", token=None)[0], 404)
        equal("one of another contract", c.call("GET", "/public/executions/x.test.near/1", token=None)[0], 404)
        c.kill()
        with again(c) as d:
            equal("it is there after a crash", d.call("GET", "/public/executions/outlayer.test.near/1", token=None)[1], one)


def test_examples():
    """The playground begins with what the operator has chosen; a mistake in it is told at the start, and where it is."""
    ask = {"repo": "https://github.com/a/b", "commit": "main", "build_target": "wasm32-wasip1", "input": '{"a":1}',
           "response_format": "Json"}
    call = {"contract_id": "coin.near", "method_name": "flip", "args": "{}", "deposit": "1" + "0" * 22, "gas": 3 * 10**14}
    good = [{"id": "random", "title": "Random", "what": "A number.", "request": ask},
            {"id": "secret", "title": "With a secret", "request": {**ask, "secrets_ref": {"profile": "p", "account_id": "a.near"},
             "resource_limits": {"max_instructions": 10**10, "max_memory_mb": 128, "max_execution_seconds": 60}}},
            {"id": "coin", "title": "Coin", "call": call}]
    with kit.folder() as folder:
        path = os.path.join(folder, "examples.json")
        def write(value):
            with open(path, "w") as f:
                f.write(value if isinstance(value, str) else json.dumps(value))
        write(good)
        with coordinator(EXAMPLES_FILE=path) as c:
            got = c.call("GET", "/public/examples", token=None)[1]["examples"]
            equal("in the operator's order", [x["id"] for x in got], ["random", "secret", "coin"])
            equal("a request", got[0], {**good[0], "call": None, "request": {**ask, "secrets_ref": None, "resource_limits": None}})
            equal("with secrets and limits", got[1]["request"], good[1]["request"])
            equal("a call", (got[2]["call"], got[2]["request"], got[2]["what"]), (call, None, None))
            tag = kit.get(c.url + "/public/examples")[1]["ETag"]
            equal("not twice", [kit.get(c.url + "/public/examples", headers={"If-None-Match": t})[0]
                                for t in (tag, f'W/{tag}, "x"', "*", tag[1:-1])], [304, 304, 304, 200])
        with coordinator() as c:
            equal("none", c.call("GET", "/public/examples", token=None), (200, {"examples": []}))
        for words, wrong in (("example 1: 'title' is missing", [{"id": "a", "request": ask}]),
                             ("either 'request' or 'call'", [{"id": "a", "title": "A"}]),
                             ("example 2: 'id' is that of another", [good[0], good[0]]),
                             ("unknown field 'x'", [{**good[0], "x": 1}]), ("a-z", [{**good[0], "id": "A b"}]),
                             ("not a NEAR account", [{**good[2], "call": {**call, "contract_id": "A"}}]),
                             ("Bytes, Text or Json", [{**good[0], "request": {**ask, "response_format": "json"}}]),
                             ("'args'", [{**good[2], "call": {**call, "args": "{"}}]),
                             ("at most 64", [good[0]] * 65), ("EXAMPLES_FILE", "{"), ("not an array", {})):
            write(wrong)
            try:
                with coordinator(EXAMPLES_FILE=path):
                    check(f"{words} is refused", False)
            except RuntimeError as e:
                check(f"{words} is refused", words in str(e), e)


def test_builds():
    """What was built of a repository, by whom, for everybody: also under the reference's names."""
    with coordinator() as c:
        ask = lambda path: c.call("GET", "/public" + path, token=None)
        first, second = record(b"a"), record(b"b", commit="c" * 40)
        other = record(b"c", repo="https://example.com/x/y")
        module = b"\0asm\1\0\0\0"
        built = hashlib.sha256(module).hexdigest()
        last = record(b"d", commit="d" * 40, wasm_hash=built)
        equal("nothing yet", (ask("/builds"), ask("/builds/" + first["build_key"])[0]), ((200, {"builds": []}), 404))
        for one in (first, second, other, last):
            equal("stored", c.call("PUT", "/builds/" + one["build_key"], one)[0], 200)
            time.sleep(0.002)  # they are listed by the millisecond in which they came
        equal("the newest first", ask("/builds")[1]["builds"], [last, other, second, first])
        equal("so many", ask("/builds?limit=2")[1]["builds"], [last, other])
        for spelling in ("https://example.com/a/b", "example.com/a/b", "https://EXAMPLE.com/a/b.git"):
            equal(f"of {spelling}", ask("/builds?repo=" + urllib.parse.quote(spelling))[1]["builds"], [last, second, first])
        equal("of nothing", ask("/builds?repo=git@example.com:a/b")[0], 400)
        equal("one build", ask("/builds/" + first["build_key"].upper())[1], {"records": [first]})
        info = ask("/wasm/info?repo_url=https://example.com/a/b&commit_hash=" + "d" * 40)[1]
        equal("in the reference's words", (info["exists"], info["checksum"], info["file_size"], info["builds"]),
              (True, built, None, [last]))
        check("when", info["created_at"].endswith("Z"), info)
        c.call("POST", f"/wasm/upload?sha256={built}", module)
        equal("while the module is there", ask("/wasm/info?repo=example.com/a/b&commit=" + "d" * 40)[1]["file_size"], 8)
        nothing = ask("/wasm/info?repo=example.com/no/thing")[1]
        equal("where there is none", nothing,
              {"exists": False, "builds": [], "checksum": None, "file_size": None, "created_at": None})


def test_digest():
    """Whoever looks at an answer makes its digest again, from what the worker has told: none of the parts is missing."""
    attestation = {
        "network": "devnet", "data_id": "01" * 32, "sender_id": "alice.test.near", "repo": "https://example.com/a/b",
        "commit": "ab" * 20, "build_target": "wasm32-wasip1", "build_key": "02" * 32, "wasm_hash": "03" * 32,
        "input_hash": "04" * 32, "output_hash": "05" * 32, "success": True, "instructions": 12345,
        "resource_limits": {"max_instructions": 10**10, "max_memory_mb": 128, "max_execution_seconds": 60},
        "price_list": "prices-1", "secrets_ref": {"profile": "p", "account_id": "a.near"}, "engine": "engine \u00fc 1",
        "measurement": "", "block_height": 7}
    with coordinator() as c:
        parts_of = lambda n, at=c: at.call("GET", f"/public/executions/outlayer.test.near/{n}", token=None)[1]["digest_parts"]
        ended(c, 1, attestation=attestation)
        parts = parts_of(1)
        equal("as they were told", {k: v for k, v in parts.items() if k in attestation}, attestation)
        equal("the digest is theirs", (parts["complete"], parts["attestation_digest"]), (True, attested.digest(parts)))
        ended(c, 2, attestation={**attestation, "secrets_ref": None})
        equal("without secrets", parts_of(2)["attestation_digest"], attested.digest(parts_of(2)))
        ended(c, 3)
        equal("where nothing was told", (parts_of(3)["complete"], parts_of(3)["attestation_digest"], parts_of(3)["engine"]),
              (False, None, None))
        c.create(4)
        got, token = c.lease()
        for name, wrong, words in (("a part too many", {"x": 1}, "unknown field 'x'"),
                                   ("a hash that is none", {"wasm_hash": "zz"}, "wasm_hash"),
                                   ("a text that is too long", {"repo": "x" * 1025}, "repo"),
                                   ("a number that is too large", {"instructions": 2**63}, "too large"),
                                   ("a limit too many", {"resource_limits": {"x": 1}}, "unknown field 'x'")):
            status, answer = c.complete(4, token, attestation={**attestation, **wrong})
            check(name, status == 400 and words in answer["error"]["message"], answer)
        answer = c.complete(4, token, attestation={k: v for k, v in attestation.items() if k != "engine"})
        check("a part too few", answer[0] == 400 and "engine" in answer[1]["error"]["message"], answer)
        equal("it is none of the lists'", "attestation" in json.dumps(c.call("GET", "/public/executions", token=None)[1]), False)
        c.kill()
        with again(c) as d:
            equal("they are there after a crash", parts_of(1, d), parts)


def test_attestations():
    """What is told of a run's attestation is all that there is: whoever reads it believes in no quote that was not made."""
    attestation = {
        "network": "devnet", "data_id": "ab" * 32, "sender_id": "alice.test.near", "repo": "https://example.com/a/b",
        "commit": "c" * 40, "build_target": "wasm32-wasip1", "build_key": "cd" * 32, "wasm_hash": "ef" * 32,
        "input_hash": "12" * 32, "output_hash": "34" * 32, "success": True, "instructions": 5,
        "resource_limits": {"max_instructions": 10**9, "max_memory_mb": 128, "max_execution_seconds": 60}, "price_list": "p",
        "secrets_ref": None, "engine": "e", "measurement": "", "block_height": 7}
    key = "ed25519:6E8sCci9badyRkXb3JoRpBj5p8C6Tw41ELDZoiihKEtp"
    # The register contract that the settings name is of one operator, and this run's worker works for another one.
    with coordinator(OFFCHAINVM_CONTRACT_ID="outlayer.test.near", REGISTER_CONTRACT_ID="register.test.near") as c:
        ask = lambda n, query="": c.call("GET", f"/attestations/{n}{query}", token=None)
        ended(c, 1, attestation=attestation, resolve_transaction="answer1", wasm_hash="ef" * 32)
        before = ask(1)[1]
        equal("of a worker that is not known", (before["public_key"], before["registration"]), (None, None))
        check("which is said", "is not known here" in " ".join(before["not_attested"]), before["not_attested"])
        c.call("POST", "/workers/heartbeat", {"worker_id": "w1", "public_key": key})
        nobodys = ask(1)[1]
        equal("of a worker that names no account", (nobodys["public_key"], nobodys["registration"]), (key, None))
        check("which is said, too", "is not known here" in " ".join(nobodys["not_attested"]), nobodys["not_attested"])
        c.call("POST", "/workers/heartbeat", {"worker_id": "w1", "operator_id": "op.test.near", "public_key": key})
        status, told = ask(1)
        equal("what is stored", (status, [told[k] for k in (
            "state", "task_type", "request_id", "caller_account_id", "transaction_hash", "block_height", "repo_url", "commit_hash",
            "wasm_hash", "input_hash", "output_hash", "resolve_transaction", "worker_id", "operator_id", "public_key")]),
              (200, ["digest", "execute", 1, "alice.test.near", "tx1", 7, "https://example.com/a/b", "c" * 40, "ef" * 32, "12" * 32,
                     "34" * 32, "answer1", "w1", "op.test.near", key]))
        equal("the digest is that of the record, and of its parts", (hashlib.sha256(base64.b64decode(told["record"])).hexdigest(),
              told["digest"]), (attested.digest(told["digest_parts"]),) * 2)
        equal("there is no quote", (told["tdx_quote"], told["worker_measurement"]), (None, None))
        equal("its operator's account is where its registration is",
              (told["registration"]["contract_id"], told["registration"]["args"]), ("op.test.near", {"public_key": key}))
        says = " ".join(told["not_attested"])
        check("and what is not attested is said", all(w in says for w in ("No quote was made", "not checked here", "of itself now")), says)
        equal("nothing is called good", [w for w in ("valid", "verified", "trusted") if w in json.dumps(told)], [])
        ended(c, 2)
        c.create(3)
        for number, ends in ((2, True), (3, False)):
            other = ask(number)[1]
            equal(f"{number}: no parts, no digest", (other["state"], other["digest"], other["record"], bool(other["timestamp"])),
                  ("none", None, None, ends))
        equal("by its contract", ask(1, "?contract_id=outlayer.test.near")[1]["id"], told["id"])
        equal("of another one", ask(1, "?contract_id=x.test.near")[0], 404)
        equal("unknown", (ask(9)[0], ask("x")[0], ask(1, "?batch=1")[0]), (404, 400, 400))
        c.stop()
        with again(c) as d:  # for several contracts
            status, answer = d.call("GET", "/attestations/1", token=None)
            check("which contract has to be said", status == 400 and "?contract_id=" in answer["error"]["hint"], answer)
            named = d.call("GET", "/attestations/1?contract_id=outlayer.test.near", token=None)
            equal("and is taken", (named[0], named[1]["id"]), (200, told["id"]))


def test_changes():
    """A page that waits for what happens: told at once and of all of it, woken for nothing never, and let go in time."""
    with coordinator() as c:
        def ask(since=None, timeout=25, at=c):
            query = {"timeout": timeout, **({} if since is None else {"since": since})}
            return at.call("GET", "/public/changes?" + urllib.parse.urlencode(query), token=None)[1]

        def waiting(since, at=c):
            """Starts to wait, and gives a function for the answer."""
            got = []
            thread = threading.Thread(target=lambda: got.append(ask(since, at=at)))
            thread.start()
            assert kit.until(lambda: figures.read(at.status_url)["outlayer_changes_waiting"] == 1)
            return lambda: (thread.join(), got[0])[1]

        def follow(since, state):
            """Asks on until execution 1 is in this state; the answers."""
            answers = []
            while not answers or not any(x["state"] == state for x in answers[-1]["executions"]):
                answers.append(ask(answers[-1]["seq"] if answers else since))
                assert answers[-1]["executions"], "it was woken for nothing"
            return answers

        first = ask()
        equal("the first answer comes at once", (first["anew"], first["executions"], first["counts"]["queued"]), (True, [], 0))
        equal("nothing has happened", (lambda x: (x["anew"], x["executions"], x["workers"]))(ask(first["seq"], 0)),
              (False, [], False))
        answer = waiting(first["seq"])
        c.create(1)
        told = answer()
        equal("what is recorded", (told["anew"], told["workers"], told["counts"]["queued"]), (False, False, 1))
        equal("as lists have it", told["executions"],
              c.call("GET", "/public/executions?request_id=1", token=None)[1]["executions"])
        got, token = c.lease()
        answers = follow(told["seq"], "leased")
        c.beat(1, token, stage="running")
        answers += follow(answers[-1]["seq"], "running")
        c.complete(1, token, instructions="12345", charged="7")
        answers += follow(answers[-1]["seq"], "settled")
        last = answers[-1]["executions"][0]
        equal("how it ended", (last["outcome"], last["instructions"], last["charged"]), ("success", 12345, "7"))
        equal("who missed all of that is told once", [(x["request_id"], x["state"]) for x in ask(told["seq"])["executions"]],
              [(1, "settled")])
        now = answers[-1]["seq"]
        answer = waiting(now)
        c.call("POST", "/workers/heartbeat", {"worker_id": "w1", "free_slots": 2})
        told = answer()
        equal("a worker that comes", (told["workers"], told["executions"], told["counts"]["active_workers"]), (True, [], 1))
        c.call("POST", "/workers/heartbeat", {"worker_id": "w1", "free_slots": 2, "uptime_s": 5})
        equal("and says the same again", (lambda x: (x["workers"], x["seq"]))(ask(told["seq"], 2)), (False, told["seq"]))
        for since in ("", "x", "~", "1:1:~0123456789abcdef", now + "0", now.upper() + "~"):
            equal(f"what is no seq: {since[:30]!r}", (lambda x: (x["anew"], x["executions"]))(ask(since)), (True, []))
        for query in ("timeout=26", "timeout=x", "since=" + "1" * 1200, "since=%00"):
            equal(query[:12], c.call("GET", "/public/changes?" + query, token=None)[0], 400)
        for n in range(101):
            c.create(100 + n)
        equal("what is too much to list is not listed", (lambda x: (x["anew"], x["executions"]))(ask(told["seq"])), (True, []))
        taken = lambda: figures.read(c.status_url)["outlayer_changes_waiting"]
        told = ask()
        with contextlib.ExitStack() as stack:
            for n in range(16):
                one = stack.enter_context(socket.create_connection(("127.0.0.1", c.port)))
                one.sendall(f"GET /public/changes?since={told['seq']} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            check("one address has sixteen that wait", kit.until(lambda: taken() == 16), taken())
            query = "/public/changes?timeout=0&since=" + told["seq"]
            status, answer = c.call("GET", query, token=None)
            equal("and no more", (status, answer["error"]["code"]), (429, "too_many_requests"))
            equal("whoever has a token is not counted", c.call("GET", query)[0], 200)
        check("who has gone has no place", kit.until(lambda: taken() == 0), taken())
        answer = waiting(told["seq"])
        equal("it ends in order", c.stop(), 0)
        equal("who waits is let go", answer()["executions"], [])
        with again(c) as d:
            of_rows = "postgres" in os.environ.get("OUTLAYER_TEST_DATABASE", "")
            equal("after a restart", ask(told["seq"], 0, d)["anew"], not of_rows)


def test_config():
    """A page learns from its coordinator where the chain is, and is told no address that has a key in it."""
    with coordinator(OUTLAYER_NETWORK="devnet", OFFCHAINVM_CONTRACT_ID="outlayer.test.near", NEAR_RPC_URL="http://127.0.0.1:1",
                     PUBLIC_NEAR_RPC_URL="http://one.example,http://two.example", FAUCET_URL="http://one.example",
                     EXPLORER_TRANSACTION_URL="http://x.example/{hash}") as c:
        config = c.call("GET", "/public/config", token=None)[1]
        equal("as it is set", config, {
            "network": "devnet", "contract_id": "outlayer.test.near", "register_contract_id": None,
            "rpc_urls": ["http://one.example", "http://two.example"],
            "explorer": {"transaction": "http://x.example/{hash}", "account": None}, "faucet_url": "http://one.example",
            "docs_url": None, "version": config["version"], "keystore": False, "api_keys": True, "tee_mode": "none"})
    for name, words, wrong in (("a key", "shown to everybody", {"PUBLIC_NEAR_RPC_URL": "https://me:secret@rpc.example"}),
                               ("a key behind it", "shown to everybody", {"PUBLIC_NEAR_RPC_URL": "https://rpc.example/?k=secret"}),
                               ("a faucet", "for a devnet", {"FAUCET_URL": "http://x", "OUTLAYER_NETWORK": "testnet"}),
                               ("another mode", "TEE_MODE is 'sgx'", {"TEE_MODE": "sgx"})):
        try:
            with coordinator(**wrong):
                check(f"{name} is refused", False)
        except RuntimeError as e:
            check(f"{name} is refused", words in str(e) and "secret" not in str(e), e)


def test_sums():
    """What a page of figures, an account and a repository show: each execution once, amounts to the last yocto."""
    with coordinator() as c:
        ended(c, 1, charged="12345678901234567890123", refunded="1", time_ms=100, instructions=7, commit="c1")
        ended(c, 2, "guest_failed", "bob.test.near", failure="guest", charged="1", time_ms=300, compile_time_ms=5000)
        ended(c, 3, "refused", failure="access")
        ask = lambda path: c.call("GET", "/public" + path, token=None)[1]
        stats = ask("/stats")
        equal("since the beginning", [stats[k] for k in ("total_executions", "successful_executions", "guest_failures",
                                                         "access_denied_executions", "charged", "refunded", "instructions_used")],
              [3, 1, 1, 1, "12345678901234567890124", "1", 7])
        check("how long they ran", 100 < stats["run_ms_p50"] <= 115 and 300 < stats["run_ms_p95"] <= 340 and
              stats["average_execution_time_ms"] == 200 and 5000 < stats["build_ms_p50"] <= 5700, stats)
        usage = ask("/accounts/alice.test.near/usage")
        equal("who paid", [usage[k] for k in ("paid_executions", "sent_executions", "charged", "paid")],
              [3, 2, "12345678901234567890124", "300000000000000000000000"])
        equal("who asked", [ask("/accounts/bob.test.near/usage")[k] for k in ("paid_executions", "sent_executions")], [0, 1])
        equal("in the reference's words", ask("/users/alice.test.near/earnings"),
              {"user_account_id": "alice.test.near", "total_executions": 3, "successful_executions": 1,
               "total_near_spent_yocto": "12345678901234567890124", "total_instructions_used": 7,
               "average_execution_time_ms": 200})
        series = ask("/stats/series?step=60")
        equal("by time", [sum(s[k] for s in series["steps"]) for k in ("executions", "refused_executions")], [3, 1])
        check("in steps", all((s["at_ms"] - series["from_ms"]) % 60000 == 0 for s in series["steps"]), series)
        last = series["steps"][-1]["at_ms"]
        until = lambda to: [s["at_ms"] for s in ask(f"/stats/series?step=60&from={last - 60000}&to={to}")["steps"]]
        check("the end is exclusive", last not in until(last) and last in until(last + 1), series)
        long_ago = last - 90 * 86400000 - 120000
        equal("long ago by the hour", ask(f"/stats/series?from={long_ago}&to={long_ago + 3600000}")["steps"], [])
        for query, words in (("step=61", "whole minutes"), ("step=3660", "whole hours"),
                             ("step=60&from=1", "1500 steps"), ("from=5&to=5", "before 'to'"),
                             (f"step=1800&from={long_ago}&to={long_ago + 3600000}", "kept for 90 days")):
            status, answer = c.call("GET", f"/public/stats/series?{query}", token=None)
            check(f"series {query}", status == 400 and words in answer["error"]["message"], answer)
        equal("in the reference's words, too", [stats[k] for k in (
            "compilation_failed_executions", "execution_failed_executions", "insufficient_payment_executions",
            "custom_executions")], [0, 1, 0, 0])
        equal("repositories are added up later", ask("/repos"), [])


def test_repositories():
    """What was run most: whoever looks for an example to trust looks here."""
    with coordinator() as c:
        ended(c, 1, charged="5", commit="c1")
        ended(c, 2, "guest_failed", failure="build")
        c.stop()
        sql(c, "UPDATE executions SET ended_ms = ended_ms - 600000 RETURNING id")
        with again(c) as d:
            check("what ended some time ago is added up",
                  kit.until(lambda: sql(d, "SELECT name FROM rollups WHERE kind = 'repo'"), 60))
            both = [d.call("GET", path, token=None)[1] for path in ("/public/repos", "/public/repos/popular?limit=5")]
            equal("under both names", both[0], both[1])
            equal("with its ends, in our words and in the reference's",
                  [[r[k] for k in ("repo", "github_repo", "total_executions", "successful_executions", "build_failures",
                                   "compilation_failed_executions", "custom_executions", "charged")] for r in both[0]],
                  [["https://example.com/a/b", "https://example.com/a/b", 2, 1, 1, 1, 0, "5"]])


def test_tags():
    """Whoever has the newest answer already does not get it again."""
    with coordinator() as c:
        c.create(1)
        for path in ("/public/executions?request_id=1", "/public/executions/outlayer.test.near/1", "/public/executions",
                     "/public/jobs", "/public/workers"):
            status, headers, body = kit.get(c.url + path)
            tag = headers["ETag"]
            check(f"{path} has a tag", status == 200 and tag, headers)
            equal(f"{path} by its tag", kit.get(c.url + path, headers={"If-None-Match": f'"other", {tag}'})[::2], (304, b""))
            equal(f"{path} by another", kit.get(c.url + path, headers={"If-None-Match": '"other"'})[0], 200)


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


# --- what accounts ask for themselves

@contextlib.contextmanager
def with_accounts(**env):
    chain = Accounts()
    try:
        with coordinator(NEAR_RPC_URL=chain.url, **env) as c:
            yield c, chain
    finally:
        chain.gate.set()
        chain.shutdown()


def by_key(c, key, path="/public/stats"):
    return kit.get(c.url + path, headers={"X-API-Key": key})


def test_api_keys():
    """The life of a key: its account alone makes, sees and ends it, and nobody can read it out of the database."""
    with with_accounts(LOG_LEVEL="debug") as (c, chain):
        alice, bob = chain.account("alice.test.near"), chain.account("bob.test.near")
        status, made, headers = alice.make(c, "my laptop")
        equal("it is made", (status, made["name"], made["key"][:12], len(made["key"]), headers["Cache-Control"]),
              (201, "my laptop", made["prefix"], 68, "no-store"))
        status, other, _ = alice.make(c, 'a "2nd"', base64_signature=True, callback="https://wallet.example/?x=1")
        equal("another, as other wallets sign", status, 201)
        bobs = bob.make(c)[1]
        status, listed, _ = alice.list(c)
        equal("the account sees its own, the newest first", (status, [k["id"] for k in listed["keys"]], listed["most"]),
              (200, [other["id"], made["id"]], 10))
        equal("and not the key", listed["keys"][1], {**{k: v for k, v in made.items() if k != "key"}, "last_used_ms": None})
        equal("it is good", by_key(c, made["key"])[0], 200)
        kept = " ".join(" ".join(row) for table in ("account_keys", "account_words") for row in sql(c, f"SELECT * FROM {table}"))
        check("the database has its hash alone", hashlib.sha256(made["key"].encode()).hexdigest() in kept and
              made["key"] not in kept and made["key"][12:] not in kept, kept)
        used = kit.until(lambda: [k["last_used_ms"] for k in alice.list(c)[1]["keys"]][1])
        check("its use is seen", used and abs(used - time.time() * 1000) < 60000, used)
        equal("another account ends it", bob.revoke(c, made["id"])[0], 404)
        equal("it is still good", by_key(c, made["key"])[0], 200)
        status, answer, _ = alice.revoke(c, made["id"])
        equal("its account ends it", (status, answer), (200, {"revoked": True}))
        equal("it is good no more", by_key(c, made["key"])[0], 401)
        equal("ended twice", alice.revoke(c, made["id"])[0], 404)
        equal("the other is good", (by_key(c, other["key"])[0], [k["id"] for k in alice.list(c)[1]["keys"]]),
              (200, [other["id"]]))
        c.kill()
        with again(c, NEAR_RPC_URL=chain.url) as d:
            equal("after a crash, too", (by_key(d, other["key"])[0], by_key(d, made["key"])[0], by_key(d, bobs["key"])[0]),
                  (200, 401, 200))
        log = c.output()
        check("the log names it and does not show it", made["id"] in log and made["key"][12:] not in log, log[-300:])


def test_keys_by_command():
    """`outlayer keys` makes, shows and ends keys with the account's key file, and says what is wrong by its status."""
    with with_accounts() as (c, chain), kit.folder() as folder:
        alice = chain.account("alice.test.near")
        file = os.path.join(folder, "alice.json")
        with open(file, "w") as f:
            json.dump({"account_id": alice.name, "public_key": alice.key.public, "private_key": alice.key.secret}, f)

        def keys(*args, key_file=file, url=c.url):
            """(exit status, standard output, standard error)"""
            done = subprocess.run([kit.program("outlayer"), "keys", *args, "--credentials", key_file, "--coordinator-url", url,
                                   "--rpc-url", chain.url, "--contract", "outlayer.test.near"], capture_output=True, text=True,
                                  timeout=60, env={"PATH": os.environ["PATH"], "HOME": folder})
            return done.returncode, done.stdout.strip(), done.stderr
        status, key, said = keys("create", "my laptop")
        check("it is made, and shown once", status == 0 and key.startswith("olk_") and len(key) == 68 and "this once" in said, said)
        equal("it is good", by_key(c, key)[0], 200)
        status, made, _ = keys("create", "ci", "--json")
        made = json.loads(made)
        equal("as JSON", (status, made["name"], len(made["key"])), (0, "ci", 68))
        status, shown, _ = keys("list")
        check("they are listed for people", status == 0 and "my laptop" in shown and made["id"] in shown and key not in shown, shown)
        equal("and as JSON", [k["name"] for k in json.loads(keys("list", "--json")[1])["keys"]], ["ci", "my laptop"])
        equal("one is ended", (keys("revoke", made["id"])[0], by_key(c, made["key"])[0], by_key(c, key)[0]), (0, 401, 200))
        equal("as JSON, too", json.loads(keys("revoke", [k["id"] for k in json.loads(keys("list", "--json")[1])["keys"]][0], "--json")[1]),
              {"revoked": True})
        equal("none are left", keys("list")[1], "alice.test.near has no keys there")
        for name, args, words in (("no action", (), "say what to do"), ("no name", ("create",), "say what to do"),
                                  ("a name of two lines", ("create", "a\nb"), "printable"), ("no number", ("revoke", "ci"), "keys list"),
                                  ("a name for a list", ("list", "ci"), "takes no name"),
                                  ("another's account", ("list", "--from", "bob.test.near"), "is of account"),
                                  ("an unknown key", ("revoke", "ab" * 8), "no API key")):
            status, out, said = keys(*args)
            check(f"{name}: status 2", status == 2 and not out and words in said, (status, out, said))
        stranger = chain.account("eve.test.near", "outlayer.test.near")
        with open(file, "w") as f:
            json.dump({"account_id": stranger.name, "public_key": stranger.key.public, "private_key": stranger.key.secret}, f)
        status, out, said = keys("list")
        check("a key that may only call a contract", status != 0 and not out and "full access" in said, (status, said))
        status, out, said = keys("list", url="http://127.0.0.1:1")
        check("a coordinator that is away: status 3", status == 3 and "cannot reach" in said, (status, said))


def test_api_key_words():
    """Nobody gets a key but by a word that a full access key of the account gave for just this, here and now."""
    with with_accounts(TRUSTED_PROXIES="127.0.0.1") as (c, chain):
        alice, eve = chain.account("alice.test.near"), chain.account("alice.test.near", "game.test.near")
        stranger = chain.account("eve.test.near")
        now, act = int(time.time() * 1000), 'make an API key named "laptop"'
        ask = lambda account, **word: account.make(c, **word)[:2]
        for name, says, got in (
                ("for another act", "over this act's", alice.asks(c, "POST", "/public/api-keys", "list API keys", {"name": "laptop"})),
                ("for another name", "over this act's", alice.asks(c, "POST", "/public/api-keys", act, {"name": "lapdog"})),
                ("for another coordinator", "gave its word to the coordinator https://evil.example", ask(alice, coordinator="https://evil.example")),
                ("for a name that begins like ours", "and this is another one", ask(alice, coordinator="http://127.0.0.1.evil.example")),
                ("with a path", "and this is another one", ask(alice, coordinator=c.url + "/x")),
                ("of another network", "over this act's", ask(alice, network="mainnet")),
                ("that is over", "is over", ask(alice, until=now - 1)),
                ("without an end", "more than 15 minutes", ask(alice, until=now + 1000000)),
                ("of another account", "over this act's", ask(stranger, account_id="alice.test.near")),
                ("of another key", "over this act's", ask(stranger, public_key=alice.key.public)),
                ("with a callback that was not signed", "over this act's", ask(alice, callback_url="https://x")),
                ("with more in it", "more", ask(alice, more=1)),
                ("with another nonce", "over this act's", ask(alice, nonce=b"n" * 32, **{"public_key": stranger.key.public}))):
            status, answer = got[:2]
            check(f"a word {name}", status in (400, 401) and says in answer["error"]["message"], got)
        equal("for all of which the chain was not asked", chain.asked, 0)
        for name, says, got in (("of a key that may only call a contract", "has no full access", ask(eve)),
                                ("of a key that the chain does not know", "the chain knows no such key",
                                 ask(type(alice)("alice.test.near", stranger.key)))):
            check(f"a word {name}", got[0] == 403 and says in got[1]["error"]["message"], got)
        for name, header in (("none", None), ("a token", f"Bearer {c.token}"), ("no base64", "NEP413 !"), ("nothing", "NEP413 "),
                             ("no object", "NEP413 W10="), ("too much", "NEP413 " + "A" * 8200)):
            for method, path, body in (("GET", "/public/api-keys", None), ("POST", "/public/api-keys", {"name": "x"}),
                                       ("DELETE", "/public/api-keys/0123456789abcdef", None)):
                status = kit.http(method, c.url + path, body, {**elsewhere(), **({"Authorization": header} if header else {})})[0]
                check(f"{method} with {name}", status in (400, 401, 413), status)
        key = alice.make(c)[1]["key"]
        status, _, _ = kit.http("GET", c.url + "/public/api-keys", headers={"X-API-Key": key})
        equal("a key shows no keys", status, 401)
        word = alice.word(act, c.url)
        twice = [kit.http("POST", c.url + "/public/api-keys", {"name": "laptop"}, {"Authorization": word})[0] for _ in range(2)]
        equal("one word makes one key", twice, [201, 409])
        for name, body in (("no name", {}), ("an empty one", {"name": ""}), ("a long one", {"name": "x" * 65}),
                           ("two lines", {"name": "a\nb"}), ("more", {"name": "a", "x": 1}), ("a list", []), ("a number", {"name": 1})):
            equal(f"{name} is refused", kit.http("POST", c.url + "/public/api-keys", body, {"Authorization": word})[0], 400)
        equal("strange numbers", [alice.revoke(c, id)[0] for id in ("x", "0123456789ABCDEF", "0" * 64)], [404] * 3)
    with with_accounts(PUBLIC_URL="https://one.example, https://two.example:8443") as (c, chain):
        alice = chain.account("alice.test.near")
        equal("as its operator says that it is known", [alice.list(c, coordinator=url)[0] for url in
              ("https://one.example", "https://two.example:8443", c.url, "https://one.example:8443")], [200, 200, 401, 401])
    for wrong in ("coordinator.example", "https://x/", "https://x,http://", "ftp://x"):
        try:
            with coordinator(PUBLIC_URL=wrong):
                check(f"PUBLIC_URL={wrong} is refused", False)
        except RuntimeError as e:
            check(f"PUBLIC_URL={wrong} is refused", "no origin" in str(e), e)


def test_api_key_limits():
    """A holder asks more often than his address may, and each account has its own limit; neither keys nor words are
    without end."""
    with with_accounts(PUBLIC_PER_MINUTE="60", API_KEY_PER_MINUTE="180") as (c, chain):
        alice, bob = chain.account("alice.test.near"), chain.account("bob.test.near")
        key, bobs = alice.make(c)[1]["key"], bob.make(c)[1]["key"]
        statuses = [kit.get(c.url + "/public/config")[0] for _ in range(15)]
        check("an address has its limit", statuses[-1] == 429, statuses)
        equal("a key's holder goes on", [by_key(c, key, "/public/config")[0] for _ in range(20)], [200] * 20)
        answers = [by_key(c, key, "/public/config") for _ in range(40)]
        refused = [a for a in answers if a[0] == 429]
        check("and has his own, which says how long to wait", refused and 1 <= int(refused[0][1]["Retry-After"]) <= 60, answers[-1])
        equal("another account has another", by_key(c, bobs, "/public/config")[0], 200)
        for name, wrong in (("that nobody made", "olk_" + "ab" * 32), ("of another form", "sesame"), ("that is a token", c.token)):
            status, _, body = by_key(c, wrong)
            check(f"a key {name}", status in (401, 429) and wrong not in body.decode(), (status, body))
        equal("an empty one is none", by_key(c, "")[0], 429)
        equal("a key is no token", c.call("GET", "/tasks/poll", token=key)[0], 401)
        equal("nor is it one beside a route's own", c.call("GET", "/tasks/poll", token=None, headers={"X-API-Key": key})[0], 401)
    with with_accounts(PUBLIC_PER_MINUTE="60", API_KEY_PER_MINUTE="12") as (c, chain):
        keys = [chain.account(f"{name}.test.near").make(c)[1]["key"] for name in ("a1", "b1", "c1", "d1", "e1", "f1")]
        statuses = [by_key(c, key, "/public/config")[0] for key in keys for _ in range(3)]
        check("an address has no more by having more accounts", statuses[:12] == [200] * 12 and 429 in statuses, statuses)
    with with_accounts() as (c, chain):
        alice = chain.account("alice.test.near")
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            statuses = sorted(s for s, _, _ in pool.map(lambda i: alice.make(c, f"k{i}"), range(13)))
        equal("an account has ten", statuses, [201] * 10 + [409] * 3)
        id = alice.list(c)[1]["keys"][0]["id"]
        equal("and another one for one that it ends", (alice.revoke(c, id)[0], alice.make(c, "next")[0]), (200, 201))
        asked = chain.asked
        answers = [alice.list(c) for _ in range(40)]
        check("words are not without end", answers[-1][0] == 429 and int(answers[-1][2]["Retry-After"]) >= 1, answers[-1])
        check("nor are questions to the chain", chain.asked - asked < 40, chain.asked - asked)


def test_execution_logs():
    """What a build and a guest said is its sender's and the operator's, of nobody else; it goes with the execution."""
    with with_accounts(ADMIN_BEARER_TOKEN="admin") as (c, chain):
        alice, bob = chain.account("alice.test.near"), chain.account("bob.test.near")
        key, bobs = alice.make(c)[1]["key"], bob.make(c)[1]["key"]
        said = {"build_log": 'cc a.c\n"ä" planted-build', "guest_stderr": "planted-guest\n" + "x\n\"" * 5000}
        ended(c, 1, **said)
        ended(c, 2, guest_stderr="", build_log=None)
        c.create(3)
        path = lambda n, contract="outlayer.test.near": f"/public/executions/{contract}/{n}/logs"
        ask = lambda headers, n=1: c.call("GET", path(n), token=None, headers=headers)
        equal("the sender sees it", ask({"X-API-Key": key}), (200, said))
        equal("nobody keeps it", kit.get(c.url + path(1), headers={"X-API-Key": key})[1]["Cache-Control"], "no-store")
        none = {"build_log": None, "guest_stderr": None}
        equal("where nothing was said", [ask({"X-API-Key": key}, n) for n in (2, 3)],
              [(200, {**none, "guest_stderr": ""}), (200, none)])
        equal("others do not", [ask(h)[0] for h in ({"X-API-Key": bobs}, {}, {"X-API-Key": ""}, {"X-API-Key": "olk_" + "ab" * 32},
                                                    {"Authorization": f"Bearer {c.token}"}, {"Authorization": "Bearer admin"})],
              [403, 401, 401, 401, 401, 401])
        equal("of none that is known", [c.call("GET", path(*p), token=None, headers={"X-API-Key": key})[0]
                                        for p in ((9,), (1, "other.near"), ("x",))], [404, 404, 400])
        shown = " ".join(json.dumps(c.call("GET", p, token=None)[1]) for p in (
            "/public/executions", "/public/jobs", "/public/executions/outlayer.test.near/1"))
        check("nor does any list show it", "planted" not in shown and "guest_stderr" not in shown)
        admin = lambda n, token: kit.http("GET", f"{c.status_url}/admin/logs/outlayer.test.near/{n}",
                                          headers={"Authorization": f"Bearer {token}"} if token else {})
        equal("the operator does", (admin(1, "admin")[0], json.loads(admin(1, "admin")[2])), (200, said))
        equal("with his token alone", (admin(1, None)[0], admin(1, c.token)[0], admin(1, key)[0], admin(9, "admin")[0]),
              (401, 401, 401, 404))
        c.create(4)
        number, token = next((n, t) for n, t in (c.lease() for _ in range(2)) if n == 4)
        for name, wrong in (("too much", {"build_log": "x" * 16385}), ("no text", {"guest_stderr": 1}),
                            ("a NUL", {"guest_stderr": "a\0b"})):
            equal(f"{name} is refused", c.complete(4, token, **wrong)[0], 400)
        equal("a lease of another says nothing", (c.complete(4, "x" * 32, **said)[0], ask({"X-API-Key": key}, 4)[1]), (409, none))
        equal("as much as it may be", c.complete(4, token, build_log="\"" * 16384, guest_stderr="\n" * 16384), (200, {"changed": True}))
        equal("the same report again", c.complete(4, token, build_log="another"), (200, {"changed": False}))
        equal("changes nothing", ask({"X-API-Key": key}, 4)[1]["build_log"], "\"" * 16384)
        c.kill()
        sql(c, "DELETE FROM executions WHERE request_id = 1")
        equal("they go together", [r[0] for r in sql(c, "SELECT count(*) FROM execution_logs")], ["2"])
        sql(c, "UPDATE executions SET state = NULL WHERE request_id = 4")
        equal("and when another one takes its place", [r[0] for r in sql(c, "SELECT count(*) FROM execution_logs")], ["1"])


def test_secrets_audit():
    """Who asked for an account's secrets is shown to that account, by its key or its word, and to nobody who names it."""
    keystore = Keystore()
    answer = {"owner": "alice.test.near", "lines": ['{"n":1}'], "next": None, "identity": "ed25519:x", "signature": "ed25519:x"}
    keystore.answer = (200, json.dumps(answer).encode())
    nonce, asked = "ab" * 32, lambda: json.loads(keystore.asked.pop()[3])
    with with_accounts(KEYSTORE_BASE_URL=keystore.url, KEYSTORE_AUTH_TOKEN="t") as (c, chain):
        alice, bob = chain.account("alice.test.near"), chain.account("bob.test.near")
        key, act = alice.make(c)[1]["key"], "show who asked for secrets"
        ask = lambda body, **headers: c.call("POST", "/secrets/audit", body, token=None, headers=headers)
        equal("by a key", ask({"nonce": nonce, "before": 7}, **{"X-API-Key": key}), (200, answer))
        equal("the keystore is asked as the coordinator", keystore.asked[-1][:3], ("POST", "/audit", "Bearer t"))
        equal("for the key's account", asked(), {"owner": "alice.test.near", "nonce": nonce, "before": 7})
        equal("by his word", bob.asks(c, "POST", "/secrets/audit", act, {"nonce": nonce})[:2], (200, answer))
        equal("for who gave it", asked(), {"owner": "bob.test.near", "nonce": nonce})
        for name, body in (("another's", {"nonce": nonce, "owner": "bob.test.near"}), ("no nonce", {}), ("a short one", {"nonce": "ab"}),
                           ("a page before all", {"nonce": nonce, "before": -1}), ("no object", [])):
            equal(f"{name} is refused", ask(body, **{"X-API-Key": key})[0], 400)
        for name, headers in (("nobody", {}), ("a token", {"Authorization": f"Bearer {c.token}"}),
                              ("a wrong key", {"X-API-Key": "olk_" + "ab" * 32}),
                              ("a word for something else", {"Authorization": alice.word("list API keys", c.url)})):
            equal(f"{name} is not answered", ask({"nonce": nonce}, **headers)[0], 401)
        equal("nor is the keystore asked", keystore.asked, [])
    with with_accounts() as (c, chain):
        alice = chain.account("alice.test.near")
        equal("without a keystore", alice.asks(c, "POST", "/secrets/audit", act, {"nonce": nonce})[0], 503)
    keystore.shutdown()


def test_api_keys_without_a_chain():
    """Whom nobody can vouch for is refused for now, and nothing hangs."""
    with with_accounts() as (c, chain):
        alice = chain.account("alice.test.near")
        key = alice.make(c)[1]["key"]
        chain.down = True
        check("a chain that does not answer", (status := alice.make(c)[0]) in (503, 504), status)
        equal("a key is good meanwhile", by_key(c, key)[0], 200)
        chain.down = False
        equal("and then again", alice.make(c)[0], 201)
        chain.gate.clear()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waits = pool.submit(alice.make, c)
            equal("nobody waits for whom the chain waits", by_key(c, key)[0], 200)
            chain.gate.set()
            equal("who waited is served", waits.result(kit.PATIENCE_SECONDS)[0], 201)
    with coordinator() as c:
        equal("without an RPC server", (Accounts().account("a.near").make(c)[0],
                                        c.call("GET", "/public/config", token=None)[1]["api_keys"]), (503, False))


if __name__ == "__main__":
    kit.main(globals())
