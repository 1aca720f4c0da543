// SPDX-License-Identifier: Apache-2.0
// A call of a contract that asks for an execution by itself, as an example has it: what somebody may change of it, and what is
// wrong with that.
import type { Example, ExampleCall } from "../../api/schema.ts";
import { lostInParsing } from "../../format/json.ts";
import { nearPlain, parseNear } from "../../format/money.ts";
import { oneLine } from "../../format/text.ts";
import { EMPTY, FORMATS, oneOf, TARGETS, type Draft } from "./draft.ts";

export interface CallDraft {
  args: string;
  deposit: string; // NEAR
  tgas: string;
}

const TERA = 1_000_000_000_000n;
export const TGAS_MAX = 300n;

export function callDraftOf({ args, deposit, gas }: ExampleCall): CallDraft {
  return { args, deposit: nearPlain(deposit), tgas: `${(BigInt(gas) + TERA - 1n) / TERA}` };
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

// A wallet takes arguments as an object, and writes them by itself: blanks are lost by that, and nothing else may be.
export function walletArguments(args: string): string {
  return JSON.stringify(JSON.parse(args));
}

function argumentsProblem(args: string, byWallet: boolean): string | null {
  if (!isObject(args)) return "Arguments are a JSON object, such as {}.";
  const lost = byWallet ? lostInParsing(args) : null;
  return lost && `A wallet would not keep ${oneLine(lost, 40)}: it writes arguments by itself.`;
}

// byWallet: a wallet is to send it, not this browser's own key.
export function callProblems(
  { args, deposit, tgas }: CallDraft,
  byWallet: boolean,
): Partial<Record<keyof CallDraft, string>> {
  const gas = /^\d{1,4}$/.test(tgas) ? BigInt(tgas) : 0n;
  const wrong = argumentsProblem(args, byWallet);
  return {
    ...(wrong && { args: wrong }),
    ...(parseNear(deposit) === null && { deposit: "An amount of NEAR, such as 0.1." }),
    ...((gas < 1n || gas > TGAS_MAX) && { tgas: `A whole number of Tgas, at most ${TGAS_MAX}.` }),
  };
}

// What a request's example begins with. What this page does not show is not sent.
export function draftOfExample({ request }: Example): Draft {
  if (!request) return EMPTY;
  const { max_instructions, max_memory_mb, max_execution_seconds } = request.resource_limits ?? {};
  return {
    ...EMPTY,
    repo: request.repo,
    commit: request.commit,
    target: oneOf(TARGETS, request.build_target, EMPTY.target),
    format: oneOf(FORMATS, request.response_format, EMPTY.format),
    input: request.input,
    owner: request.secrets_ref?.account_id ?? "",
    profile: request.secrets_ref?.profile ?? "",
    instructions: `${max_instructions ?? EMPTY.instructions}`,
    memory: `${max_memory_mb ?? EMPTY.memory}`,
    seconds: `${max_execution_seconds ?? EMPTY.seconds}`,
  };
}
