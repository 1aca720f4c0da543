// SPDX-License-Identifier: Apache-2.0
// Stores new secrets, or new values of a row. A row that exists keeps its condition unless another one is chosen.
import { useEffect, useRef, useState, type SubmitEvent } from "react";
import { useConfig } from "../../api/queries.ts";
import { visible } from "../../format/text.ts";
import { Field, PLAIN } from "../../parts/field.tsx";
import { ErrorNote } from "../../parts/notes.tsx";
import { CommandList, Same } from "../../parts/same.tsx";
import { accessProblem, type Access } from "../../secrets/access.ts";
import { storeCommand } from "../../secrets/commands.ts";
import { usePlace, useRowsAgain } from "../../secrets/queries.ts";
import type { Row, RowKey } from "../../secrets/rows.ts";
import { storeSecrets, type Step } from "../../secrets/store.ts";
import { useAccount, useWallet } from "../../wallet/use_wallet.ts";
import { AccessChoice } from "./access_choice.tsx";
import { readTyped, ValueFields } from "./values.tsx";

const STEPS: Record<Step, string> = {
  key: "Asking for the keystore's key, and checking it against the chain…",
  seal: "Sealing in this browser…",
  generate: "The keystore makes its values…",
  store: "Storing on the chain…",
};

function Place({ row }: { row: Row | null }) {
  if (row)
    return (
      <p>
        New values for <strong>{visible(row.repo)}</strong>,{" "}
        {row.branch === null ? "any branch" : `branch ${visible(row.branch)}`}, profile {visible(row.profile)}. They
        replace all that the row has.
      </p>
    );
  return (
    <fieldset>
      <legend>For which programs</legend>
      <div className="fields">
        <Field label="Repository" hint="host/owner/name, or owner/name of github.com" wide>
          {(wired) => <input {...wired} {...PLAIN} name="repo" required maxLength={256} />}
        </Field>
        <Field label="Branch" hint="Empty: every branch that has no secrets of its own.">
          {(wired) => <input {...wired} {...PLAIN} name="branch" maxLength={255} />}
        </Field>
        <Field label="Profile" hint="By which a request names them: A-Z a-z 0-9 - _">
          {(wired) => (
            <input
              {...wired}
              {...PLAIN}
              name="profile"
              defaultValue="default"
              required
              maxLength={64}
              pattern="[\w\-]+"
            />
          )}
        </Field>
      </div>
    </fieldset>
  );
}

// Leaving the page loses what was typed: the browser asks first.
function useAskBeforeLeaving(form: React.RefObject<HTMLFormElement | null>) {
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => {
      const fields = form.current?.querySelectorAll<HTMLInputElement>("input[name=value]") ?? [];
      if ([...fields].some((field) => field.value !== "")) event.preventDefault();
    };
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [form]);
}

// Of the form what a row is found by, and nothing else: values stay in their fields.
function keyIn(form: HTMLFormElement): RowKey {
  const data = new FormData(form);
  const text = (name: string) => `${data.get(name) ?? ""}`.trim();
  return { repo: text("repo"), branch: text("branch") || null, profile: text("profile") };
}

// `outlayer secrets set` reads NAME=value lines from its input, where no shell keeps them.
function AsCommand({ rowKey, access }: { rowKey: RowKey; access: Access | null }) {
  const account = useAccount();
  if (!account.data || !rowKey.repo || (access && accessProblem(access))) return null;
  return (
    <Same>
      <CommandList commands={[["outlayer", storeCommand(account.data.accountId, rowKey, access)]]} />
      <p className="soft">
        It asks for NAME=value lines, or reads them from a file (`--env-file`). `outlayer secrets generate` has the
        keystore make more.
      </p>
    </Same>
  );
}

interface FormProps {
  row: Row | null; // whose values are replaced; null: a new one
  done: (said: string) => void;
  cancel: () => void;
}

export function SecretsForm({ row, done, cancel }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  const [access, setAccess] = useState<Access | null>(row ? null : { kind: "Whitelist", accounts: [] });
  const [named, setNamed] = useState<RowKey>(row ?? { repo: "", branch: null, profile: "" });
  const [step, setStep] = useState<Step | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const config = useConfig();
  const place = usePlace();
  const wallet = useWallet();
  const again = useRowsAgain();
  useAskBeforeLeaving(form);
  const submit = async (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const fields = event.currentTarget;
    setError(null);
    try {
      const typed = readTyped(fields);
      const problem = typed.problem ?? (access ? accessProblem(access) : undefined);
      if (problem) throw new Error(problem);
      const signer = await wallet();
      const key = row ?? keyIn(fields);
      const wanted = {
        ...typed,
        repo: key.repo,
        branch: key.branch,
        profile: key.profile,
        network: config.data?.network ?? "",
        replaces: row !== null,
        access,
      };
      await storeSecrets(place!, signer, wanted, setStep);
      fields.reset();
      await again();
      done("The secrets are stored on the chain.");
    } catch (e) {
      setError(e as Error);
    } finally {
      setStep(null);
    }
  };
  return (
    <form
      ref={form}
      className="secrets"
      onSubmit={(event) => void submit(event)}
      onInput={(event) => row || setNamed(keyIn(event.currentTarget))}
      autoComplete="off"
    >
      <Place row={row} />
      <ValueFields />
      <AccessChoice kept={row?.access} access={access} change={setAccess} />
      <AsCommand rowKey={named} access={access} />
      {error && <ErrorNote error={error} />}
      <div className="buttons">
        <button type="submit" disabled={step !== null}>
          {row ? "Replace the values" : "Seal and store"}
        </button>
        <button type="button" className="quiet" onClick={cancel} disabled={step !== null}>
          Cancel
        </button>
        <p role="status">{step && STEPS[step]}</p>
      </div>
    </form>
  );
}
