// SPDX-License-Identifier: Apache-2.0
// The quote by which a key was registered: it stands in the transaction of that moment, which is looked for in the
// blocks around it.
import type { Integer } from "../api/exact.ts";
import { rpc, RpcError } from "../chain/rpc.ts";
import { callOf, type Action } from "../chain/transaction.ts";
import { fromBase64 } from "../format/bytes.ts";

const METHODS = ["register_worker_key", "register_worker"];
const FASTEST_MS = 50; // no chain makes blocks faster
const BEFORE = 4; // blocks between a transaction and what it calls
const BLOCKS_MAX = 64;
const GAPS_MAX = 4; // heights without a block, one behind the other

interface Block {
  header: { height: Integer; hash: string; timestamp_nanosec: string };
  chunks: { chunk_hash: string }[];
}
interface Chunk {
  transactions: { receiver_id: string; actions: Action[] }[];
  receipts: { receiver_id: string; receipt: { Action?: { actions: Action[] } } }[];
}

export interface Registered {
  quote: string;
  collateral: unknown;
  block: string; // hash of the one that it is in
}

export class Gone extends Error {
  constructor() {
    super("the chain's node does not have blocks of that time any more: an archival one has");
  }
}

const msOf = (block: Block) => Number(BigInt(block.header.timestamp_nanosec) / 1_000_000n);
const heightOf = (block: Block) => Number(block.header.height);

async function blockAt(urls: readonly string[], height: number, signal: AbortSignal): Promise<Block> {
  for (let i = 0; ; i++) {
    try {
      return await rpc<Block>(urls, "block", { block_id: height + i }, signal);
    } catch (e) {
      if (!(e instanceof RpcError) || e.cause_name === "unreachable") throw e;
      if (i === GAPS_MAX) throw new Gone();
    }
  }
}

// The first block of that time or later.
async function firstFrom(urls: readonly string[], ms: number, signal: AbortSignal): Promise<Block> {
  const head = await rpc<Block>(urls, "block", { finality: "final" }, signal);
  let high = heightOf(head);
  let low = Math.max(1, high - Math.ceil((msOf(head) - ms) / FASTEST_MS) - 1);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const block = await blockAt(urls, middle, signal).catch((e: unknown) => {
      if (e instanceof Gone) return null; // too old
      throw e;
    });
    if (block && msOf(block) >= ms) high = middle;
    else low = middle + 1;
  }
  return blockAt(urls, low, signal);
}

// The hash of the first block of that time or later.
export async function hashFrom(urls: readonly string[], seconds: number, signal: AbortSignal): Promise<string> {
  return (await firstFrom(urls, 1000 * seconds, signal)).header.hash;
}

function argsOf(actions: Action[], key: string): Record<string, unknown> | null {
  for (const call of actions.map(callOf)) {
    const bytes = call && METHODS.includes(call.method_name) ? fromBase64(call.args) : null;
    if (!bytes) continue;
    const args = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    if (args.public_key === key) return args;
  }
  return null;
}

async function argsIn(urls: readonly string[], hash: string, register: string, key: string, signal: AbortSignal) {
  const chunk = await rpc<Chunk>(urls, "chunk", { chunk_id: hash }, signal);
  const calls = [
    ...chunk.transactions.map(({ receiver_id, actions }) => ({ receiver_id, actions })),
    ...chunk.receipts.map(({ receiver_id, receipt }) => ({ receiver_id, actions: receipt.Action?.actions ?? [] })),
  ];
  for (const { receiver_id, actions } of calls) {
    const args = receiver_id === register ? argsOf(actions, key) : null;
    if (args) return args;
  }
  return null;
}

// null: it is not there.
export async function findRegistration(
  urls: readonly string[],
  register: string,
  key: string,
  seconds: Integer,
  signal: AbortSignal,
): Promise<Registered | null> {
  const begin = 1000 * Number(seconds);
  const first = heightOf(await firstFrom(urls, begin, signal));
  let before = false; // whether a block of an earlier time was seen
  for (let height = Math.max(1, first - BEFORE); height < first + BLOCKS_MAX; height++) {
    const block = await blockAt(urls, height, signal);
    height = heightOf(block);
    if (msOf(block) >= begin + 1000) {
      if (!before) throw new Gone();
      return null;
    }
    for (const { chunk_hash } of block.chunks) {
      const args = await argsIn(urls, chunk_hash, register, key, signal);
      const quote = args?.tdx_quote_hex ?? args?.tdx_quote;
      if (typeof quote === "string") return { quote, collateral: args?.collateral ?? null, block: block.header.hash };
    }
    before = true;
  }
  return null;
}
