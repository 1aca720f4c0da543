// SPDX-License-Identifier: Apache-2.0
// The wallet of a local chain: a key that is made in this browser and never leaves it, and an account from the faucet.
// Where the faucet is, only the coordinator says.
import type { Config } from "../api/schema.ts";
import { balanceOf, rpc } from "../chain/rpc.ts";
import { base58 } from "../format/base58.ts";
import { readCredentials, type Credentials } from "./credentials.ts";
import { readAccount, removeAccount, writeAccount, type StoredAccount } from "./keys.ts";
import { alone } from "./tabs.ts";

const FAUCET_MS = 30_000;
const LETTERS = "abcdefghijklmnopqrstuvwxyz234567";

function placeOf(config: Config): string {
  return `${config.network}/${config.contract_id ?? ""}`;
}

function newName(parent: string): string {
  const random = crypto.getRandomValues(new Uint8Array(10));
  return `web-${Array.from(random, (byte) => LETTERS[byte & 31]).join("")}.${parent}`;
}

// Accounts of the local chain are below the account that all of them come from: test.near of outlayer.test.near.
function parentOf(config: Config): string {
  return (config.contract_id ?? "").split(".").slice(1).join(".") || "test.near";
}

async function makeKey(): Promise<CryptoKeyPair> {
  try {
    return (await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"])) as CryptoKeyPair;
  } catch {
    throw new Error(
      globalThis.isSecureContext
        ? "this browser has no Ed25519 keys: Chromium 137, Firefox 129 or Safari 17 have them"
        : "a browser makes keys on https and on this machine's own addresses only",
    );
  }
}

async function askFaucet(url: string, accountId: string, publicKey: string): Promise<void> {
  let status = 0;
  try {
    const answer = await fetch(`${url.replace(/\/$/, "")}/account`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ newAccountId: accountId, newAccountPublicKey: publicKey }),
      signal: AbortSignal.timeout(FAUCET_MS),
    });
    status = answer.status;
    if (answer.ok) return;
  } catch {
    // below
  }
  throw new Error(status ? `the faucet answered with status ${status}` : "the faucet does not answer");
}

// The account that this browser has on this chain, if the chain still knows it.
export async function restoreLocal(config: Config): Promise<StoredAccount | null> {
  const account = await readAccount(placeOf(config));
  if (!account) return null;
  // A chain that does not know it (or an address that lies) takes no key away: only a new account takes its place.
  return (await balanceOf(config.rpc_urls, account.accountId)) === null ? null : account;
}

// One tab at a time: the account that another one has just made is this browser's, too.
export function connectLocal(config: Config): Promise<StoredAccount> {
  return alone(async () => (await restoreLocal(config)) ?? makeAccount(config));
}

async function makeAccount(config: Config): Promise<StoredAccount> {
  if (!config.faucet_url) throw new Error("this coordinator names no faucet");
  const pair = await makeKey();
  const publicKey = `ed25519:${base58(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)))}`;
  const accountId = newName(parentOf(config));
  await askFaucet(config.faucet_url, accountId, publicKey);
  const account = { network: placeOf(config), accountId, publicKey, privateKey: pair.privateKey };
  await writeAccount(account);
  return account;
}

// The account as this browser has it now: another tab may have taken another one, or forgotten this one.
export async function keyOf(config: Config, accountId: string): Promise<StoredAccount> {
  const account = await readAccount(placeOf(config));
  if (account?.accountId !== accountId)
    throw new Error("another tab of this browser has changed the account: look at it above, then try again");
  return account;
}

async function hasKey(config: Config, { accountId, publicKey }: Credentials): Promise<boolean> {
  const params = { request_type: "view_access_key", finality: "final", account_id: accountId, public_key: publicKey };
  const { permission } = await rpc<{ permission?: unknown }>(config.rpc_urls, "query", params);
  return permission === "FullAccess";
}

// On a local chain alone: an account of its credentials file, once the chain says that the key is the account's.
export async function importLocal(config: Config, text: string): Promise<StoredAccount> {
  if (!config.faucet_url) throw new Error("files with keys are for local chains: use a wallet here");
  const read = await readCredentials(text);
  if (!(await hasKey(config, read)))
    throw new Error(`the key of this file may not do everything for ${read.accountId}`);
  const account = { network: placeOf(config), ...read };
  await alone(() => writeAccount(account));
  return account;
}

export async function disconnectLocal(config: Config): Promise<void> {
  await removeAccount(placeOf(config));
}
