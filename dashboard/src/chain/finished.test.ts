// SPDX-License-Identifier: Apache-2.0
// A chain that is asked by the second refuses whoever asks so often; one that is asked too seldom keeps people waiting.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { fakeTime } from "./fakes.ts";
import { finished } from "./finished.ts";

const outcome = (receipt_ids: string[], status: object) => ({ executor_id: "c", logs: [], receipt_ids, status });
const done = (status: object = { SuccessValue: "" }) => ({
  result: {
    transaction: { hash: "h", signer_id: "a", receiver_id: "c", actions: [] },
    transaction_outcome: { id: "h", outcome: outcome(["r"], { SuccessReceiptId: "r" }) },
    receipts: [{ receipt_id: "r" }],
    receipts_outcome: [{ id: "r", outcome: outcome([], status) }],
  },
});
const refusal = (name: string) => ({ error: { message: "Server error", cause: { name } } });

// A node that answers what `said` has for each question, after so many milliseconds; the pauses that are made between them.
function node(t: TestContext, said: (n: number) => [afterMs: number, answer: object]) {
  const { pass, pauses } = fakeTime(t);
  let asked = 0;
  t.mock.method(globalThis, "fetch", async (_: string, { body }: { body: string }) => {
    const [after, answer] = said(asked++);
    assert.equal((JSON.parse(body) as { params: { wait_until: string } }).params.wait_until, "FINAL");
    pass(after);
    return Response.json(answer);
  });
  return { pauses, asked: () => asked };
}

test("a question that has waited at the node is asked again at once, any other one a second later", async (t) => {
  const { pauses } = node(
    t,
    (n) =>
      (
        [
          [10_000, refusal("TIMEOUT_ERROR")],
          [10, refusal("UNKNOWN_TRANSACTION")],
          [5000, done()],
        ] as const
      )[n] as [number, object],
  );
  assert.equal((await finished(["http://rpc"], "h", "a")).transaction.hash, "h");
  assert.deepEqual(pauses, [990]);
});

test("a transaction of which nobody tells is waited for a minute", async (t) => {
  const { asked } = node(t, () => [10_000, refusal("TIMEOUT_ERROR")]);
  await assert.rejects(finished(["http://rpc"], "h", "a"), /nobody says what became of transaction h/);
  assert.equal(asked(), 6);
});

test("one that failed is told at once, in the contract's words", async (t) => {
  const failure = { Failure: { ActionError: { kind: { FunctionCallError: { ExecutionError: "no such row" } } } } };
  node(t, () => [10, done(failure)]);
  await assert.rejects(finished(["http://rpc"], "h", "a"), /no such row/);
});
