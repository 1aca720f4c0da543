// SPDX-License-Identifier: Apache-2.0
// Repositories as people write them, read as docs/repositories.md says and src/repo does: src/repo/spellings.h has every
// spelling.
export interface RepoRead {
  name: string; // host/owner/name, to which secrets belong
  folder: string | null; // of the program in it
}

const HTTPS = "https://";
const BYTES_MAX = 256;
const PORT_MAX = 65535;
const NAME =
  /^((?:[a-z\d](?:[a-z\d-]*[a-z\d])?\.)+[a-z\d](?:[a-z\d-]*[a-z\d])?)(?::([1-9]\d{0,4}))?((?:\/[\w~][\w.~+-]*){2,})$/;
const FOLDER_PART = /^(?!\.\.?$|\.git$|-)[\w.~+@-]+$/i;

function isName(name: string): boolean {
  const [, host = "", port = "", path = ""] = NAME.exec(name) ?? [];
  const github = host === "github.com" && !port;
  return (
    host !== "" &&
    name.length <= BYTES_MAX &&
    Number(port) <= PORT_MAX &&
    port !== "443" &&
    !path.endsWith(".git") &&
    (!github || path.split("/").length === 3)
  );
}

// Host names have no capitals, the port of https goes without saying, and without a host it is github.com's.
function nameOf(place: string, https: boolean): string {
  const bare = place.replace(/\/$/, "").replace(/(?<=[^/])\.git$/, "");
  if (!https && /^[^./]*\/[^/]*$/.test(bare)) return `github.com/${bare}`;
  const slash = bare.indexOf("/");
  const host = slash < 0 ? bare : bare.slice(0, slash);
  const small = host.replace(/:443$/, "").replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return small + bare.slice(host.length);
}

// Whether both mean the same program. What nobody would fetch is only like itself.
export function isSameRepo(one: string, other: string): boolean {
  const [a, b] = [readRepo(one), readRepo(other)];
  return a && b ? a.name === b.name && a.folder === b.folder : one === other;
}

// null: it is none that anybody would fetch.
export function readRepo(text: string): RepoRead | null {
  const https = text.startsWith(HTTPS);
  if (text.length > BYTES_MAX || (!https && text.includes("://"))) return null;
  const bare = https ? text.slice(HTTPS.length) : text;
  const at = bare.indexOf("//");
  const name = nameOf(at < 0 ? bare : bare.slice(0, at), https);
  const folder = at < 0 ? null : bare.slice(at + 2).replace(/(?<=.)\/$/s, "");
  if (!isName(name) || (folder !== null && !folder.split("/").every((part) => FOLDER_PART.test(part)))) return null;
  return { name, folder };
}
