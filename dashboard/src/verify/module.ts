// SPDX-License-Identifier: Apache-2.0
// The module that ran, and whose word it is that it was built from the commit.
import { ApiError, getJson, pathWith } from "../api/client.ts";
import type { BuildRecord, ExecutionDetail, WasmInfo } from "../api/schema.ts";
import type { Answered, Asked } from "../chain/events.ts";
import { base58 } from "../format/base58.ts";
import { fromBase64, fromHex, toHex, type Bytes } from "../format/bytes.ts";
import { grouped } from "../format/number.ts";
import { Borsh, sha256 } from "../secrets/borsh.ts";
import { isSigned } from "../secrets/key.ts";
import { failed, json, passed, unchecked, type Check } from "./check.ts";
import { keyMayAnswer } from "./operators.ts";
import { sourceDiffers } from "./source.ts";

const MODULE_MS = 60_000;

async function moduleBytes(hash: string, signal: AbortSignal): Promise<Bytes | null> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(MODULE_MS)]);
  const answer = await fetch(`/wasm/${hash}`, { signal: limit });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(`the coordinator answered with status ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

export async function moduleCheck(answered: Answered | null, signal: AbortSignal): Promise<Check> {
  const title = "The module";
  const claimed = answered?.data.wasm_hash;
  if (!claimed) return unchecked(title, "The chain names no module: none ran, or there is no answer.");
  const content = await moduleBytes(claimed, signal);
  const facts: [string, string][] = [["SHA-256 on the chain", claimed]];
  if (!content) return unchecked(title, "The coordinator does not have the module any more.", { facts });
  const found = toHex(await sha256(content));
  const files = [{ name: `${found}.wasm`, content }];
  facts.push(["Bytes", grouped(content.length)]);
  if (found !== claimed)
    return failed(title, `The coordinator's module has another SHA-256, ${found}.`, { facts, files });
  return passed(title, "The module's bytes have the SHA-256 that the answer on the chain names.", { facts, files });
}

// What the signature of a record is over. Throws where it has something that cannot be in one.
export function recordBytes(r: BuildRecord): Bytes {
  const [key, wasm, lock] = [r.build_key, r.wasm_hash, r.lock_hash].map((hex) => fromHex(hex, 32));
  if (!key || !wasm || !lock) throw new RangeError("a hash in the record is none");
  return new Borsh()
    .text("outlayer-build-v2")
    .bytes(key)
    .bytes(wasm)
    .text(r.repo)
    .text(r.commit)
    .text(r.target)
    .text(r.toolchain)
    .u64(r.built_at)
    .u64(r.build_ms)
    .bytes(lock)
    .u64(r.lock_made)
    .end();
}

function signedBytes(record: BuildRecord): Bytes | null {
  try {
    return recordBytes(record);
  } catch {
    return null;
  }
}

async function isGood(record: BuildRecord, bytes: Bytes | null): Promise<boolean> {
  const signature = fromBase64(record.signature);
  return bytes !== null && signature !== null && isSigned(bytes, `ed25519:${base58(signature)}`, record.public_key);
}

export interface BuildQuestion {
  detail: ExecutionDetail;
  asked: Asked | null;
  answered: Answered | null;
  urls: readonly string[];
  signal: AbortSignal;
}

async function recordsOf({ detail, signal }: BuildQuestion): Promise<BuildRecord[]> {
  const { repo, commit, digest_parts } = detail;
  if (!repo || !commit) return [];
  const query = { repo, commit, target: digest_parts.build_target };
  try {
    return (await getJson<WasmInfo>(pathWith("/public/wasm/info", query), signal)).builds;
  } catch (e) {
    if (e instanceof ApiError && e.status === 404) return [];
    throw e;
  }
}

export async function buildCheck(question: BuildQuestion): Promise<Check> {
  const title = "The build's record";
  const { detail, asked, answered, urls } = question;
  const wasm = answered?.data.wasm_hash;
  if (!asked || !wasm) return unchecked(title, "The chain names no module, so there is no record to look for.");
  const records = (await recordsOf(question)).filter((record) => record.build_key === detail.build_key);
  const record = records.find(({ wasm_hash }) => wasm_hash === wasm) ?? records[0];
  if (!record) return unchecked(title, "The coordinator has no record of this build (any more).");
  const bytes = signedBytes(record);
  const rest = {
    facts: [
      ["Signed by", record.public_key],
      ["Repository", record.repo],
      ["Commit", record.commit],
      ["Build target", record.target],
      ["Toolchain", record.toolchain],
    ] as [string, string][],
    files: [json("build-record.json", record), ...(bytes ? [{ name: "build-record.borsh", content: bytes }] : [])],
  };
  if (!(await isGood(record, bytes))) return failed(title, "The record's signature does not hold.", rest);
  if (record.wasm_hash !== wasm) return failed(title, "The record is of another module than the one that ran.", rest);
  const other = sourceDiffers(record, true, detail, asked);
  if (other.length > 0)
    return failed(title, `The record is of another build than was asked for and told: ${other.join(", ")}.`, rest);
  const operator = await keyMayAnswer(urls, detail.contract_id, record.public_key, question.signal);
  if (!operator)
    return unchecked(
      title,
      "The signature holds, but its key is no operator's now: whose word it is, is not known.",
      rest,
    );
  return passed(
    title,
    `${operator} has signed that this commit becomes this module. Nobody built it again to compare: ` +
      "whoever wants to know builds it himself.",
    rest,
  );
}
