// SPDX-License-Identifier: Apache-2.0
// The attestation digest: one hash on the chain of all that a worker says it did (src/worker/digest.h), made again here.
import type { Integer } from "../api/exact.ts";
import type { DigestParts } from "../api/schema.ts";
import type { Answered, Asked } from "../chain/events.ts";
import { fromHex, toHex, type Bytes } from "../format/bytes.ts";
import { Borsh, sha256 } from "../secrets/borsh.ts";
import { differences, failed, json, passed, unchecked, type Check } from "./check.ts";

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

// What the chain knows of the parts must be what they say.
function differ(p: DigestParts, asked: Asked, answered: Answered): string[] {
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

export async function digestCheck(p: DigestParts, asked: Asked | null, answered: Answered | null): Promise<Check> {
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
  const found = differ(p, asked, answered);
  if (found.length > 0) return failed(TITLE, `Its parts are not what the chain has: ${found.join(", ")}.`, rest);
  if (made !== claimed)
    return failed(TITLE, "Its parts do not give the digest that the answer on the chain carries.", rest);
  return passed(
    TITLE,
    "These parts give the digest that the worker's answer carries on the chain: none of them was changed since. " +
      "Those that the chain does not have, such as commit and engine, are the worker's word.",
    rest,
  );
}
