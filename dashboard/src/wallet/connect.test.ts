// SPDX-License-Identifier: Apache-2.0
// A wallet's signature is believed when it is one of the message, with or without the address of the page that asked. What
// it sent is followed, whoever signed it: a hash that is dropped has somebody pay twice.
import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { test, type TestContext } from "node:test";
import type { Config } from "../api/schema.ts";
import { base58 } from "../format/base58.ts";
import { nep413Hash } from "../secrets/nep413.ts";
import { callbackOf, connectedWallet, signatureOf } from "./connect.ts";
import { fakeDocument } from "./fakes.ts";

const message = {
  message: "OutLayer: list API keys",
  recipient: "https://c.example",
  nonce: new Uint8Array(32).fill(7),
};
const PAGE = "https://c.example/wallet.html";
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const open = publicKey.export({ format: "der", type: "spki" }).subarray(-32);

async function signed(url: string | null, asked = message) {
  const bytes = sign(null, await nep413Hash(asked, url), privateKey);
  return { account: "alice.near", publicKey: `ed25519:${base58(open)}`, signature: bytes.toString("base64") };
}

test("the address that a wallet signed with is found, and told", async () => {
  assert.equal(await callbackOf(message, await signed(null), [PAGE]), null);
  assert.equal(await callbackOf(message, await signed(PAGE), [PAGE]), PAGE);
});

test("a signature of something else is none", async () => {
  const other = { ...message, message: "OutLayer: make an API key" };
  await assert.rejects(callbackOf(message, await signed(null, other), [PAGE]), /not the message/);
  await assert.rejects(callbackOf(message, await signed("https://evil.example"), [PAGE]), /not the message/);
  await assert.rejects(
    callbackOf(message, { ...(await signed(null)), publicKey: "ed25519:1" }, []),
    /not one of ed25519/,
  );
});

test("both forms of a signature are read", async () => {
  const { signature } = await signed(null);
  const bytes = signatureOf(signature)!;
  assert.deepEqual(signatureOf(`ed25519:${base58(bytes)}`), bytes);
  for (const bad of ["", "ed25519:", "!!", btoa("short")]) assert.equal(signatureOf(bad), null);
});

const HASH = base58(new Uint8Array(32).fill(9));
const CALL = { contract: "c.near", method: "request_execution", args: "{}", deposit: "1", tgas: 300 };

function sends(t: TestContext, answer: object) {
  const { frames, say } = fakeDocument(t);
  const stored = { place: "testnet/c.near", wallet: "w", name: "W", account: "alice.near", publicKey: null };
  t.mock.timers.enable({ apis: ["setTimeout"] });
  Object.assign(globalThis, { localStorage: { getItem: () => JSON.stringify(stored) } });
  t.after(() => Reflect.deleteProperty(globalThis, "localStorage"));
  const config = { network: "testnet", contract_id: "c.near", rpc_urls: ["http://rpc"] } as unknown as Config;
  const sent = connectedWallet(config, "alice.near").send(CALL);
  say({ outlayer: "ready" });
  say({ outlayer: "answer", id: frames[0]!.said[0]!.id, ...answer });
  return sent;
}

test("what a wallet signed with another of its accounts is followed, under that account", async (t) => {
  const sent = await sends(t, { result: { hash: HASH, account: "bob.near" } });
  assert.deepEqual(sent, { hash: HASH, sure: true, sender: "bob.near" });
});

test("an answer that names no transaction, or no account, leaves open what was sent", async (t) => {
  for (const result of [
    { hash: HASH, account: "no account" },
    { hash: "none", account: "alice.near" },
  ]) {
    const sent = await sends(t, { result });
    assert.deepEqual([sent.hash, sent.sure, sent.sender], [null, false, "alice.near"]);
    t.mock.timers.reset();
  }
});

test("what a wallet says instead of a transaction is told, with the doubt", async (t) => {
  const sent = await sends(t, { error: "403 Access denied", refused: false });
  assert.deepEqual(sent, { hash: null, sure: false, sender: "alice.near", said: "403 Access denied" });
});

test("a wallet's no is an error", async (t) => {
  await assert.rejects(sends(t, { error: "User rejected", refused: true }), /User rejected/);
});
