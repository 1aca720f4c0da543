// SPDX-License-Identifier: Apache-2.0
// The register contract on an operator's account, and whether what it says of keys counts for anything.
import { base58 } from "../format/base58.ts";
import { fromHex } from "../format/bytes.ts";
import { rpc } from "./rpc.ts";
import { isRefused, view } from "./view.ts";

export interface Register {
  account: string;
  code: string; // SHA-256 of its code, as NEAR writes hashes
  isKnown: boolean; // whether that is the code which these pages were built with
  root: string | null; // another root key than Intel's, which it believes
}

interface RegisterConfig {
  outlayer_contract_id: string;
  root_public_key: string | null;
}

async function codeOf(urls: readonly string[], account: string, signal: AbortSignal): Promise<string> {
  const params = { request_type: "view_account", finality: "final", account_id: account };
  return (await rpc<{ code_hash: string }>(urls, "query", params, signal)).code_hash;
}

// known: the SHA-256 of the register contract's code. null: that account has no register contract for `contract`.
export async function registerAt(
  urls: readonly string[],
  account: string,
  contract: string,
  known: string | null,
  signal: AbortSignal,
): Promise<Register | null> {
  const config = await view<RegisterConfig>(urls, account, "get_config", {}, undefined, signal).catch((e: unknown) => {
    if (isRefused(e)) return null; // there is no such contract
    throw e;
  });
  if (config?.outlayer_contract_id !== contract) return null;
  const code = await codeOf(urls, account, signal);
  const isKnown = known !== null && code === base58(fromHex(known, 32)!);
  return { account, code, isKnown, root: config.root_public_key };
}

// Whether a key that it calls active has shown a quote which Intel signed.
export function isProof({ isKnown, root }: Register): boolean {
  return isKnown && root === null;
}
