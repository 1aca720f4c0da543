// SPDX-License-Identifier: Apache-2.0
// A repository as people know it, and where it can be looked at.
import { oneLine } from "./text.ts";

const LOCAL = "https://folder.invalid/"; // a folder of the machine that runs `outlayer up`
const COMMIT = /^[0-9a-f]{40}$/;
const HOST = /^[a-z0-9.-]+\.[a-z0-9-]+(:\d+)?$/;
const PART = /^[\w~][\w.~+-]*$/;
const FOLDER = /^[\w.~+@-]+(\/[\w.~+@-]+)*$/;

export interface RepoShown {
  name: string; // short, for a list
  note: string; // what the name leaves out
  url: string | null; // where its commit can be looked at
}

function tree(host: string): string {
  return host === "github.com" || host === "codeberg.org" ? "tree" : "-/tree";
}

interface Parts {
  host: string;
  path: string;
  folder: string;
}

// docs/repositories.md, as far as a link needs it: without a host it is github.com's.
function partsOf(repo: string): Parts | null {
  const bare = repo.startsWith("https://") ? repo.slice("https://".length) : repo;
  const [place = "", folder = ""] = bare.split(/\/\/(.*)/s);
  const names = place
    .replace(/\/$/, "")
    .replace(/\.git$/, "")
    .split("/");
  const host = names[0]?.includes(".") ? (names.shift() ?? "") : "github.com";
  const inside = folder.replace(/\/$/, "");
  if (!HOST.test(host) || names.length < 2 || !names.every((name) => PART.test(name))) return null;
  if (inside && !FOLDER.test(inside)) return null;
  return { host, path: names.join("/"), folder: inside };
}

export function repoShown(repo: string, commit?: string | null): RepoShown {
  if (repo.startsWith(LOCAL)) {
    const name = repo.slice(LOCAL.length).replace(/-[0-9a-f]{8,}(?=\/|$)/, "");
    return { name: oneLine(name, 60), note: "a folder of this machine", url: null };
  }
  const parts = partsOf(repo);
  if (!parts) return { name: oneLine(repo, 60), note: "", url: null };
  const { host, path, folder } = parts;
  const name = oneLine(`${host === "github.com" ? "" : `${host}/`}${path}${folder ? `//${folder}` : ""}`, 60);
  const at = commit && COMMIT.test(commit) ? `/${tree(host)}/${commit}${folder ? `/${folder}` : ""}` : "";
  return { name, note: host, url: `https://${host}/${path}${at}` };
}
