// SPDX-License-Identifier: Apache-2.0
// A credentials file, as `outlayer up` and near-cli write them, becomes a key that the browser keeps and gives to nobody.
import { fromBase58, base58 } from "../format/base58.ts";
import { toHex, fromHex, type Bytes } from "../format/bytes.ts";
import { isAccount } from "../secrets/access.ts";

export interface Credentials {
  accountId: string;
  publicKey: string;
  privateKey: CryptoKey; // not extractable
}

const FILE_MAX = 10_000;
const PKCS8 = "302e020100300506032b657004220420"; // of an Ed25519 key, before its 32 bytes (RFC 8410)

// What is wrong with the file is said without a word of what is in it.
function parse(text: string): Record<string, unknown> {
  try {
    const found: unknown = JSON.parse(text);
    if (typeof found === "object" && found !== null) return found as Record<string, unknown>;
  } catch {
    // below
  }
  throw new Error("this file is no credentials file: it is not a JSON object");
}

async function isPair(privateKey: CryptoKey, publicKey: Bytes): Promise<boolean> {
  const proof = crypto.getRandomValues(new Uint8Array(32));
  const verifier = await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", verifier, await crypto.subtle.sign("Ed25519", privateKey, proof), proof);
}

async function keyOf(secret: Uint8Array, said: unknown): Promise<Omit<Credentials, "accountId">> {
  const seed = fromHex(PKCS8 + toHex(secret.slice(0, 32)), 48)!;
  const open = new Uint8Array(secret.slice(32));
  try {
    const privateKey = await crypto.subtle.importKey("pkcs8", seed, "Ed25519", false, ["sign"]);
    const publicKey = `ed25519:${base58(open)}`;
    if (!(await isPair(privateKey, open)) || (said !== undefined && said !== publicKey))
      throw new Error("the public key of this file is not that of its private key");
    return { publicKey, privateKey };
  } finally {
    seed.fill(0);
  }
}

export async function readCredentials(text: string): Promise<Credentials> {
  if (text.length > FILE_MAX) throw new Error("this file is too long for a credentials file");
  const file = parse(text);
  const { account_id: accountId, private_key, secret_key, public_key } = file;
  if (typeof accountId !== "string" || !isAccount(accountId))
    throw new Error("this file is no credentials file: it names no account (account_id)");
  const written = private_key ?? secret_key;
  const typed = typeof written === "string" && written.startsWith("ed25519:");
  const secret = typed ? fromBase58(written.slice("ed25519:".length), 64) : null;
  if (secret?.length !== 64) throw new Error("this file has no ed25519 key (private_key) of 64 bytes");
  try {
    return { accountId, ...(await keyOf(secret, public_key)) };
  } finally {
    secret.fill(0);
  }
}
