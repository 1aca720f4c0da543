// SPDX-License-Identifier: Apache-2.0
// What pages read, kept and asked for again by react-query: a page that is loaded stays when one answer fails.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useSettled } from "../hooks/settled.ts";
import { each } from "./away.ts";
import { ApiError, getJson, pathWith } from "./client.ts";
import { ownRpc, readConfig } from "./config.ts";
import { listPath, type ListFilter } from "./list.ts";
import { withRecent } from "./live.ts";
import type {
  ExecutionDetail,
  Executions,
  Pricing,
  Repository,
  Series,
  Stats,
  Usage,
  WasmInfo,
  Worker,
} from "./schema.ts";

// What changes is said to live.ts. These change without its being told: when a worker was heard of last, and the prices,
// which the contract's owner sets on the chain.
const HEARD_MS = 10_000;
const PRICES_MS = 60_000;

export function useExecutions(filter: ListFilter, limit: number, enabled = true) {
  return useQuery({
    queryKey: ["executions", filter, limit],
    enabled,
    queryFn: async ({ signal }) =>
      withRecent(await getJson<Executions>(listPath(filter, limit), signal), filter, limit),
    placeholderData: keepPreviousData,
  });
}

export function detailPath(contract: string, request: string): string {
  return `/public/executions/${encodeURIComponent(contract)}/${encodeURIComponent(request)}`;
}

async function readDetail(contract: string, request: string, signal: AbortSignal): Promise<ExecutionDetail | null> {
  try {
    const found = await getJson<ExecutionDetail>(detailPath(contract, request), signal);
    if (found.contract_id === contract && `${found.request_id}` === request) return found;
    throw new ApiError("other", 200, "the coordinator answered with another execution than was asked for");
  } catch (e) {
    if (e instanceof ApiError && e.status === 404) return null;
    throw e;
  }
}

// null: there is no such execution.
export function useExecution(contract: string, request: string | null) {
  return useQuery({
    queryKey: ["execution", contract, request],
    enabled: request !== null,
    queryFn: ({ signal }) => readDetail(contract, request!, signal),
  });
}

export function useStats() {
  return useQuery({
    queryKey: ["stats"],
    queryFn: ({ signal }) => getJson<Stats>("/public/stats", signal),
  });
}

// With each step the path is another one.
export function useSeries(path: string) {
  return useQuery({
    queryKey: ["series", path],
    queryFn: ({ signal }) => getJson<Series>(path, signal),
    placeholderData: keepPreviousData,
  });
}

export const REPOS_SHOWN = 20;

export function useRepos() {
  return useQuery({
    queryKey: ["repos"],
    queryFn: ({ signal }) => getJson<Repository[]>(pathWith("/public/repos", { limit: REPOS_SHOWN }), signal),
  });
}

export function usePricing() {
  return useQuery({
    queryKey: ["pricing"],
    queryFn: ({ signal }) => getJson<Pricing>("/public/pricing", signal),
    refetchInterval: each(PRICES_MS),
  });
}

export function useWorkers() {
  return useQuery({
    queryKey: ["workers"],
    queryFn: ({ signal }) => getJson<Worker[]>("/public/workers", signal),
    refetchInterval: each(HEARD_MS),
  });
}

export function useConfig() {
  return useQuery({
    queryKey: ["config"],
    queryFn: async ({ signal }) => readConfig(await getJson<unknown>("/public/config", signal), ownRpc()),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export function usagePath(account: string): string {
  return `/public/accounts/${encodeURIComponent(account)}/usage`;
}

export function useUsage(account: string) {
  return useQuery({
    queryKey: ["usage", account],
    queryFn: ({ signal }) => getJson<Usage>(usagePath(account), signal),
  });
}

export interface Recent {
  repo: string;
  commit: string;
  target: string;
}

// What was asked for lately, as it was written. null: by nobody whose requests are to be offered.
export function useRecent(filter: ListFilter | null): Recent[] {
  const list = useExecutions(filter ?? {}, 50, filter !== null);
  const found = new Map<string, Recent>();
  for (const { repo, ref, build_target } of (filter && list.data?.executions) ?? [])
    if (repo && ref) found.set(`${repo} ${ref}`, { repo, commit: ref, target: build_target ?? "" });
  return [...found.values()].slice(0, 20);
}

const COMMIT = /^[0-9a-f]{40}$/;

// Whether a repository's commit was built, once nobody types any more. What a branch means, only a worker finds out.
export function useBuilt(repo: string, commit: string, target: string) {
  const asked = useSettled(`${repo}\n${commit}\n${target}`);
  const [r = "", c = "", t = ""] = asked.split("\n");
  return useQuery({
    queryKey: ["built", asked],
    enabled: r.includes("/") && COMMIT.test(c),
    retry: false,
    queryFn: ({ signal }) =>
      getJson<WasmInfo>(pathWith("/public/wasm/info", { repo: r, commit: c, target: t }), signal),
  });
}
