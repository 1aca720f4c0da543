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
