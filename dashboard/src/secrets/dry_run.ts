// SPDX-License-Identifier: Apache-2.0
// Whether an account would pass a condition now, as the keystore decides it, by the chain's own views. A doubt (a view
// that fails, an answer that is none) denies, as it does there.
import { toBig } from "../format/number.ts";
import type { Access, Operator } from "./access.ts";

export interface Chain {
  view(contract: string, method: string, args: unknown): Promise<unknown>;
  balance(account: string): Promise<string | null>;
  matches(pattern: string, account: string): Promise<boolean>; // of the whole name
}

function compare(operator: Operator, has: bigint, wanted: bigint): boolean {
  switch (operator) {
    case "Gte":
      return has >= wanted;
    case "Lte":
      return has <= wanted;
    case "Gt":
      return has > wanted;
    case "Lt":
      return has < wanted;
    case "Eq":
      return has === wanted;
    case "Ne":
      return has !== wanted;
  }
}

const MOST = (1n << 128n) - 1n;

function number(value: unknown, what: string): bigint {
  const big = typeof value === "string" ? toBig(value) : null;
  if (big === null || big < 0n || big > MOST) throw new Error(`${what} did not answer with a number as a text`);
  return big;
}

// What kind of members the role has. undefined: there is no such role.
function kindOf(policy: unknown, dao: string, wanted: string): unknown {
  const roles = (policy as { roles?: unknown } | null)?.roles;
  if (!Array.isArray(roles)) throw new Error(`get_policy of ${dao} answered without roles`);
  for (const role of roles as ({ name?: unknown; kind?: unknown } | null)[]) {
    if (typeof role?.name !== "string") throw new Error(`get_policy of ${dao} answered with a role without a name`);
    if (role.name === wanted) return role.kind ?? null;
  }
  return undefined;
}

const isGroup = (group: unknown): group is string[] =>
  Array.isArray(group) && group.every((one) => typeof one === "string");

async function inDao(access: Access & { kind: "DaoMember" }, account: string, chain: Chain): Promise<boolean> {
  const { dao_contract: dao, role: wanted } = access;
  const kind = kindOf(await chain.view(dao, "get_policy", {}), dao, wanted);
  if (kind === undefined) return false;
  if (kind === "Everyone") return true;
  const [[name, inside] = [], ...more] = Object.entries(kind ?? {}) as [string, unknown][];
  if (name === "Group" && more.length === 0 && isGroup(inside)) return inside.includes(account);
  if (name !== "Member" || more.length > 0) throw new Error(`role ${wanted} of ${dao} is of a kind that is not known`);
  const least = number(inside, `role ${wanted} of ${dao}`);
  const has = await chain.view(dao, "delegation_balance_of", { account_id: account });
  return number(has, `delegation_balance_of of ${dao}`) >= least;
}

async function ownsToken(access: Access & { kind: "NftOwned" }, account: string, chain: Chain): Promise<boolean> {
  const { contract, token_id } = access;
  if (token_id !== null) {
    const token = (await chain.view(contract, "nft_token", { token_id })) as { owner_id?: unknown } | null;
    if (token === null) return false;
    if (typeof token.owner_id !== "string") throw new Error(`nft_token of ${contract} did not name an owner`);
    return token.owner_id === account;
  }
  const owned = await chain.view(contract, "nft_tokens_for_owner", { account_id: account, limit: 1 });
  if (!Array.isArray(owned)) throw new Error(`nft_tokens_for_owner of ${contract} did not answer with a list`);
  return owned.length > 0;
}

async function all(parts: Access[], stopAt: boolean, account: string, chain: Chain): Promise<boolean> {
  for (const part of parts) if ((await passes(part, account, chain)) === stopAt) return stopAt;
  return !stopAt;
}

export async function passes(access: Access, account: string, chain: Chain): Promise<boolean> {
  switch (access.kind) {
    case "AllowAll":
      return true;
    case "Whitelist":
      return access.accounts.includes(account);
    case "AccountPattern":
      return chain.matches(access.pattern, account);
    case "NearBalance": {
      const has = await chain.balance(account);
      if (has === null) throw new Error(`there is no account ${account}`);
      return compare(access.operator, BigInt(has), BigInt(access.value));
    }
    case "FtBalance": {
      const has = await chain.view(access.contract, "ft_balance_of", { account_id: account });
      return compare(access.operator, number(has, `ft_balance_of of ${access.contract}`), BigInt(access.value));
    }
    case "NftOwned":
      return ownsToken(access, account, chain);
    case "DaoMember":
      return inDao(access, account, chain);
    case "Not":
      return !(await passes(access.condition, account, chain));
    case "Logic":
      return all(access.conditions, access.operator === "Or", account, chain);
  }
}
