// SPDX-License-Identifier: Apache-2.0
// Who may use the values: what the row has, until something else is chosen.
import { oneLine } from "../../format/text.ts";
import { accessProblem, parseAccess, type Access } from "../../secrets/access.ts";
import { describe } from "../../secrets/describe.ts";
import { ConditionEditor } from "./condition.tsx";
import { Would } from "./would.tsx";

export function accessWords(stored: unknown): string {
  const access = parseAccess(stored);
  return access ? describe(access) : oneLine(JSON.stringify(stored));
}

interface ChoiceProps {
  kept?: unknown; // of a row that exists
  access: Access | null; // null: it stays as it is
  change: (access: Access | null) => void;
}

export function AccessChoice({ kept, access, change }: ChoiceProps) {
  const problem = access ? accessProblem(access) : undefined;
  return (
    <fieldset>
      <legend>Who may use them</legend>
      {access === null ? (
        <p>
          {accessWords(kept)}, as before.{" "}
          <button
            type="button"
            className="quiet small"
            onClick={() => change(parseAccess(kept) ?? { kind: "Whitelist", accounts: [] })}
          >
            Choose another condition
          </button>
        </p>
      ) : (
        <>
          <ConditionEditor access={access} change={change} label="Callers" />
          <p className={problem ? "soft" : undefined} aria-live="polite">
            {problem ?? `That is: ${describe(access)}.`}
          </p>
          <Would access={access} />
          {kept !== undefined && (
            <button type="button" className="quiet small" onClick={() => change(null)}>
              Keep the row's own
            </button>
          )}
        </>
      )}
    </fieldset>
  );
}
