// SPDX-License-Identifier: Apache-2.0
// The form of a request for an execution.
import { useState, type SubmitEvent } from "react";
import { useContractLimits, useEstimate, useEstimateNow } from "../../chain/queries.ts";
import { near } from "../../format/money.ts";
import { words } from "../../parts/notes.tsx";
import { useAccount } from "../../wallet/use_wallet.ts";
import { Commands } from "../execution/commands.tsx";
import { Built } from "./built.tsx";
import { argumentsOf, depositOf, limitsOf, problemsOf, requestOf, type Draft } from "./draft.ts";
import { RequestForm } from "./form.tsx";
import { focusWrong, SendBar, type Sending } from "./sending.tsx";

const TGAS = 300;

interface RequestSenderProps {
  contract: string;
  start: Draft;
  sending: Sending;
}

export function RequestSender({ contract, start, sending: { busy, ask } }: RequestSenderProps) {
  const [draft, setDraft] = useState(start);
  const [tried, setTried] = useState(false);
  const account = useAccount();
  const limits = useContractLimits(contract);
  const estimate = useEstimate(contract, limitsOf(draft));
  const estimateNow = useEstimateNow(contract);
  const problems = problemsOf(draft, limits.data ?? null);
  const whole = Object.keys(problems).length === 0;
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    setTried(true);
    if (!whole) return focusWrong(event.currentTarget);
    const args = argumentsOf(draft);
    void ask(async () => {
      const deposit = depositOf(draft, await estimateNow(limitsOf(draft))); // of these limits, whatever is shown
      return { contract, method: "request_execution", args, tgas: TGAS, deposit };
    });
  };
  return (
    <form className="request" onSubmit={submit} noValidate>
      <RequestForm draft={draft} problems={tried ? problems : {}} change={(part) => setDraft({ ...draft, ...part })} />
      <SendBar busy={busy} word="Run it">
        {estimate.data && (
          <>
            At least {near(estimate.data)} must be attached; this attaches {near(depositOf(draft, estimate.data))}.{" "}
          </>
        )}
        {estimate.error && <span className="wrong">{words(estimate.error.message)} </span>}
        <Built draft={draft} />
      </SendBar>
      {whole && estimate.data && (
        <Commands
          contract={contract}
          data={requestOf(draft, account.data?.accountId ?? "ACCOUNT", depositOf(draft, estimate.data))}
        />
      )}
    </form>
  );
}
