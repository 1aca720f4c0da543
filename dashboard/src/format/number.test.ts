// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, grouped, scaled, short, toBig } from "./number.ts";

test("numbers are grouped at any size", () => {
  assert.equal(grouped(0), "0");
  assert.equal(grouped(1000), "1,000");
  assert.equal(grouped("18446744073709551615"), "18,446,744,073,709,551,615");
  assert.equal(grouped("-1234567"), "-1,234,567");
  assert.equal(grouped("none"), "none");
});

test("units follow the rounded number", () => {
  for (const [value, text] of [
    [0, "0"],
    [999, "999"],
    [1000, "1 K"],
    [1234567, "1.23 M"],
    [999999, "1 M"],
    [1000000000, "1 G"],
    [999949999, "1 G"],
    [12345678901, "12.3 G"],
    ["18446744073709551615", "18.4 E"],
    ["99999999999999999999999", "100,000 E"],
  ] as const)
    assert.equal(short(value), text, `${value}`);
});

test("scaling is exact and rounds half up", () => {
  assert.equal(scaled(15n, 1, 0), "2");
  assert.equal(scaled(1n, 24, 6), "0");
  assert.equal(scaled(-1n, 24, 6), "0");
  assert.equal(scaled(-1500000000000000000000000n, 24, 5), "-1.5");
  assert.equal(scaled(123n, 0, 4), "123");
});

test("bytes have binary units", () => {
  assert.equal(bytes(1), "1 byte");
  assert.equal(bytes(1023), "1,023 bytes");
  assert.equal(bytes(1536), "1.5 KiB");
  assert.equal(bytes(128 * 1024 * 1024), "128 MiB");
  assert.equal(bytes("18446744073709551616"), "16,777,216 TiB");
});

test("what is no number is none", () => {
  assert.equal(toBig("1e3"), null);
  assert.equal(toBig(""), null);
  assert.equal(toBig("007"), 7n);
});
