// SPDX-License-Identifier: Apache-2.0
// Whether an account would pass a condition now, as the keystore decides it, by the chain's own views. A doubt (a view
// that fails, an answer that is none) denies, as it does there.
import type { Integer } from "../api/exact.ts";
import { balanceOf } from "../chain/rpc.ts";
import { view } from "../chain/view.ts";
import { toBig } from "../format/number.ts";
import type { Access, Operator } from "./access.ts";

export interface Chain {
  view(contract: string, method: string, args: unknown): Promise<unknown>;
  balance(account: string): Promise<string | null>;
}

export function chainOf(urls: readonly string[]): Chain {
  return {
    view: (contract, method, args) => view(urls, contract, method, args),
    balance: (account) => balanceOf(urls, account),
  };
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

function number(value: unknown, what: string): bigint {
  const big = typeof value === "string" ? toBig(value) : null;
  if (big === null || big < 0n) throw new Error(`${what} did not answer with a number as a text`);
  return big;
}

async function inDao(access: Access & { kind: "DaoMember" }, account: string, chain: Chain): Promise<boolean> {
  const { dao_contract: dao, role: wanted } = access;
  const policy = (await chain.view(dao, "get_policy", {})) as { roles?: { name?: string; kind?: unknown }[] } | null;
  if (!Array.isArray(policy?.roles)) throw new Error(`get_policy of ${dao} answered without roles`);
  const kind = policy.roles.find((role) => role.name === wanted)?.kind;
  if (kind === undefined) return false;
  if (kind === "Everyone") return true;
  const { Group: group, Member: member } = (kind ?? {}) as { Group?: unknown; Member?: Integer };
  if (Array.isArray(group)) return group.includes(account);
  if (member === undefined) throw new Error(`role ${wanted} of ${dao} is of a kind that is not known`);
  const has = await chain.view(dao, "delegation_balance_of", { account_id: account });
  return number(has, `delegation_balance_of of ${dao}`) >= number(member, `role ${wanted} of ${dao}`);
}

async function ownsToken(access: Access & { kind: "NftOwned" }, account: string, chain: Chain): Promise<boolean> {
  const { contract, token_id } = access;
  if (token_id !== null) {
    const token = (await chain.view(contract, "nft_token", { token_id })) as { owner_id?: string } | null;
    return token?.owner_id === account;
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
      return new RegExp(`^(?:${access.pattern})$`, "u").test(account);
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
