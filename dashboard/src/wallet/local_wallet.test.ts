// SPDX-License-Identifier: Apache-2.0
// What is told as failed is sent again by whoever pays for it: only what the chain refused may be told so.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { base58 } from "../format/base58.ts";
import { localWallet } from "./local_wallet.ts";

const CALL = { contract: "c.test.near", method: "m", args: "{}", deposit: "18446744073709551617", tgas: 300 };
const HASH = base58(new Uint8Array(32).fill(1));

async function wallet() {
  const pair = (await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"])) as CryptoKeyPair;
  const publicKey = `ed25519:${base58(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)))}`;
  const account = { network: "devnet/c.test.near", accountId: "a.test.near", publicKey, privateKey: pair.privateKey };
  return localWallet(account, "http://rpc");
}

// A node that answers what is asked before signing, and `sent` to what was signed.
function node(t: TestContext, sent: () => Response): string[] {
  const took: string[] = [];
  t.mock.method(globalThis, "fetch", async (_url: string, init: RequestInit) => {
    const { method, params } = JSON.parse(`${init.body}`) as { method: string; params: { signed_tx_base64?: string } };
    const answer = (result: object) => Response.json({ jsonrpc: "2.0", id: "1", result });
    if (method === "query") return answer({ nonce: 7, permission: "FullAccess", block_hash: HASH, block_height: 1 });
    if (method === "block") return answer({ header: { hash: HASH, height: 1 } });
    took.push(params.signed_tx_base64 ?? "");
    return sent();
  });
  return took;
}

function refusal(name: string): () => Response {
  return () =>
    Response.json({ jsonrpc: "2.0", id: "1", error: { message: "Server error", cause: { name }, data: { No: name } } });
}

test("what the chain took is sure", async (t) => {
  const took = node(t, () =>
    Response.json({ jsonrpc: "2.0", id: "1", result: { final_execution_status: "INCLUDED" } }),
  );
  const sent = await (await wallet()).send(CALL);
  assert.equal(sent.sure, true);
  assert.equal(took.length, 1);
  const bytes = Buffer.from(took[0]!, "base64");
  const hash = await crypto.subtle.digest("SHA-256", bytes.subarray(0, bytes.length - 65));
  assert.equal(sent.hash, base58(new Uint8Array(hash)));
});

test("what nobody says anything about may have been taken, and is sent once", async (t) => {
  for (const sent of [
    refusal("TIMEOUT_ERROR"),
    refusal("REQUEST_ROUTED"),
    () => Response.error(),
    () => new Response("<html>", { status: 504 }),
    () => assert.fail("the connection was lost"),
  ]) {
    const took = node(t, sent);
    const { hash, sure } = await (await wallet()).send(CALL);
    assert.equal(sure, false);
    assert.match(hash ?? "", /^\w{43,44}$/);
    assert.equal(took.length, 1);
    t.mock.restoreAll();
  }
});

test("what the chain refused is told", async (t) => {
  node(t, refusal("INVALID_TRANSACTION"));
  await assert.rejects((await wallet()).send(CALL), /\{"No":"INVALID_TRANSACTION"\}/);
});
