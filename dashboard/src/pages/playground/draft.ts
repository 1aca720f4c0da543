// SPDX-License-Identifier: Apache-2.0
// What somebody has typed for a request, what is wrong with it, and the arguments that it becomes.
import type { RequestData } from "../../chain/events.ts";
import { parseNear } from "../../format/money.ts";
import { isAccount } from "../../secrets/access.ts";

export const TARGETS = ["wasm32-wasip1", "wasm32-wasip2"] as const;
export const FORMATS = ["Text", "Json", "Bytes"] as const;

export interface Draft {
  repo: string;
  commit: string;
  target: string;
  format: string;
  input: string;
  owner: string; // of the secrets
  profile: string;
  instructions: string;
  memory: string;
  seconds: string;
  deposit: string; // NEAR; empty: the estimate and something for the build
}

export const EMPTY: Draft = {
  repo: "",
  commit: "main",
  target: TARGETS[0],
  format: FORMATS[0],
  input: "",
  owner: "",
  profile: "",
  instructions: "1000000000",
  memory: "128",
  seconds: "60",
  deposit: "",
};

export interface Limits {
  instructions: bigint;
  seconds: bigint;
  memory: bigint;
}

// While nobody has said the contract's: what limitsOf takes, so that what is sent is what stands in the fields.
const MOST = 999_999_999_999_999n;
const UNKNOWN: Limits = { instructions: MOST, seconds: MOST, memory: MOST };

export type Problems = Partial<Record<keyof Draft, string>>;

const PROFILE = /^[\w-]{1,64}$/;
const INPUT_MAX = 15_700;

function wholeUpTo(text: string, most: bigint, what: string): string | undefined {
  if (!/^\d{1,20}$/.test(text) || BigInt(text) < 1n) return `A whole number of ${what}.`;
  return BigInt(text) > most ? `At most ${most.toLocaleString("en")} ${what}.` : undefined;
}

// How long the input is inside the request's event, where a JSON text stands in a JSON text.
export function eventBytes(input: string): number {
  return new TextEncoder().encode(JSON.stringify(JSON.stringify(input))).length - 6;
}

export function problemsOf(draft: Draft, limits: Limits | null): Problems {
  const found: Problems = {};
  const say = (name: keyof Draft, problem: string | undefined | false) => {
    if (problem) found[name] = problem;
  };
  say("repo", !draft.repo.trim() && "Which repository is to be run?");
  say("repo", /\s/.test(draft.repo.trim()) && "A repository's name has no blanks.");
  say("commit", !draft.commit.trim() && "A branch, a tag or a commit.");
  say("input", draft.input.includes("\0") && "The contract takes no U+0000.");
  say(
    "input",
    eventBytes(draft.input) > INPUT_MAX && "It is too long for the contract's event, which has 16,384 bytes.",
  );
  say("owner", draft.owner !== "" && !isAccount(draft.owner) && "This is no account.");
  say("owner", draft.owner === "" && draft.profile !== "" && "Whose secrets?");
  say("profile", draft.profile !== "" && !PROFILE.test(draft.profile) && "1 to 64 of A-Z a-z 0-9 - _");
  say("profile", draft.profile === "" && draft.owner !== "" && "Which of their profiles?");
  say("deposit", draft.deposit !== "" && parseNear(draft.deposit) === null && "An amount of NEAR, such as 0.1.");
  const most = limits ?? UNKNOWN;
  say("instructions", wholeUpTo(draft.instructions, most.instructions, "instructions"));
  say("memory", wholeUpTo(draft.memory, most.memory, "MB"));
  say("seconds", wholeUpTo(draft.seconds, most.seconds, "seconds"));
  return found;
}

// null: they are no numbers yet.
export function limitsOf(draft: Draft): Record<string, number> | null {
  const values = [draft.instructions, draft.memory, draft.seconds];
  if (!values.every((text) => /^\d{1,15}$/.test(text))) return null;
  const [max_instructions, max_memory_mb, max_execution_seconds] = values.map(Number);
  return {
    max_instructions: max_instructions!,
    max_memory_mb: max_memory_mb!,
    max_execution_seconds: max_execution_seconds!,
  };
}

// The arguments of request_execution. The input goes as it was typed, byte for byte.
export function argumentsOf(draft: Draft): string {
  return JSON.stringify({
    code_source: { repo: draft.repo.trim(), commit: draft.commit.trim(), build_target: draft.target },
    resource_limits: limitsOf(draft),
    input_data: draft.input,
    secrets_ref: draft.owner ? { profile: draft.profile, account_id: draft.owner } : null,
    response_format: draft.format,
  });
}

// What the chain would show of it: what commands are made from.
export function requestOf(draft: Draft, sender: string, payment: string): RequestData {
  return { ...(JSON.parse(argumentsOf(draft)) as object), request_id: 0, sender_id: sender, payment };
}

const DEFAULT_DEPOSIT = 10n ** 23n; // 0.1 NEAR: what is beyond the estimate buys time for a build, and comes back

export function depositOf(draft: Draft, estimate: string): string {
  const typed = draft.deposit ? parseNear(draft.deposit) : null;
  if (typed !== null) return typed;
  return (BigInt(estimate) > DEFAULT_DEPOSIT ? BigInt(estimate) : DEFAULT_DEPOSIT).toString();
}

// What the choice shows, which is the first where a request names none of them.
export function oneOf(options: readonly string[], named: string | null | undefined, other: string): string {
  return named != null && options.includes(named) ? named : other;
}

// The same again, from a request that was made before.
export function draftOf(data: RequestData): Draft {
  const limits = data.resource_limits ?? {};
  return {
    repo: data.code_source?.repo ?? "",
    commit: data.code_source?.commit ?? "",
    target: oneOf(TARGETS, data.code_source?.build_target, EMPTY.target),
    format: oneOf(FORMATS, data.response_format, EMPTY.format),
    input: data.input_data ?? "",
    owner: data.secrets_ref?.account_id ?? "",
    profile: data.secrets_ref?.profile ?? "",
    instructions: `${limits.max_instructions ?? EMPTY.instructions}`,
    memory: `${limits.max_memory_mb ?? EMPTY.memory}`,
    seconds: `${limits.max_execution_seconds ?? EMPTY.seconds}`,
    deposit: "",
  };
}
