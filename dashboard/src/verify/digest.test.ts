// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { DigestParts, ExecutionDetail } from "../api/schema.ts";
import type { Answered, Asked } from "../chain/events.ts";
import { digestBytes, digestCheck } from "./digest.ts";
import { hash } from "./fakes.ts";

// As src/protocol/attestation_test.c has them, with the same hashes.
const parts: DigestParts = {
  complete: true,
  attestation_digest: null,
  network: "devnet",
  contract_id: "c.near",
  request_id: 5,
  data_id: hash("d"),
  sender_id: "s.near",
  repo: "https://h.example/o/n",
  commit: "0123456789012345678901234567890123456789",
  build_target: "wasm32-wasip1",
  build_key: hash("k"),
  wasm_hash: hash("w"),
  input_hash: hash("in"),
  output_hash: hash("out"),
  success: true,
  instructions: 4,
  resource_limits: { max_instructions: 1, max_memory_mb: 2, max_execution_seconds: 3 },
  secrets_ref: { profile: "p", account_id: "a.near" },
  price_list: "prices",
  engine: "engine",
  measurement: "",
  block_height: 9,
};
const C_DIGEST = "835dfe3e199ce0096bb1c21a34cb301198fc423eb505b8b763f414c2bb884d9b"; // of https://h/o/n
const DIGEST = hash(digestBytes(parts));

interface World {
  code: object;
  detail: object;
  digest: string | null;
  network: string | null;
  yields: string[];
}

// The parts, with the chain's and the coordinator's words on them.
function judge(change: object, world: Partial<World> = {}) {
  const p = { ...parts, ...change };
  const code_source = { repo: "h.example/o/n", commit: "main", build_target: "wasm32-wasip1", ...world.code };
  const { sender_id, resource_limits, secrets_ref } = parts;
  const asked = { data: { request_id: 5, sender_id, resource_limits, secrets_ref, code_source } } as unknown as Asked;
  const digest = world.digest === undefined ? DIGEST : world.digest;
  const data = {
    success: true,
    resources_used: { instructions: 4 },
    wasm_hash: hash("w"),
    output_hash: hash("out"),
    attestation_digest: digest,
  };
  const detail = {
    contract_id: "c.near",
    request_id: 5,
    commit: parts.commit,
    build_key: parts.build_key,
    digest_parts: p,
    ...world.detail,
  } as unknown as ExecutionDetail;
  const answered = { data } as unknown as Answered;
  const { network = "devnet", yields = [hash("other"), hash("d")] } = world;
  return digestCheck({ detail, network, asked, answered, yields });
}
const verdict = async (change: object, world: Partial<World> = {}) => (await judge(change, world)).verdict;

test("a digest is made of its parts as a worker makes it", async () => {
  assert.equal(hash(digestBytes({ ...parts, repo: "https://h/o/n" })), C_DIGEST);
  const without = digestBytes({ ...parts, repo: "https://h/o/n", secrets_ref: null });
  assert.equal(hash(without), "a2151c3720f898a381cbdb568ffdd4ba88e3c2c9a2fddc20b49b93d5a61591dd");
  assert.equal(await verdict({}), "passed");
  for (const change of [
    { commit: "1".repeat(40) },
    { engine: "other" },
    { measurement: "m" },
    { price_list: "dearer" },
    { block_height: 8 },
    { data_id: hash("e") },
    { input_hash: hash("other") },
    { network: "mainnet" },
    { wasm_hash: hash("x") },
    { instructions: 5 },
    { secrets_ref: null },
  ])
    assert.equal(await verdict(change), "failed", JSON.stringify(change));
  assert.equal(await verdict({ complete: false }), "unchecked");
  assert.equal(await verdict({ engine: null }), "unchecked");
  assert.equal(await verdict({}, { digest: null }), "unchecked");
  assert.equal(await verdict({}, { network: null }), "unchecked");
  assert.equal(await verdict({}, { yields: [] }), "unchecked");
});

// A digest that holds, of an answer to something else.
test("parts that give the digest and are not of this request are found", async () => {
  const other = async (change: object, name: string, world: Partial<World> = {}) => {
    const digest = hash(digestBytes({ ...parts, ...change }));
    const { verdict, text } = await judge(change, { digest, ...world });
    assert.ok(verdict === "failed" && text.endsWith(`: ${name}.`), `${name}: ${text}`);
  };
  await other({ network: "testnet" }, "network");
  await other({ contract_id: "d.near" }, "contract");
  await other({ request_id: 6 }, "request");
  await other({ data_id: hash("e") }, "yield");
  await other({ repo: "https://h.example/o/m" }, "repository");
  await other({ build_target: "wasm32-wasip2" }, "build target");
  await other({ build_key: hash("l") }, "build key");
  const commit = "1".repeat(40);
  await other({ commit }, "commit");
  await other({ commit }, "commit", { code: { commit: parts.commit }, detail: { commit } });
  assert.equal(await verdict({}, { code: { commit: parts.commit } }), "passed");
});

test("where no module was had, the parts name what was asked for", async () => {
  const none = { build_key: "0".repeat(64), wasm_hash: "0".repeat(64), output_hash: null, commit: "main" };
  const digest = hash(digestBytes({ ...parts, ...none }));
  const { text } = await judge(none, { digest, detail: { commit: null, build_key: null } });
  assert.ok(text.endsWith(": module, output."), text);
  const found = await judge({ ...none, commit: "dev" }, { digest, detail: { commit: parts.commit } });
  assert.ok(found.text.includes("commit"), found.text);
});
