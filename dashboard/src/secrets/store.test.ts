// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { conditionFor, type Wanted } from "./store.ts";

const PLACE = { urls: ["http://rpc"], contract: "c.near" };
const KEY = { repo: "github.com/a/b", branch: null, profile: "prod" };
const OWN = { Whitelist: { accounts: ["alice.near"] } };

function wanted(more: Partial<Wanted>): Wanted {
  const none = { values: new Map<string, string>(), wishes: [], access: null, replaces: true };
  return { network: "devnet", ...KEY, ...none, ...more };
}

function chainHas(t: TestContext, row: object | null) {
  const result = [...new TextEncoder().encode(JSON.stringify(row))];
  t.mock.method(globalThis, "fetch", async () => Response.json({ result: { result } }));
}

test("new values keep the condition that the chain has at that moment", async (t) => {
  chainHas(t, { encrypted_secrets: "", branch: null, access: OWN });
  assert.deepEqual(await conditionFor(PLACE, KEY, "o.near", wanted({})), OWN);
  assert.equal(await conditionFor(PLACE, KEY, "o.near", wanted({ access: { kind: "AllowAll" } })), "AllowAll");
});

test("new secrets never take the place of others", async (t) => {
  chainHas(t, { encrypted_secrets: "", branch: null, access: OWN });
  const open = wanted({ replaces: false, access: { kind: "AllowAll" } });
  await assert.rejects(conditionFor(PLACE, KEY, "o.near", open), /replace their values in the list/);
  const branch = { ...KEY, branch: "main" };
  assert.equal(await conditionFor(PLACE, branch, "o.near", open), "AllowAll"); // that row is another one
});

test("a row that went away meanwhile gives nobody its condition", async (t) => {
  chainHas(t, null);
  await assert.rejects(conditionFor(PLACE, KEY, "o.near", wanted({})), /not there any more/);
});
