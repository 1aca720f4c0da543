// SPDX-License-Identifier: Apache-2.0
// Held to the table that whatever reads repositories is held to: a spelling that the browser reads as another
// repository than the keystore would bring secrets to strangers.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readRepo } from "./repo_name.ts";

const ROW = /^ {4}\{"((?:[^"\\]|\\.)*)", (?:NULL|"([^"]*)"), (?:NULL|"([^"]*)")\},$/;
const ESCAPED: Record<string, number> = { n: 10, t: 9, '"': 34, "\\": 92 };

function fromC(text: string): string {
  const bytes = text.replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_, hex?: string, one?: string) =>
    String.fromCharCode(hex ? Number.parseInt(hex, 16) : ESCAPED[one ?? ""]!),
  );
  return new TextDecoder().decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0)));
}

test("every spelling is read as everybody reads it", () => {
  const table = readFileSync(new URL("../../../src/repo/spellings.h", import.meta.url), "utf8");
  const lines = table.split("\n").filter((line) => line.startsWith("    {"));
  assert.ok(lines.length > 90);
  for (const line of lines) {
    const [, text, name, folder] = ROW.exec(line) ?? assert.fail(line);
    assert.deepEqual(readRepo(fromC(text!)), name === undefined ? null : { name, folder: folder ?? null }, line);
  }
});

test("a name of 256 bytes is one, and a longer one is none", () => {
  const name = `host.example/a/${"b".repeat(241)}`;
  assert.deepEqual(readRepo(name), { name, folder: null });
  assert.equal(readRepo(`${name}b`), null);
  assert.equal(readRepo(`a/${"b".repeat(250)}`), null);
});

test("letters that only look like those of a host are not made into them", () => {
  assert.equal(readRepo("https://\u212a.example/a/b"), null);
});
