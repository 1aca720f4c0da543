// SPDX-License-Identifier: Apache-2.0
// Whoever asks a public node each second for what it does not have is soon answered nothing at all.
import { QueryClient } from "@tanstack/react-query";
import assert from "node:assert/strict";
import { test } from "node:test";
import { isUnknown, recorded, sent } from "./follow.ts";

const HOUR = 3_600_000;
const UNKNOWN = { error: { message: "Server error", cause: { name: "UNKNOWN_TRANSACTION" } } };
const BUSY = { error: { message: "Server error", cause: { name: "TIMEOUT_ERROR" } } };
const WHOLE = { result: { transaction: {}, receipts_outcome: [{ id: "end" }] } };
const BEGUN = { result: { transaction: {}, receipts_outcome: [] } };

interface World {
  answer: (times: number) => object;
  isRunning?: (ms: number) => boolean;
}

// When the node was asked within an hour, in milliseconds, by what the query itself says of the time between.
async function asking(make: typeof recorded | typeof sent, { answer, isRunning = () => false }: World) {
  const at: number[] = [];
  let now = 0;
  globalThis.fetch = async () => {
    at.push(now);
    return Response.json(answer(at.length));
  };
  const isEnded = ({ receipts_outcome }: { receipts_outcome: unknown[] }) => receipts_outcome.length > 0;
  const followed = { urls: ["http://rpc"], hash: "h", sender: "s", isEnded, isRunning: () => isRunning(now) };
  const options = make(followed, { current: null });
  const client = new QueryClient();
  const query = client.getQueryCache().build(client, { ...options, retryDelay: 0 });
  options.refetchInterval(query as never); // as when a page begins to look at it
  while (now < HOUR) {
    await query.fetch().catch(() => {});
    const wait = options.refetchInterval(query as never);
    if (wait === false) break;
    now += wait;
  }
  client.clear();
  return { at, error: query.state.error };
}

test("a transaction that nodes have dropped is given up after a few tries", async () => {
  const { at, error } = await asking(recorded, { answer: () => UNKNOWN });
  assert.deepEqual(at, [0, 1000, 3000, 7000]);
  assert.ok(isUnknown(error));
});

test("a node that does not answer, or has no end yet, is asked ever more seldom", async () => {
  for (const answer of [BUSY, BEGUN]) {
    const { at } = await asking(recorded, { answer: () => answer });
    assert.ok(at.length < 140, `${at.length} questions in an hour`);
    assert.ok(at.at(-1)! > HOUR - 120_000, "and is not given up");
  }
});

test("a node that is away is asked as anybody else who is", async () => {
  const { at } = await asking(recorded, {
    answer: (times) => {
      if (times > 100) return WHOLE;
      throw new TypeError("fetch failed");
    },
  });
  assert.deepEqual([at[0], at.at(-1)], [0, 200_000]);
});

test("the end that comes soon after the coordinator's word is seen soon, however long it ran", async () => {
  const over = 10 * 60_000;
  const answer = (times: number) => (times > 62 ? WHOLE : BEGUN);
  const { at } = await asking(recorded, { answer, isRunning: (ms) => ms < over });
  assert.ok(at.at(-1)! < over + 12_000, `${at.slice(-4).join(" ")}`);
  assert.ok(at.length < 70);
});

test("what a wallet sent is waited for, and given up where no node ever hears of it", async () => {
  const late = await asking(sent, { answer: (times) => (times > 8 ? WHOLE : UNKNOWN) });
  assert.equal(late.error, null);
  const never = await asking(sent, { answer: () => UNKNOWN });
  assert.equal(never.at.length, 31);
  const slow = await asking(sent, { answer: () => BEGUN });
  assert.ok(slow.at.length < 450, `${slow.at.length} questions in an hour`);
  const busy = await asking(sent, { answer: () => BUSY });
  const times = new Set(busy.at).size; // each with its retries
  assert.ok(times < 450, `${times} times in an hour`);
  const away = await asking(sent, {
    answer: (times) => {
      if (times > 62) return WHOLE;
      throw new TypeError("fetch failed");
    },
  });
  assert.deepEqual([...new Set(away.at)], [0, 4000, 8000]);
});
