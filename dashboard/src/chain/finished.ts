// SPDX-License-Identifier: Apache-2.0
// Waits until all that a transaction does has happened, whatever the wallet that sent it said.
import { rpc, RpcError } from "./rpc.ts";
import { failureOf, type Transaction } from "./transaction.ts";

const TRIES = 60;
const STEP_MS = 1000;

function isOver(transaction: Transaction): boolean {
  const outcomes = new Set(transaction.receipts_outcome.map(({ id }) => id));
  const all = [transaction.transaction_outcome, ...transaction.receipts_outcome];
  const known = new Set(transaction.receipts.map(({ receipt_id }) => receipt_id));
  return all.every(({ outcome }) => outcome.receipt_ids.every((id) => outcomes.has(id) || !known.has(id)));
}

export async function finished(urls: readonly string[], hash: string, sender: string): Promise<Transaction> {
  const params = { tx_hash: hash, sender_account_id: sender, wait_until: "FINAL" };
  for (let i = 0; i < TRIES; i++) {
    try {
      const transaction = await rpc<Transaction>(urls, "EXPERIMENTAL_tx_status", params);
      const failure = failureOf(transaction);
      if (failure !== null) throw new Error(failure);
      if (transaction.receipts_outcome.length > 0 && isOver(transaction)) return transaction;
    } catch (e) {
      if (!(e instanceof RpcError)) throw e;
    }
    await new Promise((later) => setTimeout(later, STEP_MS));
  }
  throw new Error(
    `nobody says what became of transaction ${hash}: look at the list again later, before you try once more`,
  );
}
