// SPDX-License-Identifier: Apache-2.0
// How a transaction is asked for until what it began has ended: soon at first, and ever more seldom. Nodes drop
// transactions after some days: one that stays unknown is given up.
import type { Query } from "@tanstack/react-query";
import { againWhenAway, isAway } from "../api/away.ts";
import { RpcError } from "./rpc.ts";
import { transactionOf, type Transaction } from "./transaction.ts";

const FOLLOW_MS = 1000;
const SELDOM_MS = 10_000;
const MOST_MS = 60_000;
const UNKNOWN_TRIES = 4;

export function isUnknown(error: Error | null): boolean {
  return error instanceof RpcError && error.cause_name === "UNKNOWN_TRANSACTION";
}

type State = Query<Transaction>["state"];

const asked = ({ dataUpdateCount, errorUpdateCount }: State) => dataUpdateCount + errorUpdateCount;

// How long to wait after so many tries: twice as long each time.
function later(tries: number): number {
  return Math.min(FOLLOW_MS * 2 ** Math.max(tries - 1, 0), MOST_MS);
}

export interface Followed {
  urls: readonly string[];
  hash: string;
  sender: string;
  isEnded: (transaction: Transaction) => boolean; // nothing more is to come
  isRunning: () => boolean; // the coordinator says that it has not ended: live.ts has the chain asked when it does
}

// Of a request that was recorded. `before` keeps how often it was asked for before a page wanted it, and while it ran.
export function recorded({ urls, hash, sender, isEnded, isRunning }: Followed, before: { current: number | null }) {
  return {
    queryKey: ["transaction", hash, sender],
    queryFn: ({ signal }: { signal: AbortSignal }) => transactionOf(urls, hash, sender, signal),
    retry: (failures: number, error: Error) => failures < 1 && !isUnknown(error),
    refetchInterval: ({ state }: { state: State }): number | false => {
      if (state.data && isEnded(state.data)) return false;
      if (isRunning() || before.current === null) before.current = asked(state);
      if (isRunning()) return SELDOM_MS;
      const tries = asked(state) - before.current;
      if (isAway(state.error)) return againWhenAway({ state });
      return isUnknown(state.error) && tries >= UNKNOWN_TRIES ? false : later(tries);
    },
  };
}

const SENT_TRIES = 30;
const SOON = 60; // answers and errors, each a second after the other

// Of one that a wallet has sent, or may have sent: nodes hear of it when it is in a block.
export function sent({ urls, hash, sender, isEnded, isRunning }: Followed) {
  return {
    queryKey: ["transaction", hash, sender],
    queryFn: ({ signal }: { signal: AbortSignal }) => transactionOf(urls, hash, sender, signal),
    retry: SENT_TRIES,
    retryDelay: 2 * FOLLOW_MS,
    refetchInterval: ({ state }: { state: State }): number | false => {
      if ((state.data && isEnded(state.data)) || isUnknown(state.error)) return false;
      if (isAway(state.error)) return againWhenAway({ state });
      return isRunning() || asked(state) > SOON ? SELDOM_MS : FOLLOW_MS;
    },
  };
}
