// SPDX-License-Identifier: Apache-2.0
// The quote by which a key was registered: it stands in the transaction of that moment, which is looked for in the
// blocks around it.
import type { Integer } from "../api/exact.ts";
import { isGone, rpc } from "../chain/rpc.ts";
import { callOf, callSucceeded, transactionOf, type Action } from "../chain/transaction.ts";
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
  transactions: { hash: string; signer_id: string; receiver_id: string; actions: Action[] }[];
  receipts: { receipt_id: string; receiver_id: string; receipt: { Action?: { actions: Action[] } } }[];
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
      if (!isGone(e)) throw e;
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

interface Search {
  urls: readonly string[];
  register: string;
  key: string;
  signal: AbortSignal;
  known: Set<string>; // receipts of transactions that were looked at
  others: Map<string, Registered>; // calls by other contracts, by their receipts: nodes do not say how those ended
}

function registered(args: Record<string, unknown> | null, block: Block): Registered | null {
  const quote = args?.tdx_quote_hex ?? args?.tdx_quote;
  return typeof quote === "string" ? { quote, collateral: args?.collateral ?? null, block: block.header.hash } : null;
}

async function isTaken(search: Search, { hash, signer_id }: Chunk["transactions"][number]): Promise<boolean> {
  const transaction = await transactionOf(search.urls, hash, signer_id, search.signal);
  for (const id of transaction.transaction_outcome.outcome.receipt_ids) search.known.add(id);
  return callSucceeded(transaction) === true;
}

// Of a transaction whose call the contract took; whoever else names the key proves nothing by it.
async function takenIn(search: Search, block: Block, chunk: Chunk): Promise<Registered | null> {
  const { register, key, known, others } = search;
  for (const one of chunk.transactions.filter(({ receiver_id }) => receiver_id === register)) {
    const found = registered(argsOf(one.actions, key), block);
    if (found && (await isTaken(search, one))) return found;
  }
  for (const { receipt_id, receipt } of chunk.receipts.filter(({ receiver_id }) => receiver_id === register)) {
    const found = known.has(receipt_id) ? null : registered(argsOf(receipt.Action?.actions ?? [], key), block);
    if (found) others.set(receipt_id, found);
  }
  return null;
}

async function takenAt(search: Search, block: Block): Promise<Registered | null> {
  for (const { chunk_hash } of block.chunks) {
    const chunk = await rpc<Chunk>(search.urls, "chunk", { chunk_id: chunk_hash }, search.signal);
    const found = await takenIn(search, block, chunk);
    if (found) return found;
  }
  return null;
}

// Where no transaction registered the key, a call by another contract did; of two, nobody knows which.
function onlyOther({ others }: Search): Registered | null {
  const [found, ...more] = others.values();
  return more.length === 0 ? (found ?? null) : null;
}

// null: it is not there.
export async function findRegistration(
  urls: readonly string[],
  register: string,
  key: string,
  seconds: Integer,
  signal: AbortSignal,
): Promise<Registered | null> {
  const search: Search = { urls, register, key, signal, known: new Set(), others: new Map() };
  const begin = 1000 * Number(seconds);
  const first = heightOf(await firstFrom(urls, begin, signal));
  let before = false; // whether a block of an earlier time was seen
  for (let height = Math.max(1, first - BEFORE); height < first + BLOCKS_MAX; height++) {
    const block = await blockAt(urls, height, signal);
    height = heightOf(block);
    if (msOf(block) >= begin + 1000) {
      if (!before) throw new Gone();
      return onlyOther(search);
    }
    const found = await takenAt(search, block);
    if (found) return found;
    before = true;
  }
  return onlyOther(search);
}
