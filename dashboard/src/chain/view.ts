// SPDX-License-Identifier: Apache-2.0
// Views of contracts.
import { parseExact } from "../api/exact.ts";
import { toBase64 } from "../format/bytes.ts";
import { rpc, RpcError } from "./rpc.ts";

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
  const answer = await rpc<{ result?: number[]; error?: string }>(urls, "query", params, signal);
  if (!answer.result) throw new RpcError("view", answer.error ?? `the view ${method} of ${contract} has no answer`);
  return parseExact(new TextDecoder().decode(Uint8Array.from(answer.result))) as T;
}
