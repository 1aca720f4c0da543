// SPDX-License-Identifier: Apache-2.0
// A field with its name above and, below, what it takes or what is wrong with it.
import { useId, type ReactNode } from "react";

export interface Wired {
  id: string;
  "aria-describedby": string;
  "aria-invalid": boolean;
}

export interface FieldProps {
  label: string;
  hint?: ReactNode;
  problem?: string | undefined;
  wide?: boolean;
  children: (wired: Wired) => ReactNode;
}

export function Field({ label, hint, problem, wide, children }: FieldProps) {
  const id = useId();
  return (
    <div className={wide ? "field wide" : "field"}>
      <label htmlFor={id}>{label}</label>
      {children({ id, "aria-describedby": `${id}-note`, "aria-invalid": problem !== undefined })}
      <p id={`${id}-note`} className={problem ? "wrong" : "soft"}>
        {problem ?? hint}
      </p>
    </div>
  );
}

// What a browser must neither complete, correct nor keep.
export const PLAIN = { autoComplete: "off", autoCapitalize: "none", spellCheck: false } as const;

interface TypedProps extends Omit<FieldProps, "children"> {
  name: string;
  value: string;
  typed: (text: string) => void;
}

export function TextField({ name, value, typed, ...about }: TypedProps) {
  return (
    <Field {...about}>
      {(wired) => (
        <input {...wired} {...PLAIN} name={name} value={value} onChange={(event) => typed(event.target.value)} />
      )}
    </Field>
  );
}

export function LongTextField({ name, value, typed, rows, ...about }: TypedProps & { rows: number }) {
  return (
    <Field wide {...about}>
      {(wired) => (
        <textarea
          {...wired}
          name={name}
          rows={rows}
          value={value}
          onChange={(event) => typed(event.target.value)}
          spellCheck={false}
        />
      )}
    </Field>
  );
}
