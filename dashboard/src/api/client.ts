// SPDX-License-Identifier: Apache-2.0
// Asks the coordinator. Every way to fail is an ApiError whose message is a sentence for people.
import { parseExact } from "./exact.ts";

const ANSWER_MS = 30_000;

export class ApiError extends Error {
  readonly code: string; // of the server, or "unreachable", "not_json"
  readonly status: number; // 0: there was no answer
  readonly hint: string;
  readonly retry_ms: number; // how long the server wants to be left alone; 0: it does not say

  constructor(code: string, status: number, message: string, hint = "", retry_ms = 0) {
    super(message);
    this.name = "ApiError";
    this.code = code;
    this.status = status;
    this.hint = hint;
    this.retry_ms = retry_ms;
  }
}

export type Query = Record<string, string | number | undefined>;

export function pathWith(path: string, query: Query): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== "") given.set(name, `${value}`);
  const text = given.toString();
  return text ? `${path}?${text}` : path;
}

interface Answer {
  status: number;
  ok: boolean;
  text: string;
  retry_ms: number;
}

// Retry-After in seconds; as a date it is not read.
function retryMs(headers: Headers): number {
  const seconds = headers.get("retry-after") ?? "";
  return /^\d{1,6}$/.test(seconds) ? 1000 * Number(seconds) : 0;
}

function refusal({ status, retry_ms }: Answer, body: unknown): ApiError {
  const error = (body as { error?: { code?: unknown; message?: unknown; hint?: unknown } } | null)?.error;
  if (typeof error?.message === "string")
    return new ApiError(`${error.code ?? "refused"}`, status, error.message, `${error.hint ?? ""}`, retry_ms);
  return new ApiError("refused", status, `the coordinator answered with status ${status}`, "", retry_ms);
}

// A connection that ends within an answer is no answer either.
async function ask(path: string, init: RequestInit): Promise<Answer> {
  try {
    const answer = await fetch(path, init);
    const { status, ok, headers } = answer;
    return { status, ok, text: await answer.text(), retry_ms: retryMs(headers) };
  } catch (cause) {
    if (init.signal?.aborted && init.signal.reason?.name !== "TimeoutError") throw cause;
    const again = init.method === undefined ? "this page asks again by itself" : "try again";
    throw new ApiError("unreachable", 0, "the coordinator does not answer", again);
  }
}

async function askJson<T>(path: string, init: RequestInit, signal?: AbortSignal): Promise<T> {
  const limit = AbortSignal.timeout(ANSWER_MS);
  const answer = await ask(path, { ...init, signal: signal ? AbortSignal.any([signal, limit]) : limit });
  let body: unknown;
  try {
    body = parseExact(answer.text);
  } catch {
    if (answer.ok) throw new ApiError("not_json", answer.status, "the coordinator's answer is not JSON");
    body = null;
  }
  if (!answer.ok) throw refusal(answer, body);
  return body as T;
}

export function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  // A page asks because something has changed: what the browser has kept, for a second or so, is of before.
  return askJson<T>(path, { cache: "no-cache", headers: { accept: "application/json" } }, signal);
}

// word: of an account, by which it asks for what is its own.
export function askWithWord<T>(
  method: "GET" | "POST" | "DELETE",
  path: string,
  word: string,
  body?: unknown,
): Promise<T> {
  const headers = { accept: "application/json", "content-type": "application/json", authorization: `NEP413 ${word}` };
  return askJson<T>(path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
}

export function postJson<T>(path: string, body: unknown): Promise<T> {
  const headers = { accept: "application/json", "content-type": "application/json" };
  return askJson<T>(path, { method: "POST", headers, body: JSON.stringify(body) });
}
