// SPDX-License-Identifier: Apache-2.0
// Asks for an execution, and shows what becomes of it. What was sent stands in the address: a reload loses nothing.
import { useState, type SubmitEvent } from "react";
import { useSearchParams } from "wouter";
import { useConfig } from "../../api/queries.ts";
import { useContractLimits, useEstimate, useLike } from "../../chain/queries.ts";
import { near } from "../../format/money.ts";
import { oneLine } from "../../format/text.ts";
import { useTitle } from "../../hooks/title.ts";
import { Empty, ErrorNote, Loading, words } from "../../parts/notes.tsx";
import { useAccount, useConnectFirst, useSend } from "../../wallet/use_wallet.ts";
import { argumentsOf, depositOf, draftOf, EMPTY, limitsOf, problemsOf, requestOf, type Draft } from "./draft.ts";
import { Commands } from "../execution/commands.tsx";
import { RequestForm } from "./form.tsx";
import { Built } from "./built.tsx";
import type { LostRequest } from "./lost.ts";
import { Lost, newestOf } from "./lost.tsx";
import { Run } from "./run.tsx";

const TGAS = 300;

function OtherSigned({ asked, sender }: { asked: string; sender: string }) {
  return (
    <div className="note stale" role="alert">
      <strong>
        The wallet signed with {oneLine(sender, 64)}, not with {oneLine(asked, 64)}.
      </strong>
      <p>
        The request is sent, and {oneLine(sender, 64)} has paid for it: sending it again pays a second time. Choose{" "}
        {oneLine(asked, 64)} in the wallet before the next one.
      </p>
    </div>
  );
}

function Sender({ contract, start }: { contract: string; start: Draft }) {
  const [search, setSearch] = useSearchParams();
  const [draft, setDraft] = useState(start);
  const [tried, setTried] = useState(false);
  const account = useAccount();
  const send = useSend();
  const first = useConnectFirst();
  const [busy, setBusy] = useState(false);
  const [lost, setLost] = useState<LostRequest | null>(null);
  const [other, setOther] = useState<{ hash: string; asked: string } | null>(null);
  const limits = useContractLimits(contract);
  const estimate = useEstimate(contract, limitsOf(draft));
  const problems = problemsOf(draft, limits.data ?? null);
  const whole = Object.keys(problems).length === 0;
  const [hash, sender] = [search.get("transaction"), search.get("sender")];
  const submit = async (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    setTried(true);
    const form = event.currentTarget;
    if (!whole || !estimate.data || !account.data) {
      requestAnimationFrame(() => form.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
      return;
    }
    const call = { contract, method: "request_execution", args: argumentsOf(draft), tgas: TGAS };
    setLost(null);
    setBusy(true); // from here on: asked for twice it would be paid for twice
    const asked = account.data.accountId;
    const after = account.data.keeper === null ? null : await newestOf({ contract, sender: asked });
    const sent = await send.mutateAsync({ ...call, deposit: depositOf(draft, estimate.data) }).catch(() => null);
    setBusy(false);
    if (sent && sent.hash !== null) {
      setOther(sent.sender === asked ? null : { hash: sent.hash, asked });
      setSearch({ transaction: sent.hash, sender: sent.sender });
    } else if (sent) setLost({ sender: asked, args: call.args, after, but: hash, said: sent.said ?? "" });
  };
  return (
    <>
      <form className="request" onSubmit={(event) => void submit(event)} noValidate>
        <RequestForm
          draft={draft}
          problems={tried ? problems : {}}
          change={(part) => setDraft({ ...draft, ...part })}
        />
        <div className="send">
          <button type="submit" disabled={busy || !account.data}>
            {busy ? "Sending…" : "Run it"}
          </button>
          <p aria-live="polite">
            {!account.data && `${first} `}
            {estimate.data && (
              <>
                At least {near(estimate.data)} must be attached; this attaches {near(depositOf(draft, estimate.data))}
                .{" "}
              </>
            )}
            {estimate.isError && <span className="wrong">{words(estimate.error.message)} </span>}
            <Built draft={draft} />
          </p>
        </div>
        {send.isError && <ErrorNote error={send.error} />}
        {whole && estimate.data && (
          <Commands
            contract={contract}
            data={requestOf(draft, account.data?.accountId ?? "ACCOUNT", depositOf(draft, estimate.data))}
          />
        )}
      </form>
      {lost !== null && (
        <Lost
          contract={contract}
          request={lost}
          found={(transaction) => {
            setLost(null);
            setSearch({ transaction, sender: lost.sender });
          }}
        />
      )}
      {lost === null && sender && other?.hash === hash && <OtherSigned asked={other.asked} sender={sender} />}
      {lost === null && hash && sender && <Run contract={contract} hash={hash} sender={sender} key={hash} />}
    </>
  );
}

// "Run again" brings the transaction that a request was made in.
function Start({ contract }: { contract: string }) {
  const [search] = useSearchParams();
  const [first] = useState({ hash: search.get("like"), sender: search.get("by"), request: search.get("request") });
  const like = useLike(first.hash, first.sender, contract, first.request);
  if (!first.hash) return <Sender contract={contract} start={EMPTY} />;
  if (like.isPending) return <Loading what="the earlier request" />;
  if (!like.data)
    return <ErrorNote error={like.error ?? new Error("the earlier request is not in that transaction")} />;
  return <Sender contract={contract} start={draftOf(like.data)} />;
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
