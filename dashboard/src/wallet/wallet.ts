// SPDX-License-Identifier: Apache-2.0
// What pages do with an account, whoever keeps its key.
import type { Message } from "../secrets/nep413.ts";

export interface Call {
  contract: string;
  method: string;
  args: string; // JSON, sent as it is
  deposit: string; // yoctoNEAR
  tgas: number;
}

export interface Account {
  accountId: string;
  publicKey: string | null;
  keeper: string | null; // of its key: a wallet's name; null: this browser, on a local chain
}

export interface Sent {
  hash: string | null; // null: not even that is known
  // false: nobody said that the chain took it. It may have: ask the chain by its hash.
  sure: boolean;
  sender: string; // who signed: some wallets take another of their accounts than the one that was asked for
  said?: string; // by the wallet, or of it, where it names no transaction
}

export interface SignedMessage {
  publicKey: string;
  signature: string; // "ed25519:…" or base64
  callbackUrl: string | null; // that the wallet signed with
}

export interface Wallet {
  accountId: string;
  send(call: Call): Promise<Sent>;
  signMessage(message: Message): Promise<SignedMessage>; // NEP-413
}
