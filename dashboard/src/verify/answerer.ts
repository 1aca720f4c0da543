// SPDX-License-Identifier: Apache-2.0
// Who answered: the transaction that did it, the key that signed it, and what the register contract knows of that key.
import { parseExact, type Integer } from "../api/exact.ts";
import type { ExecutionDetail } from "../api/schema.ts";
import type { Answered } from "../chain/events.ts";
import { RpcError } from "../chain/rpc.ts";
import { callOf, callSucceeded, transactionOf, type Transaction } from "../chain/transaction.ts";
import { view } from "../chain/view.ts";
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
  return { check: passed(title, text, rest), answerer: { account, key, at } };
}

export interface Registration {
  register: string; // the contract
  root: string | null; // another root key than Intel's, which it believes
  row: WorkerRow;
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

interface RegisterConfig {
  outlayer_contract_id: string;
  root_public_key: string | null;
}

const moment = (seconds: Integer) => utc(1000 * Number(seconds));

function factsOf({ register, row }: Registration): [string, string][] {
  return [
    ["Register contract", register],
    ["Registered", moment(row.registered_at)],
    ["Last renewed", moment(row.renewed_at)],
    ["Valid until", moment(row.valid_until)],
    ["State now", row.state],
    ["Platform's state", row.tcb_status],
    ["Image", `${row.image_id}`],
    ["RTMR3", row.rtmr3],
  ];
}

async function registrationOf(urls: readonly string[], answerer: Answerer, contract: string, signal: AbortSignal) {
  const { account: register, key } = answerer;
  const config = await view<RegisterConfig>(urls, register, "get_config", {}, undefined, signal).catch((e: unknown) => {
    if (e instanceof RpcError && e.cause_name !== "unreachable") return null; // there is no such contract
    throw e;
  });
  if (config?.outlayer_contract_id !== contract) return "contract" as const;
  const row = await view<WorkerRow | null>(urls, register, "get_worker", { public_key: key }, undefined, signal);
  return row ? { register, root: config.root_public_key, row } : ("key" as const);
}

const WHY = {
  contract:
    "The operator's account has no register contract for this one: no machine has proven anything for this key.",
  key: "The operator's register contract does not know this key: no machine has proven anything for it.",
};
const WORD = "What was computed, and from what, is the operator's word alone.";

export async function registrationCheck(
  urls: readonly string[],
  answerer: Answerer | null,
  contract: string,
  signal: AbortSignal,
): Promise<{ check: Check; registration: Registration | null }> {
  const title = "The key's registration";
  const none = (text: string) => ({ check: unchecked(title, text), registration: null });
  if (!answerer) return none("Who answered could not be checked, so there is no key to look for.");
  const found = await registrationOf(urls, answerer, contract, signal);
  if (typeof found === "string") return none(`${WHY[found]} ${WORD}`);
  const { row, root } = found;
  const rest = { facts: factsOf(found), files: [json("registration.json", row)] };
  const end = (check: Check) => ({ check, registration: found });
  if (1000 * Number(row.registered_at) > answerer.at + 1000)
    return end(failed(title, "The key was registered after it had answered.", rest));
  if (1000 * Number(row.valid_until) < answerer.at)
    return end(failed(title, "The key's registration had ended when it answered.", rest));
  if (root)
    return end(
      unchecked(
        title,
        `The register contract believes a root key that is not Intel's: such quotes prove nothing. ${WORD}`,
        rest,
      ),
    );
  if (row.state !== "active")
    return end(unchecked(title, `It was registered when it answered; now the contract calls it ${row.state}.`, rest));
  return end(
    passed(
      title,
      "The register contract had checked a quote for this key, and an approved image, when it answered.",
      rest,
    ),
  );
}
