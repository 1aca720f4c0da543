// SPDX-License-Identifier: Apache-2.0
// Reads of the chain by JSON-RPC, from the browser. Each address is tried in turn; integers keep their digits.
import { parseExact } from "../api/exact.ts";

const ANSWER_MS = 15_000;

export class RpcError extends Error {
  readonly cause_name: string; // such as "UNKNOWN_ACCOUNT"; "unreachable": no address answered

  constructor(name: string, message: string) {
    super(message);
    this.name = "RpcError";
    this.cause_name = name;
  }
}

// There is no such block, or the node does not have it, or what held then, any more.
export function isGone(e: unknown): boolean {
  return e instanceof RpcError && /^(UNKNOWN|GARBAGE_COLLECTED)_BLOCK$/.test(e.cause_name);
}

interface Answer {
  result?: unknown;
  error?: { message?: string; cause?: { name?: string }; data?: unknown };
}

// Nodes say "Server error" for a message, and what was wrong as data.
function reasonOf({ data, message }: NonNullable<Answer["error"]>): string {
  if (typeof data === "string") return data;
  return data ? JSON.stringify(data) : (message ?? "the chain refused the question");
}

async function post(url: string, body: string, signal?: AbortSignal): Promise<Answer> {
  const limit = AbortSignal.timeout(ANSWER_MS);
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
  });
  // Whatever it says besides, another address may have time for the question.
  if (answer.status === 429) throw new Error("asked too often");
  return parseExact(await answer.text()) as Answer;
}

export async function rpc<T>(
  urls: readonly string[],
  method: string,
  params: unknown,
  signal?: AbortSignal,
): Promise<T> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: "1", method, params });
  for (const url of urls) {
    let answer: Answer;
    try {
      answer = await post(url, body, signal);
    } catch (e) {
      if (signal?.aborted) throw e;
      continue;
    }
    if (answer.error) throw new RpcError(answer.error.cause?.name ?? "error", reasonOf(answer.error));
    return answer.result as T;
  }
  throw new RpcError("unreachable", "no RPC address of the chain answers");
}

// What an account has, in yoctoNEAR; null: there is no such account.
export async function balanceOf(
  urls: readonly string[],
  account: string,
  signal?: AbortSignal,
): Promise<string | null> {
  const params = { request_type: "view_account", finality: "final", account_id: account };
  try {
    return (await rpc<{ amount: string }>(urls, "query", params, signal)).amount;
  } catch (e) {
    if (e instanceof RpcError && e.cause_name === "UNKNOWN_ACCOUNT") return null;
    throw e;
  }
}
