// SPDX-License-Identifier: Apache-2.0
// Whoever runs a command that says less than its page asks for something else, or pays another amount as another account.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { parseNear } from "../../format/money.ts";
import { nearCli, outlayer } from "./commands.ts";

const data = {
  request_id: 7,
  sender_id: "alice.near",
  code_source: { repo: "https://example.com/o/it's", commit: "main", build_target: "wasm32-wasip2" },
  resource_limits: { max_instructions: 100_000_000_000, max_memory_mb: 64, max_execution_seconds: 5 },
  input_data: '{"a b":"$HOME \\\\"}',
  secrets_ref: { account_id: "o.near", profile: "p" },
  response_format: "Json",
  payment: "1000100000000000000000000001",
};

// What a shell makes of it.
function words(command: string): string[] {
  const said = execFileSync("sh", [
    "-c",
    `outlayer() { printf '%s\\0' "$@"; }\nnear() { printf '%s\\0' "$@"; }\n${command}`,
  ]);
  return said.toString().split("\0").slice(0, -1);
}

test("`outlayer request` asks for the same, pays the same, and as the same account", () => {
  const [verb, ...rest] = words(outlayer(data));
  const given = Object.fromEntries(rest.flatMap((name, i) => (i % 2 ? [] : [[name, rest[i + 1]]])));
  assert.equal(verb, "request");
  assert.deepEqual(given, {
    "--repo": data.code_source.repo,
    "--commit": "main",
    "--target": "wasm32-wasip2",
    "--format": "json",
    "--secrets": "o.near/p",
    "--max-instructions": "100000000000",
    "--max-memory-mb": "64",
    "--max-seconds": "5",
    "--deposit": "1000.100000000000000000000001 NEAR",
    "--from": "alice.near",
    "--input": data.input_data,
  });
  assert.equal(parseNear(given["--deposit"]!.replace(" NEAR", "")), data.payment);
});

test("so does `near`", () => {
  const given = words(nearCli("outlayer.near", data));
  const args = JSON.parse(given[given.indexOf("json-args") + 1]!);
  assert.deepEqual(args.code_source, data.code_source);
  assert.deepEqual(args.resource_limits, data.resource_limits);
  assert.equal(args.input_data, data.input_data);
  assert.equal(given[given.indexOf("attached-deposit") + 1], `${data.payment} yoctoNear`);
  assert.equal(given[given.indexOf("sign-as") + 1], "alice.near");
});

test("no member of an event runs anything: a contract may write what it likes there", () => {
  const evil = (name: string) => `${name}' $(exit 3) \`exit 3\`; exit 3; '`;
  const hostile = {
    ...data,
    sender_id: evil("sender"),
    code_source: { repo: evil("repo"), commit: evil("commit"), build_target: evil("target") },
    input_data: evil("input"),
    secrets_ref: { account_id: evil("owner"), profile: evil("profile") },
    response_format: evil("format"),
    payment: evil("1"),
  };
  const near = words(nearCli(evil("contract"), hostile));
  assert.equal(near.length, words(nearCli("outlayer.near", data)).length);
  assert.equal(near[near.indexOf("attached-deposit") + 1], `${evil("1")} yoctoNear`);
  assert.equal(near[near.indexOf("sign-as") + 1], evil("sender"));
  assert.equal(words(outlayer(hostile)).length, words(outlayer(data)).length);
});
