// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { ends, oneLine, visible } from "./text.ts";

test("what cannot be seen is shown", () => {
  assert.equal(visible("a\u202eb\u0000c\u200bd"), "a\\u{202e}b\\u{0}c\\u{200b}d");
  assert.equal(visible("a\u3164bc\u034fd"), "a\\u{3164}bc\\u{34f}d");
  assert.equal(visible("a\u{e0041}\u{e007f}\u{e0101}b"), "a\\u{e0041}\\u{e007f}\\u{e0101}b");
  assert.equal(visible("\u2764\ufe0f a\ufe0f"), "\u2764\ufe0f a\\u{fe0f}");
  assert.equal(visible("\ud800x\udc00"), "\\u{d800}x\\u{dc00}");
  assert.equal(visible("ü 😀\n\tline\r\n"), "ü 😀\n\tline\n");
});

test("one line is one line, and short", () => {
  assert.equal(oneLine("a\nb\tc"), "a b c");
  assert.equal(oneLine("x".repeat(300), 5), "xxxxx…");
  assert.equal(oneLine("😀".repeat(300), 2), "😀😀…");
  assert.equal(oneLine("\n".repeat(1 << 20), 3), "   …");
});

test("the ends of a hash", () => {
  assert.equal(ends("9aBcDeFgHiJkLmN"), "9aBcDe…kLmN");
  assert.equal(ends("short"), "short");
});
