// SPDX-License-Identifier: Apache-2.0
// What has changed, put into a list that was loaded before: as if the list had been asked for again.
import { toBig } from "../format/number.ts";
import type { Integer } from "./exact.ts";
import type { FilterName, ListFilter } from "./list.ts";
import type { Execution, Executions } from "./schema.ts";

const VALUES: Record<Exclude<FilterName, "from" | "to">, (row: Execution) => Integer | null | undefined> = {
  contract: (row) => row.contract_id,
  transaction: (row) => row.transaction_hash,
  request: (row) => row.request_id,
  sender: (row) => row.sender_id,
  payer: (row) => row.payer_id,
  state: (row) => row.state,
  outcome: (row) => row.outcome,
  failure: (row) => row.failure,
  repo: (row) => row.repo,
  module: (row) => row.wasm_hash,
  worker: (row) => (isOver(row) ? row.worker_id : null), // who ended it
};

export function isOver({ state }: Execution): boolean {
  return state === "settled" || state === "expired";
}

function big(value: Integer): bigint {
  return toBig(value) ?? 0n;
}

export function matches(filter: ListFilter, row: Execution): boolean {
  const { from, to, before, ...texts } = filter;
  if (before !== undefined && big(row.id) >= big(before)) return false;
  if (from !== undefined && big(row.created_at) < big(from)) return false;
  if (to !== undefined && big(row.created_at) >= big(to)) return false;
  return Object.entries(texts).every(([name, text]) => {
    const wanted = name === "module" ? text.toLowerCase() : text;
    return `${VALUES[name as keyof typeof VALUES](row) ?? ""}` === wanted;
  });
}

// changed: as they are now, of each the newest first.
export function merged(list: Executions, changed: readonly Execution[], filter: ListFilter, limit: number): Executions {
  const now = new Map<string, Execution>();
  for (const row of changed) if (!now.has(`${row.id}`)) now.set(`${row.id}`, row);
  if (now.size === 0) return list;
  const last = list.next === null ? null : list.executions.at(-1); // what lies behind it is the next page's
  const kept = list.executions.filter((row) => !now.has(`${row.id}`));
  const more = [...now.values()].filter((row) => matches(filter, row) && (!last || big(row.id) >= big(last.id)));
  const all = [...kept, ...more].sort((a, b) => (big(a.id) < big(b.id) ? 1 : -1));
  const executions = all.slice(0, limit);
  const next = all.length > limit ? `${executions.at(-1)!.id}` : list.next;
  return { executions, next };
}
