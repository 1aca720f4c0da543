// SPDX-License-Identifier: Apache-2.0
// A command that does something else than the page says opens, or deletes, another row; one with a value in it stays in the
// history of a shell.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { accessCommand, deleteCommands, listCommands, storeCommand } from "./commands.ts";

// The words that a shell makes of it.
const words = (command: string) =>
  execFileSync("sh", ["-c", `printf '%s\\0' ${command}`], { encoding: "utf8" })
    .split("\0")
    .slice(0, -1);
const key = { repo: "github.com/a/b;it's", branch: null, profile: "prod" };
const rest = ["--repo", key.repo, "--profile", "prod"];

test("a row of secrets is named to the command as the contract has it", () => {
  assert.deepEqual(words(storeCommand("o.near", key, null)), [
    "outlayer",
    "secrets",
    "set",
    ...rest,
    "--from",
    "o.near",
  ]);
  const [, , ...branch] = words(storeCommand("o.near", { ...key, branch: "$(x)" }, null));
  assert.deepEqual(branch.slice(0, 5), ["set", "--repo", key.repo, "--branch", "$(x)"]);
});

test("no name runs anything, an account's neither", () => {
  const evil = "o' $(exit 3) `exit 3`; exit 3; '";
  const row = { repo: evil, branch: evil, profile: evil };
  const commands = [
    storeCommand(evil, row, { kind: "Whitelist", accounts: [evil] }),
    ...[...listCommands(evil, evil), ...deleteCommands(evil, evil, row)].map(([, command]) => command),
  ];
  for (const command of commands)
    assert.ok(
      words(command).some((word) => word.includes(evil)),
      command,
    );
  for (const command of [commands[0]!, deleteCommands("c.near", evil, row)[0]![1]])
    assert.equal(words(command).at(-1), evil, command);
});

test("a condition goes to the command as the contract stores it", () => {
  const said = words(accessCommand("o.near", key, { kind: "Whitelist", accounts: ["a.near"] }));
  assert.equal(said[said.indexOf("--access") + 1], '{"Whitelist":{"accounts":["a.near"]}}');
});

test("near-cli calls what the page calls", () => {
  const [, [, list]] = listCommands("c.near", "o.near") as [unknown, [string, string]];
  const args = words(list);
  assert.deepEqual(
    args.slice(0, 7),
    "near contract call-function as-read-only c.near list_user_secrets json-args".split(" "),
  );
  assert.deepEqual(JSON.parse(args[7]!), { account_id: "o.near", from_index: 0, limit: 100 });
  const [, [, remove]] = deleteCommands("c.near", "o.near", key) as [unknown, [string, string]];
  const call = words(remove);
  assert.deepEqual(JSON.parse(call[call.indexOf("json-args") + 1]!), key);
});
