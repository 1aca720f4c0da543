// SPDX-License-Identifier: Apache-2.0
// Wallets of public networks: a coordinator that says it is testnet's, and wallets that do what they are told, say no, say
// nothing, or answer for somebody else. tests/dashboard_test.py makes both.
import { audit, check, done, equal, open, picture, unexpected } from "./kit.mjs";
import { answer, world } from "./world.mjs";

const at = (path) => world.connect + path;
export const frameOf = (page) => page.frameLocator('iframe[title="Wallet"]');
const inside = (page) => page.frames().find((frame) => frame.url().endsWith("/wallet.html"));

// What somebody asks for in `again` is what world.good asked for. The executions are those of the coordinator that works for
// the chain, behind those of `newest`; there is no answer while `away` says so. What changes is told when `bell` rings.
async function begin({ again = false, newest = () => [], away = () => false, bell } = {}) {
  const like = { like: world.good.transaction_hash, by: "alice.test.near", request: world.good.request_id };
  return open(at(again ? `/playground?${new URLSearchParams(like)}` : "/playground"), {}, async (p) => {
    await p.route(/\/public\/executions/, async (route) => {
      if (away()) return route.abort();
      try {
        const response = await route.fetch({ url: route.request().url().replace(world.connect, world.url) });
        const body = await response.json();
        const [first] = body.executions ?? [];
        if (first) body.executions.unshift(...newest().map((row) => ({ ...first, ...row })));
        await route.fulfill(answer(body, response.status()));
      } catch {
        // the page was closed while its question waited
      }
    });
    if (bell)
      await p.route(/\/public\/changes/, async (route) => {
        await bell.rings();
        const changes = { seq: "1~a", anew: true, executions: [], workers: false, counts: {} };
        await route.fulfill(answer(changes)).catch(() => {});
      });
  });
}

function newBell() {
  let ring = () => {};
  return { rings: () => new Promise((ok) => (ring = ok)), ring: () => ring() };
}

const recorded = (run, id) => ({ id, request_id: run.request_id, transaction_hash: run.transaction_hash });

export async function connect(page, name) {
  await page.getByRole("button", { name: "Connect a wallet" }).click();
  await frameOf(page).getByRole("button", { name }).click();
}

async function run(page) {
  await page.getByText(/At least .* NEAR must be attached/).waitFor();
  await page.getByRole("button", { name: "Run it" }).click();
}

async function ask(page) {
  await page.getByLabel("Repository").fill(world.repo.repo);
  await page.getByLabel("Branch, tag or commit").fill(world.repo.ref);
  await run(page);
}

export const ours = (page) => page.getByRole("button", { name: /^alice/ });

export const tests = {
  async "a wallet of a public network"() {
    const page = await begin();
    await page.getByRole("button", { name: "Connect a wallet" }).click();
    await frameOf(page).getByRole("heading", { name: "Which wallet?" }).waitFor();
    equal("those of the list are offered, and no others", await frameOf(page).getByRole("listitem").count(), 7);
    await audit(inside(page), "the wallets");
    await picture(page, "wallets-wide-light");
    await inside(page).evaluate(() => {
      const manifest = { id: "honest", name: "Honest", type: "injected", permissions: {}, features: {} };
      window.postMessage({ type: "near-wallet-injected", manifest }, "*");
      window.dispatchEvent(new CustomEvent("near-wallet-injected", { detail: { manifest } }));
      return new Promise((later) => setTimeout(later));
    });
    await frameOf(page).getByRole("button", { name: "Honest" }).click();
    await ours(page).waitFor();
    check("an injected wallet takes no listed one's place", true);
    await ask(page);
    await frameOf(page).getByRole("heading", { name: "Honest is to sign" }).waitFor();
    const words = await frameOf(page).locator("main").innerText();
    check("what is to be signed is said", /alice.*calls request_execution of .* attaches 0.1 NEAR/.test(words), words);
    await audit(inside(page), "what is to be signed");
    await picture(page, "wallets-sign-wide-light");
    await page.keyboard.press("Escape");
    await page.getByText("cancelled: the wallet was not asked").waitFor();
    await page.getByRole("button", { name: "Run it" }).click();
    await frameOf(page).getByRole("button", { name: "Continue" }).click();
    await page.getByRole("region", { name: "The request" }).getByText("Refunded to").waitFor();
    check("and what it sent is followed on the chain", page.url().includes(world.good.transaction_hash), page.url());
    await page.reload();
    await ours(page).waitFor();
    await ours(page).click();
    await page.getByText("Its key is kept by Honest").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Forget this account" }).click();
    await page.getByRole("button", { name: "Connect a wallet" }).waitFor();
    equal("nothing was complained about: a wallet", unexpected(page), []);
    await done(page);
  },

  async "wallets that misbehave"() {
    const page = await begin();
    await connect(page, "Refuses");
    await page.getByText("User rejected the request").waitFor();
    check("a refusal is told", true);
    await connect(page, "Changed");
    await page.getByText("is another one than this dashboard was made with").waitFor();
    check("a program of other bytes is not run", true);
    await connect(page, "Other account");
    await ours(page).waitFor();
    await ask(page);
    await frameOf(page).getByRole("button", { name: "Continue" }).click();
    await page.getByText("The wallet signed with bob.test.near, not with alice.test.near").waitFor();
    await page.getByRole("region", { name: "The request" }).waitFor();
    check(
      "what another account signed is named, and followed",
      page.url().includes(`transaction=${world.good.transaction_hash}&sender=bob.test.near`),
      page.url(),
    );
    await audit(page, "signed with another account");
    await done(page);
  },

  async "wallets that do not load"() {
    const page = await begin();
    await page.clock.install();
    const asked = [];
    await page.route(/\/wallet\.html$/, (route) => {
      asked.push(route.request().url());
      return route.fulfill({ status: 429, contentType: "application/json", body: "{}" });
    });
    const button = page.getByRole("button", { name: "Connect a wallet" });
    const dialog = page.getByRole("dialog", { name: "Wallet" });
    for (const [name, act, words] of [
      ["Escape", () => page.keyboard.press("Escape"), "nothing was asked"],
      ["15 seconds", () => page.clock.fastForward(15_000), "did not load within 15 seconds"],
    ]) {
      await button.click();
      await dialog.waitFor();
      await act();
      await page.getByText(words).waitFor();
      equal(`the page can be used again: ${name}`, [await dialog.count(), await button.isEnabled()], [0, true]);
    }
    equal("and it was asked for each time", asked.length, 2);
    await page.unroute(/\/wallet\.html$/);
    await connect(page, "Honest");
    await ours(page).waitFor();
    check("the next try goes through", true);
    await done(page);
  },

  async "wallets that load slowly"() {
    const page = await begin();
    const dialog = page.getByRole("dialog", { name: "Wallet" });
    const button = page.getByRole("button", { name: "Connect a wallet" });
    const cancel = frameOf(page).getByRole("button", { name: "Cancel" });
    const hold = () => {}; // it is answered by nobody
    await page.route(/\/wallets\.json$/, hold);
    for (const [name, leave] of [
      ["Cancel", () => cancel.click()],
      ["Escape", () => page.keyboard.press("Escape")],
    ]) {
      await button.click();
      await cancel.waitFor();
      if (name === "Cancel") await audit(inside(page), "wallets that load");
      await leave();
      await page.getByText("cancelled: no wallet was asked").waitFor();
      equal(`${name} leaves a list that does not come`, [await dialog.count(), await button.isEnabled()], [0, true]);
    }
    await page.unroute(/\/wallets\.json$/);
    await connect(page, "Honest");
    await ours(page).waitFor();
    await page.route(/\/test-wallet\.js$/, hold);
    await ask(page);
    await cancel.click();
    await page.getByText("cancelled: no wallet was asked").waitFor();
    const again = page.getByRole("button", { name: "Run it" });
    equal("and a wallet that does not come", [await dialog.count(), await again.isEnabled()], [0, true]);
    await done(page);
  },

  async "wallets that say nothing"() {
    for (const [name, act] of [
      ["Late", async () => {}],
      ["Denied", (page) => page.getByText("What came back: “403 Access denied”").waitFor()],
      ["Hangs", (page) => frameOf(page).getByRole("button", { name: "Stop waiting" }).click()],
    ]) {
      const newest = [];
      const bell = newBell();
      const page = await begin({ again: true, newest: () => newest, bell });
      await connect(page, name);
      await ours(page).waitFor();
      await run(page);
      await frameOf(page).getByRole("button", { name: "Continue" }).click();
      await act(page);
      await page.getByText("does not say whether it sent the request").waitFor();
      check(
        `nobody is told to pay twice: ${name}`,
        (await page.locator("main").innerText()).includes("pay for it twice"),
      );
      newest.push(recorded(world.good, 1_000_001), recorded(world.failed, 1_000_000));
      bell.ring();
      await page.getByRole("region", { name: "The request" }).getByText("Refunded to").waitFor();
      check(
        `and the request is found by itself: ${name}`,
        page.url().includes(world.good.transaction_hash),
        page.url(),
      );
      await done(page);
    }
  },

  async "a lost request and older ones"() {
    let away = true;
    const newest = [];
    const bell = newBell();
    const page = await begin({ again: true, newest: () => newest, away: () => away, bell });
    await connect(page, "Late");
    await ours(page).waitFor();
    await run(page);
    await frameOf(page).getByRole("button", { name: "Continue" }).click();
    const told = page.getByText("What this account had asked for before could not be read");
    await told.waitFor();
    const read = (rows) => {
      newest.splice(0, newest.length, ...rows);
      const answered = page.waitForResponse(/\/public\/executions\?.*sender=alice.*limit=10/);
      bell.ring();
      return answered.then((response) => response.finished());
    };
    away = false;
    await read([recorded(world.good, 1_000_000)]);
    await page.evaluate(() => new Promise((ok) => requestAnimationFrame(() => requestAnimationFrame(ok))));
    equal(
      "where nobody knows what was there before, nothing is shown as what was asked for now",
      [await told.count(), await page.getByRole("region", { name: "The request" }).count()],
      [1, 0],
    );
    await audit(page, "a lost request");
    await done(page);

    const other = await begin({ again: true, newest: () => newest, bell });
    newest.length = 0;
    await connect(other, "Late");
    await ours(other).waitFor();
    await run(other);
    await frameOf(other).getByRole("button", { name: "Continue" }).click();
    await other.getByText("it is looked for").waitFor();
    const looked = other.waitForResponse((r) => r.request().postData()?.includes(world.failed.transaction_hash));
    newest.push(recorded(world.failed, 1_000_000));
    bell.ring();
    await (await looked).finished();
    equal("nor what the account asked for otherwise", await other.getByText("it is looked for").count(), 1);
    await done(other);
  },
};
