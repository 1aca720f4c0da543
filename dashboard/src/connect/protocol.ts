// SPDX-License-Identifier: Apache-2.0
// What the pages and the document of wallets (wallet.html) say to each other, both of one origin.
export interface Connect {
  network: "mainnet" | "testnet";
  rpc: readonly string[];
}

export interface Send extends Connect {
  wallet: string; // its id
  account: string;
  contract: string;
  method: string;
  args: string; // JSON
  gas: string;
  deposit: string;
}

export interface Sign extends Connect {
  wallet: string;
  account: string;
  message: string;
  recipient: string;
  nonce: Uint8Array;
}

export interface Leave extends Connect {
  wallet: string;
}

export type Question = { outlayer: "question"; id: number } & (
  | { act: "connect"; with: Connect }
  | { act: "send"; with: Send }
  | { act: "sign"; with: Sign }
  | { act: "leave"; with: Leave }
);

export interface Connected {
  wallet: string;
  name: string;
  account: string;
  publicKey: string | null;
}

export interface SentBy {
  hash: string;
  account: string;
}

export interface SignedBy {
  account: string;
  publicKey: string;
  signature: string;
}

// refused: the wallet was not asked, or whoever uses it said no there. Other errors leave open whether something was sent.
export type Answer = { outlayer: "answer"; id: number } & (
  { result: Connected | SentBy | SignedBy | null } | { error: string; refused: boolean }
);

export interface Ready {
  outlayer: "ready";
}
