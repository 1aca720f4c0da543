// SPDX-License-Identifier: Apache-2.0
// The rows of secrets that an account has on the chain, and what changes them.
import type { Integer } from "../api/exact.ts";
import { finished } from "../chain/finished.ts";
import { until } from "../chain/until.ts";
import { view } from "../chain/view.ts";
import type { Wallet } from "../wallet/wallet.ts";
import { accessJson, type Access } from "./access.ts";

export interface Row {
  repo: string;
  branch: string | null;
  profile: string;
  created_at: Integer; // ns
  updated_at: Integer;
  storage_deposit: string;
  access: unknown;
}

export interface RowKey {
  repo: string; // normal form
  branch: string | null;
  profile: string;
}

export interface Place {
  urls: readonly string[];
  contract: string;
}

const PAGE = 100;
const ROWS_MAX = 10_000;

export async function listRows({ urls, contract }: Place, account: string, signal?: AbortSignal): Promise<Row[]> {
  const rows: Row[] = [];
  while (rows.length < ROWS_MAX) {
    const args = { account_id: account, from_index: rows.length, limit: PAGE };
    const page = await view<Row[]>(urls, contract, "list_user_secrets", args, undefined, signal);
    rows.push(...page);
    if (page.length < PAGE) return rows;
  }
  throw new Error(`the chain's node names ${ROWS_MAX.toLocaleString("en")} rows and has more: this page shows no more`);
}

export interface Stored {
  encrypted_secrets: string;
  access: unknown;
}

// Exactly this row; one without a branch does not stand for another.
export async function readRow({ urls, contract }: Place, key: RowKey, owner: string): Promise<Stored | null> {
  const row = await view<(Stored & { branch: string | null }) | null>(urls, contract, "get_secrets", { ...key, owner });
  return row && row.branch === key.branch ? row : null;
}

export function storageCost(place: Place, key: RowKey, owner: string, blob: string, access: unknown): Promise<string> {
  const args = { ...key, owner, encrypted_secrets_base64: blob, access };
  return view<string>(place.urls, place.contract, "estimate_storage_cost", args);
}

// Where a wallet does not say what it sent, the chain is asked whether it has happened.
async function seen(happened: () => Promise<boolean>, said: string): Promise<void> {
  if (await until(async () => (await happened().catch(() => false)) || null)) return;
  throw new Error(
    `the wallet does not say what became of it (“${said}”), and the chain shows nothing: look at the list before you try again`,
  );
}

// Signed with another of the wallet's accounts: it is that account's, and so is what it cost.
async function another({ urls }: Place, hash: string, sender: string, asked: string): Promise<never> {
  const who = `the wallet signed with ${sender}, not with ${asked}`;
  const choose = `choose ${asked} in the wallet before you try again`;
  await finished(urls, hash, sender).catch((e: Error) => {
    throw new Error(`${who}, and transaction ${hash} failed (${e.message}): ${choose}`);
  });
  throw new Error(`${who}: transaction ${hash} is done, and what it changed and cost is ${sender}'s; ${choose}`);
}

interface Change {
  method: string;
  args: object;
  deposit: string;
  tgas: number;
  happened: (row: Stored | null) => boolean;
}

async function act(place: Place, wallet: Wallet, key: RowKey, { method, args, deposit, tgas, happened }: Change) {
  const call = { contract: place.contract, method, args: JSON.stringify(args), deposit, tgas };
  const { hash, sender, said } = await wallet.send(call);
  if (hash === null) await seen(async () => happened(await readRow(place, key, wallet.accountId)), said ?? "");
  else if (sender !== wallet.accountId) await another(place, hash, sender, wallet.accountId);
  else await finished(place.urls, hash, wallet.accountId);
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

export async function storeRow(place: Place, wallet: Wallet, key: RowKey, blob: string, access: unknown) {
  const cost = await storageCost(place, key, wallet.accountId, blob, access);
  const args = { ...key, encrypted_secrets_base64: blob, access };
  const happened = (row: Stored | null) => row?.encrypted_secrets === blob;
  return act(place, wallet, key, { method: "store_secrets", args, deposit: cost, tgas: 50, happened });
}

export async function changeAccess(place: Place, wallet: Wallet, key: RowKey, access: Access): Promise<void> {
  const row = await readRow(place, key, wallet.accountId);
  if (!row) throw new Error("the row is not there any more");
  const next = accessJson(access);
  const cost = await storageCost(place, key, wallet.accountId, row.encrypted_secrets, next);
  const happened = (now: Stored | null) => same(now?.access, next);
  const args = { ...key, new_access: next };
  return act(place, wallet, key, { method: "update_access", args, deposit: cost, tgas: 50, happened });
}

export function deleteRow(place: Place, wallet: Wallet, key: RowKey): Promise<void> {
  const happened = (row: Stored | null) => row === null;
  return act(place, wallet, key, { method: "delete_secrets", args: key, deposit: "0", tgas: 30, happened });
}
