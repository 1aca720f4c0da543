// SPDX-License-Identifier: Apache-2.0
// What was asked and answered: the coordinator's word against the chain's, and hashes against what they are of.
import type { ExecutionDetail } from "../api/schema.ts";
import { valueOf } from "../chain/output.ts";
import type { Answered, Asked } from "../chain/events.ts";
import { fromBase64, toHex, type Bytes } from "../format/bytes.ts";
import { sha256 } from "../secrets/borsh.ts";
import { differences, failed, json, passed, unchecked, type Check } from "./check.ts";
import { rawMember } from "./raw.ts";

const utf8 = (text: string): Bytes => new TextEncoder().encode(text);

function list(names: readonly string[]): string {
  return names.join(", ");
}

const WAITS =
  "The chain's node does not have all of the transaction that the coordinator names: this page waits for the chain.";

// whole: whether the chain has all that comes of the transaction; until then, what it lacks may come.
export function requestCheck(detail: ExecutionDetail, asked: Asked | null, whole: boolean): Check {
  const title = "The request";
  if (!asked && !whole) return unchecked(title, WAITS);
  if (!asked)
    return failed(title, "The chain does not show this request in the transaction that the coordinator names.");
  const { code_source, resource_limits: limits, secrets_ref: secrets, ...data } = asked.data;
  const told = detail.resource_limits;
  const found = differences([
    ["sender", detail.sender_id, data.sender_id],
    ["payer", detail.payer_id ?? data.sender_id, data.payer_account_id ?? data.sender_id],
    ["payment", detail.payment, data.payment],
    ["repository", detail.repo, code_source?.repo],
    ["branch, tag or commit", detail.ref, code_source?.commit],
    ["build target", detail.build_target, code_source?.build_target],
    ["instructions", told?.max_instructions, limits?.max_instructions],
    ["memory", told?.max_memory_mb, limits?.max_memory_mb],
    ["seconds", told?.max_execution_seconds, limits?.max_execution_seconds],
    ["secrets' owner", detail.secrets_ref?.account_id, secrets?.account_id],
    ["secrets' profile", detail.secrets_ref?.profile, secrets?.profile],
    ["format", detail.response_format ?? "Text", data.response_format ?? "Text"],
  ]);
  if (found.length > 0) return failed(title, `The coordinator says otherwise than the chain: ${list(found)}.`);
  return passed(title, "What the coordinator says was asked is what the contract's event on the chain has.");
}

export async function inputCheck(detail: ExecutionDetail, asked: Asked | null): Promise<Check> {
  const title = "The input";
  if (!asked) return unchecked(title, "The chain does not show the request, so its input is not known.");
  const input = utf8(asked.data.input_data ?? "");
  const hash = toHex(await sha256(input));
  const rest = {
    facts: [["SHA-256", hash]] as [string, string][],
    files: [{ name: `request-${detail.request_id}-input.txt`, content: input }],
  };
  if (hash !== detail.digest_parts.input_hash)
    return failed(title, "The input on the chain has another SHA-256 than the coordinator says.", rest);
  return passed(title, "The SHA-256 of the input on the chain is the one that the coordinator says.", rest);
}

export function answerCheck(detail: ExecutionDetail, answered: Answered | null, whole: boolean): Check {
  const title = "The answer";
  if (!answered && (detail.outcome === null || detail.outcome === "expired" || detail.outcome === "refused"))
    return unchecked(title, "The chain has no answer to it.");
  if (!answered && !whole) return unchecked(title, WAITS);
  if (!answered)
    return failed(title, "The coordinator says that it was answered; its transaction on the chain does not.");
  const { data } = answered;
  const used = data.resources_used;
  const found = differences([
    ["whether it ended well", detail.outcome === "success", data.success],
    ["charged", detail.charged, data.payment_charged],
    ["refunded", detail.refunded, data.payment_refunded],
    ["module", detail.wasm_hash, data.wasm_hash],
    ["output's hash", data.success ? detail.output_hash : "", data.success ? data.output_hash : ""],
    ["instructions", detail.instructions ?? 0, used.instructions ?? 0],
    ["time of the run", detail.time_ms ?? 0, used.time_ms ?? 0],
  ]);
  const rest = { files: [json("answer-event.json", data)] };
  if (found.length > 0) return failed(title, `The coordinator says otherwise than the chain: ${list(found)}.`, rest);
  return passed(
    title,
    "How it ended, what it used and what it cost are what the contract's event on the chain has.",
    rest,
  );
}

// The bytes that the output may have been: of a value that the caller got as it is, or within an envelope.
export function outputBytes(value: string, format: string | undefined): Bytes[] {
  const texts = [value, rawMember(value, "output")].filter((text) => text !== undefined);
  if (format === "Json") return texts.map(utf8);
  return texts.flatMap((text) => {
    try {
      const parsed: unknown = JSON.parse(text);
      const bytes = typeof parsed !== "string" ? null : format === "Bytes" ? fromBase64(parsed) : utf8(parsed);
      return bytes ? [bytes] : [];
    } catch {
      return [];
    }
  });
}

export async function outputCheck(
  detail: ExecutionDetail,
  asked: Asked | null,
  answered: Answered | null,
): Promise<Check> {
  const title = "The output";
  if (!asked || !answered) return unchecked(title, "The chain has no answer to it.");
  const claimed = answered.data.output_hash;
  if (!claimed) return unchecked(title, "It ended without an output: there is nothing to compare.");
  const facts: [string, string][] = [["SHA-256 on the chain", claimed]];
  const value = valueOf(answered.outcome) ?? "";
  for (const content of outputBytes(value, asked.data.response_format)) {
    if (toHex(await sha256(content)) !== claimed) continue;
    const files = [{ name: `request-${detail.request_id}-output.bin`, content }];
    return passed(title, "What its caller got has the SHA-256 that the worker's answer promised.", { facts, files });
  }
  const files = [{ name: `request-${detail.request_id}-value.txt`, content: value }];
  return failed(title, "What its caller got has another SHA-256 than the worker's answer says.", { facts, files });
}
