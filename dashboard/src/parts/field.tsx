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
