// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { argumentsOf, depositOf, draftOf, EMPTY, eventBytes, limitsOf, problemsOf, requestOf } from "./draft.ts";

const LIMITS = { instructions: 100_000_000_000n, seconds: 60n, memory: 1024n };
const good = { ...EMPTY, repo: "a/b" };

test("a whole draft has no problem", () => {
  assert.deepEqual(problemsOf(good, LIMITS), {});
  assert.deepEqual(problemsOf({ ...good, owner: "alice.near", profile: "prod", deposit: "0.5" }, LIMITS), {});
});

test("what is wrong is said at its field, before anything is signed", () => {
  for (const [change, field] of [
    [{ repo: " " }, "repo"],
    [{ repo: "a b" }, "repo"],
    [{ commit: "" }, "commit"],
    [{ input: "\0" }, "input"],
    [{ input: '"'.repeat(4000) }, "input"],
    [{ owner: "Alice.near", profile: "p" }, "owner"],
    [{ owner: "alice.near" }, "profile"],
    [{ profile: "p" }, "owner"],
    [{ profile: "a b", owner: "alice.near" }, "profile"],
    [{ deposit: "1e3" }, "deposit"],
    [{ instructions: "100000000001" }, "instructions"],
    [{ instructions: "1.5" }, "instructions"],
    [{ memory: "0" }, "memory"],
    [{ seconds: "61" }, "seconds"],
  ] as const)
    assert.deepEqual(Object.keys(problemsOf({ ...good, ...change }, LIMITS)), [field], JSON.stringify(change));
});

test("the input goes as it was typed", () => {
  const input = '{ "n": 18446744073709551615,\t"s": "ü" }\n';
  assert.equal(JSON.parse(argumentsOf({ ...good, input })).input_data, input);
});

test("the length in the event is what the contract's page says", () => {
  assert.equal(eventBytes("a"), 1);
  assert.equal(eventBytes('"'), 4);
  assert.equal(eventBytes("\\"), 4);
  assert.equal(eventBytes("\n"), 3);
  assert.equal(eventBytes("\u0001"), 7);
});

test("the deposit is what was typed, else the estimate or more", () => {
  assert.equal(depositOf({ ...good, deposit: "2" }, "1"), "2000000000000000000000000");
  assert.equal(depositOf(good, "1"), "100000000000000000000000");
  assert.equal(depositOf(good, "200000000000000000000000"), "200000000000000000000000");
});

test("a request that was made before is asked again as it was", () => {
  const again = draftOf({
    request_id: 1,
    sender_id: "a",
    code_source: { repo: "r", commit: "c", build_target: null },
    resource_limits: { max_instructions: "5" },
    input_data: "x",
    secrets_ref: { profile: "p", account_id: "o.near" },
  });
  assert.deepEqual([again.repo, again.target, again.instructions, again.owner], ["r", "wasm32-wasip1", "5", "o.near"]);
  assert.equal(limitsOf({ ...again, memory: "x" }), null);
});

test("a choice that this page does not show is not sent", () => {
  const named = { repo: "r", commit: "c", build_target: "wasm32-other" };
  const again = draftOf({ request_id: 1, sender_id: "a", code_source: named, response_format: "Hidden" });
  assert.deepEqual([again.target, again.format], [EMPTY.target, EMPTY.format]);
});

test("limits that are no numbers are never left out, also while the contract's are not known", () => {
  for (const change of [{ instructions: "1e9" }, { memory: "" }, { seconds: "1000000000000000" }])
    assert.equal(Object.keys(problemsOf({ ...good, ...change }, null)).length, 1, JSON.stringify(change));
  assert.deepEqual(problemsOf(good, null), {});
});

test("what becomes a command is what is sent", () => {
  const input = '{"n":18446744073709551615}';
  const request = requestOf({ ...good, input, owner: "o.near", profile: "p" }, "me.near", "5");
  assert.deepEqual([request.input_data, request.sender_id, request.payment], [input, "me.near", "5"]);
  assert.deepEqual(draftOf(request), { ...good, input, owner: "o.near", profile: "p" });
});
