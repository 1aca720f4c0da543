// SPDX-License-Identifier: Apache-2.0
// Errors that pass by themselves: whoever was asked is away, or has too much to do. These are asked again.
import { RpcError } from "../chain/rpc.ts";
import { ApiError } from "./client.ts";

const AGAIN_MS = 4000;

export function isAway(error: Error | null): boolean {
  if (error instanceof ApiError) return error.status === 0 || error.status === 429 || error.status >= 500;
  return error instanceof RpcError && error.cause_name === "unreachable";
}

type Asked = { state: { error: Error | null } };

export function againWhenAway(query: Asked): number | false {
  return isAway(query.state.error) ? AGAIN_MS : false;
}

// Each `ms`, and sooner while somebody is away.
export function each(ms: number): (query: Asked) => number {
  return (query) => (isAway(query.state.error) ? Math.min(ms, AGAIN_MS) : ms);
}
