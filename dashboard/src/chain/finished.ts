// SPDX-License-Identifier: Apache-2.0
// Waits until all that a transaction does has happened, whatever the wallet that sent it said.
import { rpc, RpcError } from "./rpc.ts";
import { failureOf, type Transaction } from "./transaction.ts";
import { until } from "./until.ts";

function isOver(transaction: Transaction): boolean {
  const outcomes = new Set(transaction.receipts_outcome.map(({ id }) => id));
  const all = [transaction.transaction_outcome, ...transaction.receipts_outcome];
  const known = new Set(transaction.receipts.map(({ receipt_id }) => receipt_id));
  return all.every(({ outcome }) => outcome.receipt_ids.every((id) => outcomes.has(id) || !known.has(id)));
}

export async function finished(urls: readonly string[], hash: string, sender: string): Promise<Transaction> {
  // The node answers when it is over, or says after some seconds that it is not.
  const params = { tx_hash: hash, sender_account_id: sender, wait_until: "FINAL" };
  const over = await until(async () => {
    const transaction = await rpc<Transaction>(urls, "EXPERIMENTAL_tx_status", params).catch((e: unknown) => {
      if (e instanceof RpcError) return null;
      throw e;
    });
    const failure = transaction && failureOf(transaction);
    if (failure) throw new Error(failure);
    return transaction && transaction.receipts_outcome.length > 0 && isOver(transaction) ? transaction : null;
  });
  if (over) return over;
  throw new Error(
    `nobody says what became of transaction ${hash}: look at the list again later, before you try once more`,
  );
}
