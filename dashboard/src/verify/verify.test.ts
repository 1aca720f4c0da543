// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";
import type { BuildRecord, ExecutionDetail } from "../api/schema.ts";
import type { Answered, Asked } from "../chain/events.ts";
import { base58 } from "../format/base58.ts";
import { toBase64 } from "../format/bytes.ts";
import { buildCheck, moduleCheck, recordBytes } from "./module.ts";
import { answering, hash, signal } from "./fakes.ts";
import { answerCheck, inputCheck, outputBytes, outputCheck, requestCheck } from "./request.ts";
import { groundKey, verify, type Ground } from "./run.ts";

const limits = { max_instructions: 5, max_memory_mb: 6, max_execution_seconds: 7 };
const detail = {
  contract_id: "c.near",
  request_id: 3,
  sender_id: "s.near",
  payer_id: "s.near",
  payment: "9",
  repo: "h/o/n",
  ref: "main",
  commit: "a".repeat(40),
  build_target: "wasm32-wasip1",
  build_key: hash("k"),
  resource_limits: limits,
  secrets_ref: null,
  response_format: "Text",
  outcome: "success",
  charged: "1",
  refunded: "8",
  wasm_hash: hash("wasm"),
  output_hash: hash("out"),
  instructions: 4,
  time_ms: 2,
  digest_parts: { input_hash: hash("in"), build_target: "wasm32-wasip1" },
} as unknown as ExecutionDetail;
const asked = {
  data: {
    request_id: 3,
    sender_id: "s.near",
    payer_account_id: "s.near",
    payment: "9",
    code_source: { repo: "h/o/n", commit: "main", build_target: "wasm32-wasip1" },
    resource_limits: limits,
    input_data: "in",
    response_format: "Text",
  },
} as unknown as Asked;

function answeredWith(value: string, more: object = {}): Answered {
  return {
    outcome: { outcome: { status: { SuccessValue: toBase64(new TextEncoder().encode(value)) } } },
    data: {
      success: true,
      payment_charged: "1",
      payment_refunded: "8",
      wasm_hash: hash("wasm"),
      output_hash: hash("out"),
      resources_used: { instructions: 4, time_ms: 2 },
      ...more,
    },
  } as unknown as Answered;
}

test("what the coordinator says otherwise than the chain is named", async () => {
  assert.equal(requestCheck(detail, asked, true).verdict, "passed");
  for (const [change, name] of [
    [{ sender_id: "x.near" }, "sender"],
    [{ payment: "10" }, "payment"],
    [{ ref: "other" }, "branch"],
    [{ resource_limits: { ...limits, max_memory_mb: 8 } }, "memory"],
    [{ secrets_ref: { profile: "p", account_id: "a.near" } }, "secrets"],
  ] as const) {
    const { verdict, text } = requestCheck({ ...detail, ...change } as ExecutionDetail, asked, true);
    assert.ok(verdict === "failed" && text.includes(name), text);
  }
  assert.equal(requestCheck(detail, null, true).verdict, "failed");
  assert.equal((await inputCheck(detail, asked)).verdict, "passed");
  const other = { ...detail, digest_parts: { ...detail.digest_parts, input_hash: hash("other") } };
  assert.equal((await inputCheck(other, asked)).verdict, "failed");
});

test("an answer is the chain's, or it is told", () => {
  const answered = answeredWith('"out"');
  assert.equal(answerCheck(detail, answered, true).verdict, "passed");
  for (const change of [{ charged: "2" }, { wasm_hash: hash("x") }, { outcome: "guest_failed" }, { instructions: 5 }])
    assert.equal(answerCheck({ ...detail, ...change } as ExecutionDetail, answered, true).verdict, "failed");
  assert.equal(answerCheck(detail, null, true).verdict, "failed");
  assert.equal(answerCheck({ ...detail, outcome: "expired" }, null, true).verdict, "unchecked");
});

// The transaction as a node has it that has come so far: 0 receipts have run, 1 of them, or all.
function groundAt(ran: number): Ground {
  const outcome = (id: string, receipt_ids: string[], event: string, data: object) => ({
    id,
    outcome: {
      executor_id: "c.near",
      status: { SuccessValue: "" },
      receipt_ids,
      logs: [`EVENT_JSON:${JSON.stringify({ standard: "near-outlayer", event, data: [data] })}`],
    },
  });
  const receipts_outcome = [
    outcome("r", ["y"], "execution_requested", { request_data: JSON.stringify(asked.data) }),
    outcome("y", [], "execution_completed", { ...answeredWith("").data, request_id: 3 }),
  ].slice(0, ran);
  const transaction = {
    transaction: { hash: "h", signer_id: "s.near", receiver_id: "c.near", actions: [] },
    transaction_outcome: outcome("h", ["r"], "none", {}),
    receipts: [],
    receipts_outcome,
  } as unknown as Ground["transaction"];
  return { urls: ["http://rpc"], config: { network: "devnet" } as Ground["config"], detail, transaction };
}

test("what the chain's node does not have yet is waited for, and found anew when it comes", async () => {
  answering({});
  const judge = async (ground: Ground) => {
    const { checks } = await verify(ground, signal);
    const of = (title: string) => checks.find((check) => check.title === title)!;
    return [of("The request"), of("The answer")] as const;
  };
  const keys = [0, 1, 2].map((ran) => JSON.stringify(groundKey(groundAt(ran))));
  assert.equal(new Set(keys).size, 3);
  const known = { ...groundAt(2), detail: { ...detail, resolve_tx_id: "later" } };
  assert.notEqual(JSON.stringify(groundKey(known)), keys[2]);
  for (const ran of [0, 1]) {
    const [request, answer] = await judge(groundAt(ran));
    assert.equal(request.verdict, ran === 0 ? "unchecked" : "passed");
    assert.ok(answer.verdict === "unchecked" && answer.text.includes("waits for the chain"), answer.text);
  }
  assert.deepEqual(
    (await judge(groundAt(2))).map(({ verdict }) => verdict),
    ["passed", "passed"],
  );
  const nothing = groundAt(0);
  nothing.transaction.transaction_outcome.outcome.receipt_ids = [];
  assert.equal((await judge(nothing))[0].verdict, "unchecked");
  const whole = groundAt(2);
  whole.transaction.receipts_outcome[1]!.outcome.logs = [];
  assert.equal((await judge(whole))[1].verdict, "failed");
});

test("an output is compared as the bytes that the program wrote", async () => {
  for (const [format, value, output] of [
    ["Text", '"o\\u00fct\\n"', "oüt\n"],
    ["Bytes", '"AAH/"', Uint8Array.of(0, 1, 255)],
    ["Json", '{"n": 1.0}', '{"n": 1.0}'],
    [
      "Json",
      '{"success":true,"output":{"n": 18446744073709551615},"resources_used":{}}',
      '{"n": 18446744073709551615}',
    ],
    ["Text", '{"success":true,"output":"out","resources_used":{}}', "out"],
  ] as const) {
    const data = { ...asked.data, response_format: format };
    const claimed = answeredWith(value, { output_hash: hash(output) });
    const check = await outputCheck(detail, { ...asked, data }, claimed);
    assert.equal(check.verdict, "passed", value);
    const forged = answeredWith(value, { output_hash: hash("other") });
    assert.equal((await outputCheck(detail, { ...asked, data }, forged)).verdict, "failed", value);
  }
  assert.equal((await outputCheck(detail, asked, answeredWith("", { output_hash: null }))).verdict, "unchecked");
  assert.deepEqual(outputBytes("no JSON", "Text"), []);
});

test("a module is what its hash says, and one that is not there is not called good", async () => {
  const answered = answeredWith('"out"');
  const name = `/wasm/${hash("wasm")}`;
  answering({ [name]: new TextEncoder().encode("wasm") });
  assert.equal((await moduleCheck(answered, signal)).verdict, "passed");
  answering({ [name]: new TextEncoder().encode("wasn") });
  assert.equal((await moduleCheck(answered, signal)).verdict, "failed");
  answering({});
  assert.equal((await moduleCheck(answered, signal)).verdict, "unchecked");
});

function signedRecord(change: Partial<BuildRecord> = {}): BuildRecord {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  const record: BuildRecord = {
    build_key: hash("k"),
    wasm_hash: hash("wasm"),
    repo: "h/o/n",
    commit: "a".repeat(40),
    target: "wasm32-wasip1",
    toolchain: "t",
    built_at: 1790000000,
    build_ms: 1234,
    lock_hash: hash("l"),
    lock_made: 1789999999,
    public_key: `ed25519:${base58(raw)}`,
    signature: "",
    ...change,
  };
  const digest = createHash("sha256").update(recordBytes(record)).digest();
  return { ...record, signature: toBase64(sign(null, digest, privateKey)) };
}

test("a build's record is somebody's word, and each part of it is signed", async () => {
  const record = signedRecord();
  const question = { detail, asked, answered: answeredWith('"out"'), urls: ["http://rpc"], signal };
  const judge = async (change: object, permission: unknown = "FullAccess") => {
    const builds = [{ ...record, ...change }];
    answering({ "/public/wasm/info": { exists: true, builds }, get_operators: ["o.near"], query: { permission } });
    return (await buildCheck(question)).verdict;
  };
  assert.equal(await judge({}), "passed");
  const call = (methods: string[], receiver = "c.near") => ({
    FunctionCall: { receiver_id: receiver, method_names: methods },
  });
  assert.equal(await judge({}, call(["resolve_execution"])), "passed");
  assert.equal(await judge({}, call(["other"])), "unchecked");
  assert.equal(await judge({}, call([], "d.near")), "unchecked");
  for (const change of [
    { repo: "h/o/m" },
    { commit: "b".repeat(40) },
    { toolchain: "u" },
    { build_ms: 1235 },
    { built_at: `${(1n << 64n) + 1790000000n}` },
    { built_at: -1 },
    { lock_hash: hash("m") },
    { wasm_hash: hash("other") },
    { wasm_hash: "zz" },
    { signature: toBase64(new Uint8Array(64)) },
    { public_key: `ed25519:${base58(new Uint8Array(32).fill(9))}` },
  ])
    assert.equal(await judge(change), "failed", JSON.stringify(change));
  assert.equal(await judge({ build_key: hash("another") }), "unchecked");
});

test("a record of another build than was asked for is found, though it is signed", async () => {
  const code = { repo: "h.example/o/n//p", commit: "a".repeat(40), build_target: "wasm32-wasip2" };
  const judge = async (change: object, of: object = {}) => {
    const question = {
      detail: { ...detail, ...of },
      asked: { ...asked, data: { ...asked.data, code_source: code } },
      answered: answeredWith('"out"'),
      urls: ["http://rpc"],
      signal,
    };
    const builds = [signedRecord({ repo: "https://h.example/o/n//p", target: "wasm32-wasip2", ...change })];
    const key = { permission: "FullAccess" };
    answering({ "/public/wasm/info": { exists: true, builds }, get_operators: ["o.near"], query: key });
    return buildCheck(question as unknown as Parameters<typeof buildCheck>[0]);
  };
  const other = async (change: object, name: string, of: object = {}) => {
    const { verdict, text } = await judge(change, of);
    assert.ok(verdict === "failed" && text.endsWith(`: ${name}.`), text);
  };
  assert.equal((await judge({})).verdict, "passed");
  await other({ repo: "https://h.example/o/n//q" }, "repository");
  await other({ repo: "https://h.example/o/m//p" }, "repository");
  await other({ target: "wasm32-wasip1" }, "build target");
  const commit = "b".repeat(40);
  await other({ commit }, "commit");
  await other({ commit }, "commit", { commit }); // the coordinator says so, too; the request does not
  code.commit = "main";
  assert.equal((await judge({ commit }, { commit })).verdict, "passed");
});
