// SPDX-License-Identifier: Apache-2.0
// The way of values into a row: the key is checked, they are sealed here, the keystore adds its own, the chain stores.
import type { Wallet } from "../wallet/wallet.ts";
import { generateSecrets, type Wish } from "./generate.ts";
import { askSealingKey } from "./key.ts";
import { storeRow, type Place } from "./rows.ts";

export interface Wanted {
  network: string;
  repo: string; // as it was typed
  branch: string | null;
  profile: string;
  values: Map<string, string>; // emptied when they have been sealed
  wishes: Wish[];
  access: () => Promise<unknown>; // asked as late as possible
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
  await storeRow(place, wallet, { repo: key.scope.repo, branch, profile }, blob, await wanted.access());
}
