// SPDX-License-Identifier: Apache-2.0
// The fields of a request. What is wrong with one stands below it, and is said to whoever hears the field.
import { useId } from "react";
import type { ListFilter } from "../../api/list.ts";
import { useConfig, useRecent } from "../../api/queries.ts";
import { isPublic } from "../../chain/identity.ts";
import { grouped } from "../../format/number.ts";
import { repoShown } from "../../format/repo.ts";
import { refShown } from "../../format/text.ts";
import { Field, LongTextField, TextField } from "../../parts/field.tsx";
import { useAccount } from "../../wallet/use_wallet.ts";
import { eventBytes, FORMATS, oneOf, TARGETS, type Draft, type Problems } from "./draft.ts";

export interface FormProps {
  draft: Draft;
  problems: Problems;
  change: (part: Partial<Draft>) => void;
}

interface TextProps extends FormProps {
  name: keyof Draft;
  label: string;
  hint?: string;
  wide?: boolean;
}

function Text({ name, draft, problems, change, ...about }: TextProps) {
  return (
    <TextField
      {...about}
      name={name}
      problem={problems[name]}
      value={draft[name]}
      typed={(text) => change({ [name]: text })}
    />
  );
}

function Choice({
  name,
  label,
  options,
  hint,
  ...form
}: FormProps & { name: "target" | "format"; label: string; options: readonly string[]; hint: string }) {
  return (
    <Field label={label} hint={hint} problem={form.problems[name]}>
      {(wired) => (
        <select
          {...wired}
          name={name}
          value={form.draft[name]}
          onChange={(event) => form.change({ [name]: event.target.value })}
        >
          {options.map((option) => (
            <option key={option}>{option}</option>
          ))}
        </select>
      )}
    </Field>
  );
}

const FORMAT_HINTS: Record<string, string> = {
  Text: "The output must be UTF-8; the caller gets it as a text.",
  Json: "The output must be JSON; the caller gets the value.",
  Bytes: "Any output; the caller gets it in base64.",
};

// Whose requests are offered: on a public network a stranger's would be proposed to whoever reads the list. null: nobody's.
function useWhose(): ListFilter | null {
  const network = useConfig().data?.network;
  const account = useAccount().data?.accountId;
  if (network && !isPublic(network)) return {};
  return account ? { sender: account } : null;
}

// Fills repository, commit and target in together: a name alone does not say which of its branches there are.
function Before({ draft, change }: FormProps) {
  const recent = useRecent(useWhose());
  const id = useId();
  if (recent.length === 0) return null;
  const at = recent.findIndex((one) => one.repo === draft.repo && one.commit === draft.commit);
  const choose = (index: number) => {
    const one = recent[index];
    if (one) change({ repo: one.repo, commit: one.commit, target: oneOf(TARGETS, one.target, draft.target) });
  };
  return (
    <div className="field wide">
      <label htmlFor={id}>Asked for lately</label>
      <select id={id} value={at} onChange={(event) => choose(Number(event.target.value))}>
        <option value={-1}>Another one</option>
        {recent.map((one, i) => (
          <option key={`${one.repo} ${one.commit}`} value={i}>
            {repoShown(one.repo).name} {refShown(one.commit)}
          </option>
        ))}
      </select>
    </div>
  );
}

function Source(form: FormProps) {
  return (
    <fieldset>
      <legend>What is run</legend>
      <div className="fields">
        <Before {...form} />
        <Text
          {...form}
          wide
          name="repo"
          label="Repository"
          hint="host/owner/name, or owner/name of github.com; //folder behind it"
        />
        <Text {...form} name="commit" label="Branch, tag or commit" />
        <Choice {...form} name="target" label="Build target" options={TARGETS} hint="" />
      </div>
    </fieldset>
  );
}

function Input(form: FormProps) {
  const { draft, change, problems } = form;
  return (
    <fieldset>
      <legend>With what</legend>
      <div className="fields">
        <LongTextField
          name="input"
          label="Input"
          hint={`Its standard input, as it is typed here; ${grouped(eventBytes(draft.input))} of about 15,700 bytes.`}
          problem={problems.input}
          rows={6}
          value={draft.input}
          typed={(input) => change({ input })}
        />
        <Choice {...form} name="format" label="Output is" options={FORMATS} hint={FORMAT_HINTS[draft.format] ?? ""} />
        <Text
          {...form}
          name="owner"
          label="Secrets of"
          hint="An account whose secrets the program gets; empty: none."
        />
        <Text {...form} name="profile" label="Their profile" />
      </div>
    </fieldset>
  );
}

function Limits(form: FormProps) {
  return (
    <fieldset>
      <legend>At most</legend>
      <div className="fields">
        <Text {...form} name="instructions" label="Instructions" />
        <Text {...form} name="memory" label="Memory, MB" />
        <Text {...form} name="seconds" label="Running, seconds" />
        <Text
          {...form}
          name="deposit"
          label="Deposit, NEAR"
          hint="Empty: the estimate, at least 0.1. What is not used comes back."
        />
      </div>
    </fieldset>
  );
}

export function RequestForm(form: FormProps) {
  return (
    <>
      <Source {...form} />
      <Input {...form} />
      <Limits {...form} />
    </>
  );
}
