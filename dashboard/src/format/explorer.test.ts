// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { explorerUrl } from "./explorer.ts";

test("what a stranger named stays a part of the address", () => {
  const at = (value: string) => explorerUrl("https://x.example/tx/{hash}", "{hash}", value);
  assert.equal(at("9aB"), "https://x.example/tx/9aB");
  assert.equal(at("../../a?b#c$&"), "https://x.example/tx/..%2F..%2Fa%3Fb%23c%24%26");
});

test("what is no pattern of an address is no link", () => {
  for (const pattern of [null, undefined, "", "javascript:alert({hash})", "https://x.example/"])
    assert.equal(explorerUrl(pattern, "{hash}", "a"), undefined);
});
