// SPDX-License-Identifier: Apache-2.0
// A wallet's signature is believed when it is one of the message, with or without the address of the page that asked.
import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";
import { base58 } from "../format/base58.ts";
import { nep413Hash } from "../secrets/nep413.ts";
import { callbackOf, signatureOf } from "./connect.ts";

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
