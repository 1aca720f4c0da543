// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { RpcError } from "../chain/rpc.ts";
import { base58 } from "../format/base58.ts";
import { fromHex, toBase64 } from "../format/bytes.ts";
import { registrationCheck } from "./answerer.ts";
import { answering, hash, signal } from "./fakes.ts";
import { judged } from "./quote_verdict.ts";
import { findRegistration } from "./register_quote.ts";
import { reportData } from "./report_data.ts";

// The same bytes as src/tee/report_data_test.c has.
test("a quote's data names key, chain and contracts", async () => {
  const place = { network: "testnet", register: "worker.outlayer.testnet", main: "outlayer.testnet" };
  const key = Uint8Array.from({ length: 32 }, (_, i) => i);
  assert.equal(
    await reportData(place, key, new Uint8Array(32).fill(0x11)),
    "6f75746c617965722d71756f74652d0101000000000000000000000000000000" +
      "c66f144f3b2711cd60f0800b2099802871db2c5f0fc4aac1efc1428abf0cc2ed",
  );
});

const row = {
  public_key: "ed25519:k",
  rtmr3: "ab",
  registered_at: 1000,
  renewed_at: 1000,
  valid_until: 2000,
  state: "active",
  tcb_status: "UpToDate",
  image_id: 1,
  fmspc: "f",
};
const answerer = { account: "o.near", key: "ed25519:k", at: 1_500_000, block: "b" };
const known = hash("register");
const query = { code_hash: base58(fromHex(known, 32)!) };
const intel = { outlayer_contract_id: "c.near", root_public_key: null };
const registered = (at = answerer.at, code: string | null = known) =>
  registrationCheck({ urls: ["http://rpc"], answerer: { ...answerer, at }, contract: "c.near", known: code, signal });

test("only what the operator's own register contract says of the key is a registration", async () => {
  const judge = async (config: object | undefined, worker: object | null, at = answerer.at) => {
    answering({ get_config: config, get_worker: worker, query });
    return (await registered(at)).check.verdict;
  };
  assert.equal(await judge(intel, row), "passed");
  assert.equal(await judge({ ...intel, root_public_key: "aa" }, row), "unchecked");
  assert.equal(await judge({ ...intel, outlayer_contract_id: "d.near" }, row), "unchecked");
  assert.equal(await judge(intel, null), "unchecked");
  assert.equal(await judge(intel, { ...row, state: "failing" }), "unchecked");
  assert.equal(await judge(intel, row, 900_000), "failed");
  assert.equal(await judge(intel, row, 2_100_000), "failed");
  const nobody = { urls: [], answerer: null, contract: "c.near", known, signal };
  assert.equal((await registrationCheck(nobody)).check.verdict, "unchecked");
});

test("a contract whose code is not known can say anything", async () => {
  for (const [code, of] of [
    [hash("other"), query],
    [null, query],
    [known, { code_hash: "1".repeat(32) }],
  ] as const) {
    answering({ get_config: intel, get_worker: row, query: of });
    const { check, registration } = await registered(answerer.at, code);
    assert.deepEqual([check.verdict, registration?.isKnown], ["unchecked", false]);
    assert.ok(check.facts?.some(([, value]) => value === of.code_hash));
  }
});

test("a registration that was renewed since is looked at as of the answer", async () => {
  const renewed = { ...row, renewed_at: 1600, valid_until: 2600 };
  const judge = async (then: unknown) => {
    answering({ get_config: intel, get_worker: renewed, "get_worker@b": then, query });
    return (await registered()).check.verdict;
  };
  assert.equal(await judge(row), "passed");
  assert.equal((await registered()).registration?.row.renewed_at, 1000);
  assert.equal(await judge({ ...row, valid_until: 1400 }), "failed");
  assert.equal(await judge({ ...row, state: "failing" }), "unchecked");
  assert.equal(await judge(null), "failed");
  const all = globalThis.fetch;
  globalThis.fetch = refusing(all, "GARBAGE_COLLECTED_BLOCK");
  assert.equal((await registered()).check.verdict, "unchecked");
  globalThis.fetch = refusing(all, "TIMEOUT_ERROR");
  await assert.rejects(registered(), (e) => e instanceof RpcError && e.cause_name === "TIMEOUT_ERROR");
});

// A node that answers nothing of old states.
function refusing(others: typeof fetch, name: string): typeof fetch {
  return async (url, init) => {
    if (!`${init?.body as string}`.includes('"block_id":"b"')) return others(url, init);
    return Response.json({ error: { cause: { name }, message: "x" } });
  };
}

test("a quote passes only with Intel's root, for this key, of this program", () => {
  const registration = { register: "o.near", code: "c", isKnown: true, root: null, row, now: row };
  const good = { verdict: "accepted", status: "UpToDate", simulated: false, rtmr3: "ab", steps: [], at: "" } as const;
  const judge = (change: object, bound: boolean | null = true) =>
    judged({ ...good, steps: [], ...change }, registration, bound, {}).verdict;
  assert.equal(judge({}), "passed");
  assert.equal(judge({}, false), "failed");
  assert.equal(judge({}, null), "unchecked");
  assert.equal(judged({ ...good, steps: [] }, { ...registration, isKnown: false }, true, {}).verdict, "unchecked");
  assert.equal(judge({ simulated: true }), "unchecked");
  assert.equal(judge({ simulated: true }, false), "failed");
  assert.equal(judge({ rtmr3: "cd" }), "failed");
  assert.equal(judge({ verdict: "false" }), "failed");
  assert.equal(judge({ verdict: "refused" }), "unchecked");
  assert.equal(judge({ verdict: "not_checkable", status: null }), "unchecked");
});

// A call of the register contract in a block; status: of its receipt, in a transaction of its own; null: another
// contract made it.
interface Call {
  at: number;
  key?: string;
  quote?: string;
  status?: object | null;
}

function chunkOf(calls: Call[], height: number) {
  const transactions = [];
  const receipts = [];
  for (const [i, { at, key = "ed25519:k", quote = "04", status = { SuccessValue: "" } }] of calls.entries()) {
    const args = toBase64(new TextEncoder().encode(JSON.stringify({ public_key: key, tdx_quote_hex: quote })));
    const actions = [{ FunctionCall: { method_name: "register_worker_key", args, gas: 1, deposit: "0" } }];
    if (at === height && status)
      transactions.push({ hash: `t${i}`, signer_id: "s.near", receiver_id: "o.near", actions });
    if (at + (status ? 1 : 0) === height)
      receipts.push({ receipt_id: `r${i}`, receiver_id: "o.near", receipt: { Action: { actions } } });
  }
  return { transactions, receipts };
}

function statusOf(calls: Call[], hash: string) {
  const i = Number(hash.slice(1));
  return {
    transaction_outcome: { outcome: { receipt_ids: [`r${i}`], status: { SuccessReceiptId: `r${i}` } } },
    receipts_outcome: [{ id: `r${i}`, outcome: { status: calls[i]!.status ?? { SuccessValue: "" } } }],
  };
}

// Blocks 100 ms apart, of which some are missing and those before `kept` are gone; calls in some of them. why: of what is
// not there.
function chainOf(calls: Call[], kept = 1, why = "UNKNOWN_BLOCK") {
  let asked = 0;
  const missing = (height: number) => height < kept || height > 3000 || height % 7 === 3;
  const block = (height: number) => ({
    header: { height, hash: `b${height}`, timestamp_nanosec: `${BigInt(height) * 100_000_000n}` },
    chunks: [{ chunk_hash: `c${height}` }],
  });
  globalThis.fetch = async (_url, init) => {
    asked++;
    const { method, params } = JSON.parse(`${init!.body as string}`) as {
      method: string;
      params: { block_id?: number; chunk_id?: string; tx_hash?: string };
    };
    const height = params.block_id ?? 3000;
    if (method === "block" && missing(height)) return Response.json({ error: { cause: { name: why }, message: "x" } });
    if (method === "block") return Response.json({ result: block(height) });
    if (params.tx_hash) return Response.json({ result: statusOf(calls, params.tx_hash) });
    return Response.json({ result: chunkOf(calls, Number(params.chunk_id!.slice(1))) });
  };
  return () => asked;
}
const look = (seconds: number) => findRegistration(["http://rpc"], "o.near", "ed25519:k", seconds, signal);

test("the transaction of a registration is found by its second", async () => {
  const asked = chainOf([{ at: 1259 }]);
  assert.deepEqual(await look(126), { quote: "04", collateral: null, block: "b1259" });
  assert.ok(asked() < 60, `${asked()}`);
  chainOf([{ at: 1259, key: "ed25519:other" }]);
  assert.equal(await look(126), null);
  chainOf([{ at: 1400 }]);
  assert.equal(await look(126), null);
  chainOf([{ at: 1259 }], 2000);
  await assert.rejects(look(126), /archival/);
  chainOf([{ at: 1259 }], 2000, "TIMEOUT_ERROR");
  await assert.rejects(look(126), (e) => e instanceof RpcError && e.cause_name === "TIMEOUT_ERROR");
});

test("a call that the register contract refused is no registration", async () => {
  const found = async (...calls: Call[]) => (chainOf(calls), (await look(126))?.quote ?? null);
  const refused = { at: 1258, quote: "ff", status: { Failure: {} } };
  assert.equal(await found(refused), null);
  assert.equal(await found(refused, { at: 1261 }), "04");
  const byContract = { at: 1259, quote: "aa", status: null };
  assert.equal(await found(byContract), "aa");
  assert.equal(await found(refused, byContract), "aa");
  assert.equal(await found(byContract, { at: 1261 }), "04");
  assert.equal(await found(byContract, { ...byContract, quote: "bb" }), null);
});
