// SPDX-License-Identifier: Apache-2.0
// A word that says something else than the coordinator reads is refused, and one for everything would be stolen for it.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Wallet } from "./wallet.ts";
import { giveWord, messageOf } from "./word.ts";

const asked = { act: 'make an API key named "laptop"', coordinator: "https://coordinator.example", network: "mainnet" };
const until = Date.parse("2026-11-30T14:00:00Z");

test("the message has the lines that docs/coordinator-api.md has", () => {
  assert.equal(
    messageOf(asked, "alice.near", until),
    'OutLayer: make an API key named "laptop"\nCoordinator: https://coordinator.example\nNetwork: mainnet\nAccount: alice.near\nValid until: 2026-11-30T14:00:00.000Z',
  );
});

test("a word is for one act, at one coordinator, for ten minutes", async () => {
  const signs: { message: string; recipient: string }[] = [];
  const wallet = {
    accountId: "alice.near",
    signMessage: async (message: { message: string; recipient: string }) => {
      signs.push(message);
      return { publicKey: "ed25519:k", signature: "s", callbackUrl: signs.length > 1 ? "https://p.example/" : null };
    },
  } as unknown as Wallet;
  const word = await giveWord(wallet, asked, until - 600_000);
  const read = JSON.parse(atob(word.text)) as Record<string, unknown>;
  assert.deepEqual(
    [read.account_id, read.coordinator, read.valid_until_ms, "callback_url" in read, signs[0]?.recipient],
    ["alice.near", asked.coordinator, until, false, asked.coordinator],
  );
  assert.equal(atob(`${read.nonce as string}`).length, 32);
  const other = JSON.parse(atob((await giveWord(wallet, asked, 0)).text)) as Record<string, unknown>;
  assert.equal(other.callback_url, "https://p.example/");
  assert.notEqual(other.nonce, read.nonce);
});
