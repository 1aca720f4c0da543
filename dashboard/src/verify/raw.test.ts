// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { rawMember } from "./raw.ts";

test("a member is what stands there, to the last sign", () => {
  const text = ' {"success":true, "output" : {"n":1.0,  "s":"a\\"},:b", "output":2} ,"x":[{"output":3}]}';
  assert.equal(rawMember(text, "output"), '{"n":1.0,  "s":"a\\"},:b", "output":2}');
  assert.equal(rawMember(text, "x"), '[{"output":3}]');
  assert.equal(rawMember('{"a":"output","b":18446744073709551615}', "b"), "18446744073709551615");
  assert.equal(rawMember('{"output":null}', "output"), "null");
});

test("what is no object, or has no such member, has none", () => {
  for (const text of [
    "",
    "5",
    '"output"',
    '[{"output":1}]',
    "{}",
    '{"a":{"output":1}}',
    '{"a":"output"}',
    "}",
    '{"output',
  ])
    assert.equal(rawMember(text, "output"), undefined, text);
});
