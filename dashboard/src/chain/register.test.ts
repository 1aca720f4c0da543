// SPDX-License-Identifier: Apache-2.0
// Whoever takes another contract's word for a registered key believes in machines that nobody has checked.
import assert from "node:assert/strict";
import { test } from "node:test";
import { base58 } from "../format/base58.ts";
import { fromHex } from "../format/bytes.ts";
import { answering, hash, signal } from "../verify/fakes.ts";
import { registeredAt, registersOf, stateOf } from "./register.ts";
import { isProof } from "./register_at.ts";
import { RpcError } from "./rpc.ts";

const URLS = ["http://rpc"];
const CODE = hash("code");
const codeHash = base58(fromHex(CODE, 32)!);
const row = (key: string, state = "active") => ({ public_key: key, state, image_id: 1 });

// A chain whose contract c.near has these operators, of which w.near has a register contract.
function chain(answers: Record<string, unknown>, root: string | null = null, code = codeHash) {
  answering({
    get_operators: ["o.near", "w.near"],
    "w.near.get_config": { outlayer_contract_id: "c.near", root_public_key: root },
    "w.near.query": { code_hash: code },
    "w.near.get_workers": [row("k"), row("old", "expired")],
    "w.near.get_images": [{ image_id: 1, name: "worker 1" }],
    ...answers,
  });
}
const found = async () => registeredAt(URLS, await registersOf(URLS, "c.near", CODE, signal), signal);

test("register contracts are those of the contract's operators, by their code and Intel's root", async () => {
  chain({});
  const all = await found();
  assert.deepEqual(
    all.map(({ register }) => [register.account, isProof(register)]),
    [["w.near", true]],
  );
  assert.equal(stateOf(all, "w.near", "k"), "active");
  assert.equal(stateOf(all, "w.near", "old"), "expired");
  assert.equal(stateOf(all, "w.near", "other"), "not registered");
  assert.equal(stateOf(all, "o.near", "k"), "not registered");
});

test("a contract of other code, another root or for another contract proves nothing", async () => {
  for (const [answers, root, code] of [
    [{}, null, "othercode"],
    [{}, "04aa", codeHash],
    [{ "w.near.get_workers": { no: "list" } }, null, codeHash],
  ] as const) {
    chain(answers, root, code);
    assert.equal(stateOf(await found(), "w.near", "k"), "not checked");
  }
  chain({ "w.near.get_config": { outlayer_contract_id: "other.near", root_public_key: null } });
  assert.deepEqual(await found(), []);
});

const failing = (name: string) => Response.json({ error: { message: "Server error", cause: { name } } });

test("an operator has no register contract where the chain says so, and at no other time", async () => {
  const unknown = { error: "wasm execution failed with error: MethodResolveError(MethodNotFound)", logs: [] };
  for (const none of [
    failing("UNKNOWN_ACCOUNT"),
    failing("NO_CONTRACT_CODE"),
    failing("CONTRACT_EXECUTION_ERROR"),
    Response.json({ result: unknown }),
  ]) {
    chain({ "w.near.get_config": none });
    assert.deepEqual(await found(), []);
    chain({ "w.near.get_workers": none });
    assert.equal((await found())[0]!.found, null);
  }
  for (const [busy, name] of [
    [failing("TIMEOUT_ERROR"), "TIMEOUT_ERROR"],
    [Response.json({ error: { message: "asked too often" } }), "error"],
    [Response.json({ error: { message: "asked too often" } }, { status: 429 }), "unreachable"],
    [Response.json({ message: "asked too often" }), "no_answer"],
  ] as const)
    for (const view of ["w.near.get_config", "w.near.get_workers", "w.near.get_images"]) {
      chain({ [view]: busy });
      await assert.rejects(found(), (e) => e instanceof RpcError && e.cause_name === name, `${view} ${name}`);
    }
});

test("of many keys none is left out without a word", async () => {
  const pages = Array.from({ length: 450 }, (_, i) => row(`k${i}`));
  chain({
    "w.near.get_workers": (args: { from_index: number }) => pages.slice(args.from_index, args.from_index + 200),
  });
  const [all] = await found();
  assert.deepEqual([all!.found!.keys.length, all!.found!.isCut], [450, false]);
  chain({ "w.near.get_workers": () => pages.slice(0, 200) });
  const [endless] = await found();
  assert.deepEqual([endless!.found!.keys.length, endless!.found!.isCut], [1000, true]);
  assert.equal(stateOf([endless!], "w.near", "one of the others"), "not checked");
});
