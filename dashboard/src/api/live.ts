// SPDX-License-Identifier: Apache-2.0
// One question that waits at the coordinator until something changes, for all that this tab shows. While nobody looks at
// the tab nothing is asked; while the coordinator does not answer, what is shown is asked for itself, and says so.
import type { QueryClient } from "@tanstack/react-query";
import { pauseAfter } from "./away.ts";
import { ApiError, getJson, pathWith } from "./client.ts";
import type { ListFilter } from "./list.ts";
import { isOver, merged } from "./merge.ts";
import type { Changes, Execution, Executions, Stats } from "./schema.ts";

const WAIT_S = 20; // below the time in which any question must be answered
const AGAIN_MS = 3000; // until the next try
const KEPT_MS = 2500; // a list may be an answer that the coordinator kept for two seconds
const SUMS_MS = 10_000; // a busy coordinator does not have them loaded anew each time that something ends
const ADDED_UP_MS = 80_000; // until what has ended counts at its repository
const TOLD = ["executions", "execution", "stats", "workers"];
const SUMS = ["series", "usage"];
const REPOS = ["repos"];

interface Recent {
  at: number;
  row: Execution;
}
let recent: Recent[] = [];

function remember(rows: readonly Execution[]): void {
  const at = Date.now();
  recent = [...rows.map((row) => ({ at, row })), ...recent.filter((one) => at - one.at < KEPT_MS)];
}

// A list that comes now may be older than what is known already.
export function withRecent(list: Executions, filter: ListFilter, limit: number): Executions {
  const rows = recent.filter(({ at }) => Date.now() - at < KEPT_MS).map(({ row }) => row);
  return merged(list, rows, filter, limit);
}

function refresh(client: QueryClient, keys: readonly string[]): void {
  for (const key of keys) void client.invalidateQueries({ queryKey: [key] });
}

// An answer that is under way may be of before, and the first one of a query is not asked for anew unless it is given up.
async function askAnew(client: QueryClient, queryKey: readonly string[]): Promise<void> {
  await client.cancelQueries({ queryKey });
  await client.invalidateQueries({ queryKey });
}

function applyRow(client: QueryClient, row: Execution): void {
  void askAnew(client, ["execution", row.contract_id, `${row.request_id}`]);
  if (row.transaction_hash) void client.invalidateQueries({ queryKey: ["transaction", row.transaction_hash] });
}

export function applyChanges(client: QueryClient, { executions, workers, counts }: Changes): void {
  remember(executions);
  for (const [key, list] of client.getQueriesData<Executions>({ queryKey: ["executions"] })) {
    const [, filter, limit] = key as [string, ListFilter, number];
    if (list && executions.length > 0) client.setQueryData(key, merged(list, executions, filter, limit));
  }
  new Map(executions.map((row) => [`${row.id}`, row])).forEach((row) => applyRow(client, row));
  if (executions.length > 0) {
    client.setQueryData<Stats>(["stats"], (stats) => stats && { ...stats, ...counts });
    void client.invalidateQueries({ queryKey: ["stats"] });
  }
  if (workers) void client.invalidateQueries({ queryKey: ["workers"] });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      done();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}

// Loads at once, and once more after `ms`: until then an answer may be older than what was told. Whoever wants it meanwhile,
// as each answer of a busy coordinator does, gets it by another time at the end.
function loader(client: QueryClient, keys: readonly string[], ms: number, signal: AbortSignal): () => Promise<void> {
  let runs = false;
  let wanted = false;
  return async () => {
    wanted = true;
    if (runs) return;
    runs = true;
    refresh(client, keys);
    while (wanted && !signal.aborted) {
      wanted = false;
      await pause(ms, signal);
      if (!signal.aborted) refresh(client, keys);
    }
    runs = false;
  };
}

// It answers, but has too much to do: what is most of the work for it, and can wait, is not asked for.
function isBusy(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 429 || error.status === 503);
}

// Until the signal says so. first: `since` of the first question; what is given back is that of the next one.
async function listen(
  client: QueryClient,
  first: string | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const load = (keys: readonly string[], ms: number) => loader(client, keys, ms, signal);
  const [told, sums, repos] = [load(TOLD, KEPT_MS), load(SUMS, SUMS_MS), load(REPOS, ADDED_UP_MS)];
  let since = first;
  let failed = false;
  while (!signal.aborted) {
    try {
      // Whether it answers again is not to be waited for.
      const question = pathWith("/public/changes", { since, timeout: failed ? 0 : WAIT_S });
      const changes = await getJson<Changes>(question, signal);
      if (signal.aborted) break;
      since = changes.seq;
      const anew = changes.anew || failed;
      const loads = [...(anew ? [told] : []), ...(anew || changes.executions.some(isOver) ? [sums, repos] : [])];
      for (const one of loads) void one();
      failed = false;
      applyChanges(client, changes);
    } catch (e) {
      if (signal.aborted) break;
      failed = true;
      refresh(client, isBusy(e) ? TOLD : [...TOLD, ...SUMS, ...REPOS]);
      await pause(pauseAfter(e, AGAIN_MS), signal);
    }
  }
  return since;
}

// Runs while the tab is looked at; the answer ends it.
export function followChanges(client: QueryClient): () => void {
  let since: string | undefined;
  let running: AbortController | null = null;
  const arrange = () => {
    if (document.hidden) {
      running?.abort();
      running = null;
    } else if (!running) {
      const own = (running = new AbortController());
      void listen(client, since, own.signal).then((last) => (since = last ?? since));
    }
  };
  document.addEventListener("visibilitychange", arrange);
  arrange();
  return () => {
    document.removeEventListener("visibilitychange", arrange);
    running?.abort();
  };
}
