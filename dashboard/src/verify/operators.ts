// SPDX-License-Identifier: Apache-2.0
// Who may answer requests: the contract's operators, by the keys that they have on the chain now.
import { rpc, RpcError } from "../chain/rpc.ts";
import { view } from "../chain/view.ts";

const RESOLVE = "resolve_execution";

interface AccessKey {
  permission: "FullAccess" | { FunctionCall?: { receiver_id: string; method_names: string[] } };
}

export function operatorsOf(urls: readonly string[], contract: string, signal: AbortSignal): Promise<string[]> {
  return view<string[]>(urls, contract, "get_operators", {}, undefined, signal);
}

async function accessKey(urls: readonly string[], account: string, key: string, signal: AbortSignal) {
  const params = { request_type: "view_access_key", finality: "final", account_id: account, public_key: key };
  try {
    return await rpc<AccessKey>(urls, "query", params, signal);
  } catch (e) {
    if (e instanceof RpcError && /UNKNOWN_ACCESS_KEY|UNKNOWN_ACCOUNT/.test(e.cause_name)) return null;
    throw e;
  }
}

function mayAnswer({ permission }: AccessKey, contract: string): boolean {
  if (permission === "FullAccess") return true;
  const call = permission.FunctionCall;
  if (call?.receiver_id !== contract) return false;
  return call.method_names.length === 0 || call.method_names.includes(RESOLVE);
}

// The operator whose key it is; null: nobody's.
export async function keyMayAnswer(urls: readonly string[], contract: string, key: string, signal: AbortSignal) {
  for (const operator of await operatorsOf(urls, contract, signal)) {
    const found = await accessKey(urls, operator, key, signal);
    if (found && mayAnswer(found, contract)) return operator;
  }
  return null;
}
