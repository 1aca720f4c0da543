// SPDX-License-Identifier: Apache-2.0
// The output of an execution, out of the value that its request was answered with.
import { fromBase64 } from "../format/bytes.ts";
import { parseWhole, pretty } from "../format/json.ts";
import type { Outcome } from "./transaction.ts";

export type Output =
  { kind: "text"; text: string } | { kind: "json"; text: string } | { kind: "bytes"; bytes: Uint8Array };

export function valueOf(outcome: Outcome): string | null {
  const { status } = outcome.outcome;
  const bytes = "SuccessValue" in status ? fromBase64(status.SuccessValue) : null;
  return bytes && new TextDecoder().decode(bytes);
}

function unwrap(value: unknown): unknown {
  return value && typeof value === "object" && "output" in value && "resources_used" in value ? value.output : value;
}

function parse(value: string): unknown {
  try {
    return unwrap(parseWhole(value));
  } catch {
    return undefined;
  }
}

// What is nested deeper than this browser reads or writes is shown as it came.
function jsonOf(value: string, parsed: unknown): Output {
  let text: string | undefined;
  try {
    text = JSON.stringify(parsed);
  } catch {
    // below
  }
  return { kind: "json", text: pretty(text ?? value) ?? text ?? value };
}

// format: the request's. null: there is no output.
export function outputOf(value: string | null, format: string | undefined): Output | null {
  if (value === null || value === "") return null;
  const parsed = parse(value);
  if (parsed === null) return null;
  if (format === "Json") return jsonOf(value, parsed);
  if (typeof parsed !== "string") return null;
  if (format !== "Bytes") return { kind: "text", text: parsed };
  const bytes = fromBase64(parsed);
  return bytes && { kind: "bytes", bytes };
}
