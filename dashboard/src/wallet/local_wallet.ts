// SPDX-License-Identifier: Apache-2.0
// Signs for a local chain's account with the key that the browser keeps.
import { Account, actions, encodeTransaction, JsonRpcProvider, PublicKey, Signer } from "near-api-js";
import { base58 } from "../format/base58.ts";
import { nep413Hash, type Message } from "../secrets/nep413.ts";
import type { StoredAccount } from "./keys.ts";
import type { Call, Sent, SignedMessage, Wallet } from "./wallet.ts";

class BrowserSigner extends Signer {
  private readonly account: StoredAccount;

  constructor(account: StoredAccount) {
    super();
    this.account = account;
  }

  async getPublicKey(): Promise<PublicKey> {
    return PublicKey.from(this.account.publicKey);
  }

  protected async signBytes(bytes: Uint8Array): Promise<Uint8Array> {
    return new Uint8Array(await crypto.subtle.sign("Ed25519", this.account.privateKey, new Uint8Array(bytes)));
  }
}

export function localWallet(stored: StoredAccount, rpcUrl: string): Wallet {
  const provider = new JsonRpcProvider({ url: rpcUrl });
  const account = new Account(stored.accountId, provider, new BrowserSigner(stored));
  const send = async (call: Call): Promise<Sent> => {
    const action = actions.functionCall(
      call.method,
      new TextEncoder().encode(call.args),
      BigInt(call.tgas) * 1_000_000_000_000n,
      BigInt(call.deposit),
    );
    const signed = await account.createSignedTransaction({ receiverId: call.contract, actions: [action] });
    const bytes = new Uint8Array(encodeTransaction(signed.transaction));
    const hash = base58(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
    try {
      await provider.sendTransactionUntil(signed, "INCLUDED");
      return { hash, sure: true };
    } catch (e) {
      if (e instanceof Error && e.name === "TimeoutError") return { hash, sure: false };
      throw e;
    }
  };
  const signMessage = async (message: Message): Promise<SignedMessage> => {
    const signed = await crypto.subtle.sign("Ed25519", stored.privateKey, await nep413Hash(message, null));
    const signature = `ed25519:${base58(new Uint8Array(signed))}`;
    return { publicKey: stored.publicKey, signature, callbackUrl: null };
  };
  return { accountId: stored.accountId, publicKey: stored.publicKey, send, signMessage };
}
