// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { completedIn, requestedIn, yieldsIn } from "./events.ts";
import { outputOf, valueOf } from "./output.ts";
import { priceLines, sumOf } from "./price.ts";
import { endWithoutRequest, receiptTree, type Outcome, type Transaction } from "./transaction.ts";

const CONTRACT = "outlayer.test.near";
const base64 = (text: string) => Buffer.from(text).toString("base64");

function event(name: string, data: object): string {
  return `EVENT_JSON:${JSON.stringify({ standard: "near-outlayer", version: "1.0.0", event: name, data: [data] })}`;
}

function outcome(id: string, more: Partial<Outcome["outcome"]> = {}): Outcome {
  return {
    id,
    block_hash: "b",
    outcome: {
      executor_id: CONTRACT,
      gas_burnt: 1,
      logs: [],
      receipt_ids: [],
      status: { SuccessValue: "" },
      tokens_burnt: "0",
      ...more,
    },
  };
}

function transaction(outcomes: Outcome[]): Transaction {
  return {
    transaction: { hash: "h", signer_id: "alice.near", receiver_id: "flip.near", actions: [] },
    transaction_outcome: outcome("h", { receipt_ids: outcomes[0] ? [outcomes[0].id] : [] }),
    receipts: outcomes.slice(1).map(({ id }) => ({
      receipt_id: id,
      predecessor_id: CONTRACT,
      receiver_id: CONTRACT,
      receipt: { Action: { actions: ["CreateAccount"], signer_id: "alice.near" } },
    })),
    receipts_outcome: outcomes,
  };
}

const REQUESTED = event("execution_requested", {
  request_data: '{"request_id":18446744073709551615,"sender_id":"flip.near","input_data":"x","payment":"7"}',
});
const COMPLETED = event("execution_completed", { request_id: 4, success: true, payment_charged: "1" });

test("a request is found by its number, at any size", () => {
  const found = requestedIn(transaction([outcome("a", { logs: ["x", REQUESTED] })]), CONTRACT, "18446744073709551615");
  assert.equal(found?.data.input_data, "x");
  assert.equal(requestedIn(transaction([outcome("a", { logs: [REQUESTED] })]), CONTRACT, "1"), null);
});

test("a failed receipt is a refusal where it is the call itself, and else an end when nothing is to come", () => {
  const Failure = { Failure: {} };
  const called = (status: Outcome["outcome"]["status"], ...receipt_ids: string[]) =>
    outcome("a", { executor_id: "flip.near", status, receipt_ids });
  const passed = called({ SuccessReceiptId: "c" }, "b", "c");
  const failed = outcome("b", { status: Failure });
  assert.equal(endWithoutRequest(transaction([called(Failure, "refund")])), "refused");
  assert.equal(endWithoutRequest(transaction([passed, failed])), null);
  assert.equal(endWithoutRequest(transaction([passed, failed, outcome("c")])), "failed");
  assert.equal(endWithoutRequest(transaction([called({ SuccessValue: "" })])), "silent");
  assert.equal(endWithoutRequest(transaction([])), null);
});

test("what others or failed calls log is nobody's event", () => {
  const elsewhere = outcome("a", { executor_id: "evil.near", logs: [COMPLETED] });
  const failed = outcome("b", { status: { Failure: {} }, logs: [COMPLETED] });
  const broken = outcome("c", {
    logs: ["EVENT_JSON:{", 'EVENT_JSON:{"standard":"near-outlayer","event":"execution_completed"}'],
  });
  assert.equal(completedIn(transaction([elsewhere, failed, broken]), CONTRACT, "4"), null);
  assert.equal(
    completedIn(transaction([elsewhere, outcome("d", { logs: [COMPLETED] })]), CONTRACT, "4")?.outcome.id,
    "d",
  );
});

test("each yield of a request is known, and none of another one", () => {
  const yielded = (n: number) => Array.from({ length: 32 }, () => n);
  const logs = [
    event("execution_requested", { request_data: '{"request_id":4}', data_id: yielded(1) }),
    event("execution_extended", { request_id: 4, data_id: yielded(255) }),
    event("execution_extended", { request_id: 5, data_id: yielded(3) }),
    event("execution_extended", { request_id: 4, data_id: [1] }),
    event("execution_extended", { request_id: 4, data_id: yielded(256) }),
  ];
  assert.deepEqual(yieldsIn(transaction([outcome("a", { logs })]), CONTRACT, "4"), ["01".repeat(32), "ff".repeat(32)]);
});

test("receipts are a tree, also where a node names one twice or none of its parents", () => {
  const tree = receiptTree(
    transaction([
      outcome("a", { receipt_ids: ["b", "c"] }),
      outcome("b", { receipt_ids: ["a", "b"] }),
      outcome("c"),
      outcome("d"),
    ]),
  );
  assert.deepEqual(
    tree.map(({ id, children }) => [id, children.map((child) => [child.id, child.children.length])]),
    [
      [
        "a",
        [
          ["b", 0],
          ["c", 0],
        ],
      ],
      ["d", []],
    ],
  );
});

test("outputs are what the request's format says", () => {
  const value = (text: string) => valueOf(outcome("a", { status: { SuccessValue: base64(text) } }));
  assert.deepEqual(outputOf(value('"ü\\n"'), "Text"), { kind: "text", text: "ü\n" });
  assert.deepEqual(outputOf(value('"AP8="'), "Bytes"), { kind: "bytes", bytes: new Uint8Array([0, 255]) });
  assert.deepEqual(outputOf(value('{"n":18446744073709551615}'), "Json"), {
    kind: "json",
    text: '{\n  "n": 18446744073709551615\n}',
  });
  assert.deepEqual(outputOf(value('{"success":true,"output":"x","resources_used":{}}'), "Text"), {
    kind: "text",
    text: "x",
  });
  for (const none of ["null", "", "7"]) assert.equal(outputOf(value(none), "Text"), null);
  assert.equal(outputOf(value('"***"'), "Bytes"), null);
});

test("an output that is nested without end is shown, and does not fill the memory", () => {
  for (const depth of [100, 8000, 500_000]) {
    const value = "[".repeat(depth) + "]".repeat(depth);
    assert.deepEqual(outputOf(value, "Json"), { kind: "json", text: value });
  }
});

test("the price is the contract's formula", () => {
  const lines = priceLines(["1000", "3", "5", "7"], { instructions: "2999999", time_ms: 10, compile_time_ms: null });
  assert.deepEqual(
    lines.map((line) => line.sum),
    [1000n, 6n, 50n, 0n],
  );
  assert.equal(sumOf(lines), 1056n);
});
