// SPDX-License-Identifier: Apache-2.0
// The way of values into a row: the key is checked, they are sealed here, the keystore adds its own, the chain stores.
import type { Wallet } from "../wallet/wallet.ts";
import { accessJson, type Access } from "./access.ts";
import { generateSecrets, type Wish } from "./generate.ts";
import { askSealingKey } from "./key.ts";
import { readRow, storeRow, type Place, type RowKey } from "./rows.ts";

export interface Wanted {
  network: string;
  repo: string; // as it was typed
  branch: string | null;
  profile: string;
  values: Map<string, string>; // emptied when they have been sealed
  wishes: Wish[];
  replaces: boolean; // whether the row is there already
  access: Access | null; // null: what the row has
}

// The condition that a row is stored with, by what the chain has at that moment. New secrets never take the place of
// others: whoever thinks of a new row does not think of whom the old one was closed to, and of the values in it.
export async function conditionFor(place: Place, key: RowKey, owner: string, wanted: Wanted): Promise<unknown> {
  const { replaces, access } = wanted;
  const stored = await readRow(place, key, owner);
  if (stored && !replaces)
    throw new Error(
      "this account has secrets for this repository, branch and profile: replace their values in the list",
    );
  if (access) return accessJson(access);
  if (!stored) throw new Error("the row is not there any more: choose a condition");
  return stored.access;
}

export type Step = "key" | "seal" | "generate" | "store";

export async function storeSecrets(
  place: Place,
  wallet: Wallet,
  wanted: Wanted,
  say: (step: Step) => void,
): Promise<void> {
  const { network, repo, branch, profile, values, wishes } = wanted;
  say("key");
  const names = [...values.keys()];
  const question = { network, contract: place.contract, owner: wallet.accountId, repo, branch, names };
  const key = await askSealingKey(place.urls, question);
  let blob: string | null = null;
  if (values.size > 0) {
    say("seal");
    blob = await (await import("./seal.ts")).sealValues(key, profile, values);
    values.clear();
  }
  if (wishes.length > 0) {
    say("generate");
    blob = await generateSecrets(place.urls, wallet, { scope: key.scope, profile, blob, wishes });
  }
  if (blob === null) throw new Error("there is nothing to store");
  say("store");
  const row = { repo: key.scope.repo, branch, profile };
  await storeRow(place, wallet, row, blob, await conditionFor(place, row, wallet.accountId, wanted));
}
