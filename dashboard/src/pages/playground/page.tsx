// SPDX-License-Identifier: Apache-2.0
// Asks for an execution: what somebody types, what an example or an earlier request begins with.
import { useState } from "react";
import { useSearchParams } from "wouter";
import { useExamples } from "../../api/examples.ts";
import { useConfig } from "../../api/queries.ts";
import { useLike } from "../../chain/queries.ts";
import { oneLine } from "../../format/text.ts";
import { useTitle } from "../../hooks/title.ts";
import { Empty, ErrorNote, Loading } from "../../parts/notes.tsx";
import { CallSender } from "./call.tsx";
import { draftOfExample } from "./call_draft.ts";
import { Chooser } from "./chooser.tsx";
import { draftOf, EMPTY, type Draft } from "./draft.ts";
import { RequestSender } from "./request.tsx";
import { kept, useSending } from "./sending.tsx";

// The address names an example, which fills the form once; another one does when the address names that, as by Back.
function Examples({ contract }: { contract: string }) {
  const [search, setSearch] = useSearchParams();
  const chosen = search.get("preset");
  const examples = useExamples();
  const sending = useSending(contract);
  // What would stand in an empty form until the example fills it could be typed for nothing.
  if (chosen !== null && examples.isPending) return <Loading what="the examples" />;
  if (chosen !== null && examples.isLoadingError)
    return <ErrorNote error={examples.error} retry={() => void examples.refetch()} />;
  const one = examples.data?.find(({ id }) => id === chosen);
  const choose = (id: string | null) =>
    setSearch((now) => ({ ...(id !== null && { preset: id }), ...kept(now, ["transaction", "sender"]) }));
  return (
    <>
      {examples.data && <Chooser examples={examples.data} chosen={chosen} held={sending.busy} choose={choose} />}
      {chosen !== null && !one && examples.data && (
        <ErrorNote error={new Error(`there is no example “${oneLine(chosen, 64)}” here`)} />
      )}
      {examples.isError && <ErrorNote error={examples.error} retry={() => void examples.refetch()} />}
      {one?.call ? (
        <CallSender call={one.call} sending={sending} key={one.id} />
      ) : (
        <RequestSender
          contract={contract}
          start={one ? draftOfExample(one) : EMPTY}
          sending={sending}
          key={one?.id ?? ""}
        />
      )}
      {sending.outcome}
    </>
  );
}

function Again({ contract, start }: { contract: string; start: Draft }) {
  const sending = useSending(contract);
  return (
    <>
      <RequestSender contract={contract} start={start} sending={sending} />
      {sending.outcome}
    </>
  );
}

// "Run again" brings the transaction that a request was made in.
function Start({ contract }: { contract: string }) {
  const [search] = useSearchParams();
  const [first] = useState({ hash: search.get("like"), sender: search.get("by"), request: search.get("request") });
  const like = useLike(first.hash, first.sender, contract, first.request);
  if (!first.hash) return <Examples contract={contract} />;
  if (like.isPending) return <Loading what="the earlier request" />;
  if (!like.data)
    return <ErrorNote error={like.error ?? new Error("the earlier request is not in that transaction")} />;
  return <Again contract={contract} start={draftOf(like.data)} />;
}

export function PlaygroundPage() {
  const config = useConfig();
  useTitle("Playground");
  const contract = config.data?.contract_id;
  return (
    <>
      <h1 tabIndex={-1}>Playground</h1>
      <p className="lead">
        Runs a program of any repository as a contract would: asked for, paid and answered on the chain.
      </p>
      {config.isError && !config.data ? (
        <ErrorNote error={config.error} retry={() => void config.refetch()} />
      ) : config.isPending ? (
        <Loading what="what this coordinator works for" />
      ) : contract && config.data.rpc_urls.length > 0 ? (
        <Start contract={contract} />
      ) : (
        <Empty title="This coordinator names no contract, or no RPC address of its chain." />
      )}
    </>
  );
}
