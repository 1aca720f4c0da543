// SPDX-License-Identifier: Apache-2.0
import { QueryClient, QueryObserver } from "@tanstack/react-query";
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { applyChanges, followChanges, withRecent } from "./live.ts";
import { matches, merged } from "./merge.ts";
import type { Changes, Execution, Executions } from "./schema.ts";

function row(id: number, more: Partial<Execution> = {}): Execution {
  return { id, state: "queued", contract_id: "c.near", request_id: id, created_at: 1000 * id, ...more } as Execution;
}

const ids = (list: Executions) => list.executions.map(({ id }) => id);

test("a new one comes first, and the list stays as long as it was", () => {
  const list = { executions: [row(5), row(4), row(3)], next: "3" };
  const after = merged(list, [row(6)], {}, 3);
  assert.deepEqual([ids(after), after.next], [[6, 5, 4], "4"]);
});

test("one that has changed takes its own place, the newest word of it", () => {
  const list = { executions: [row(5), row(4)], next: null };
  const after = merged(list, [row(4, { state: "settled" }), row(4, { state: "running" })], {}, 50);
  assert.deepEqual(
    after.executions.map(({ id, state }) => [id, state]),
    [
      [5, "queued"],
      [4, "settled"],
    ],
  );
});

test("what is on another page, or is not looked for any more, is not in the list", () => {
  const list = { executions: [row(5), row(4)], next: "4" };
  assert.deepEqual(ids(merged(list, [row(2), row(9)], { before: "6" }, 2)), [5, 4]);
  assert.deepEqual(ids(merged(list, [row(4, { state: "settled" })], { state: "queued" }, 2)), [5]);
  assert.equal(merged(list, [], {}, 2), list);
});

test("each filter is the coordinator's", () => {
  const one = row(7, {
    state: "settled",
    transaction_hash: "t",
    sender_id: "s",
    payer_id: "p",
    outcome: "success",
    repo: "r",
    worker_id: "w",
    wasm_hash: "ab",
  });
  const good = { contract: "c.near", transaction: "t", request: "7", sender: "s", payer: "p", state: "settled" };
  const more = { outcome: "success", repo: "r", worker: "w", module: "AB", from: "7000", to: "7001", before: "8" };
  assert.ok(matches({ ...good, ...more }, one));
  for (const name of Object.keys({ ...good, ...more }))
    if (!["from", "to", "before"].includes(name)) assert.ok(!matches({ [name]: "other" }, one), name);
  for (const filter of [{ from: "7001" }, { to: "7000" }, { before: "7" }, { failure: "guest" }])
    assert.ok(!matches(filter, one), JSON.stringify(filter));
  assert.ok(!matches({ worker: "w" }, { ...one, state: "running" }));
});

test("ids beyond 2^53 keep their order", () => {
  const list = { executions: [row(0, { id: "9007199254740995" })], next: null };
  const after = merged(list, [row(0, { id: "9007199254740993" }), row(0, { id: "9007199254740997" })], {}, 50);
  assert.deepEqual(ids(after), ["9007199254740997", "9007199254740995", "9007199254740993"]);
});

test("what changed reaches each list, and a list that comes later", () => {
  const client = new QueryClient();
  client.setQueryData(["executions", {}, 50], { executions: [row(1)], next: null });
  client.setQueryData(["executions", { state: "settled" }, 50], { executions: [], next: null });
  const changes = { seq: "s", anew: false, executions: [row(1, { state: "settled" }), row(2)], workers: false };
  applyChanges(client, { ...changes, counts: {} } as unknown as Changes);
  assert.deepEqual(ids(client.getQueryData(["executions", {}, 50])!), [2, 1]);
  assert.deepEqual(ids(client.getQueryData(["executions", { state: "settled" }, 50])!), [1]);
  assert.deepEqual(ids(withRecent({ executions: [row(1)], next: null }, {}, 50)), [2, 1]);
});

// Questions that wait, as a coordinator has them, and a tab that somebody looks at or not.
function world() {
  const asked: { since: string | null; answer: (changes: object, init?: ResponseInit) => void; signal: AbortSignal }[] =
    [];
  let arrange = () => {};
  const tab = {
    hidden: false,
    addEventListener: (_: string, listener: () => void) => (arrange = listener),
    removeEventListener: () => {},
  };
  const wait = (path: string, { signal }: { signal: AbortSignal }) =>
    new Promise<Response>((ok, fail) => {
      signal.addEventListener("abort", () => fail(signal.reason));
      const answer = (changes: object, init?: ResponseInit) => ok(new Response(JSON.stringify(changes), init));
      asked.push({ since: new URL(path, "http://x").searchParams.get("since"), answer, signal });
    });
  Object.assign(globalThis, { document: tab, fetch: wait });
  return { asked, look: (at: boolean) => ((tab.hidden = !at), arrange()) };
}
const soon = () => new Promise((ok) => setImmediate(ok));
const told = (seq: string) => ({ seq, anew: false, executions: [], workers: false, counts: {} });

// Whoever's page asks for an execution for the first time while it ends would see it run for ever.
test("what changes while it is asked for the first time is asked for again", async () => {
  const client = new QueryClient();
  const answers: ((state: string) => void)[] = [];
  const queryFn = () => new Promise<string>((answer) => answers.push(answer));
  const observer = new QueryObserver(client, { queryKey: ["execution", "c.near", "1"], queryFn });
  const end = observer.subscribe(() => {});
  const changes = { executions: [row(1, { state: "settled" })], workers: false, counts: {} };
  applyChanges(client, changes as unknown as Changes);
  await new Promise((later) => setImmediate(later));
  answers.forEach((answer, i) => answer(i === 0 ? "running" : "settled"));
  await new Promise((later) => setImmediate(later));
  assert.equal(observer.getCurrentResult().data, "settled");
  end();
  client.clear();
});

test("one question waits for each tab, from where the last answer ended, and none while nobody looks", async () => {
  const { asked, look } = world();
  const end = followChanges(new QueryClient());
  await soon();
  assert.deepEqual([asked.length, asked[0]!.since], [1, null]);
  asked[0]!.answer(told("1~a"));
  await soon();
  await soon();
  assert.deepEqual([asked.length, asked[1]!.since], [2, "1~a"]);
  look(false);
  await soon();
  assert.ok(asked[1]!.signal.aborted);
  look(true);
  await soon();
  assert.deepEqual([asked.length, asked[2]!.since], [3, "1~a"]);
  end();
  assert.ok(asked[2]!.signal.aborted);
});

// How often each list was loaded anew by what is told; time passes by `pass`.
function loads(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { asked } = world();
  const client = new QueryClient();
  const counts: Record<string, number> = {};
  client.invalidateQueries = ({ queryKey }: { queryKey?: readonly unknown[] } = {}) => {
    counts[`${queryKey?.[0]}`] = (counts[`${queryKey?.[0]}`] ?? 0) + 1;
    return Promise.resolve();
  };
  t.after(followChanges(client));
  const tell = async (changes: object, init?: ResponseInit) => {
    await soon();
    asked.at(-1)!.answer({ ...told("1~a"), ...changes }, init);
    await soon();
    await soon();
  };
  const pass = async (ms: number) => {
    t.mock.timers.tick(ms);
    await soon();
  };
  return { asked, counts, tell, pass };
}

test("lists are not loaded anew again while that is under way, and once more when it is over", async (t) => {
  const { counts, tell, pass } = loads(t);
  for (let i = 0; i < 5; i++) await tell({ anew: true });
  assert.equal(counts.executions, 1);
  await pass(3000);
  assert.equal(counts.executions, 2);
  await pass(3000); // what was told meanwhile may be newer than the list that came
  assert.equal(counts.executions, 3);
  await pass(3000);
  assert.equal(counts.executions, 3);
});

test("sums are loaded anew when something has ended, each so often, and at no other time", async (t) => {
  const { counts, tell, pass } = loads(t);
  const sums = () => [counts.series ?? 0, counts.usage ?? 0, counts.repos ?? 0];
  await tell({ executions: [row(1)], workers: true });
  await pass(600_000);
  assert.deepEqual(sums(), [0, 0, 0]);
  for (let i = 0; i < 5; i++) await tell({ executions: [row(1, { state: "settled" })] });
  assert.deepEqual(sums(), [1, 1, 1]);
  await pass(10_000);
  assert.deepEqual(sums(), [2, 2, 1]);
  await pass(10_000);
  assert.deepEqual(sums(), [3, 3, 1]);
  await pass(80_000); // a repository counts what has ended a minute later
  await pass(80_000);
  await pass(600_000);
  assert.deepEqual(sums(), [3, 3, 3]);
});

test("a coordinator that has too much to do is left alone as long as it says, and is asked for no sums", async (t) => {
  const { asked, counts, tell, pass } = loads(t);
  for (const [i, status] of [429, 503].entries()) {
    await tell({}, { status, headers: { "retry-after": "30" } });
    assert.deepEqual(
      [counts.executions, counts.series, counts.usage, counts.repos],
      [i + 1, undefined, undefined, undefined],
    );
    await pass(29_999);
    assert.equal(asked.length, i + 1);
    await pass(1);
    assert.equal(asked.length, i + 2);
  }
  for (const [given, waits] of [
    ["999999", 60_000],
    ["Thu, 01 Jan 2026 00:00:00 GMT", 3000],
    ["0", 3000],
  ] as const) {
    const before = asked.length;
    await tell({}, { status: 503, headers: { "retry-after": given } });
    await pass(waits - 1);
    assert.equal(asked.length, before, given);
    await pass(1);
    assert.equal(asked.length, before + 1, given);
  }
  await tell({ anew: true });
  assert.deepEqual([counts.series, counts.repos], [1, 1]);
  await tell({}, { status: 502 });
  assert.deepEqual([counts.series, counts.repos], [2, 2]); // it does not answer: what is shown says so
});
