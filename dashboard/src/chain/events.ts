// SPDX-License-Identifier: Apache-2.0
// What the contract said in a transaction: its events (NEP-297), and the value that an execution was answered with.
import { parseExact, type Integer } from "../api/exact.ts";
import { toHex } from "../format/bytes.ts";
import type { Outcome, Transaction } from "./transaction.ts";

const EVENT = "EVENT_JSON:";
const STANDARD = "near-outlayer";

export interface RequestData {
  request_id: Integer;
  sender_id: string;
  payer_account_id?: string | null;
  code_source?: { repo?: string; commit?: string; build_target?: string | null };
  resource_limits?: { max_instructions?: Integer; max_memory_mb?: Integer; max_execution_seconds?: Integer };
  input_data?: string;
  secrets_ref?: { profile?: string; account_id?: string } | null;
  response_format?: string;
  payment?: string;
}

export interface Completed {
  request_id: Integer;
  success: boolean;
  error_message: string | null;
  failure: string | null;
  payment_charged: string;
  payment_refunded: string;
  resources_used: { instructions?: Integer; time_ms?: Integer; compile_time_ms?: Integer | null };
  output_hash: string | null;
  output_length: Integer | null;
  wasm_hash: string | null;
  attestation_digest: string | null;
  timestamp?: Integer; // ns
}

interface Found {
  outcome: Outcome;
  data: Record<string, unknown>;
}

function eventOf(log: string): { name: string; data: Record<string, unknown> } | null {
  if (!log.startsWith(EVENT)) return null;
  try {
    const event = parseExact(log.slice(EVENT.length)) as { standard?: unknown; event?: unknown; data?: unknown };
    const first: unknown = Array.isArray(event.data) ? event.data[0] : null;
    if (event.standard !== STANDARD || typeof event.event !== "string" || typeof first !== "object" || !first)
      return null;
    return { name: event.event, data: first as Record<string, unknown> };
  } catch {
    return null;
  }
}

// Of the contract's own receipts that succeeded: what another contract or a failed call logged is nobody's event.
export function eventsOf(transaction: Transaction, contract: string, name: string): Found[] {
  const found: Found[] = [];
  for (const outcome of transaction.receipts_outcome) {
    if (outcome.outcome.executor_id !== contract || "Failure" in outcome.outcome.status) continue;
    for (const log of outcome.outcome.logs) {
      const event = eventOf(log);
      if (event?.name === name) found.push({ outcome, data: event.data });
    }
  }
  return found;
}

export interface Asked {
  outcome: Outcome;
  data: RequestData;
}

export function requestedIn(transaction: Transaction, contract: string, request: string): Asked | null {
  for (const { outcome, data } of eventsOf(transaction, contract, "execution_requested")) {
    if (typeof data.request_data !== "string") continue;
    const asked = parseExact(data.request_data) as RequestData;
    if (`${asked.request_id}` === request) return { outcome, data: asked };
  }
  return null;
}

// Of a transaction that was made to ask for one.
export function firstRequestIn(transaction: Transaction, contract: string): Asked | null {
  const [first] = eventsOf(transaction, contract, "execution_requested");
  if (!first || typeof first.data.request_data !== "string") return null;
  return { outcome: first.outcome, data: parseExact(first.data.request_data) as RequestData };
}

function requestOf({ request_data, request_id }: Record<string, unknown>): string {
  const asked = typeof request_data === "string" ? (parseExact(request_data) as RequestData).request_id : request_id;
  return `${asked as Integer}`;
}

function hexOf(numbers: unknown): string[] {
  if (!Array.isArray(numbers) || numbers.length !== 32) return [];
  if (!numbers.every((n): n is number => Number.isInteger(n) && n >= 0 && n < 256)) return [];
  return [toHex(Uint8Array.from(numbers))];
}

// The yields by which a request waited, in hexadecimal: each extension makes another one, in the same transaction.
export function yieldsIn(transaction: Transaction, contract: string, request: string): string[] {
  return ["execution_requested", "execution_extended"]
    .flatMap((name) => eventsOf(transaction, contract, name))
    .filter(({ data }) => requestOf(data) === request)
    .flatMap(({ data }) => hexOf(data.data_id));
}

export interface Answered {
  outcome: Outcome;
  data: Completed;
}

export function completedIn(transaction: Transaction, contract: string, request: string): Answered | null {
  for (const { outcome, data } of eventsOf(transaction, contract, "execution_completed"))
    if (`${data.request_id as Integer}` === request) return { outcome, data: data as unknown as Completed };
  return null;
}
