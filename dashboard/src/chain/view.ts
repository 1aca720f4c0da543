// SPDX-License-Identifier: Apache-2.0
// Views of contracts.
import { parseExact } from "../api/exact.ts";
import { toBase64 } from "../format/bytes.ts";
import { rpc, RpcError } from "./rpc.ts";

// There is no such contract, or it failed: the same at each node. All else that is no answer, such as that a node has too much to
// do, says nothing of the contract.
const REFUSALS = ["UNKNOWN_ACCOUNT", "NO_CONTRACT_CODE", "CONTRACT_EXECUTION_ERROR"];

export function isRefused(e: unknown): boolean {
  return e instanceof RpcError && REFUSALS.includes(e.cause_name);
}

export type Block = { finality: "final" } | { block_id: string };

export async function view<T>(
  urls: readonly string[],
  contract: string,
  method: string,
  args: unknown,
  block: Block = { finality: "final" },
  signal?: AbortSignal,
): Promise<T> {
  const params = {
    request_type: "call_function",
    account_id: contract,
    method_name: method,
    args_base64: toBase64(new TextEncoder().encode(JSON.stringify(args))),
    ...block,
  };
  const answer = await rpc<{ result?: number[]; error?: string } | undefined>(urls, "query", params, signal);
  // Nodes tell the failure of a contract as an answer, or as an error of that name.
  if (typeof answer?.error === "string") throw new RpcError("CONTRACT_EXECUTION_ERROR", answer.error);
  if (!answer?.result) throw new RpcError("no_answer", `the view ${method} of ${contract} has no answer`);
  return parseExact(new TextDecoder().decode(Uint8Array.from(answer.result))) as T;
}
