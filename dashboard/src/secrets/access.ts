// SPDX-License-Identifier: Apache-2.0
// Conditions of access, as the contract stores them: docs/contract.md, "Conditions of access".
import { yocto } from "../format/money.ts";

export const OPERATORS = ["Gte", "Lte", "Gt", "Lt", "Eq", "Ne"] as const;
export type Operator = (typeof OPERATORS)[number];

export type Access =
  | { kind: "AllowAll" }
  | { kind: "Whitelist"; accounts: string[] }
  | { kind: "AccountPattern"; pattern: string }
  | { kind: "NearBalance"; operator: Operator; value: string }
  | { kind: "FtBalance"; contract: string; operator: Operator; value: string }
  | { kind: "NftOwned"; contract: string; token_id: string | null }
  | { kind: "DaoMember"; dao_contract: string; role: string }
  | { kind: "Logic"; operator: "And" | "Or"; conditions: Access[] }
  | { kind: "Not"; condition: Access };
export type AccessKind = Access["kind"];

const ACCOUNT = /^(?=.{2,64}$)([a-z\d]+[-_.])*[a-z\d]+$/;
export const isAccount = (text: string): boolean => ACCOUNT.test(text);
const DEPTH_MAX = 16;
const PARTS_MAX = 256;
const ACCOUNTS_MAX = 200;
const BYTES_MAX = 8192;

export function accessJson(access: Access): unknown {
  switch (access.kind) {
    case "AllowAll":
      return "AllowAll";
    case "Logic":
      return { Logic: { operator: access.operator, conditions: access.conditions.map(accessJson) } };
    case "Not":
      return { Not: { condition: accessJson(access.condition) } };
    default: {
      const { kind, ...members } = access;
      return { [kind]: members };
    }
  }
}

type Members = Record<string, unknown>;

function operatorOf(value: unknown): string {
  if (typeof value === "string") return value;
  const [name] = value && typeof value === "object" ? Object.keys(value) : [];
  return name ?? "";
}

// null: it is none that this page knows; then it is shown as it is, and never replaced by something else.
export function parseAccess(json: unknown, depth = 0): Access | null {
  if (depth > DEPTH_MAX) return null;
  if (json === "AllowAll") return { kind: "AllowAll" };
  if (!json || typeof json !== "object" || Array.isArray(json)) return null;
  const entries = Object.entries(json as Members);
  const [kind, inside] = entries[0] ?? ["", null];
  if (entries.length !== 1) return null;
  if (kind === "AllowAll" && inside === null) return { kind };
  if (!inside || typeof inside !== "object") return null;
  return parseKind(kind, inside as Members, depth);
}

function parseKind(kind: string, inside: Members, depth: number): Access | null {
  const text = (name: string) => (typeof inside[name] === "string" ? (inside[name] as string) : "");
  const operator = operatorOf(inside.operator) as Operator;
  switch (kind) {
    case "Whitelist":
      return Array.isArray(inside.accounts) ? { kind, accounts: inside.accounts.map(String) } : null;
    case "AccountPattern":
      return { kind, pattern: text("pattern") };
    case "NearBalance":
      return OPERATORS.includes(operator) ? { kind, operator, value: text("value") } : null;
    case "FtBalance":
      return OPERATORS.includes(operator) ? { kind, contract: text("contract"), operator, value: text("value") } : null;
    case "NftOwned":
      return { kind, contract: text("contract"), token_id: inside.token_id == null ? null : text("token_id") };
    case "DaoMember":
      return { kind, dao_contract: text("dao_contract"), role: text("role") };
    case "Not": {
      const condition = parseAccess(inside.condition, depth + 1);
      return condition && { kind, condition };
    }
    case "Logic":
      return parseLogic(inside, depth);
    default:
      return null;
  }
}

function parseLogic(inside: Members, depth: number): Access | null {
  const operator = operatorOf(inside.operator);
  if ((operator !== "And" && operator !== "Or") || !Array.isArray(inside.conditions)) return null;
  const conditions = inside.conditions.map((one) => parseAccess(one, depth + 1));
  return conditions.includes(null) ? null : { kind: "Logic", operator, conditions: conditions as Access[] };
}

function ownProblem(access: Access): string | undefined {
  switch (access.kind) {
    case "AllowAll":
    case "Not":
      return undefined;
    case "Whitelist": {
      const wrong = access.accounts.find((account) => !isAccount(account));
      if (access.accounts.length === 0) return "Name at least one account.";
      if (access.accounts.length > ACCOUNTS_MAX) return `At most ${ACCOUNTS_MAX} accounts.`;
      return wrong === undefined ? undefined : `'${wrong.slice(0, 64)}' is no account.`;
    }
    case "AccountPattern":
      return patternProblem(access.pattern);
    case "NearBalance":
      return yocto(access.value) === null ? "An amount is missing." : undefined;
    case "FtBalance":
      if (!isAccount(access.contract)) return "Which token's contract?";
      return yocto(access.value) === null ? "An amount in the token's smallest unit." : undefined;
    case "NftOwned":
      if (!isAccount(access.contract)) return "Which contract's token?";
      return access.token_id === "" ? "Which token? Any is a choice of its own." : undefined;
    case "DaoMember":
      if (!isAccount(access.dao_contract)) return "Which DAO's contract?";
      return access.role ? undefined : "Which role?";
    case "Logic":
      return access.conditions.length === 0 ? "At least one condition." : undefined;
  }
}

function patternProblem(pattern: string): string | undefined {
  if (!pattern) return "A pattern for the whole account name.";
  try {
    new RegExp(pattern, "u");
    return undefined;
  } catch {
    return "This is no regular expression.";
  }
}

export function partsOf(access: Access): Access[] {
  const below = access.kind === "Logic" ? access.conditions : access.kind === "Not" ? [access.condition] : [];
  return [access, ...below.flatMap(partsOf)];
}

function depthOf(access: Access): number {
  const below = access.kind === "Logic" ? access.conditions : access.kind === "Not" ? [access.condition] : [];
  return 1 + Math.max(0, ...below.map(depthOf));
}

// The first thing that the contract would refuse, in a sentence.
export function accessProblem(access: Access): string | undefined {
  const parts = partsOf(access);
  for (const part of parts) {
    const problem = ownProblem(part);
    if (problem) return problem;
  }
  if (parts.length > PARTS_MAX) return `At most ${PARTS_MAX} conditions in all.`;
  if (depthOf(access) > DEPTH_MAX) return `At most ${DEPTH_MAX} levels.`;
  if (new TextEncoder().encode(JSON.stringify(accessJson(access))).length > BYTES_MAX)
    return "It is longer than 8 KiB.";
  return undefined;
}
