// SPDX-License-Identifier: Apache-2.0
// Signs for a local chain's account with the key that the browser keeps.
import { actions, createTransaction, encodeTransaction, PublicKey, Signer, type Transaction } from "near-api-js";
import type { Integer } from "../api/exact.ts";
import { rpc, RpcError } from "../chain/rpc.ts";
import { base58, fromBase58 } from "../format/base58.ts";
import { toBase64 } from "../format/bytes.ts";
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

async function transactionFor({ accountId, publicKey }: StoredAccount, url: string, call: Call): Promise<Transaction> {
  const key = { request_type: "view_access_key", finality: "optimistic", account_id: accountId, public_key: publicKey };
  const [{ nonce }, { header }] = await Promise.all([
    rpc<{ nonce: Integer }>([url], "query", key),
    rpc<{ header: { hash: string } }>([url], "block", { finality: "final" }),
  ]);
  const block = fromBase58(header.hash, 32);
  if (!block) throw new Error("the chain's newest block has no hash");
  const tgas = BigInt(call.tgas) * 1_000_000_000_000n;
  const action = actions.functionCall(call.method, new TextEncoder().encode(call.args), tgas, BigInt(call.deposit));
  return createTransaction(accountId, PublicKey.from(publicKey), call.contract, BigInt(nonce) + 1n, [action], block);
}

// The chain refuses a transaction by that name alone. After anything else (its time was over, the answer was lost) the
// chain may have taken it: whoever then sent another one would pay twice.
function isRefusal(e: unknown): boolean {
  return e instanceof RpcError && e.cause_name === "INVALID_TRANSACTION";
}

export function localWallet(stored: StoredAccount, rpcUrl: string): Wallet {
  const signer = new BrowserSigner(stored);
  const send = async (call: Call): Promise<Sent> => {
    const { txHash, signedTransaction } = await signer.signTransaction(await transactionFor(stored, rpcUrl, call));
    const signed = toBase64(encodeTransaction(signedTransaction));
    const hash = base58(txHash);
    try {
      await rpc([rpcUrl], "send_tx", { signed_tx_base64: signed, wait_until: "INCLUDED" });
      return { hash, sure: true, sender: stored.accountId };
    } catch (e) {
      if (isRefusal(e)) throw e;
      return { hash, sure: false, sender: stored.accountId };
    }
  };
  const signMessage = async (message: Message): Promise<SignedMessage> => {
    const signed = await crypto.subtle.sign("Ed25519", stored.privateKey, await nep413Hash(message, null));
    const signature = `ed25519:${base58(new Uint8Array(signed))}`;
    return { publicKey: stored.publicKey, signature, callbackUrl: null };
  };
  return { accountId: stored.accountId, send, signMessage };
}
