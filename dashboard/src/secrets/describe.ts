// SPDX-License-Identifier: Apache-2.0
// A condition in words.
import { nearExact } from "../format/money.ts";
import { grouped } from "../format/number.ts";
import { oneLine } from "../format/text.ts";
import type { Access, Operator } from "./access.ts";

export const WORDS: Record<Operator, string> = {
  Gte: "at least",
  Lte: "at most",
  Gt: "more than",
  Lt: "less than",
  Eq: "exactly",
  Ne: "anything but",
};

function join(parts: string[], word: string): string {
  return parts.length === 1 ? (parts[0] ?? "") : parts.map((part) => `(${part})`).join(` ${word} `);
}

export function describe(access: Access): string {
  switch (access.kind) {
    case "AllowAll":
      return "everybody";
    case "Whitelist": {
      const more = access.accounts.length - 3;
      return (
        access.accounts
          .slice(0, 3)
          .map((a) => oneLine(a, 64))
          .join(", ") + (more > 0 ? ` and ${more} more` : "")
      );
    }
    case "AccountPattern":
      return `accounts whose whole name matches ${oneLine(access.pattern, 80)}`;
    case "NearBalance":
      return `accounts with ${WORDS[access.operator]} ${nearExact(access.value)}`;
    case "FtBalance":
      return `holders of ${WORDS[access.operator]} ${grouped(access.value)} of ${oneLine(access.contract, 64)}`;
    case "NftOwned":
      return access.token_id === null
        ? `owners of any token of ${oneLine(access.contract, 64)}`
        : `the owner of token ${oneLine(access.token_id, 60)} of ${oneLine(access.contract, 64)}`;
    case "DaoMember":
      return `members of ${oneLine(access.dao_contract, 64)} as ${oneLine(access.role, 60)}`;
    case "Not":
      return `not (${describe(access.condition)})`;
    case "Logic":
      return join(access.conditions.map(describe), access.operator === "And" ? "and" : "or");
  }
}
