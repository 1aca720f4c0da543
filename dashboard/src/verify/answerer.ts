// SPDX-License-Identifier: Apache-2.0
// Who answered: the transaction that did it, the key that signed it, and what the register contract knows of that key.
import { parseExact, type Integer } from "../api/exact.ts";
import type { ExecutionDetail } from "../api/schema.ts";
import type { Answered } from "../chain/events.ts";
import { registerAt, type Register } from "../chain/register_at.ts";
import { isGone, RpcError } from "../chain/rpc.ts";
import { callOf, callSucceeded, transactionOf, type Transaction } from "../chain/transaction.ts";
import { isRefused, view, type Block } from "../chain/view.ts";
import { fromBase64, toHex } from "../format/bytes.ts";
import { utc } from "../format/time.ts";
import { sha256 } from "../secrets/borsh.ts";
import { differences, failed, json, passed, unchecked, type Check } from "./check.ts";
import { operatorsOf } from "./operators.ts";
import { rawMember } from "./raw.ts";

const METHODS = ["resolve_execution", "submit_execution_output_and_resolve"];

export interface Answerer {
  account: string;
  key: string;
  at: number; // when the contract took the answer, in milliseconds since 1970
  block: string; // and the hash of the block in which it did
}

interface Response {
  success?: boolean;
  wasm_hash?: string | null;
  attestation_digest?: string | null;
}

interface Args extends Response {
  request_id?: Integer;
  response?: Response;
}

interface Said {
  response: Response;
  text: string; // of all arguments
}

function argsIn(transaction: Transaction, contract: string, request: string): Said | null {
  if (transaction.transaction.receiver_id !== contract) return null;
  for (const action of transaction.transaction.actions) {
    const call = callOf(action);
    const bytes = call && METHODS.includes(call.method_name) ? fromBase64(call.args) : null;
    if (!bytes) continue;
    const text = new TextDecoder().decode(bytes);
    const args = parseExact(text) as Args;
    if (`${args.request_id}` === request) return { response: args.response ?? args, text };
  }
  return null;
}

// The SHA-256 of the output that the arguments carry, of a Json one as it is written there. null: they carry none, because
// it was stored before.
async function outputHashIn(args: string): Promise<string | null> {
  const output = rawMember(rawMember(args, "response") ?? args, "output") ?? "null";
  const text = rawMember(output, "Json");
  const said = JSON.parse(output) as { Text?: string; Bytes?: number[] } | null;
  if (!said) return null;
  const bytes = said.Bytes ? Uint8Array.from(said.Bytes) : new TextEncoder().encode(text ?? said.Text ?? "");
  return toHex(await sha256(bytes));
}

async function answersDiffer({ response, text }: Said, { data }: Answered): Promise<string[]> {
  const carried = data.success ? await outputHashIn(text) : null;
  return differences([
    ["whether it ended well", response.success, data.success],
    ["module", response.wasm_hash, data.wasm_hash],
    ["digest", response.attestation_digest, data.attestation_digest],
    ["output", carried ?? data.output_hash, data.output_hash],
  ]);
}

// Nodes find a transaction by its hash and its sender, which the coordinator does not say: it is one of the operators.
async function answerOf(urls: readonly string[], operators: string[], hash: string, signal: AbortSignal) {
  for (const operator of operators) {
    try {
      const found = await transactionOf(urls, hash, operator, signal);
      if (operators.includes(found.transaction.signer_id)) return found;
    } catch (e) {
      if (!(e instanceof RpcError) || e.cause_name !== "UNKNOWN_TRANSACTION") throw e;
    }
  }
  return null;
}

export interface Found {
  check: Check;
  answerer: Answerer | null;
}

export async function answererCheck(
  urls: readonly string[],
  detail: ExecutionDetail,
  answered: Answered | null,
  signal: AbortSignal,
): Promise<Found> {
  const title = "Who answered";
  const none = (check: Check): Found => ({ check, answerer: null });
  if (!answered) return none(unchecked(title, "The chain has no answer to it."));
  const hash = detail.resolve_tx_id;
  if (!hash) return none(unchecked(title, "The coordinator does not say in which transaction it was answered."));
  const operators = await operatorsOf(urls, detail.contract_id, signal);
  const transaction = await answerOf(urls, operators, hash, signal);
  if (!transaction)
    return none(unchecked(title, "The chain's node does not have the answer's transaction (any more)."));
  const { signer_id: account, public_key: key } = transaction.transaction;
  const rest = {
    facts: [
      ["Operator", account],
      ["Key", key ?? ""],
    ] as [string, string][],
    files: [json("answer.json", transaction)],
  };
  const said = argsIn(transaction, detail.contract_id, `${detail.request_id}`);
  if (!said || !key)
    return none(failed(title, "The transaction that the coordinator names does not answer this request.", rest));
  const taken = callSucceeded(transaction);
  if (taken === false)
    return none(failed(title, "The contract refused the transaction that the coordinator names.", rest));
  if (taken === null)
    return none(unchecked(title, "The chain's node does not say whether the contract took the answer.", rest));
  const found = await answersDiffer(said, answered);
  if (found.length > 0)
    return none(failed(title, `Another answer was taken than this one: ${found.join(", ")}.`, rest));
  const at = Number(BigInt(answered.data.timestamp ?? 0) / 1_000_000n);
  const text = `${account}, an operator of the contract, answered it in this transaction with this key.`;
  return { check: passed(title, text, rest), answerer: { account, key, at, block: answered.outcome.block_hash } };
}

export interface Registration extends Omit<Register, "account"> {
  register: string; // the contract
  row: WorkerRow; // as of the answer, where its node still has that
  now: WorkerRow;
}

export interface WorkerRow {
  public_key: string;
  rtmr3: string;
  registered_at: Integer; // seconds
  renewed_at: Integer;
  valid_until: Integer;
  state: string;
  tcb_status: string;
  image_id: Integer;
  fmspc: string;
}

const moment = (seconds: Integer) => utc(1000 * Number(seconds));

function factsOf({ register, code, row, now }: Registration): [string, string][] {
  return [
    ["Register contract", register],
    ["SHA-256 of its code now", code],
    ["Registered", moment(row.registered_at)],
    ["Last renewed", moment(row.renewed_at)],
    ["Valid until", moment(row.valid_until)],
    ["State now", now.state],
    ["Platform's state", row.tcb_status],
    ["Image", `${row.image_id}`],
    ["RTMR3", row.rtmr3],
  ];
}

function workerOf(urls: readonly string[], answerer: Answerer, block: Block, signal: AbortSignal) {
  const args = { public_key: answerer.key };
  return view<WorkerRow | null>(urls, answerer.account, "get_worker", args, block, signal);
}

// What a later renewal has taken the place of, as the contract had it when it was answered. undefined: the node does not
// have that any more.
async function workerThen(urls: readonly string[], answerer: Answerer, now: WorkerRow, signal: AbortSignal) {
  if (1000 * Number(now.renewed_at) <= answerer.at) return now;
  return workerOf(urls, answerer, { block_id: answerer.block }, signal).catch((e: unknown) => {
    if (isGone(e) || isRefused(e)) return undefined;
    throw e;
  });
}

export interface RegistrationQuestion {
  urls: readonly string[];
  answerer: Answerer | null;
  contract: string; // which the answer was given to
  known: string | null; // SHA-256 of the register contract's code
  signal: AbortSignal;
}

async function registrationOf({ urls, contract, known, signal }: RegistrationQuestion, answerer: Answerer) {
  const { account: register } = answerer;
  const at = await registerAt(urls, register, contract, known, signal);
  if (!at) return "contract" as const;
  const now = await workerOf(urls, answerer, { finality: "final" }, signal);
  if (!now) return "key" as const;
  const { code, isKnown, root } = at;
  const then = await workerThen(urls, answerer, now, signal);
  return { then, registration: { register, code, isKnown, root, row: then ?? now, now } };
}

const WHY = {
  contract:
    "The operator's account has no register contract for this one: no machine has proven anything for this key.",
  key: "The operator's register contract does not know this key: no machine has proven anything for it.",
};
const WORD = "What was computed, and from what, is the operator's word alone.";
const TITLE = "The key's registration";

// then: what the contract had when it was answered; null: nothing; undefined: nobody knows any more.
function judged(found: Registration, then: WorkerRow | null | undefined, at: number): Check {
  const { now, root } = found;
  const rest = { facts: factsOf(found), files: [json("registration.json", now)] };
  if (then === null || 1000 * Number(now.registered_at) > at + 1000)
    return failed(TITLE, "The key was not registered yet when it answered.", rest);
  if (then && 1000 * Number(then.valid_until) < at)
    return failed(TITLE, "The key's registration had ended when it answered.", rest);
  if (!found.isKnown)
    return unchecked(
      TITLE,
      "The contract's code is not the register contract that these pages were built with, and could say " +
        `anything of the key. ${WORD}`,
      rest,
    );
  if (root)
    return unchecked(
      TITLE,
      `The register contract believes a root key that is not Intel's: such quotes prove nothing. ${WORD}`,
      rest,
    );
  if (!then)
    return unchecked(
      TITLE,
      "The key was renewed after it had answered, and the chain's node does not have what was registered before.",
      rest,
    );
  if (then.state !== "active" || now.state !== "active")
    return unchecked(
      TITLE,
      `The contract called the key ${then.state} when it answered, and calls it ${now.state} now.`,
      rest,
    );
  return passed(
    TITLE,
    "When it answered, the register contract had checked a quote for this key, and an image that this operator approved.",
    rest,
  );
}

export async function registrationCheck(
  question: RegistrationQuestion,
): Promise<{ check: Check; registration: Registration | null }> {
  const { answerer } = question;
  const none = (text: string) => ({ check: unchecked(TITLE, text), registration: null });
  if (!answerer) return none("Who answered could not be checked, so there is no key to look for.");
  const found = await registrationOf(question, answerer);
  if (typeof found === "string") return none(`${WHY[found]} ${WORD}`);
  const { registration, then } = found;
  return { check: judged(registration, then, answerer.at), registration };
}
