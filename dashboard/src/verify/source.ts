// SPDX-License-Identifier: Apache-2.0
// What somebody says was built, against what the request on the chain asked for and the coordinator says of it.
import type { ExecutionDetail } from "../api/schema.ts";
import type { Asked } from "../chain/events.ts";
import { isSameRepo } from "../format/repo_name.ts";
import { differences } from "./check.ts";

const DEFAULT_TARGET = "wasm32-wasip1"; // of a request that names none
const COMMIT = /^[0-9a-f]{40}$/i;

export interface Source {
  repo: string;
  commit: string;
  target: string;
}

// What a branch or a tag meant then, the chain does not have: there the coordinator's word is compared.
function isCommit(commit: string, ref: string, said: string | null | undefined): boolean {
  if (COMMIT.test(ref) && commit !== ref.toLowerCase()) return false;
  return said == null || commit === said;
}

// The names of what differs. built: whether there was a module; where none was, the worker names repository and commit as
// the request does.
export function sourceDiffers(source: Source, built: boolean, detail: ExecutionDetail, asked: Asked): string[] {
  const { repo = "", commit: ref = "", build_target } = asked.data.code_source ?? {};
  const found = differences([["build target", source.target, build_target ?? DEFAULT_TARGET]]);
  if (!isSameRepo(source.repo, repo)) found.push("repository");
  const asAsked = !built && source.commit === ref;
  if (!asAsked && !isCommit(source.commit, ref, detail.commit)) found.push("commit");
  return found;
}
