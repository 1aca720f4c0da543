// SPDX-License-Identifier: Apache-2.0
// A repository as people know it, and where it can be looked at.
import { readRepo } from "./repo_name.ts";
import { oneLine } from "./text.ts";

const LOCAL = "https://folder.invalid/"; // a folder of the machine that runs `outlayer up`
const COMMIT = /^[0-9a-f]{40}$/;

export interface RepoShown {
  name: string; // short, for a list
  note: string; // what the name leaves out
  url: string | null; // where its commit can be looked at
}

function tree(host: string): string {
  if (host === "codeberg.org") return "src/commit";
  return host === "github.com" ? "tree" : "-/tree";
}

export function repoShown(repo: string, commit?: string | null): RepoShown {
  if (repo.startsWith(LOCAL)) {
    const name = repo.slice(LOCAL.length).replace(/-[0-9a-f]{8,}(?=\/|$)/, "");
    return { name: oneLine(name, 60), note: "a folder of this machine", url: null };
  }
  const read = readRepo(repo);
  if (!read) return { name: oneLine(repo, 60), note: "", url: null };
  const host = read.name.slice(0, read.name.indexOf("/"));
  const folder = read.folder === null ? "" : `/${read.folder}`;
  const name = oneLine(`${read.name.replace(/^github\.com\//, "")}${folder && `/${folder}`}`, 60);
  const at = commit && COMMIT.test(commit) ? `/${tree(host)}/${commit}${folder}` : "";
  return { name, note: host, url: `https://${read.name}${at}` };
}
