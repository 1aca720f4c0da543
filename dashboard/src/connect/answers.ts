// SPDX-License-Identifier: Apache-2.0
// What wallets answer, read as strangers' answers.
import type { SentBy, SignedBy } from "./protocol.ts";

// Whole sentences by which wallets say that somebody pressed "no" in them. What merely has such a word in it ("403 Access
// denied", ECONNREFUSED, "request canceled") may come after the transaction was sent, and is no refusal.
const REFUSALS = [
  /^(error: )?(the )?user (has )?(rejected|declined|denied|cancell?ed)( (the |this )?(request|transaction|action)( signature)?)?\.?$/i,
  /^(error: )?(the )?(request|transaction|action) (was )?(rejected|declined|denied|cancell?ed) by (the )?user\.?$/i,
];
const TEXT_MAX = 2000;

// Whatever is thrown: an error, a text, an object or nothing.
export function reasonOf(thrown: unknown): string {
  const message = typeof thrown === "object" && thrown !== null ? (thrown as { message?: unknown }).message : thrown;
  return typeof message === "string" && message !== "" ? message.slice(0, TEXT_MAX) : "the wallet gave no reason";
}

export function isRefusal(reason: string): boolean {
  return REFUSALS.some((whole) => whole.test(reason));
}

export function accountIn(accounts: unknown): { account: string; publicKey: string | null } {
  const first = (Array.isArray(accounts) ? accounts[0] : null) as { accountId?: unknown; publicKey?: unknown } | null;
  if (typeof first?.accountId !== "string") throw new Error("the wallet names no account");
  const key = first.publicKey;
  return { account: first.accountId, publicKey: typeof key === "string" && key !== "" ? key : null };
}

// Of what nodes tell of a transaction.
export function sentIn(outcome: unknown): SentBy {
  const { hash, signer_id } =
    (outcome as { transaction?: { hash?: unknown; signer_id?: unknown } } | null)?.transaction ?? {};
  if (typeof hash !== "string" || typeof signer_id !== "string")
    throw new Error("the wallet does not say which transaction it sent");
  return { hash, account: signer_id };
}

export function signedIn(answer: unknown): SignedBy {
  const { accountId, publicKey, signature } = (answer ?? {}) as Record<string, unknown>;
  if (typeof accountId !== "string" || typeof publicKey !== "string" || typeof signature !== "string")
    throw new Error("the wallet's signature has no account, no key or no signature");
  return { account: accountId, publicKey, signature };
}
