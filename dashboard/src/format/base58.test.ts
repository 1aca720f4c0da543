// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { base58, fromBase58 } from "./base58.ts";

test("known texts both ways", () => {
  for (const [hex, text] of [
    ["", ""],
    ["00", "1"],
    ["0000287fb4cd", "11233QC4"],
    ["516b6fcd0f", "ABnLTmg"],
    ["ff".repeat(32), "JEKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFG"],
  ] as const) {
    const bytes = Uint8Array.from(Buffer.from(hex, "hex"));
    assert.equal(base58(bytes), text);
    assert.deepEqual(fromBase58(text), bytes);
  }
});

test("what is none, or too long, is refused", () => {
  for (const text of ["0", "O", "l", " ", "a b", "1".repeat(129), "z".repeat(300)])
    assert.equal(fromBase58(text), null);
});
