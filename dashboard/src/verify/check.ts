// SPDX-License-Identifier: Apache-2.0
// One step of a verification, as this browser made it. What could not be checked is never called good.
import type { Bytes } from "../format/bytes.ts";

export type Verdict = "passed" | "failed" | "unchecked";

export interface Evidence {
  name: string; // of the file
  content: string | Bytes;
}

export interface Check {
  title: string;
  verdict: Verdict;
  text: string; // what was compared with what, and what came of it; why not, where it could not be checked
  facts?: [name: string, value: string][];
  files?: Evidence[];
}

type Rest = Pick<Check, "facts" | "files">;

export function passed(title: string, text: string, rest: Rest = {}): Check {
  return { title, verdict: "passed", text, ...rest };
}
export function failed(title: string, text: string, rest: Rest = {}): Check {
  return { title, verdict: "failed", text, ...rest };
}
export function unchecked(title: string, text: string, rest: Rest = {}): Check {
  return { title, verdict: "unchecked", text, ...rest };
}

// What somebody does not answer is not checked, and no reason to believe or to doubt.
export async function guarded(title: string, make: () => Promise<Check>): Promise<Check> {
  try {
    return await make();
  } catch (e) {
    return unchecked(title, `It could not be checked: ${e instanceof Error ? e.message : String(e)}.`);
  }
}

export function json(name: string, value: unknown): Evidence {
  return { name, content: JSON.stringify(value, null, 2) };
}

// The names of what two tell differently.
export function differences(pairs: readonly [name: string, one: unknown, other: unknown][]): string[] {
  return pairs.filter(([, one, other]) => `${one ?? ""}` !== `${other ?? ""}`).map(([name]) => name);
}
