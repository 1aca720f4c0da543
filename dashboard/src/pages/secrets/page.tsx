// SPDX-License-Identifier: Apache-2.0
// The secrets of the account that this browser acts for.
import { useState } from "react";
import { useConfig } from "../../api/queries.ts";
import { useTitle } from "../../hooks/title.ts";
import { Loaded } from "../../parts/loaded.tsx";
import { Empty, ErrorNote, Loading } from "../../parts/notes.tsx";
import { Same, CommandList } from "../../parts/same.tsx";
import { TextBlock } from "../../parts/text_block.tsx";
import { listCommands } from "../../secrets/commands.ts";
import { usePlace, useRows } from "../../secrets/queries.ts";
import type { Row } from "../../secrets/rows.ts";
import { useAccount, useConnectFirst } from "../../wallet/use_wallet.ts";
import { SecretsForm } from "./form.tsx";
import { SecretList } from "./list.tsx";

// Names, conditions and moments are public, and values are not in it.
function AsJson({ account, rows }: { account: string; rows: Row[] }) {
  const place = usePlace();
  return (
    <Same>
      {place && <CommandList commands={listCommands(place.contract, account)} />}
      <TextBlock text={JSON.stringify(rows, null, 2)} what="rows as JSON" file="secrets.json" />
    </Same>
  );
}

function Rows({ account }: { account: string }) {
  const rows = useRows(account);
  const [form, setForm] = useState<{ row: Row | null } | null>(null);
  const [said, setSaid] = useState("");
  const done = (what: string) => {
    setForm(null);
    setSaid(what);
  };
  if (form)
    return <SecretsForm row={form.row} done={done} cancel={() => setForm(null)} key={form.row ? "replace" : "new"} />;
  return (
    <>
      <p role="status" className={said ? "note good" : undefined}>
        {said}
      </p>
      <Loaded query={rows} what="the account's secrets">
        {(data) => (
          <>
            {data.length > 0 ? (
              <SecretList rows={data} replace={(row) => setForm({ row })} said={setSaid} />
            ) : (
              <Empty title="This account has no secrets yet." />
            )}
            <div className="buttons">
              <button type="button" onClick={() => setForm({ row: null })}>
                New secrets
              </button>
            </div>
            <AsJson account={account} rows={data} />
          </>
        )}
      </Loaded>
    </>
  );
}

function Unsafe() {
  return (
    <Empty title="This page cannot seal anything here.">
      <p>A browser gives its cryptography to pages on https and on this machine's own addresses only.</p>
    </Empty>
  );
}

export function SecretsPage() {
  const config = useConfig();
  const account = useAccount();
  const first = useConnectFirst();
  useTitle("Secrets");
  return (
    <>
      <h1 tabIndex={-1}>Secrets</h1>
      <p className="lead">
        Keys that programs need and nobody else may read. Names and conditions are public, values are sealed in this
        browser for the keystore alone.
      </p>
      {!globalThis.isSecureContext ? (
        <Unsafe />
      ) : config.isPending ? (
        <Loading what="what this coordinator works for" />
      ) : !config.data ? (
        <ErrorNote error={config.error} retry={() => void config.refetch()} />
      ) : !config.data.keystore ? (
        <Empty title="This coordinator has no keystore: there are no secrets here." />
      ) : account.data ? (
        <Rows account={account.data.accountId} key={account.data.accountId} />
      ) : (
        <Empty title={`Whose secrets? ${first}`} />
      )}
    </>
  );
}
