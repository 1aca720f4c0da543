// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { near, nearDigits, nearExact, nearPlain, parseNear, yocto } from "./money.ts";

test("amounts are shown with five places, and exactly where asked for", () => {
  assert.equal(near("0"), "0 NEAR");
  assert.equal(near("1"), "<0.00001 NEAR");
  assert.equal(near("1000000000000000000000000"), "1 NEAR");
  assert.equal(near("1234567890123456789012345678"), "1,234.56789 NEAR");
  assert.equal(near("999999999999999999999999"), "1 NEAR");
  assert.equal(nearExact("999999999999999999999999"), "0.999999999999999999999999 NEAR");
  assert.equal(
    nearExact("340282366920938463463374607431768211455"),
    "340,282,366,920,938.463463374607431768211455 NEAR",
  );
});

test("what a bill is reduced by has the unit of its other lines", () => {
  assert.equal(nearDigits(-1_500_000_000_000_000_000_000_001n), "-1.500000000000000000000001");
  assert.equal(nearDigits(0n), "0");
});

test("an amount in a field or a command is one that is taken there", () => {
  for (const amount of ["0", "1", "1000000000000000000000000000", "340282366920938463463374607431768211455"])
    assert.equal(parseNear(nearPlain(amount)), amount);
  assert.equal(nearPlain("1234567890123456789012345678"), "1234.567890123456789012345678");
});

test("what is no amount is shown as it is", () => {
  assert.equal(near("<b>"), "<b>");
  assert.equal(yocto("-1"), null);
});

test("typed amounts keep every digit", () => {
  assert.equal(parseNear("1."), "1000000000000000000000000");
  assert.equal(parseNear(".5"), "500000000000000000000000");
  assert.equal(parseNear("0.000000000000000000000001"), "1");
  assert.equal(parseNear(" 12 "), "12000000000000000000000000");
  for (const wrong of ["", ".", "1e3", "-1", "1,5", "0.0000000000000000000000001", "9".repeat(16)])
    assert.equal(parseNear(wrong), null, wrong);
});
