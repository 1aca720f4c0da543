// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { shellWord } from "./shell.ts";

test("a shell reads every text back as it was", () => {
  for (const text of ["a/b", "", "it's", '$(id) `id` \\ "x"', "two\nlines", "-n", "ü😀", "a;b|c&d", "''"]) {
    const read = execFileSync("/bin/sh", ["-c", `printf %s ${shellWord(text)}`]).toString();
    assert.equal(read, text);
  }
});

test("what a terminal obeys is written as an escape, and read back as it was", () => {
  for (const text of ["x'\u0003\nid\n", "\u001b[201~\\", "\u007f\u0085'7", "a\rb"]) {
    const word = shellWord(text);
    assert.doesNotMatch(word, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
    assert.equal(execFileSync("bash", ["-c", `printf %s ${word}`]).toString(), text);
  }
});
