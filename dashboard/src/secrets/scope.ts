// SPDX-License-Identifier: Apache-2.0
// Whom sealed secrets belong to, and what is signed about the key to which they are sealed.
import { Borsh } from "./borsh.ts";

export interface Scope {
  network: string;
  contract: string;
  owner: string;
  repo: string; // normal form
  branch: string | null;
}

export function putScope(record: Borsh, scope: Scope): Borsh {
  return record.text(scope.network).text(scope.contract).text(scope.owner).text(scope.repo).maybe(scope.branch);
}

export function freshRecord(scope: Scope, generation: number, key: Uint8Array, nonce: Uint8Array) {
  return putScope(new Borsh().text("outlayer-fresh-pubkey-v1"), scope).u32(generation).bytes(key).bytes(nonce).end();
}

export function sealInfo(scope: Scope, profile: string, generation: number) {
  return putScope(new Borsh().text("outlayer-secrets-v1"), scope).text(profile).u32(generation).end();
}
