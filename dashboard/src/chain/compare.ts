// SPDX-License-Identifier: Apache-2.0
// What the coordinator says of an execution beside what the chain has of it. The chain is right.
import type { Integer } from "../api/exact.ts";
import type { Answered, Asked, Completed } from "./events.ts";

export interface Said {
  outcome: string | null;
  failure?: string | null | undefined;
  sender_id: string | null;
  payer_id: string | null;
  payment: string | null;
  repo: string | null;
  ref: string | null;
  charged?: string | null | undefined;
  refunded?: string | null | undefined;
  instructions?: Integer | null | undefined;
  time_ms?: Integer | null | undefined;
  compile_time_ms?: Integer | null | undefined;
  output_hash?: string | null | undefined;
  output_bytes?: Integer | null | undefined;
  wasm_hash?: string | null | undefined;
}

export interface Difference {
  what: string;
  said: string; // by the coordinator
  chain: string;
}

type Word = string | number | boolean | null | undefined;

// What the coordinator leaves out is no lie.
function differs(what: string, said: Word, chain: Word): Difference[] {
  if (said == null || `${said}` === `${chain ?? ""}`) return [];
  return [{ what, said: `${said}`, chain: chain == null ? "nothing" : `${chain}` }];
}

function ofRequest(job: Said, { data }: Asked): Difference[] {
  return [
    ...differs("Asked by", job.sender_id, data.sender_id),
    ...differs("Paid by", job.payer_id, data.payer_account_id ?? data.sender_id),
    ...differs("Attached", job.payment, data.payment),
    ...differs("Repository", job.repo, data.code_source?.repo),
    ...differs("Branch, tag or commit", job.ref, data.code_source?.commit),
  ];
}

function outcomeOf({ success }: Completed): string {
  return success ? "success" : "failure";
}

function ofAnswer(job: Said, { data }: Answered): Difference[] {
  const used = data.resources_used;
  const said = job.outcome && (job.outcome === "success" ? "success" : "failure");
  return [
    ...differs("Outcome", said, outcomeOf(data)),
    ...differs("Failure", job.outcome === "guest_failed" ? job.failure : null, data.failure),
    ...differs("Charged", job.charged, data.payment_charged),
    ...differs("Refunded", job.refunded, data.payment_refunded),
    ...differs("Instructions", job.instructions, used.instructions),
    ...differs("ms of running", job.time_ms, used.time_ms),
    ...differs("ms of building", job.compile_time_ms, used.compile_time_ms ?? 0),
    ...differs("Output (SHA-256)", job.output_hash, data.output_hash),
    ...differs("Bytes of output", job.output_bytes, data.output_length),
    ...differs("Module (SHA-256)", job.wasm_hash, data.wasm_hash),
  ];
}

// answered: null where the chain has no end of it; then the coordinator may not say one either.
export function differences(job: Said, asked: Asked, answered: Answered | null): Difference[] {
  const end = answered
    ? ofAnswer(job, answered)
    : differs("Outcome", job.outcome === "success" || job.outcome === "guest_failed" ? job.outcome : null, null);
  return [...ofRequest(job, asked), ...end];
}
