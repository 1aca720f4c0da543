// SPDX-License-Identifier: Apache-2.0
// What a list of executions is narrowed to: as it stands in a page's address, and as the coordinator is asked.
import { pathWith, type Query } from "./client.ts";

export const PAGE_ROWS = 50;

// Each name in a page's address, with the coordinator's own.
export const FILTERS = {
  contract: "contract_id",
  transaction: "transaction_hash",
  request: "request_id",
  sender: "sender",
  payer: "payer",
  state: "state",
  outcome: "outcome",
  failure: "failure",
  repo: "repo",
  worker: "worker",
  module: "wasm_hash",
  from: "from",
  to: "to",
} as const;
export type FilterName = keyof typeof FILTERS;
export const FILTER_NAMES = Object.keys(FILTERS) as FilterName[];

// before: only rows with a lower id, which is how the next page is asked for, however many came before it.
export type ListFilter = { [name in FilterName | "before"]?: string };

export function filterOf(search: URLSearchParams): ListFilter {
  const filter: ListFilter = {};
  for (const name of [...FILTER_NAMES, "before"] as const) {
    const text = search.get(name)?.trim();
    if (text) filter[name] = text;
  }
  return filter;
}

export function searchOf(filter: ListFilter): string {
  const text = new URLSearchParams(filter as Record<string, string>).toString();
  return text && `?${text}`;
}

export function listPath({ before, ...filter }: ListFilter, limit: number): string {
  const query: Query = {};
  for (const name of FILTER_NAMES) query[FILTERS[name]] = filter[name];
  return pathWith("/public/executions", { ...query, before, limit });
}
