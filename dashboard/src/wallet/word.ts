// SPDX-License-Identifier: Apache-2.0
// The word of an account: what a coordinator takes for the account's own wish. docs/coordinator-api.md, "An account's keys".
import { toBase64 } from "../format/bytes.ts";
import type { Wallet } from "./wallet.ts";

const GOOD_MS = 10 * 60 * 1000;

export interface Word {
  text: string; // base64
  until: number;
}

export interface Asked {
  act: string; // "list API keys", for example
  coordinator: string; // the origin that is asked, never one that somebody named
  network: string;
}

export function messageOf(asked: Asked, accountId: string, until: number): string {
  return [
    `OutLayer: ${asked.act}`,
    `Coordinator: ${asked.coordinator}`,
    `Network: ${asked.network}`,
    `Account: ${accountId}`,
    `Valid until: ${new Date(until).toISOString()}`,
  ].join("\n");
}

export async function giveWord(wallet: Wallet, asked: Asked, now: number): Promise<Word> {
  const until = now + GOOD_MS;
  const nonce = crypto.getRandomValues(new Uint8Array(32));
  const message = messageOf(asked, wallet.accountId, until);
  const signed = await wallet.signMessage({ message, recipient: asked.coordinator, nonce });
  const word = {
    account_id: wallet.accountId,
    public_key: signed.publicKey,
    nonce: toBase64(nonce),
    signature: signed.signature,
    coordinator: asked.coordinator,
    valid_until_ms: until,
    ...(signed.callbackUrl !== null && { callback_url: signed.callbackUrl }),
  };
  return { text: toBase64(new TextEncoder().encode(JSON.stringify(word))), until };
}
