// SPDX-License-Identifier: Apache-2.0
// What pages read from the chain.
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { each } from "../api/away.ts";
import { isOver } from "../api/merge.ts";
import { useConfig } from "../api/queries.ts";
import type { Execution } from "../api/schema.ts";
import { balanceOf } from "./rpc.ts";
import type { Integer } from "../api/exact.ts";
import { useSettled } from "../hooks/settled.ts";
import { completedIn, firstRequestIn, requestedIn } from "./events.ts";
import type { Prices } from "./price.ts";
import { failureOf, transactionOf, type Transaction } from "./transaction.ts";
import { view } from "./view.ts";

const FOLLOW_MS = 1000;
const FOLLOWED = 60; // answers that come by the second
const SELDOM_MS = 10_000;

export function useRpc(): readonly string[] {
  return useConfig().data?.rpc_urls ?? [];
}

export interface Named {
  hash: string;
  sender: string;
  contract: string;
  request: string;
}

// How long to wait before the chain is asked whether a request is answered: while the coordinator says that it is not,
// seldom, since live.ts has it asked when the coordinator says that it is; where it says nothing, or the chain's node is
// behind it, by the second for a minute.
export function untilAnswered(execution: Execution | null | undefined, answers: number): number {
  return (execution && !isOver(execution)) || answers > FOLLOWED ? SELDOM_MS : FOLLOW_MS;
}

// The transaction in which an execution was asked for; asked again until its end is in it.
export function useTransaction(named: Named | null, execution: Execution) {
  const urls = useRpc();
  return useQuery({
    queryKey: ["transaction", named?.hash, named?.sender],
    enabled: named !== null && urls.length > 0,
    queryFn: ({ signal }) => transactionOf(urls, named!.hash, named!.sender, signal),
    refetchInterval: ({ state }) =>
      state.data && named && completedIn(state.data, named.contract, named.request)
        ? false
        : untilAnswered(execution, state.dataUpdateCount),
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

function isAnswered(transaction: Transaction | undefined, contract: string): boolean {
  const asked = transaction && firstRequestIn(transaction, contract);
  return Boolean(
    transaction &&
    (asked ? completedIn(transaction, contract, `${asked.data.request_id}`) : failureOf(transaction) !== null),
  );
}

// A transaction that a wallet has sent, or may have sent: asked for until its request is answered.
export function useSentTransaction(hash: string, sender: string, contract: string) {
  const urls = useRpc();
  const client = useQueryClient();
  const told = (transaction: Transaction | undefined) => {
    const asked = transaction && firstRequestIn(transaction, contract);
    return asked && client.getQueryData<Execution | null>(["execution", contract, `${asked.data.request_id}`]);
  };
  return useQuery({
    queryKey: ["transaction", hash, sender],
    enabled: urls.length > 0,
    retry: 30,
    retryDelay: 2 * FOLLOW_MS,
    queryFn: ({ signal }) => transactionOf(urls, hash, sender, signal),
    refetchInterval: ({ state }) =>
      isAnswered(state.data, contract) ? false : untilAnswered(told(state.data), state.dataUpdateCount),
  });
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

// What must be attached for these limits, in yoctoNEAR.
export function useEstimate(contract: string, limits: Record<string, number> | null) {
  const urls = useRpc();
  const asked = useSettled(JSON.stringify(limits));
  return useQuery({
    queryKey: ["estimate", contract, asked],
    enabled: asked !== "null" && urls.length > 0,
    retry: false,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      view<string>(
        urls,
        contract,
        "estimate_execution_cost",
        { resource_limits: JSON.parse(asked) },
        undefined,
        signal,
      ),
  });
}
