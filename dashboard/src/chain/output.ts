// SPDX-License-Identifier: Apache-2.0
// The output of an execution, out of the value that its request was answered with.
import { parseWhole } from "../format/json.ts";
import type { Outcome } from "./transaction.ts";

export type Output =
  { kind: "text"; text: string } | { kind: "json"; text: string } | { kind: "bytes"; bytes: Uint8Array };

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

export function valueOf(outcome: Outcome): string | null {
  const { status } = outcome.outcome;
  return "SuccessValue" in status ? new TextDecoder().decode(fromBase64(status.SuccessValue)) : null;
}

function unwrap(value: unknown): unknown {
  return value && typeof value === "object" && "output" in value && "resources_used" in value ? value.output : value;
}

// format: the request's. null: there is no output.
export function outputOf(value: string | null, format: string | undefined): Output | null {
  if (value === null || value === "") return null;
  let parsed: unknown;
  try {
    parsed = unwrap(parseWhole(value));
  } catch {
    return null;
  }
  if (parsed === null) return null;
  if (format === "Json") return { kind: "json", text: JSON.stringify(parsed, null, 2) };
  if (typeof parsed !== "string") return null;
  if (format !== "Bytes") return { kind: "text", text: parsed };
  try {
    return { kind: "bytes", bytes: fromBase64(parsed) };
  } catch {
    return null;
  }
}
