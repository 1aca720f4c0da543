// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, atTyped, duration, local, typed, utc } from "./time.ts";

test("lengths of time never show 60 of a unit", () => {
  for (const [ms, text] of [
    [0, "0 ms"],
    [999, "999 ms"],
    [1000, "1.00 s"],
    [9949, "9.95 s"],
    [9960, "10.0 s"],
    [59949, "59.9 s"],
    [59999, "1 min 0 s"],
    [3599999, "1 h 0 min"],
    [86400000 * 3 + 3600000, "3 d 1 h"],
  ] as const)
    assert.equal(duration(ms), text);
});

test("how long ago", () => {
  assert.equal(ago(10_000, 5_000), "just now");
  assert.equal(ago(0, 59_999), "59 s ago");
  assert.equal(ago(0, 3_600_000), "1 h ago");
  assert.equal(ago(0, 86_400_000 * 40), "40 d ago");
});

test("a moment that no calendar has does not throw", () => {
  assert.equal(utc(9e20), "900000000000000000000");
  assert.equal(local(Number.NaN), "NaN");
  assert.equal(utc(0), "1970-01-01T00:00:00.000Z");
});

test("a moment goes through a field and back", () => {
  const at = new Date(2026, 10, 30, 9, 5, 18).getTime();
  assert.equal(typed(`${at}`), "2026-11-30T09:05:18");
  assert.equal(atTyped(typed(at)), `${at}`);
  for (const none of [undefined, "x", "9".repeat(30)]) assert.equal(typed(none), "");
  for (const none of ["", "x", "1900-01-01T00:00:00"]) assert.equal(atTyped(none), "");
});
