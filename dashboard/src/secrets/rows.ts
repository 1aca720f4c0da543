// SPDX-License-Identifier: Apache-2.0
// The rows of secrets that an account has on the chain, and what changes them.
import type { Integer } from "../api/exact.ts";
import { finished } from "../chain/finished.ts";
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

export async function listRows({ urls, contract }: Place, account: string, signal?: AbortSignal): Promise<Row[]> {
  const rows: Row[] = [];
  for (;;) {
    const args = { account_id: account, from_index: rows.length, limit: PAGE };
    const page = await view<Row[]>(urls, contract, "list_user_secrets", args, undefined, signal);
    rows.push(...page);
    if (page.length < PAGE) return rows;
  }
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

async function act(place: Place, wallet: Wallet, method: string, args: object, deposit: string, tgas: number) {
  const call = { contract: place.contract, method, args: JSON.stringify(args), deposit, tgas };
  const { hash } = await wallet.send(call);
  await finished(place.urls, hash, wallet.accountId);
  return hash;
}

export async function storeRow(place: Place, wallet: Wallet, key: RowKey, blob: string, access: unknown) {
  const cost = await storageCost(place, key, wallet.accountId, blob, access);
  return act(place, wallet, "store_secrets", { ...key, encrypted_secrets_base64: blob, access }, cost, 50);
}

export async function changeAccess(place: Place, wallet: Wallet, key: RowKey, access: Access): Promise<string> {
  const row = await readRow(place, key, wallet.accountId);
  if (!row) throw new Error("the row is not there any more");
  const next = accessJson(access);
  const cost = await storageCost(place, key, wallet.accountId, row.encrypted_secrets, next);
  return act(place, wallet, "update_access", { ...key, new_access: next }, cost, 50);
}

export function deleteRow(place: Place, wallet: Wallet, key: RowKey): Promise<string> {
  return act(place, wallet, "delete_secrets", key, "0", 30);
}
