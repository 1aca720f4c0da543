// SPDX-License-Identifier: Apache-2.0
// The attestation digest: one hash on the chain of all that a worker says it did (src/worker/digest.h), made again here.
import type { Integer } from "../api/exact.ts";
import type { DigestParts, ExecutionDetail } from "../api/schema.ts";
import type { Answered, Asked } from "../chain/events.ts";
import { fromHex, toHex, type Bytes } from "../format/bytes.ts";
import { Borsh, sha256 } from "../secrets/borsh.ts";
import { differences, failed, json, passed, unchecked, type Check } from "./check.ts";
import { sourceDiffers } from "./source.ts";

const TITLE = "The digest";
const ZEROS = "0".repeat(64);

function hash(hex: string | null): Bytes {
  const bytes = fromHex(hex ?? ZEROS, 32);
  if (!bytes) throw new RangeError(`'${hex}' is no SHA-256`);
  return bytes;
}

// Throws where a part is missing without which there is no digest.
function there<T>(value: T | null | undefined, name: string): T {
  if (value === null || value === undefined) throw new RangeError(`the coordinator does not know ${name}`);
  return value;
}

const number = (value: Integer | null | undefined) => value ?? 0;

export function digestBytes(p: DigestParts): Bytes {
  const limits = there(p.resource_limits, "the limits");
  const b = new Borsh()
    .text("outlayer-attestation-v1")
    .text(there(p.network, "the network"))
    .text(p.contract_id)
    .u64(p.request_id)
    .bytes(hash(there(p.data_id, "the yield")))
    .text(there(p.sender_id, "the sender"))
    .text(there(p.repo, "the repository"))
    .text(there(p.commit, "the commit"))
    .text(p.build_target)
    .bytes(hash(p.build_key))
    .bytes(hash(p.wasm_hash))
    .bytes(hash(p.input_hash))
    .bytes(hash(p.output_hash))
    .bytes(Uint8Array.of(p.success ? 1 : 0))
    .u64(number(p.instructions))
    .u64(number(limits.max_instructions))
    .u64(number(limits.max_memory_mb))
    .u64(number(limits.max_execution_seconds))
    .text(there(p.price_list, "the price list"));
  if (p.secrets_ref)
    b.bytes(Uint8Array.of(1))
      .text(p.secrets_ref.profile ?? "")
      .text(p.secrets_ref.account_id ?? "");
  else b.bytes(Uint8Array.of(0));
  return b
    .text(there(p.engine, "the engine"))
    .text(there(p.measurement, "the measurement"))
    .u64(number(p.block_height))
    .end();
}

// Zeros stand for what is not there.
const named = (hex: string | null | undefined) => (hex === ZEROS ? "" : hex);

export interface DigestQuestion {
  detail: ExecutionDetail;
  network: string | null; // that the coordinator works for
  asked: Asked | null;
  answered: Answered | null;
  yields: readonly string[]; // by which the request waited, as the chain has them
}
type Known = DigestQuestion & { asked: Asked; answered: Answered };

// Parts that name the request, and what was built for it.
function sourcesDiffer(p: DigestParts, { detail, network, asked, yields }: Known): string[] {
  const built = Boolean(named(p.wasm_hash));
  const source = { repo: p.repo ?? "", commit: p.commit ?? "", target: p.build_target };
  const found = differences([
    ["network", p.network, network],
    ["contract", p.contract_id, detail.contract_id],
    ["request", p.request_id, asked.data.request_id],
    ["build key", built && detail.build_key ? named(p.build_key) : "", built ? detail.build_key : ""],
  ]);
  if (!yields.includes(p.data_id ?? "")) found.push("yield");
  return [...found, ...sourceDiffers(source, built, detail, asked)];
}

// What the chain knows of the parts must be what they say.
function endsDiffer(p: DigestParts, { asked, answered }: Known): string[] {
  const { data } = answered;
  const limits = asked.data.resource_limits;
  return differences([
    ["sender", p.sender_id, asked.data.sender_id],
    ["module", named(p.wasm_hash), data.wasm_hash],
    ["output", named(p.output_hash), data.output_hash],
    ["success", p.success, data.success],
    ["instructions", number(p.instructions), number(data.resources_used.instructions)],
    ["limit of instructions", p.resource_limits?.max_instructions, limits?.max_instructions],
    ["limit of memory", p.resource_limits?.max_memory_mb, limits?.max_memory_mb],
    ["limit of time", p.resource_limits?.max_execution_seconds, limits?.max_execution_seconds],
    ["secrets", p.secrets_ref?.profile, asked.data.secrets_ref?.profile],
    ["secrets' owner", p.secrets_ref?.account_id, asked.data.secrets_ref?.account_id],
  ]);
}

export async function digestCheck(question: DigestQuestion): Promise<Check> {
  const { asked, answered, network, yields } = question;
  const p = question.detail.digest_parts;
  const claimed = answered?.data.attestation_digest;
  if (!asked || !answered) return unchecked(TITLE, "The chain has no answer to it.");
  if (!claimed) return unchecked(TITLE, "The answer on the chain carries no digest.");
  const files = [json("digest-parts.json", p)];
  const facts: [string, string][] = [["On the chain", claimed]];
  if (!p.complete)
    return unchecked(TITLE, "The coordinator does not have all that it was made of: it cannot be made again.", {
      facts,
      files,
    });
  if (network === null || yields.length === 0)
    return unchecked(TITLE, "Its network or its yield is not known, and there is nothing to compare them with.", {
      facts,
      files,
    });
  let bytes: Bytes;
  try {
    bytes = digestBytes(p);
  } catch (e) {
    const why = e instanceof Error ? e.message : String(e);
    return unchecked(TITLE, `It cannot be made again: ${why}.`, { facts, files });
  }
  const made = toHex(await sha256(bytes));
  const rest = {
    facts: [...facts, ["Made again", made] as [string, string]],
    files: [...files, { name: "digest.borsh", content: bytes }],
  };
  const known = { ...question, asked, answered };
  const found = [...sourcesDiffer(p, known), ...endsDiffer(p, known)];
  if (found.length > 0)
    return failed(TITLE, `Its parts are not what the chain or the coordinator has: ${found.join(", ")}.`, rest);
  if (made !== claimed)
    return failed(TITLE, "Its parts do not give the digest that the answer on the chain carries.", rest);
  return passed(
    TITLE,
    "These parts give the digest that the worker's answer carries on the chain: none of them was changed since. " +
      "Those that the chain does not have, such as the engine and what commit a branch meant, are the worker's word.",
    rest,
  );
}
