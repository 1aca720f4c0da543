// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { repoShown } from "./repo.ts";

const COMMIT = "3f1a".repeat(10);

test("repositories are linked where they can be looked at", () => {
  for (const [repo, name, url] of [
    ["a/b", "a/b", "https://github.com/a/b"],
    ["github.com/a/b.git", "a/b", "https://github.com/a/b"],
    ["https://gitlab.com/g/s/n", "gitlab.com/g/s/n", "https://gitlab.com/g/s/n"],
    ["a/b//x/y", "a/b//x/y", "https://github.com/a/b"],
  ] as const) {
    assert.equal(repoShown(repo).name, name);
    assert.equal(repoShown(repo).url, url);
  }
  assert.equal(repoShown("a/b//x", COMMIT).url, `https://github.com/a/b/tree/${COMMIT}/x`);
  assert.equal(repoShown("https://gitlab.com/g/n", COMMIT).url, `https://gitlab.com/g/n/-/tree/${COMMIT}`);
  assert.equal(repoShown("https://codeberg.org/a/b//x", COMMIT).url, `https://codeberg.org/a/b/src/commit/${COMMIT}/x`);
  assert.equal(repoShown("a/b", "main").url, "https://github.com/a/b");
});

test("folders of this machine have no link", () => {
  assert.deepEqual(repoShown("https://folder.invalid/local/random-c-0123456789abcdef"), {
    name: "local/random-c",
    note: "a folder of this machine",
    url: null,
  });
});

test("what is no repository is never a link", () => {
  for (const repo of [
    "javascript:alert(1)",
    "<img src=x>",
    "http://x/a/b",
    "https://u@h/a/b",
    "//evil/a",
    "",
    "a/b//../../../../evil/c",
  ])
    assert.equal(repoShown(repo).url, null, repo);
});
