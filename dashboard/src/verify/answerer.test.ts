// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ExecutionDetail } from "../api/schema.ts";
import type { Answered } from "../chain/events.ts";
import { toBase64 } from "../format/bytes.ts";
import { answererCheck } from "./answerer.ts";
import { answering, hash, signal } from "./fakes.ts";

interface World {
  args: string;
  method: string;
  status: object | null; // of the receipt that calls the contract; null: it has not run
  answered: object;
}
const ended = { success: true, wasm_hash: hash("w"), attestation_digest: hash("d"), output_hash: hash("out") };
const response = (output: string) =>
  `{"success":true,"wasm_hash":"${hash("w")}","attestation_digest":"${hash("d")}","output":${output}}`;
const argsWith = (output: string) => `{"request_id":3,"response":${response(output)}}`;

// What is found of an answer whose transaction is like that.
async function judge({ args = argsWith('{"Text":"out"}'), method = "resolve_execution", ...world }: Partial<World>) {
  const call = { method_name: method, args: toBase64(new TextEncoder().encode(args)), gas: 1, deposit: "0" };
  const status = world.status === undefined ? { SuccessValue: "" } : world.status;
  const transaction = {
    transaction: {
      hash: "h",
      signer_id: "o.near",
      public_key: "ed25519:k",
      receiver_id: "c.near",
      actions: [{ FunctionCall: call }],
    },
    transaction_outcome: { id: "h", outcome: { receipt_ids: ["r"], status: { SuccessReceiptId: "r" }, logs: [] } },
    receipts: [],
    receipts_outcome: status ? [{ id: "r", block_hash: "b", outcome: { receipt_ids: [], status, logs: [] } }] : [],
  };
  answering({ get_operators: ["o.near"], query: transaction });
  const detail = { contract_id: "c.near", request_id: 3, resolve_tx_id: "h" } as unknown as ExecutionDetail;
  const answered = { outcome: { block_hash: "e" }, data: { ...ended, ...world.answered } } as unknown as Answered;
  return answererCheck(["http://rpc"], detail, answered, signal);
}
const verdict = async (world: Partial<World>) => (await judge(world)).check.verdict;

test("who answered is who signed a call that the contract took", async () => {
  const { check, answerer } = await judge({});
  assert.deepEqual([check.verdict, answerer?.key, answerer?.block], ["passed", "ed25519:k", "e"]);
  assert.equal(await verdict({ status: { SuccessReceiptId: "s" } }), "passed");
  assert.equal(await verdict({ method: "other" }), "failed");
  assert.equal(await verdict({ args: argsWith("null").replace(":3", ":4") }), "failed");
  assert.equal(await verdict({ answered: { success: false } }), "failed");
});

test("a call that the contract refused answered nothing", async () => {
  const refused = await judge({ status: { Failure: { ActionError: {} } } });
  assert.deepEqual([refused.check.verdict, refused.answerer], ["failed", null]);
  for (const status of [null, {}]) {
    const unknown = await judge({ status });
    assert.deepEqual([unknown.check.verdict, unknown.answerer], ["unchecked", null]);
  }
});

test("the output that a call carries is the one that was taken", async () => {
  assert.equal(await verdict({ args: argsWith('{"Text":"\\u006fut"}') }), "passed");
  assert.equal(await verdict({ args: argsWith('{"Text":"Out"}') }), "failed");
  assert.equal(await verdict({ args: argsWith("null") }), "passed"); // it was stored before
  const bytes = { output_hash: hash(Uint8Array.of(0, 255)) };
  assert.equal(await verdict({ args: argsWith('{"Bytes":[0,255]}'), answered: bytes }), "passed");
  assert.equal(await verdict({ args: argsWith('{"Bytes":[0,254]}'), answered: bytes }), "failed");
  const text = '{"n": 18446744073709551615}';
  assert.equal(await verdict({ args: argsWith(`{"Json":${text}}`), answered: { output_hash: hash(text) } }), "passed");
  assert.equal(await verdict({ args: argsWith('{"Json":{}}'), answered: { output_hash: hash(text) } }), "failed");
  const flat = response('{"Text":"out"}').replace("{", '{"request_id":3,');
  const method = "submit_execution_output_and_resolve";
  assert.equal(await verdict({ args: flat, method }), "passed");
  assert.equal(await verdict({ args: flat.replace('"out"', '"Out"'), method }), "failed");
});
