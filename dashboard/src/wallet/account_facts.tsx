// SPDX-License-Identifier: Apache-2.0
// Which account it is that this browser acts for, and what it has.
import { useBalance } from "../chain/queries.ts";
import { Facts } from "../parts/facts.tsx";
import { Amount, Name } from "../parts/values.tsx";
import type { Account } from "./wallet.ts";

export function AccountFacts({ account: { accountId, publicKey } }: { account: Account }) {
  const balance = useBalance(accountId);
  return (
    <Facts
      facts={[
        ["Account", <Name text={accountId} what="account" whole />],
        ["Public key", publicKey !== null && <Name text={publicKey} what="public key" />],
        ["Balance", balance.isError ? "The chain does not answer." : <Amount yocto={balance.data} />],
      ]}
    />
  );
}
