// SPDX-License-Identifier: Apache-2.0
// A coordinator in the way answers with what it likes, also with what the keystore truly signed for somebody else.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { base58 } from "../format/base58.ts";
import { fromHex, toHex } from "../format/bytes.ts";
import { sha256 } from "./borsh.ts";
import { askSealingKey } from "./key.ts";
import { freshRecord } from "./scope.ts";

const QUESTION = {
  network: "devnet",
  contract: "c.near",
  owner: "o.near",
  repo: "https://GitHub.com/a/b.git",
  branch: null,
  names: ["K"],
};
const KEY = new Uint8Array(32).fill(7);

interface Lie {
  repo?: string;
  generation?: number | string;
  stale?: boolean;
}

// A chain that publishes a key, and a coordinator that has the keystore sign for `repo` whatever was asked.
async function world(
  t: TestContext,
  { repo = "github.com/a/b", generation = 3, stale = false }: Lie,
): Promise<object[]> {
  const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
  const identity = `ed25519:${base58(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)))}`;
  const asked: object[] = [];
  t.mock.method(globalThis, "fetch", async (url: string, init: RequestInit) => {
    const body = JSON.parse(`${init.body}`) as Record<string, string>;
    if (url === "http://rpc") {
      const result = [...new TextEncoder().encode(JSON.stringify(identity))];
      return Response.json({ result: { result } });
    }
    asked.push(body);
    const nonce = stale ? new Uint8Array(32) : fromHex(body.nonce!, 32)!;
    const scope = { network: "devnet", contract: "c.near", owner: "o.near", repo, branch: null };
    const record = await sha256(freshRecord(scope, Number(generation), KEY, nonce));
    const signed = new Uint8Array(await crypto.subtle.sign("Ed25519", pair.privateKey, record));
    return Response.json({
      ...{ repo_normalized: repo, owner: "o.near", branch: null, pubkey: toHex(KEY), generation },
      fresh_signature: `ed25519:${base58(signed)}`,
    });
  });
  return asked;
}

test("a key that the keystore signed for this question is taken, for the repository's one name", async (t) => {
  const asked = await world(t, {});
  const { scope, generation, key } = await askSealingKey(["http://rpc"], QUESTION);
  assert.deepEqual([scope.repo, generation, key], ["github.com/a/b", 3, KEY]);
  assert.equal(asked.length, 1);
});

test("a key that the keystore signed for another repository is refused", async (t) => {
  await world(t, { repo: "github.com/evil/b" });
  await assert.rejects(askSealingKey(["http://rpc"], QUESTION), /not for what was asked/);
});

test("a key that was signed for another question is refused", async (t) => {
  await world(t, { stale: true });
  await assert.rejects(askSealingKey(["http://rpc"], QUESTION), /is not signed by the keystore/);
});

test("a generation that is none is refused", async (t) => {
  for (const generation of [-1, 1.5, 2 ** 32, "x"]) {
    await world(t, { generation });
    await assert.rejects(askSealingKey(["http://rpc"], QUESTION), /not for what was asked/, `${generation}`);
    t.mock.restoreAll();
  }
});

test("what is no repository is not asked about", async (t) => {
  const asked = await world(t, {});
  await assert.rejects(askSealingKey(["http://rpc"], { ...QUESTION, repo: "git@github.com:a/b" }), /no repository/);
  assert.deepEqual(asked, []);
});
