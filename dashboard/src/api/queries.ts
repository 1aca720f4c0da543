// SPDX-License-Identifier: Apache-2.0
// What pages read, kept and asked for again by react-query: a page that is loaded stays when one answer fails.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useSettled } from "../hooks/settled.ts";
import type { Integer } from "./exact.ts";
import { getJson, pathWith } from "./client.ts";
import type { Config, Job, Stats, WasmInfo, Worker } from "./schema.ts";

export const LIVE_MS = 2000;
export const PAGE_ROWS = 50;

export interface JobFilter {
  contract?: string | undefined;
  transaction?: string | undefined;
  request?: string | undefined;
  before?: Integer | undefined; // only rows with a lower id
}

function jobsPath(filter: JobFilter, limit: number): string {
  return pathWith("/public/jobs", {
    contract_id: filter.contract,
    transaction_hash: filter.transaction,
    request_id: filter.request,
    before: filter.before,
    limit,
  });
}

export function useJobs(filter: JobFilter, limit = PAGE_ROWS) {
  return useQuery({
    queryKey: ["jobs", filter, limit],
    queryFn: ({ signal }) => getJson<Job[]>(jobsPath(filter, limit), signal),
    refetchInterval: LIVE_MS,
    placeholderData: keepPreviousData,
  });
}

export function isOver(job: Job): boolean {
  return job.state === "settled" || job.state === "expired";
}

// null: there is no such execution.
export function useExecution(contract: string, request: string | null) {
  return useQuery({
    queryKey: ["execution", contract, request],
    enabled: request !== null,
    queryFn: async ({ signal }) =>
      (await getJson<Job[]>(jobsPath({ contract, request: request! }, 1), signal))[0] ?? null,
    refetchInterval: ({ state }) => (state.data && isOver(state.data) ? false : LIVE_MS / 2),
  });
}

export function useStats() {
  return useQuery({
    queryKey: ["stats"],
    queryFn: ({ signal }) => getJson<Stats>("/public/stats", signal),
    refetchInterval: LIVE_MS * 2,
  });
}

export function useWorkers() {
  return useQuery({
    queryKey: ["workers"],
    queryFn: ({ signal }) => getJson<Worker[]>("/public/workers", signal),
    refetchInterval: LIVE_MS,
  });
}

export function useConfig() {
  return useQuery({
    queryKey: ["config"],
    queryFn: ({ signal }) => getJson<Config>("/public/config", signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export interface Recent {
  repo: string;
  commit: string;
  target: string;
}

// What was asked for lately, as it was written.
export function useRecent(): Recent[] {
  const jobs = useJobs({});
  const found = new Map<string, Recent>();
  for (const { repo, ref, build_target } of jobs.data ?? [])
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
