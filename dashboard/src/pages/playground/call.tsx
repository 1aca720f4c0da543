// SPDX-License-Identifier: Apache-2.0
// The form of a call of another contract, which asks for an execution by itself.
import { useState, type SubmitEvent } from "react";
import type { ExampleCall } from "../../api/schema.ts";
import { parseNear } from "../../format/money.ts";
import { LongTextField, TextField } from "../../parts/field.tsx";
import { Name } from "../../parts/values.tsx";
import { useAccount } from "../../wallet/use_wallet.ts";
import { callDraftOf, callProblems, TGAS_MAX, walletArguments, type CallDraft } from "./call_draft.ts";
import { focusWrong, SendBar, type Sending } from "./sending.tsx";

interface FieldsProps {
  draft: CallDraft;
  problems: Partial<Record<keyof CallDraft, string>>;
  change: (part: Partial<CallDraft>) => void;
}

function Fields({ draft, problems, change }: FieldsProps) {
  const line = (name: keyof CallDraft, label: string, hint: string) => (
    <TextField
      name={name}
      label={label}
      hint={hint}
      problem={problems[name]}
      value={draft[name]}
      typed={(text) => change({ [name]: text })}
    />
  );
  return (
    <fieldset>
      <legend>With what</legend>
      <div className="fields">
        <LongTextField
          name="args"
          label="Arguments"
          hint="JSON, sent as it is typed here; a wallet leaves out the blanks between its parts."
          problem={problems.args}
          rows={4}
          value={draft.args}
          typed={(args) => change({ args })}
        />
        {line("deposit", "Deposit, NEAR", "What the contract does with it, it alone knows.")}
        {line("tgas", "Gas, Tgas", `At most ${TGAS_MAX}.`)}
      </div>
    </fieldset>
  );
}

export function CallSender({ call, sending: { busy, ask } }: { call: ExampleCall; sending: Sending }) {
  const [draft, setDraft] = useState(callDraftOf(call));
  const [tried, setTried] = useState(false);
  const byWallet = Boolean(useAccount().data?.keeper);
  const problems = callProblems(draft, byWallet);
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    setTried(true);
    if (Object.keys(problems).length > 0) return focusWrong(event.currentTarget);
    const { deposit, tgas } = draft;
    const args = byWallet ? walletArguments(draft.args) : draft.args;
    const { contract_id, method_name: method } = call;
    void ask(async () => ({ contract: contract_id, method, args, tgas: Number(tgas), deposit: parseNear(deposit)! }));
  };
  return (
    <form className="request" onSubmit={submit} noValidate>
      <fieldset>
        <legend>What is called</legend>
        <dl className="facts">
          <div>
            <dt>Contract</dt>
            <dd>
              <Name text={call.contract_id} what="contract" whole />
            </dd>
          </div>
          <div>
            <dt>Method</dt>
            <dd>
              <Name text={call.method_name} what="method" whole />
            </dd>
          </div>
        </dl>
      </fieldset>
      <Fields draft={draft} problems={tried ? problems : {}} change={(part) => setDraft({ ...draft, ...part })} />
      <SendBar busy={busy} word="Call it">
        The contract asks for an execution by itself, which is followed here.
      </SendBar>
    </form>
  );
}
