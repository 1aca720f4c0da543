// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, getJson } from "./client.ts";

test("an answer that breaks off is told as one that did not come", async (t) => {
  const broken = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode("["));
      controller.error(new TypeError("network error"));
    },
  });
  t.mock.method(globalThis, "fetch", async () => new Response(broken));
  await assert.rejects(getJson("/public/jobs"), (e) => e instanceof ApiError && e.code === "unreachable");
});

test("what a proxy says in HTML has a sentence, too", async (t) => {
  t.mock.method(globalThis, "fetch", async () => new Response("<html>", { status: 502 }));
  await assert.rejects(getJson("/public/jobs"), (e) => e instanceof ApiError && e.status === 502);
  t.mock.restoreAll();
  t.mock.method(globalThis, "fetch", async () => new Response("<html>"));
  await assert.rejects(getJson("/public/jobs"), (e) => e instanceof ApiError && e.code === "not_json");
});

// Whoever is told that an execution has ended, and is shown what the browser has kept of it, sees it run for ever.
test("what is asked for is never answered by the browser alone", async (t) => {
  const fetched = t.mock.method(globalThis, "fetch", async () => Response.json({}));
  await getJson("/public/executions/c.near/1");
  const [, init] = fetched.mock.calls[0]!.arguments;
  assert.equal(init?.cache, "no-cache");
});
