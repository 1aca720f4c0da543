// SPDX-License-Identifier: Apache-2.0
// A time-out that is taken for a refusal has somebody pay twice; a refusal that is taken for a doubt has him wait for nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accountIn, isRefusal, reasonOf, sentIn, signedIn } from "./answers.ts";

test("whatever a wallet throws has a reason", () => {
  for (const [thrown, reason] of [
    [new Error("User rejected"), "User rejected"],
    ["Wallet closed", "Wallet closed"],
    [{ message: "late" }, "late"],
    [undefined, "the wallet gave no reason"],
    [{ message: { a: 1 } }, "the wallet gave no reason"],
  ] as const)
    assert.equal(reasonOf(thrown), reason);
  assert.equal(reasonOf("x".repeat(1 << 20)).length, 2000);
});

test("what is no plain no leaves open what was sent", () => {
  for (const no of [
    "User rejected",
    "User rejected the request",
    "The user declined",
    "Error: user denied transaction signature.",
    "User cancelled the action",
    "Transaction was rejected by the user",
  ])
    assert.equal(isRefusal(no), true, no);
  for (const open of [
    "504 Gateway Timeout",
    "connect ECONNREFUSED 127.0.0.1:3030",
    "403 Access denied",
    "Permission denied",
    "request canceled",
    "cancelled: no wallet was chosen",
    "Transaction rejected",
    "sent, but the user rejected the request to wait",
    "User rejected the request to wait for what was sent",
    "Wallet closed",
    "Failed to fetch",
    "the wallet gave no reason",
    "timed out",
  ])
    assert.equal(isRefusal(open), false, open);
});

test("answers of another form are none", () => {
  assert.deepEqual(accountIn([{ accountId: "a.near", publicKey: "" }]), { account: "a.near", publicKey: null });
  assert.deepEqual(sentIn({ transaction: { hash: "h", signer_id: "a.near" } }), { hash: "h", account: "a.near" });
  for (const bad of [undefined, null, [], [{}], "x", { transaction: null }, { transaction: { hash: 7 } }]) {
    assert.throws(() => accountIn(bad), /names no account/);
    assert.throws(() => sentIn(bad), /does not say which/);
    assert.throws(() => signedIn(bad), /has no account/);
  }
});
