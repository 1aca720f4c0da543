// SPDX-License-Identifier: Apache-2.0
// Whose account this browser acts for, in the frame of every page.
import { useRef } from "react";
import { useConfig } from "../api/queries.ts";
import { ends, oneLine } from "../format/text.ts";
import { words } from "../parts/notes.tsx";
import { AccountFacts } from "./account_facts.tsx";
import { useAccount, useAccountOfTabs, useConnect, useDisconnect, walletKind } from "./use_wallet.ts";
import type { Account } from "./wallet.ts";

function Connected({ account }: { account: Account }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const leave = useDisconnect();
  return (
    <>
      <button type="button" className="quiet small" aria-haspopup="dialog" onClick={() => dialog.current?.showModal()}>
        {ends(account.accountId, 9, 4)}
      </button>
      <dialog ref={dialog} aria-labelledby="account-title">
        <h2 id="account-title">Your account{account.keeper === null && " on this local chain"}</h2>
        <p>
          {account.keeper === null
            ? "Its key is kept by this browser and cannot be read out of it."
            : `Its key is kept by ${oneLine(account.keeper, 40)}, which asks you before it signs.`}
        </p>
        <AccountFacts account={account} />
        <div className="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            Close
          </button>
          <button type="button" className="quiet" disabled={leave.isPending} onClick={() => leave.mutate()}>
            Forget this account
          </button>
        </div>
      </dialog>
    </>
  );
}

export function AccountMenu() {
  const config = useConfig();
  const account = useAccount();
  const connect = useConnect();
  useAccountOfTabs();
  if (walletKind(config.data) === "none") return null;
  if (account.data) return <Connected account={account.data} />;
  return (
    <>
      <button type="button" className="small" disabled={connect.isPending} onClick={() => connect.mutate()}>
        {connect.isPending ? "Wait…" : walletKind(config.data) === "connect" ? "Connect a wallet" : "Make an account"}
      </button>
      {connect.isError && (
        <span className="wrong" role="alert">
          {words(connect.error.message)}
        </span>
      )}
    </>
  );
}
