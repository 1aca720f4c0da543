// SPDX-License-Identifier: Apache-2.0
// What does by command what the page of secrets does. Values are in none of them: they are read from standard input.
import { shellWord } from "../format/shell.ts";
import { accessJson, type Access } from "./access.ts";
import type { RowKey } from "./rows.ts";

export type Commands = [what: string, command: string][];

const joined = (parts: string[]) => parts.join(" \\\n    ");

function ours(act: string, owner: string, { repo, branch, profile }: RowKey, more: string[] = []): string {
  const named = [`--repo ${shellWord(repo)}`, ...(branch === null ? [] : [`--branch ${shellWord(branch)}`])];
  return joined([
    `outlayer secrets ${act}`,
    ...named,
    `--profile ${shellWord(profile)}`,
    ...more,
    `--from ${shellWord(owner)}`,
  ]);
}

function accessOption(access: Access | null): string[] {
  return access ? [`--access ${shellWord(JSON.stringify(accessJson(access)))}`] : [];
}

export function listCommands(contract: string, owner: string): Commands {
  const args = JSON.stringify({ account_id: owner, from_index: 0, limit: 100 });
  const view = [`near contract call-function as-read-only ${shellWord(contract)}`, "list_user_secrets"];
  return [
    ["outlayer", `outlayer secrets list --owner ${shellWord(owner)}`],
    ["near-cli-rs", joined([...view, `json-args ${shellWord(args)}`])],
  ];
}

// access: null keeps that of the row.
export function storeCommand(owner: string, key: RowKey, access: Access | null): string {
  return ours("set", owner, key, accessOption(access));
}

export function accessCommand(owner: string, key: RowKey, access: Access): string {
  return ours("access", owner, key, accessOption(access));
}

export function deleteCommands(contract: string, owner: string, key: RowKey): Commands {
  const { repo, branch, profile } = key;
  const call = [
    "near contract call-function as-transaction",
    `${shellWord(contract)} delete_secrets`,
    `json-args ${shellWord(JSON.stringify({ repo, branch, profile }))}`,
    "prepaid-gas '30 Tgas' attached-deposit '0 NEAR'",
    `sign-as ${shellWord(owner)}`,
  ];
  return [
    ["outlayer", ours("delete", owner, key)],
    ["near-cli-rs", joined(call)],
  ];
}
