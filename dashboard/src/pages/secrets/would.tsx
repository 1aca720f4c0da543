// SPDX-License-Identifier: Apache-2.0
// Would this account pass now? Asked of the chain by this browser, before anything is stored.
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { isAway } from "../../api/away.ts";
import { Field, PLAIN } from "../../parts/field.tsx";
import { words } from "../../parts/notes.tsx";
import { accessProblem, isAccount, type Access } from "../../secrets/access.ts";
import { usePlace } from "../../secrets/queries.ts";

// The keystore has a doubt where the chain gives this browser one, but none where nobody answered this browser.
function doubt(error: Error): string {
  return isAway(error) ? "Not known:" : "No: a doubt denies.";
}

export function Would({ access }: { access: Access }) {
  const [account, setAccount] = useState("");
  const place = usePlace();
  const ask = useMutation({
    mutationFn: async (asked: { access: Access; account: string }) => {
      const [{ passes }, { chainOf }] = await Promise.all([
        import("../../secrets/dry_run.ts"),
        import("../../secrets/chain.ts"),
      ]);
      return { account: asked.account, passes: await passes(asked.access, asked.account, chainOf(place!.urls)) };
    },
  });
  const problem = accessProblem(access);
  return (
    <div className="would">
      <Field label="Would this account pass now?" hint="Names of a pattern are matched as this browser does it.">
        {(wired) => (
          <input
            {...wired}
            {...PLAIN}
            value={account}
            placeholder="alice.near"
            maxLength={64}
            onChange={(e) => {
              setAccount(e.target.value.trim());
              ask.reset();
            }}
          />
        )}
      </Field>
      <button
        type="button"
        className="quiet small"
        disabled={!place || problem !== undefined || !isAccount(account) || ask.isPending}
        onClick={() => ask.mutate({ access, account })}
      >
        Ask the chain
      </button>
      <p role="status">
        {ask.data && (ask.data.passes ? `Yes: ${ask.data.account} passes.` : `No: ${ask.data.account} does not pass.`)}
        {ask.isError && `${doubt(ask.error)} ${words(ask.error.message)}`}
      </p>
    </div>
  );
}
