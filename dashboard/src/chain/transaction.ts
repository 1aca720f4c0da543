// SPDX-License-Identifier: Apache-2.0
// A transaction with all that came of it, as nodes tell it, and its receipts as a tree.
import { rpc } from "./rpc.ts";

export interface FunctionCall {
  method_name: string;
  args: string; // base64
  gas: number | string;
  deposit: string;
}
export type Action = string | Record<string, unknown>;

export interface Outcome {
  id: string;
  block_hash: string;
  outcome: {
    executor_id: string;
    gas_burnt: number | string;
    logs: string[];
    receipt_ids: string[];
    status: { SuccessValue: string } | { SuccessReceiptId: string } | { Failure: unknown } | Record<string, never>;
    tokens_burnt: string;
  };
}

export interface Receipt {
  receipt_id: string;
  predecessor_id: string;
  receiver_id: string;
  receipt: { Action?: { actions: Action[]; signer_id: string }; Data?: { data_id: string; data: string | null } };
}

export interface Transaction {
  transaction: { hash: string; signer_id: string; public_key?: string; receiver_id: string; actions: Action[] };
  transaction_outcome: Outcome;
  receipts: Receipt[];
  receipts_outcome: Outcome[];
}

export function transactionOf(urls: readonly string[], hash: string, sender: string, signal?: AbortSignal) {
  const params = { tx_hash: hash, sender_account_id: sender, wait_until: "NONE" };
  return rpc<Transaction>(urls, "EXPERIMENTAL_tx_status", params, signal);
}

// Whether all that came of it has run: no more will be said by it.
export function isWhole({ transaction_outcome, receipts_outcome }: Transaction): boolean {
  const run = new Set(receipts_outcome.map(({ id }) => id));
  const all = [transaction_outcome, ...receipts_outcome];
  return run.size > 0 && all.every(({ outcome }) => outcome.receipt_ids.every((id) => run.has(id)));
}

// Whether the receipt by which it calls its receiver succeeded; null: that has not run, as far as the node knows.
export function callSucceeded({ transaction_outcome, receipts_outcome }: Transaction): boolean | null {
  const [call] = transaction_outcome.outcome.receipt_ids;
  const status = receipts_outcome.find(({ id }) => id === call)?.outcome.status ?? {};
  if ("Failure" in transaction_outcome.outcome.status || "Failure" in status) return false;
  return "SuccessValue" in status || "SuccessReceiptId" in status ? true : null;
}

// How one ended that asked for no execution. "refused": its call did nothing, and the chain gives the deposit back. Where
// something failed after that, its receiver knows what became of the deposit. null: more is to come of it.
export function endWithoutRequest(transaction: Transaction): "refused" | "failed" | "silent" | null {
  if (callSucceeded(transaction) === false) return "refused";
  if (!isWhole(transaction)) return null;
  return failureOf(transaction) === null ? "silent" : "failed";
}

export interface Branch {
  id: string;
  from: string;
  to: string;
  actions: Action[];
  data: boolean; // carries the value that another receipt waits for
  outcome: Outcome | null; // null: not run yet
  children: Branch[];
}

// Each receipt below the one that made it. One that a node repeats, or names before itself, stands once.
export function receiptTree(transaction: Transaction): Branch[] {
  const outcomes = new Map(transaction.receipts_outcome.map((outcome) => [outcome.id, outcome]));
  const receipts = new Map(transaction.receipts.map((receipt) => [receipt.receipt_id, receipt]));
  const seen = new Set<string>();
  const branch = (id: string): Branch[] => {
    const receipt = receipts.get(id);
    const outcome = outcomes.get(id) ?? null;
    if (seen.has(id) || (!receipt && !outcome)) return [];
    seen.add(id);
    return [
      {
        id,
        from: receipt?.predecessor_id ?? transaction.transaction.signer_id,
        to: receipt?.receiver_id ?? outcome?.outcome.executor_id ?? "",
        actions: receipt?.receipt.Action?.actions ?? (receipt ? [] : transaction.transaction.actions),
        data: receipt?.receipt.Data !== undefined,
        outcome,
        children: (outcome?.outcome.receipt_ids ?? []).flatMap(branch),
      },
    ];
  };
  const roots = transaction.transaction_outcome.outcome.receipt_ids.flatMap(branch);
  const lost = transaction.receipts_outcome.filter(({ id }) => !seen.has(id)).flatMap(({ id }) => branch(id));
  return [...roots, ...lost];
}

export function callOf(action: Action): FunctionCall | null {
  return typeof action === "object" ? ((action.FunctionCall as FunctionCall | undefined) ?? null) : null;
}

export function actionName(action: Action): string {
  return typeof action === "string" ? action : (Object.keys(action)[0] ?? "");
}

// What a transaction, or a receipt of it, failed with, in the contract's words where they are there. null: nothing did.
export function failureOf(transaction: Transaction): string | null {
  for (const { outcome } of [transaction.transaction_outcome, ...transaction.receipts_outcome])
    if ("Failure" in outcome.status) {
      const found = /"ExecutionError":("(?:[^"\\]|\\.)*")/.exec(JSON.stringify(outcome.status.Failure));
      return found ? (JSON.parse(found[1]!) as string) : JSON.stringify(outcome.status.Failure);
    }
  return null;
}
