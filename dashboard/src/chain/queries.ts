// SPDX-License-Identifier: Apache-2.0
// What pages read from the chain.
import { useRef } from "react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { each } from "../api/away.ts";
import { isOver } from "../api/merge.ts";
import { useConfig } from "../api/queries.ts";
import type { Execution } from "../api/schema.ts";
import { balanceOf } from "./rpc.ts";
import type { Integer } from "../api/exact.ts";
import { useSettled } from "../hooks/settled.ts";
import { completedIn, firstRequestIn, requestedIn } from "./events.ts";
import { recorded, sent } from "./follow.ts";
import type { Prices } from "./price.ts";
import { endWithoutRequest, transactionOf, type Transaction } from "./transaction.ts";
import { view } from "./view.ts";

export function useRpc(): readonly string[] {
  return useConfig().data?.rpc_urls ?? [];
}

export interface Named {
  hash: string;
  sender: string;
  contract: string;
  request: string;
}

// The transaction in which an execution was asked for; asked again until its end is in it.
export function useTransaction(named: Named | null, execution: Execution) {
  const urls = useRpc();
  const before = useRef<number | null>(null);
  const { hash = "", sender = "", contract = "", request = "" } = named ?? {};
  const isEnded = (transaction: Transaction) => completedIn(transaction, contract, request) !== null;
  const isRunning = () => !isOver(execution);
  return useQuery({
    ...recorded({ urls, hash, sender, isEnded, isRunning }, before),
    enabled: named !== null && urls.length > 0,
  });
}

// The contract's prices as of a block: those in force when a request was made.
export function usePrices(contract: string, block: string | undefined) {
  const urls = useRpc();
  return useQuery({
    queryKey: ["prices", contract, block],
    enabled: block !== undefined && urls.length > 0,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) => view<Prices>(urls, contract, "get_pricing", {}, { block_id: block! }, signal),
  });
}

export function useBalance(account: string | undefined) {
  const urls = useRpc();
  return useQuery({
    queryKey: ["balance", account],
    enabled: account !== undefined && urls.length > 0,
    queryFn: ({ signal }) => balanceOf(urls, account!, signal),
    refetchInterval: each(10_000),
  });
}

function isAnswered(transaction: Transaction, contract: string): boolean {
  const asked = firstRequestIn(transaction, contract);
  if (!asked) return endWithoutRequest(transaction) !== null;
  return completedIn(transaction, contract, `${asked.data.request_id}`) !== null;
}

// A transaction that a wallet has sent, or may have sent: asked for until its request is answered.
export function useSentTransaction(hash: string, sender: string, contract: string) {
  const urls = useRpc();
  const client = useQueryClient();
  const isRunning = () => {
    const transaction = client.getQueryData<Transaction>(["transaction", hash, sender]);
    const asked = transaction && firstRequestIn(transaction, contract);
    const told = asked && client.getQueryData<Execution | null>(["execution", contract, `${asked.data.request_id}`]);
    return Boolean(told && !isOver(told));
  };
  const isEnded = (transaction: Transaction) => isAnswered(transaction, contract);
  return useQuery({ ...sent({ urls, hash, sender, isEnded, isRunning }), enabled: urls.length > 0 });
}

// What an earlier request asked for.
export function useLike(hash: string | null, sender: string | null, contract: string, request: string | null) {
  const urls = useRpc();
  return useQuery({
    queryKey: ["like", hash, sender, contract, request],
    enabled: hash !== null && sender !== null && urls.length > 0,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => {
      const transaction = await transactionOf(urls, hash!, sender!, signal);
      return requestedIn(transaction, contract, request ?? "")?.data ?? null;
    },
  });
}

export function useContractLimits(contract: string) {
  const urls = useRpc();
  return useQuery({
    queryKey: ["limits", contract],
    enabled: urls.length > 0,
    queryFn: async ({ signal }) => {
      const [most, memory] = await Promise.all([
        view<Integer[]>(urls, contract, "get_max_limits", {}, undefined, signal),
        view<Integer>(urls, contract, "get_memory_limit", {}, undefined, signal),
      ]);
      return { instructions: BigInt(most[0] ?? 0), seconds: BigInt(most[1] ?? 0), memory: BigInt(memory) };
    },
  });
}

function estimateOf(urls: readonly string[], contract: string, limits: string) {
  return {
    queryKey: ["estimate", contract, limits],
    retry: false,
    staleTime: 30_000,
    queryFn: ({ signal }: { signal: AbortSignal }) => {
      const args = { resource_limits: JSON.parse(limits) as unknown };
      return view<string>(urls, contract, "estimate_execution_cost", args, undefined, signal);
    },
  };
}

// What must be attached for these limits, in yoctoNEAR; undefined while that is not known of these very ones.
export function useEstimate(contract: string, limits: Record<string, number> | null) {
  const urls = useRpc();
  const asked = JSON.stringify(limits);
  const settled = useSettled(asked);
  const found = useQuery({ ...estimateOf(urls, contract, settled), enabled: settled !== "null" && urls.length > 0 });
  return { data: settled === asked ? found.data : undefined, error: found.error };
}

// The same when somebody sends: what is shown may be of other limits, or not there yet. Throws where nobody says it.
export function useEstimateNow(contract: string): (limits: Record<string, number> | null) => Promise<string> {
  const urls = useRpc();
  const client = useQueryClient();
  return (limits) => client.fetchQuery(estimateOf(urls, contract, JSON.stringify(limits)));
}
