// SPDX-License-Identifier: Apache-2.0
// The account that this browser acts for: what it has spent here, and how another one comes in.
import { useRef } from "react";
import { usagePath, useConfig, useUsage } from "../../api/queries.ts";
import type { Usage } from "../../api/schema.ts";
import { grouped, short } from "../../format/number.ts";
import { duration } from "../../format/time.ts";
import { Field } from "../../parts/field.tsx";
import { Tiles } from "../../parts/facts.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { Empty, ErrorNote, Loading } from "../../parts/notes.tsx";
import { Same } from "../../parts/same.tsx";
import { Amount } from "../../parts/values.tsx";
import { AccountFacts } from "../../wallet/account_facts.tsx";
import type { Account } from "../../wallet/wallet.ts";
import { ApiKeySettings } from "./keys.tsx";
import { useAccount, useConnectFirst, useDisconnect, useImport, walletKind } from "../../wallet/use_wallet.ts";

function UsageTiles({ usage }: { usage: Usage }) {
  const tiles = [
    ["Asked for", grouped(usage.sent_executions), "executions, whoever paid"],
    ["Paid for", grouped(usage.paid_executions), "executions: of these is the rest"],
    ["Done", grouped(usage.successful_executions), "programs that ended well"],
    ["Failed", grouped(usage.failed_executions), "programs, builds and secrets that did not"],
    ["Charged", <Amount yocto={usage.charged} />, "for all of them"],
    ["Refunded", <Amount yocto={usage.refunded} />, "of what was attached"],
    ["Instructions", short(usage.instructions_used), "counted one by one"],
    ["Mean run", duration(usage.average_execution_time_ms), "without building"],
  ] as const;
  return <Tiles tiles={tiles} />;
}

function Spent({ account }: { account: string }) {
  const usage = useUsage(account);
  return (
    <section aria-labelledby="usage-title">
      <h2 id="usage-title">What it has used here</h2>
      <Loaded query={usage} what="what it has used">
        {(data) => (
          <>
            <UsageTiles usage={data} />
            <Same paths={[["usage", usagePath(account)]]} />
          </>
        )}
      </Loaded>
    </section>
  );
}

function Connected({ account }: { account: Account }) {
  const keys = useConfig().data?.api_keys;
  const leave = useDisconnect();
  return (
    <>
      <AccountFacts account={account} />
      <div className="buttons">
        <button type="button" className="quiet small" disabled={leave.isPending} onClick={() => leave.mutate()}>
          Forget this account
        </button>
      </div>
      <Spent account={account.accountId} />
      {keys && <ApiKeySettings key={account.accountId} />}
    </>
  );
}

// A file is read here and goes nowhere: its key is kept by the browser, which gives it to nobody.
function ImportFile() {
  const field = useRef<HTMLInputElement>(null);
  const bring = useImport();
  return (
    <>
      <Field label="Or a credentials file of this local chain" hint="Such as keys/alice.json of `outlayer up`.">
        {(wired) => (
          <input
            {...wired}
            ref={field}
            type="file"
            accept=".json,application/json"
            disabled={bring.isPending}
            onChange={(event) => {
              const file = event.target.files?.[0];
              if (file) bring.mutate(file, { onSettled: () => field.current && (field.current.value = "") });
            }}
          />
        )}
      </Field>
      {bring.isError && <ErrorNote error={bring.error} />}
    </>
  );
}

export function AccountSettings() {
  const account = useAccount();
  const local = walletKind(useConfig().data) === "local";
  const first = useConnectFirst();
  return (
    <section aria-labelledby="account-settings">
      <h2 id="account-settings">Account</h2>
      {account.data ? (
        <Connected account={account.data} />
      ) : account.isError ? (
        <ErrorNote error={account.error} retry={() => void account.refetch()} />
      ) : account.isPending ? (
        <Loading what="this browser's account" />
      ) : (
        <Empty title={local ? "No account yet: the button above makes one." : first}>{local && <ImportFile />}</Empty>
      )}
    </section>
  );
}
