// SPDX-License-Identifier: Apache-2.0
// Which RPC these pages ask for what the chain has: whoever does not believe the coordinator chooses one himself.
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { chooseRpc, ownRpc, webUrl, type Deployment } from "../../api/config.ts";
import { probeRpc } from "../../chain/probe.ts";
import { oneLine } from "../../format/text.ts";
import { Field, PLAIN } from "../../parts/field.tsx";
import { ErrorNote } from "../../parts/notes.tsx";

const OTHER = "other";

export function RpcChoice({ config }: { config: Deployment }) {
  const own = ownRpc();
  const listed = own !== null && config.named_rpc_urls.includes(own);
  const [choice, setChoice] = useState(own === null ? "" : listed ? own : OTHER);
  const [typed, setTyped] = useState(own !== null && !listed ? own : "");
  const use = useMutation({
    mutationFn: async () => {
      const url = choice === OTHER ? webUrl(typed.trim()) : choice || null;
      if (choice === OTHER && url === null)
        throw new Error("this is no address: write https://host, or http://127.0.0.1:3030");
      if (url !== null) await probeRpc(url, config.network);
      chooseRpc(url);
      location.reload(); // nothing that another address said stays
    },
  });
  const option = (value: string, words: string) => (
    <label className="check" key={value}>
      <input type="radio" name="rpc" checked={choice === value} onChange={() => setChoice(value)} />
      {words}
    </label>
  );
  return (
    <section aria-labelledby="rpc-title">
      <h2 id="rpc-title">The chain's RPC</h2>
      <p>
        Input, output, prices and secrets are compared with what this address says of the chain. One that the
        coordinator names is as good as the coordinator is: who does not believe it chooses an address that he knows.
      </p>
      <form
        className="request"
        onSubmit={(event) => {
          event.preventDefault();
          use.mutate();
        }}
      >
        <fieldset>
          <legend>These pages ask</legend>
          {option("", "those that the coordinator names, one after the other")}
          {config.named_rpc_urls.map((url) => option(url, `${oneLine(url, 100)} alone`))}
          {option(OTHER, "another one")}
          {choice === OTHER && (
            <Field label="Address" hint="It is asked at once, and kept by this browser." wide>
              {(wired) => (
                <input
                  {...wired}
                  {...PLAIN}
                  name="url"
                  inputMode="url"
                  value={typed}
                  onChange={(event) => setTyped(event.target.value)}
                />
              )}
            </Field>
          )}
        </fieldset>
        {use.isError && <ErrorNote error={use.error} />}
        <div className="buttons">
          <button type="submit" disabled={use.isPending}>
            {use.isPending ? "Asking it…" : "Use it"}
          </button>
        </div>
      </form>
    </section>
  );
}
