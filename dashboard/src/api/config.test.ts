// SPDX-License-Identifier: Apache-2.0
// The configuration is what every page begins with: one that is not what it should be must not make all of them blank.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "./client.ts";
import { readConfig, webUrl } from "./config.ts";

test("addresses are those of the web, without names and passwords", () => {
  assert.equal(webUrl("https://rpc.example/"), "https://rpc.example");
  assert.equal(webUrl("http://127.0.0.1:3030/a"), "http://127.0.0.1:3030/a");
  for (const bad of [
    "javascript:alert(1)",
    "ftp://a",
    "//a",
    "",
    7,
    null,
    "https://u:p@h",
    `https://${"a".repeat(999)}`,
  ])
    assert.equal(webUrl(bad), null, `${bad}`.slice(0, 40));
});

test("what is no configuration is an error, and what is none in it is left out", () => {
  for (const bad of [null, [], "x", 7]) assert.throws(() => readConfig(bad, null), ApiError);
  const read = readConfig(
    { network: {}, rpc_urls: { length: 3 }, explorer: null, faucet_url: "javascript:1", keystore: 1 },
    null,
  );
  assert.deepEqual(
    [read.network, read.rpc_urls, read.explorer, read.faucet_url, read.keystore, read.version],
    [null, [], { transaction: null, account: null }, null, false, ""],
  );
  assert.deepEqual(readConfig({ rpc_urls: ["https://a", 7, "x", "https://b/"] }, null).rpc_urls, [
    "https://a",
    "https://b",
  ]);
});

test("the book is one of this coordinator", () => {
  assert.equal(readConfig({ docs_url: "/docs/" }, null).docs_url, "/docs/");
  for (const docs_url of ["//evil.example/", "https://evil.example", "javascript:alert(1)", "/docs\\x", 7])
    assert.equal(readConfig({ docs_url }, null).docs_url, null);
});

test("an address that the reader has chosen is the only one that is asked", () => {
  const read = readConfig({ network: "testnet", rpc_urls: ["https://evil.example"] }, "https://mine.example");
  assert.deepEqual(read.rpc_urls, ["https://mine.example"]);
  assert.deepEqual(read.named_rpc_urls, ["https://evil.example"]);
});
