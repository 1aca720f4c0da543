// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseExact } from "./exact.ts";

test("integers beyond 2^53 keep their digits", () => {
  assert.deepEqual(parseExact('{"a":18446744073709551615,"b":[9007199254740993,-9007199254740993]}'), {
    a: "18446744073709551615",
    b: ["9007199254740993", "-9007199254740993"],
  });
});

test("what a number can hold stays one", () => {
  assert.deepEqual(
    parseExact("[9007199254740991,1788220800000,0.1,12345678901234567.5,1e30]"),
    [9007199254740991, 1788220800000, 0.1, 12345678901234567.5, 1e30],
  );
});

test("a fraction or an exponent of many digits is no integer", () => {
  const text =
    "[0.12345678901234567,-0.30000000000000004441,1e0000000000000000001,1E-00000000000000000002,1.5e+00000000000000000001]";
  assert.deepEqual(parseExact(text), JSON.parse(text));
});

test("digits inside texts are left alone", () => {
  const value = { 'k"12345678901234567890': 'x \\" 12345678901234567890 "', n: "\u0000\\" };
  assert.deepEqual(parseExact(JSON.stringify(value)), value);
});

test("a text of a megabyte does not overflow anything", () => {
  const long = '\\"'.repeat(1 << 19);
  assert.equal(parseExact(JSON.stringify(long)), long);
});
