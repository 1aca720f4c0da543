// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Example } from "../../api/schema.ts";
import { callDraftOf, callProblems, draftOfExample, walletArguments } from "./call_draft.ts";
import { EMPTY, problemsOf } from "./draft.ts";

const request = {
  repo: "a/b",
  commit: "main",
  build_target: "wasm32-wasip2",
  input: '{"n":18446744073709551615}',
  response_format: "Json",
  secrets_ref: null,
  resource_limits: null,
} as const;
const example = { id: "x", title: "X", what: null, request, call: null } as Example;

test("an example fills the form with all that it says, and no more", () => {
  const draft = draftOfExample(example);
  assert.deepEqual(draft, { ...EMPTY, repo: "a/b", target: "wasm32-wasip2", format: "Json", input: request.input });
  assert.deepEqual(problemsOf(draft, null), {});
  const resource_limits = { max_instructions: "5", max_memory_mb: 6, max_execution_seconds: 7 };
  const secrets_ref = { account_id: "o.near", profile: "p" };
  const full = draftOfExample({ ...example, request: { ...request, resource_limits, secrets_ref } as never });
  assert.deepEqual(
    [full.instructions, full.memory, full.seconds, full.owner, full.profile],
    ["5", "6", "7", "o.near", "p"],
  );
});

test("a call keeps its amounts to the last digit", () => {
  const call = { contract_id: "flip.near", method_name: "flip", args: '{"choice":"Heads"}' };
  const draft = callDraftOf({ ...call, deposit: "10000000000000000000001", gas: 300_000_000_000_000 });
  assert.deepEqual(draft, { args: call.args, deposit: "0.010000000000000000000001", tgas: "300" });
  assert.deepEqual(callProblems(draft, true), {});
  assert.equal(callDraftOf({ ...call, deposit: "1", gas: 1 }).tgas, "1");
  const large = callDraftOf({ ...call, deposit: "1000000000000000000000000000", gas: 1 });
  assert.deepEqual([large.deposit, callProblems(large, false)], ["1000", {}]);
});

test("what is wrong with a call is said at its field", () => {
  const good = { args: "{}", deposit: "0", tgas: "300" };
  for (const [change, field] of [
    [{ args: "[]" }, "args"],
    [{ args: "{" }, "args"],
    [{ deposit: "1e3" }, "deposit"],
    [{ tgas: "301" }, "tgas"],
    [{ tgas: "0" }, "tgas"],
    [{ tgas: "1.5" }, "tgas"],
  ] as const)
    assert.deepEqual(Object.keys(callProblems({ ...good, ...change }, false)), [field], JSON.stringify(change));
});

test("a wallet is given all but blanks, or nothing", () => {
  const draft = (args: string) => ({ args, deposit: "0", tgas: "300" });
  const args = '{ "a b": [ 1, -0.5, "\\u00fc", "\\"", null ],\n "2": { "1": true }, "3": {} }';
  assert.deepEqual(callProblems(draft(args), true), {});
  assert.equal(walletArguments(args), '{"2":{"1":true},"3":{},"a b":[1,-0.5,"ü","\\"",null]}');
  for (const [changed, lost] of [
    ['{"a":18446744073709551615}', "18446744073709551615"],
    ['{"a":[1,1.0]}', "1.0"],
    ['{"a":1e400}', "1e400"],
    ['{"a":1, "\\u0061":2}', "1"],
    ['{"a":1, "\\u0061":1}', '"a"'],
  ] as const) {
    assert.ok(callProblems(draft(changed), true).args?.includes(` ${lost}:`), changed);
    assert.deepEqual(callProblems(draft(changed), false), {}, changed);
  }
});
