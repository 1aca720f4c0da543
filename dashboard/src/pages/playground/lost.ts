// SPDX-License-Identifier: Apache-2.0
// Which execution a request has become that a wallet may have sent and does not tell of. Another one that is taken for it
// shows somebody what he never asked for, or an answer of before as that of now: in doubt none is.
import type { Integer } from "../../api/exact.ts";
import type { Execution } from "../../api/schema.ts";
import type { RequestData } from "../../chain/events.ts";
import { argumentsOf, draftOf } from "./draft.ts";

export interface LostRequest {
  sender: string; // who has signed it
  callee: string | null; // a contract that asks by itself, whose request is recorded as its own; null: `sender` asks
  args: string; // of the call
  after: Integer | null; // the newest execution of `sender` before the wallet was asked; null: nobody knows it, or `callee` asks
  but: string | null; // the transaction of a request that was followed then: it may be recorded later than that
  said: string; // by the wallet, or of it, instead of a transaction
}

// Of the account's newest executions those that may be it, as far as the coordinator's word goes.
export function candidates(rows: readonly Execution[], { after, but }: LostRequest): Execution[] {
  if (after === null) return [];
  return rows.filter(
    ({ id, transaction_hash }) => transaction_hash !== null && transaction_hash !== but && BigInt(id) > BigInt(after),
  );
}

// Whether the chain has just that in the request: another tab may have asked for something else meanwhile.
export function isAsked({ args }: LostRequest, data: RequestData): boolean {
  return argumentsOf(draftOf(data)) === args;
}
