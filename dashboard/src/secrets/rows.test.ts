// SPDX-License-Identifier: Apache-2.0
// A wallet that does not say what it sent: the chain is asked whether it has happened, before anybody tries once more.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { fakeTime } from "../chain/fakes.ts";
import type { Sent, Wallet } from "../wallet/wallet.ts";
import { deleteRow, listRows, storeRow } from "./rows.ts";

const place = { urls: ["http://rpc"], contract: "c.near" };
const key = { repo: "github.com/a/b", branch: null, profile: "p" };
const silent = {
  accountId: "a.near",
  send: async (): Promise<Sent> => ({ hash: null, sure: false, sender: "a.near", said: "403 Access denied" }),
} as unknown as Wallet;

// A chain whose view of the row answers one after the other of `rows`, the last one for ever.
function chain(rows: (object | string | null)[]): () => Response {
  const bytes = (value: unknown) => Array.from(new TextEncoder().encode(JSON.stringify(value)));
  return () => {
    const row = rows.length > 1 ? rows.shift() : rows[0];
    return Response.json({ jsonrpc: "2.0", id: "1", result: { result: bytes(row) } });
  };
}

function answers(t: TestContext, rows: (object | string | null)[]): () => number {
  fakeTime(t);
  const answer = chain(rows);
  const { mock } = t.mock.method(globalThis, "fetch", async () => answer());
  return () => mock.callCount();
}

const OLD = { encrypted_secrets: "old", access: "AllowAll", branch: null };

test("a row that is gone was deleted", async (t) => {
  const asked = answers(t, [OLD, null]);
  await deleteRow(place, silent, key);
  assert.equal(asked(), 2);
});

test("a row that has the new values was stored", async (t) => {
  const asked = answers(t, ["1", OLD, { ...OLD, encrypted_secrets: "new" }]); // the first one is what it costs
  await storeRow(place, silent, key, "new", "AllowAll");
  assert.equal(asked(), 3);
});

test("what the chain never shows is told, and not taken for done", async (t) => {
  answers(t, [OLD]);
  await assert.rejects(deleteRow(place, silent, key), /“403 Access denied”.*the chain shows nothing/);
});

function signedByAnother(t: TestContext, status: object): () => unknown {
  let asked: unknown;
  const outcome = { id: "r", outcome: { receipt_ids: [], status } };
  t.mock.method(globalThis, "fetch", async (_: unknown, { body }: { body: string }) => {
    asked = (JSON.parse(body) as { params: { sender_account_id: unknown } }).params.sender_account_id;
    const result = { status, receipts: [], receipts_outcome: [outcome], transaction_outcome: outcome };
    return Response.json({ jsonrpc: "2.0", id: "1", result });
  });
  return () => asked;
}

const another = {
  accountId: "a.near",
  send: async (): Promise<Sent> => ({ hash: "H", sure: true, sender: "b.near" }),
} as unknown as Wallet;

test("what a wallet signed with another of its accounts is followed, and nobody is told to do it once more", async (t) => {
  const asked = signedByAnother(t, { SuccessValue: "" });
  await assert.rejects(deleteRow(place, another, key), /signed with b\.near, not with a\.near: transaction H is done/);
  assert.equal(asked(), "b.near");
});

test("what the chain refused another account is told with that account", async (t) => {
  signedByAnother(t, { Failure: { ActionError: {} } });
  await assert.rejects(
    deleteRow(place, another, key),
    /signed with b\.near, not with a\.near, and transaction H failed/,
  );
});

test("a node that never comes to an end of the rows is not asked for ever", async (t) => {
  const asked = answers(t, [Array.from({ length: 100 }, () => OLD)]);
  await assert.rejects(listRows(place, "a.near"), /10,000 rows/);
  assert.equal(asked(), 100);
});
