// SPDX-License-Identifier: Apache-2.0
// Whoever is shown another request as the one that his wallet said nothing of believes an answer that is not his.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Execution } from "../../api/schema.ts";
import { argumentsOf, EMPTY, requestOf } from "./draft.ts";
import { candidates, isAsked, type LostRequest } from "./lost.ts";

const draft = { ...EMPTY, repo: "a/b", input: '{"n":18446744073709551615}' };
const lost: LostRequest = {
  sender: "me.near",
  callee: null,
  args: argumentsOf(draft),
  after: 5,
  but: null,
  said: "",
};
const row = (id: number | string, transaction_hash: string | null = `t${id}`) =>
  ({ id, transaction_hash }) as Execution;
const ids = (rows: Execution[]) => rows.map(({ id }) => id);

test("an execution that was there before is never the lost request's", () => {
  assert.deepEqual(ids(candidates([row(7), row(6), row(5), row(4)], lost)), [7, 6]);
  const large = { ...lost, after: "9007199254740993" };
  assert.deepEqual(ids(candidates([row("9007199254740994"), row("9007199254740993")], large)), ["9007199254740994"]);
});

test("nothing is the lost request's where nobody knows what was there before", () => {
  assert.deepEqual(candidates([row(7), row(6)], { ...lost, after: null }), []);
});

test("nor is what was followed already, or has no transaction yet", () => {
  assert.deepEqual(ids(candidates([row(7), row(6), row(8, null)], { ...lost, but: "t7" })), [6]);
});

test("nor what the account asked for otherwise meanwhile", () => {
  assert.ok(isAsked(lost, requestOf(draft, "me.near", "5")));
  for (const change of [{ repo: "a/c" }, { input: "{}" }, { commit: "dev" }, { memory: "64" }, { format: "Json" }])
    assert.ok(!isAsked(lost, requestOf({ ...draft, ...change }, "me.near", "5")), JSON.stringify(change));
});
