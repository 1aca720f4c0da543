// SPDX-License-Identifier: Apache-2.0
// The key to which secrets are sealed. It is used only when the keystore signed it now, for this scope, with the key
// that the contract publishes: a coordinator that hands out a key of its own is found out here.
import { postJson } from "../api/client.ts";
import type { SecretsKey } from "../api/schema.ts";
import { view } from "../chain/view.ts";
import { fromBase58 } from "../format/base58.ts";
import { fromHex, toHex, type Bytes } from "../format/bytes.ts";
import { readRepo } from "../format/repo_name.ts";
import { sha256 } from "./borsh.ts";
import { freshRecord, type Scope } from "./scope.ts";

const GENERATION_MAX = 2 ** 32 - 1;

export interface SealingKey {
  scope: Scope;
  generation: number;
  key: Bytes;
}

export class Distrust extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Distrust";
  }
}

export function ed25519(text: string, length: number): Bytes | null {
  if (!text.startsWith("ed25519:")) return null;
  const found = fromBase58(text.slice("ed25519:".length), length);
  return found?.length === length ? new Uint8Array(found) : null;
}

export async function isSigned(record: Bytes, signature: string | undefined, identity: string): Promise<boolean> {
  const [key, signed] = [ed25519(identity, 32), ed25519(signature ?? "", 64)];
  if (!key || !signed) return false;
  const verifier = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", verifier, signed, await sha256(record));
}

// What the chain says is the keystore's, whatever the coordinator answers.
export async function keystoreIdentity(urls: readonly string[], contract: string): Promise<string> {
  const identity = await view<string | null>(urls, contract, "get_keystore_key", {});
  if (!identity) throw new Distrust("the contract publishes no key of a keystore, so nobody's key can be believed");
  return identity;
}

export interface KeyQuestion {
  network: string;
  contract: string;
  owner: string;
  repo: string; // as it was typed
  branch: string | null;
  names: string[]; // of the secrets: they are checked, values never travel
}

export async function askSealingKey(urls: readonly string[], question: KeyQuestion): Promise<SealingKey> {
  const { owner, branch, names } = question;
  const repo = readRepo(question.repo)?.name;
  if (repo === undefined) throw new Error("this is no repository: write host/owner/name, or owner/name of github.com");
  const nonce = crypto.getRandomValues(new Uint8Array(32));
  const identity = await keystoreIdentity(urls, question.contract);
  const answer = await postJson<SecretsKey>("/secrets/pubkey", { repo, owner, branch, names, nonce: toHex(nonce) });
  const scope = { network: question.network, contract: question.contract, owner, repo, branch };
  const key = fromHex(answer.pubkey, 32);
  const generation = Number(answer.generation);
  const same = answer.repo_normalized === repo && answer.owner === owner && answer.branch === branch;
  if (!same || !key || !(Number.isInteger(generation) && generation >= 0 && generation <= GENERATION_MAX))
    throw new Distrust("the key that came is not for what was asked: nothing was sealed");
  if (!(await isSigned(freshRecord(scope, generation, key, nonce), answer.fresh_signature, identity)))
    throw new Distrust(
      "the key that came is not signed by the keystore whose key the contract publishes: nothing was sealed",
    );
  return { scope, generation, key };
}
