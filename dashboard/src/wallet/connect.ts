// SPDX-License-Identifier: Apache-2.0
// The wallet of a public network: one of /wallets.json, which keeps its keys and asks whoever uses it.
import type { Config } from "../api/schema.ts";
import type { Connect, Connected, SentBy, SignedBy } from "../connect/protocol.ts";
import { fromBase58 } from "../format/base58.ts";
import { fromBase64, type Bytes } from "../format/bytes.ts";
import { isAccount } from "../secrets/access.ts";
import { ed25519 } from "../secrets/key.ts";
import { nep413Hash, type Message } from "../secrets/nep413.ts";
import { askWallet, Unknown } from "./frame.ts";
import { tellTabs } from "./tabs.ts";
import type { Account, Call, Sent, SignedMessage, Wallet } from "./wallet.ts";

const KEY = "outlayer-wallet";
const TGAS = 1_000_000_000_000n;

interface Stored extends Connected {
  place: string;
}

function placeOf(config: Config): string {
  return `${config.network}/${config.contract_id ?? ""}`;
}

function withOf(config: Config): Connect {
  return { network: config.network === "mainnet" ? "mainnet" : "testnet", rpc: config.rpc_urls };
}

function read(config: Config): Stored | null {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? "null") as Stored | null;
    return stored && stored.place === placeOf(config) && isAccount(stored.account) ? stored : null;
  } catch {
    return null;
  }
}

function accountOf({ account, publicKey, name }: Connected): Account {
  return { accountId: account, publicKey, keeper: name };
}

export async function restoreConnected(config: Config): Promise<Account | null> {
  const stored = read(config);
  return stored && accountOf(stored);
}

export async function connectWallet(config: Config): Promise<Account> {
  const found = await askWallet<Connected>({ act: "connect", with: withOf(config) });
  if (!isAccount(found.account)) throw new Error("what the wallet names is no account of NEAR");
  localStorage.setItem(KEY, JSON.stringify({ ...found, place: placeOf(config) }));
  tellTabs();
  return accountOf(found);
}

export async function leaveWallet(config: Config): Promise<void> {
  const stored = read(config);
  localStorage.removeItem(KEY);
  tellTabs();
  if (stored) await askWallet({ act: "leave", with: { ...withOf(config), wallet: stored.wallet } }).catch(() => {});
}

// Either form that wallets write.
export function signatureOf(text: string): Bytes | null {
  const bytes = text.startsWith("ed25519:") ? fromBase58(text.slice("ed25519:".length), 64) : fromBase64(text);
  return bytes?.length === 64 ? new Uint8Array(bytes) : null;
}

// Some wallets sign with the address of the page that asked, and do not say so.
export async function callbackOf(message: Message, signed: SignedBy, urls: string[]): Promise<string | null> {
  const [key, signature] = [ed25519(signed.publicKey, 32), signatureOf(signed.signature)];
  if (!key || !signature) throw new Error("the wallet's signature, or its key, is not one of ed25519");
  const verifier = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
  for (const url of [null, ...urls])
    if (await crypto.subtle.verify("Ed25519", verifier, signature, await nep413Hash(message, url))) return url;
  throw new Error("what the wallet signed is not the message that it was asked to sign");
}

async function send(stored: Stored, config: Config, call: Call): Promise<Sent> {
  const { contract, method, args, deposit, tgas } = call;
  const gas = (BigInt(tgas) * TGAS).toString();
  const asked = {
    ...withOf(config),
    wallet: stored.wallet,
    account: stored.account,
    contract,
    method,
    args,
    gas,
    deposit,
  };
  try {
    const { hash, account } = await askWallet<SentBy>({ act: "send", with: asked });
    if (fromBase58(hash, 32)?.length !== 32 || !isAccount(account))
      throw new Unknown("what the wallet names is no transaction of an account");
    return { hash, sure: true, sender: account };
  } catch (e) {
    if (e instanceof Unknown) return { hash: null, sure: false, sender: stored.account, said: e.message };
    throw e;
  }
}

async function sign(stored: Stored, config: Config, message: Message): Promise<SignedMessage> {
  const asked = { ...withOf(config), wallet: stored.wallet, account: stored.account, ...message };
  const signed = await askWallet<SignedBy>({ act: "sign", with: asked });
  if (signed.account !== stored.account)
    throw new Error(
      `the wallet answered for ${signed.account.slice(0, 64)}, not for ${stored.account}: choose that account in it, or connect anew`,
    );
  const callbackUrl = await callbackOf(message, signed, [`${location.origin}/wallet.html`]);
  return { publicKey: signed.publicKey, signature: signed.signature, callbackUrl };
}

export function connectedWallet(config: Config, accountId: string): Wallet {
  const stored = read(config);
  if (stored?.account !== accountId)
    throw new Error("another tab of this browser has changed the account: look at it above, then try again");
  return {
    accountId,
    send: (call) => send(stored, config, call),
    signMessage: (message) => sign(stored, config, message),
  };
}
