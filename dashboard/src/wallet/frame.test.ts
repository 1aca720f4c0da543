// SPDX-License-Identifier: Apache-2.0
// A frame that does not load has asked nobody; whoever takes that for a doubt, or waits ten minutes for it, locks the page.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { fakeDocument } from "./fakes.ts";
import { askWallet, Unknown } from "./frame.ts";

const LEAVE = { act: "leave", with: { network: "testnet", rpc: [], wallet: "w" } } as const;
const READY = { outlayer: "ready" };

function asked(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const document = fakeDocument(t);
  const end = askWallet(LEAVE).then(
    () => null,
    (e: Error) => e,
  );
  return { ...document, frame: document.frames[0]!, dialog: document.dialogs[0]!, end };
}

test("a frame of wallets that does not load has asked nobody, and is not waited for", async (t) => {
  const { frame, dialog, end, say } = asked(t);
  t.mock.timers.tick(15_000);
  const error = (await end)!;
  assert.ok(!(error instanceof Unknown));
  assert.match(error.message, /did not load.*nothing was asked/);
  assert.equal(dialog.open, false);
  say(READY);
  assert.deepEqual(frame.said, []); // nothing is asked afterwards
});

test("Escape closes the frame of wallets until it has loaded, and no longer", async (t) => {
  const before = asked(t);
  before.dialog.escape();
  const error = (await before.end)!;
  assert.ok(!(error instanceof Unknown));
  assert.match(error.message, /nothing was asked/);
});

test("a frame of wallets that has loaded has its own way out, and is waited for", async (t) => {
  const { frame, dialog, end, say } = asked(t);
  say(READY);
  assert.equal(frame.said.length, 1);
  t.mock.timers.tick(9 * 60_000);
  dialog.escape();
  assert.equal(dialog.open, true);
  t.mock.timers.tick(60_000);
  assert.ok((await end) instanceof Unknown);
});

test("a dialog that the browser closes all the same leaves open what the wallet did", async (t) => {
  const { dialog, end, say } = asked(t);
  say(READY);
  dialog.close();
  assert.ok((await end) instanceof Unknown);
});

test("a frame of wallets that loads anew is not asked twice", async (t) => {
  const { frame, end, say } = asked(t);
  say(READY);
  say(READY);
  assert.ok((await end) instanceof Unknown);
  assert.equal(frame.said.length, 1);
});
