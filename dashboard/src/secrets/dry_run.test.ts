// SPDX-License-Identifier: Apache-2.0
// The table of src/keystore/access_eval_test.c: a dry run that says otherwise has somebody store what nobody can read, or
// what everybody can.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAccess } from "./access.ts";
import { passes, type Chain } from "./dry_run.ts";

interface Answers {
  balance?: string | null | undefined; // null: there is no such account
  views?: Record<string, unknown>; // by method; one that is not there fails
}

let questions = 0;

function chain({ balance, views = {} }: Answers): Chain {
  return {
    balance: async () => {
      questions++;
      if (balance === undefined) throw new Error("no answer");
      return balance;
    },
    view: async (_, method) => {
      questions++;
      if (!(method in views)) throw new Error("MethodNotFound");
      return views[method];
    },
    matches: async (pattern, account) => new RegExp(`^(?:${pattern})$`, "u").test(account),
  };
}

// "error": a doubt.
async function judge(answers: Answers, json: unknown, account = "a.near"): Promise<boolean | "error"> {
  questions = 0;
  return passes(parseAccess(json)!, account, chain(answers)).catch(() => "error" as const);
}

const NEAR_AT_LEAST_5 = { NearBalance: { operator: "Gte", value: "5" } };
const FT_MORE_THAN_5 = { FtBalance: { contract: "ft.near", operator: "Gt", value: "5" } };
const ANY_NFT = { NftOwned: { contract: "nft.near", token_id: null } };
const NFT_7 = { NftOwned: { contract: "nft.near", token_id: "7" } };
const COUNCIL = { DaoMember: { dao_contract: "dao.near", role: "council" } };
const NOBODY = { Whitelist: { accounts: [] } };
const not = (condition: unknown) => ({ Not: { condition } });
const logic = (operator: string, ...conditions: unknown[]) => ({ Logic: { operator, conditions } });

test("lists and patterns are of whole names", async () => {
  assert.equal(await judge({}, "AllowAll"), true);
  assert.equal(await judge({}, NOBODY), false);
  assert.equal(await judge({}, { Whitelist: { accounts: ["bob.near", "alice.near"] } }, "alice.near"), true);
  assert.equal(await judge({}, { Whitelist: { accounts: ["alice.near"] } }, "alice.nea"), false);
  assert.equal(await judge({}, { AccountPattern: { pattern: "alice.near" } }, "x-alice.near.evil.near"), false);
  assert.equal(await judge({}, { AccountPattern: { pattern: ".*\\.alice\\.near" } }, "b.alice.near"), true);
  assert.equal(questions, 0);
});

test("balances are compared as whole numbers, and an answer that is none is a doubt", async () => {
  assert.equal(await judge({ balance: "5" }, NEAR_AT_LEAST_5), true);
  assert.equal(await judge({ balance: "4" }, NEAR_AT_LEAST_5), false);
  for (const balance of [null, undefined]) assert.equal(await judge({ balance }, NEAR_AT_LEAST_5), "error");
  assert.equal(await judge({ views: { ft_balance_of: "6" } }, FT_MORE_THAN_5), true);
  assert.equal(await judge({ views: { ft_balance_of: "5" } }, FT_MORE_THAN_5), false);
  for (const ft_balance_of of [6, "-1", "", null, { a: 1 }, "340282366920938463463374607431768211456"])
    assert.equal(await judge({ views: { ft_balance_of } }, FT_MORE_THAN_5), "error", JSON.stringify(ft_balance_of));
  assert.equal(await judge({}, FT_MORE_THAN_5), "error");
});

test("each operator is its own", async () => {
  const table = { Gte: [0, 1, 1], Lte: [1, 1, 0], Gt: [0, 0, 1], Lt: [1, 0, 0], Eq: [0, 1, 0], Ne: [1, 0, 1] };
  for (const [operator, wanted] of Object.entries(table))
    for (const [i, balance] of ["4", "5", "6"].entries())
      assert.equal(await judge({ balance }, { NearBalance: { operator, value: "5" } }), wanted[i] === 1, operator);
});

test("a token is owned by whom its contract names", async () => {
  const own = (nft_token: unknown, nft_tokens_for_owner: unknown) => ({ views: { nft_token, nft_tokens_for_owner } });
  for (const [token, tokens, account, wanted] of [
    [{ owner_id: "a.near" }, [{}], "a.near", true],
    [null, [], "a.near", false],
    [{ owner: "a.near" }, {}, "a.near", "error"],
  ] as const) {
    assert.equal(await judge(own(token, tokens), NFT_7, account), wanted);
    assert.equal(await judge(own(token, tokens), ANY_NFT, account), wanted);
  }
  assert.equal(await judge(own({ owner_id: "a.near" }, []), NFT_7, "b.near"), false);
  assert.equal(await judge({}, NFT_7), "error");
  assert.equal(await judge({}, ANY_NFT), "error");
});

test("a DAO's member is whom its role names", async () => {
  const ask = (roles: unknown, views = {}, account = "a.near") =>
    judge({ views: { get_policy: { roles }, ...views } }, COUNCIL, account);
  const group = [
    { name: "all", kind: "Everyone" },
    { name: "council", kind: { Group: ["a.near"] } },
  ];
  assert.equal(await ask(group), true);
  assert.equal(await ask(group, {}, "b.near"), false);
  assert.equal(await ask([{ name: "council", kind: "Everyone" }], {}, "b.near"), true);
  assert.equal(await ask([]), false);
  const least = [{ name: "council", kind: { Member: "10" } }];
  assert.equal(await ask(least, { delegation_balance_of: "10" }), true);
  assert.equal(await ask(least, { delegation_balance_of: "9" }), false);
  assert.equal(await ask(least), "error");
  for (const kind of [
    undefined,
    "Nobody",
    { Group: "a.near" },
    { Group: [1] },
    { Member: 10 },
    { Group: ["a.near"], Member: "1" },
  ])
    assert.equal(await ask([{ name: "council", kind }]), "error", JSON.stringify(kind));
  assert.equal(await ask([{ kind: "Everyone" }]), "error");
  for (const get_policy of [{}, [], null]) assert.equal(await judge({ views: { get_policy } }, COUNCIL), "error");
  assert.equal(await judge({}, COUNCIL), "error");
});

test("a doubt stays a doubt, and what was decided before it is not asked for", async () => {
  for (const json of [
    not(NEAR_AT_LEAST_5),
    not(not(NEAR_AT_LEAST_5)),
    logic("Or", NEAR_AT_LEAST_5, "AllowAll"),
    logic("And", NEAR_AT_LEAST_5, NOBODY),
  ])
    assert.equal(await judge({}, json), "error", JSON.stringify(json));
  assert.equal(await judge({}, logic("Or", "AllowAll", NEAR_AT_LEAST_5)), true);
  assert.equal(await judge({}, logic("And", NOBODY, NEAR_AT_LEAST_5)), false);
  assert.equal(questions, 0);
  assert.equal(await judge({}, not(NOBODY)), true);
  assert.equal(await judge({}, logic("And")), true);
  assert.equal(await judge({}, logic("Or")), false);
});
