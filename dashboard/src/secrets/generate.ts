// SPDX-License-Identifier: Apache-2.0
// Secrets that the keystore makes, beside those that were sealed here: docs/secrets.md, "Generated secrets".
import { postJson } from "../api/client.ts";
import type { GeneratedSecrets } from "../api/schema.ts";
import { fromBase64, toBase64, toHex, type Bytes } from "../format/bytes.ts";
import type { Wallet } from "../wallet/wallet.ts";
import { Borsh, sha256 } from "./borsh.ts";
import { Distrust, isSigned, keystoreIdentity } from "./key.ts";
import { putScope, type Scope } from "./scope.ts";

export interface Wish {
  name: string;
  generation_type: string;
}

export interface Generate {
  scope: Scope;
  profile: string;
  blob: string | null; // base64, of what the row has or gets besides
  wishes: Wish[];
}

function messageOf({ scope, profile, wishes }: Generate, blobHash: Uint8Array): string {
  return [
    "OutLayer: add generated secrets to my sealed secrets.",
    `Contract: ${scope.contract} (${scope.network})`,
    `Repository: ${scope.repo}`,
    `Branch: ${scope.branch ?? "(any)"}`,
    `Profile: ${profile}`,
    `Owner: ${scope.owner}`,
    `Sealed secrets (SHA-256): ${toHex(blobHash)}`,
    `New: ${wishes.map(({ name, generation_type }) => `${name} (${generation_type})`).join(", ")}`,
  ].join("\n");
}

export function sealedRecord(
  asked: Generate,
  before: Uint8Array,
  nonce: Uint8Array,
  blob: Uint8Array,
  names: string[],
) {
  const record = putScope(new Borsh().text("outlayer-sealed-v2"), asked.scope).text(asked.profile);
  record.bytes(before).bytes(blob).bytes(Uint8Array.of(1)).bytes(nonce).u32(asked.wishes.length);
  for (const { name, generation_type } of asked.wishes) record.text(name).text(generation_type);
  record.u32(names.length);
  for (const name of names) record.text(name);
  return record.end();
}

// The new blob in base64. The keystore's word about it is checked before anybody stores it.
export async function generateSecrets(urls: readonly string[], wallet: Wallet, asked: Generate): Promise<string> {
  const nonce = crypto.getRandomValues(new Uint8Array(32));
  const identity = await keystoreIdentity(urls, asked.scope.contract);
  const given = asked.blob === null ? null : fromBase64(asked.blob);
  const before: Bytes = given ? await sha256(given) : new Uint8Array(32);
  const { repo, owner, branch } = asked.scope;
  const word = given
    ? await wallet.signMessage({ message: messageOf(asked, before), recipient: asked.scope.contract, nonce })
    : null;
  const answer = await postJson<GeneratedSecrets>("/secrets/add_generated_secret", {
    repo,
    owner,
    ...(branch === null ? {} : { branch }),
    profile: asked.profile,
    ...(asked.blob === null ? {} : { encrypted_secrets_base64: asked.blob }),
    new_secrets: asked.wishes,
    nonce: toBase64(nonce),
    ...(word && { public_key: word.publicKey, signature: word.signature }),
    ...(word?.callbackUrl && { callback_url: word.callbackUrl }),
  });
  const blob = fromBase64(answer.encrypted_data_base64);
  if (!blob) throw new Distrust("what the keystore made is not base64: nothing is stored");
  const record = sealedRecord(asked, before, nonce, await sha256(blob), answer.all_keys);
  if (!(await isSigned(record, answer.blob_signature, identity)))
    throw new Distrust("what came is not signed by the keystore as the answer to this question: nothing is stored");
  return answer.encrypted_data_base64;
}
