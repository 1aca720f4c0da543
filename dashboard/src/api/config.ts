// SPDX-License-Identifier: Apache-2.0
// What a coordinator says of its deployment, read as a stranger's: whatever else it says, pages stand. Where the reader
// has chosen an RPC address, the chain is asked there and nowhere else.
import { ApiError } from "./client.ts";
import type { Config } from "./schema.ts";

const RPC_KEY = "outlayer-rpc-url";
const URLS_MAX = 16;
const TEXT_MAX = 512;

function text(value: unknown): string | null {
  return typeof value === "string" && value.length <= TEXT_MAX ? value : null;
}

// null: it is no address of the web, or one with a name and a password.
export function webUrl(value: unknown): string | null {
  const url = typeof value === "string" && value.length <= TEXT_MAX ? URL.parse(value) : null;
  const web = url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.hash;
  return web ? url.href.replace(/\/$/, "") : null;
}

function urls(value: unknown): string[] {
  return (Array.isArray(value) ? value : []).slice(0, URLS_MAX).flatMap((one) => webUrl(one) ?? []);
}

// A page of this coordinator; null: it is no path, or one of elsewhere.
function path(value: unknown): string | null {
  return typeof value === "string" && /^\/[\w/.-]*$/.test(value) && !value.startsWith("//") ? value : null;
}

export function ownRpc(): string | null {
  try {
    return webUrl(localStorage.getItem(RPC_KEY));
  } catch {
    return null;
  }
}

// null: what the coordinator names.
export function chooseRpc(url: string | null): void {
  if (url === null) localStorage.removeItem(RPC_KEY);
  else localStorage.setItem(RPC_KEY, url);
}

export interface Deployment extends Config {
  named_rpc_urls: string[]; // by the coordinator; rpc_urls are those that are asked
}

export function readConfig(said: unknown, own: string | null): Deployment {
  if (typeof said !== "object" || said === null || Array.isArray(said))
    throw new ApiError("not_config", 200, "the coordinator's answer is no description of a deployment");
  const given = said as Record<string, unknown>;
  const explorer = (given.explorer ?? {}) as Record<string, unknown>;
  const named = urls(given.rpc_urls);
  return {
    network: text(given.network),
    contract_id: text(given.contract_id),
    register_contract_id: text(given.register_contract_id),
    rpc_urls: own === null ? named : [own],
    named_rpc_urls: named,
    explorer: { transaction: text(explorer.transaction), account: text(explorer.account) },
    faucet_url: webUrl(given.faucet_url),
    docs_url: path(given.docs_url),
    version: text(given.version) ?? "",
    keystore: given.keystore === true,
    api_keys: given.api_keys === true,
    tee_mode: text(given.tee_mode) ?? "",
  };
}
