// SPDX-License-Identifier: Apache-2.0
// Errors that pass by themselves: whoever was asked is away, or has too much to do. These are asked again.
import { RpcError } from "../chain/rpc.ts";
import { ApiError } from "./client.ts";

const AGAIN_MS = 4000;

export function isAway(error: Error | null): boolean {
  if (error instanceof ApiError) return error.status === 0 || error.status === 429 || error.status >= 500;
  return error instanceof RpcError && error.cause_name === "unreachable";
}

const PAUSE_MAX_MS = 60_000;

// How long to wait before it is asked again: as long as it wants, within reason, and `ms` at least.
export function pauseAfter(error: unknown, ms = AGAIN_MS): number {
  return Math.min(Math.max(ms, error instanceof ApiError ? error.retry_ms : 0), PAUSE_MAX_MS);
}

type Asked = { state: { error: Error | null } };

export function againWhenAway(query: Asked): number | false {
  return isAway(query.state.error) ? pauseAfter(query.state.error) : false;
}

// Each `ms`, and sooner while somebody is away.
export function each(ms: number): (query: Asked) => number {
  return (query) => (isAway(query.state.error) ? pauseAfter(query.state.error, Math.min(ms, AGAIN_MS)) : ms);
}
