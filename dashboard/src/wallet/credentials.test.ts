// SPDX-License-Identifier: Apache-2.0
// A key that is imported wrongly signs for nobody, and an error that quotes a file shows its key.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { base58 } from "../format/base58.ts";
import { readCredentials } from "./credentials.ts";

function made() {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const seed = privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32);
  const open = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  return {
    account_id: "alice.test.near",
    public_key: `ed25519:${base58(open)}`,
    private_key: `ed25519:${base58(Buffer.concat([seed, open]))}`,
  };
}

test("a file becomes a key that signs, and cannot be read out", async () => {
  const file = made();
  const read = await readCredentials(JSON.stringify(file));
  assert.deepEqual([read.accountId, read.publicKey], [file.account_id, file.public_key]);
  assert.equal(read.privateKey.extractable, false);
  assert.equal((await crypto.subtle.sign("Ed25519", read.privateKey, new Uint8Array(1))).byteLength, 64);
  const { private_key: secret_key, public_key: _, ...old } = file;
  assert.equal((await readCredentials(JSON.stringify({ ...old, secret_key }))).publicKey, file.public_key);
});

test("what is none is refused, without a word of what is in it", async () => {
  const [file, other] = [made(), made()];
  const key = file.private_key.slice(-20);
  for (const [text, words] of [
    [`{"private_key": ${file.private_key}`, "not a JSON object"],
    ["[]", "names no account"],
    [JSON.stringify({ ...file, account_id: "A!" }), "names no account"],
    [JSON.stringify({ ...file, private_key: file.private_key.slice(0, -9) }), "no ed25519 key"],
    [JSON.stringify({ ...file, private_key: file.private_key.replace("ed25519", "secp256k1") }), "no ed25519 key"],
    [JSON.stringify({ ...file, public_key: other.public_key }), "is not that of"],
    [JSON.stringify({ ...file, more: "x".repeat(20_000) }), "too long"],
  ] as const)
    await assert.rejects(
      readCredentials(text),
      (e) => e instanceof Error && e.message.includes(words) && !e.message.includes(key),
      words,
    );
});
