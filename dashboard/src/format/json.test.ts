// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseWhole, pretty } from "./json.ts";

test("numbers stay as they were written", () => {
  const text = '{"a":18446744073709551615,"b":1.10,"c":1e400,"d":[0,-0.0],"e":"18446744073709551615"}';
  assert.equal(JSON.stringify(parseWhole(text)), text);
});

test("what is nested without end is left as it is", () => {
  const nested = (n: number) => "[".repeat(n) + "]".repeat(n);
  assert.equal(pretty(nested(3)), "[\n  [\n    []\n  ]\n]");
  assert.equal(pretty(nested(65)), null);
  assert.equal(pretty(nested(500_000)), null);
  const brackets = JSON.stringify(['"'.repeat(9) + "[".repeat(99)]);
  assert.equal(pretty(`${brackets}`), JSON.stringify(JSON.parse(brackets), null, 2));
});

test("what is no JSON is none", () => {
  assert.equal(pretty("{"), null);
  assert.equal(pretty(""), null);
  assert.equal(pretty("null"), "null");
});
