// SPDX-License-Identifier: Apache-2.0
// A coordinator that lies about an execution is found out by what the chain has of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { differences, type Said } from "./compare.ts";
import type { Answered, Asked, Completed, RequestData } from "./events.ts";
import type { Outcome } from "./transaction.ts";

const asked = {
  outcome: {} as Outcome,
  data: {
    request_id: 7,
    sender_id: "flip.near",
    payer_account_id: "alice.near",
    payment: "100",
    code_source: { repo: "a/b", commit: "main" },
  } satisfies RequestData,
} as Asked;
const answered = {
  outcome: {} as Outcome,
  data: {
    success: true,
    failure: null,
    payment_charged: "340282366920938463463374607431768211455",
    payment_refunded: "0",
    resources_used: { instructions: "18446744073709551615", time_ms: 5, compile_time_ms: null },
    output_hash: "aa",
    output_length: 3,
    wasm_hash: "bb",
  } as Completed,
} as Answered;
const honest = {
  sender_id: "flip.near",
  payer_id: "alice.near",
  payment: "100",
  repo: "a/b",
  ref: "main",
  outcome: "success",
  charged: "340282366920938463463374607431768211455",
  refunded: "0",
  instructions: "18446744073709551615",
  time_ms: 5,
  compile_time_ms: 0,
  output_hash: "aa",
  output_bytes: 3,
  wasm_hash: "bb",
} as Said;

test("a coordinator that says what the chain has, or less, is not blamed", () => {
  assert.deepEqual(differences(honest, asked, answered), []);
  assert.deepEqual(differences({ outcome: null, charged: undefined } as Said, asked, answered), []);
  assert.deepEqual(differences({ ...honest, outcome: "expired" }, asked, null), []);
});

test("each lie is named", () => {
  const lies: [string, Partial<Said>][] = [
    ["Asked by", { sender_id: "eve.near" }],
    ["Paid by", { payer_id: "eve.near" }],
    ["Attached", { payment: "101" }],
    ["Repository", { repo: "a/c" }],
    ["Branch, tag or commit", { ref: "mein" }],
    ["Outcome", { outcome: "expired" }],
    ["Failure", { outcome: "guest_failed", failure: "guest" }],
    ["Charged", { charged: "340282366920938463463374607431768211454" }],
    ["Refunded", { refunded: "1" }],
    ["Instructions", { instructions: "18446744073709551614" }],
    ["ms of running", { time_ms: 6 }],
    ["ms of building", { compile_time_ms: 1 }],
    ["Output (SHA-256)", { output_hash: "ab" }],
    ["Bytes of output", { output_bytes: 4 }],
    ["Module (SHA-256)", { wasm_hash: "bc" }],
  ];
  for (const [what, lie] of lies) {
    const found = differences({ ...honest, ...lie }, asked, answered);
    assert.ok(
      found.some((one) => one.what === what),
      what,
    );
    assert.equal(found.length, what === "Failure" ? 2 : 1, what);
  }
});

test("an end that the chain does not have is a lie", () => {
  assert.deepEqual(differences(honest, asked, null), [{ what: "Outcome", said: "success", chain: "nothing" }]);
});
