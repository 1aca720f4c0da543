// SPDX-License-Identifier: Apache-2.0
// A coordinator that lies, that sends what breaks pages, or that is away in the middle of something: its real answers,
// altered on their way.
import { check, done, equal, fits, NARROW, open, unexpected } from "./kit.mjs";
import { makeAccount } from "./wallet.mjs";
import { at, executionPath, world } from "./world.mjs";

const ofCoordinator = (url) => url.origin === world.url && /^\/(public|secrets)\//.test(url.pathname);
const ofChain = (url) => url.origin === new URL(world.rpc).origin;

function walk(value, change) {
  if (Array.isArray(value)) return value.map((one) => walk(one, change));
  if (typeof value !== "object" || value === null) return value;
  return change(Object.fromEntries(Object.entries(value).map(([name, one]) => [name, walk(one, change)])));
}

// Each object of each answer goes through `change`.
export async function lying(page, change, encode = JSON.stringify) {
  await page.route(ofCoordinator, async (route) => {
    try {
      const response = await route.fetch();
      await route.fulfill({ response, body: encode(walk(await response.json(), change)) });
    } catch {
      // the page was closed while its question waited
    }
  });
}

const LIES = {
  outcome: "guest_failed",
  failure: "guest",
  charged: "1",
  refunded: "2",
  payment: "3",
  instructions: 4,
  output_hash: "00".repeat(32),
  wasm_hash: "11".repeat(32),
  repo: "evil/evil",
};
const NAMED = ["Outcome", "Failure", "Charged", "Refunded", "Attached", "Instructions", "Output (SHA-256)"].concat([
  "Module (SHA-256)",
  "Repository",
]);

const HTML = '<img src=x onerror="document.title=1"><script>document.title=2</script>\u202e\u0000';
const EVIL = `${HTML}INVALID${"w".repeat(300)}`;
const LONG = `${EVIL}${"w".repeat(1 << 20)}`;
const LONGEST = /^(error|repo|worker_id|version)$/;
const KEPT = /^(state|outcome|failure|contract_id|transaction_hash|stage|status|created_at|completed_at)$/;

// Every text that a page only shows is a stranger's: a megabyte in one line, markup, marks, NUL, no UTF-8.
function evil(object) {
  const one = (object.request_id ?? world.failed.request_id) === world.failed.request_id;
  const texts = Object.entries(object).filter(([name, value]) => typeof value === "string" && !KEPT.test(name));
  const changed = texts.map(([name, value]) => [
    name,
    /^\d+$/.test(value) ? value : one && LONGEST.test(name) ? LONG : EVIL,
  ]);
  return { ...object, ...Object.fromEntries(changed) };
}

function notUtf8(body) {
  const [first, ...rest] = JSON.stringify(body).split("INVALID");
  return Buffer.concat([Buffer.from(first), ...rest.flatMap((t) => [Buffer.from([0xff, 0xc0, 0xaf]), Buffer.from(t)])]);
}

const away = async (page, which) => page.route(which, (route) => route.abort());
const text = (page) => page.locator("main").innerText();

// What each page has when it is whole.
const WHOLE = {
  "/": (page) => page.locator("table.rows tbody tr").first().waitFor(),
  "/executions": (page) => page.locator("table.rows tbody tr").first().waitFor(),
  [executionPath(world.good)]: (page) => page.getByRole("heading", { name: "Receipts" }).waitFor(),
  "/playground": (page) => page.getByText(/At least .* NEAR must be attached/).waitFor(),
  "/secrets": (page) => page.getByText("Whose secrets?").waitFor(),
  "/workers": (page) => page.getByText("local-worker").first().waitFor(),
  "/stats": (page) => page.getByRole("heading", { name: "Stats" }).waitFor(),
  "/settings": (page) => page.getByText("No account yet").waitFor(),
};

export const tests = {
  async "a coordinator that lies about an execution"() {
    const honest = await open(at(executionPath(world.good)));
    for (const run of [world.good, world.failed, world.hmac_run]) {
      await honest.goto(at(executionPath(run)));
      await honest.getByRole("heading", { name: "Receipts" }).waitFor();
      equal("an honest one is not blamed", await honest.getByText("something else than the chain").count(), 0);
    }
    await done(honest);
    const page = await open(at("/"), {}, (p) =>
      lying(p, (o) => (`${o.request_id}` === `${world.good.request_id}` && o.contract_id ? { ...o, ...LIES } : o)),
    );
    await page.goto(at(executionPath(world.good)));
    const said = page.getByRole("region", { name: "The coordinator says something else" });
    await said.waitFor();
    const rows = await said.locator("tbody th").allInnerTexts();
    equal(
      "each lie is named",
      NAMED.filter((name) => !rows.includes(name)),
      [],
    );
    await page.setViewportSize(NARROW);
    await fits(page, "lies");
    await done(page);
    const other = await open(at("/"), {}, (p) =>
      lying(p, (o) => (`${o.request_id}` === `${world.good.request_id}` ? { ...o, request_id: 4711 } : o)),
    );
    await other.goto(at(executionPath(world.good)));
    await other.getByText("another execution than was asked for").waitFor();
    check("an answer about another execution is none", true);
    await done(other);
  },

  async "the reader's own RPC address"() {
    const page = await open(at("/settings"));
    await page.getByLabel("another one").check();
    for (const [url, words] of [
      ["javascript:1", "this is no address"],
      ["https://rpc.example", "lets them ask the addresses that the coordinator names"],
    ]) {
      await page.getByLabel("Address").fill(url);
      await page.getByRole("button", { name: "Use it" }).click();
      await page.getByText(words).waitFor();
      check(`${url} is refused with a sentence`, true);
    }
    await page.getByLabel(`${world.rpc} alone`).check();
    await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: "Use it" }).click()]);
    await page.getByLabel(`${world.rpc} alone`).waitFor();
    check("the choice lasts", await page.getByLabel(`${world.rpc} alone`).isChecked());
    await lying(page, (o) => (o.rpc_urls ? { ...o, rpc_urls: ["https://evil.example"] } : o));
    await page.goto(at(executionPath(world.good)));
    await page.getByRole("heading", { name: "Receipts" }).waitFor();
    equal(
      "and no other is asked",
      [...page.asked].filter((o) => o.includes("evil")),
      [],
    );
    await done(page);
  },

  async "away when a page is opened, and back"() {
    await Promise.all(
      Object.entries(WHOLE).map(async ([path, whole]) => {
        const page = await open(at(path), {}, async (p) => {
          await away(p, ofCoordinator);
          await away(p, ofChain);
        });
        await page.locator("main").getByText("does not answer").first().waitFor();
        await page.unroute(ofCoordinator);
        await page.unroute(ofChain);
        await whole(page);
        await page.locator("main .note.error").first().waitFor({ state: "detached" });
        check(`it is whole again by itself: ${path}`, true);
        await done(page);
      }),
    );
  },

  async "away in the middle of a request"() {
    const page = await open(at("/playground"));
    await makeAccount(page);
    await page.getByLabel("Repository").fill(world.repo.repo);
    await page.getByLabel("Branch, tag or commit").fill(world.repo.ref);
    await page.getByLabel("Input", { exact: true }).fill('{"min":5,"max":5}');
    await page.getByText(/At least .* NEAR must be attached/).waitFor();
    await away(page, ofCoordinator);
    await page.getByRole("button", { name: "Run it" }).click();
    const result = page.getByRole("region", { name: "The request" });
    await result.getByText("does not answer for it now").waitFor();
    await result.getByText("Refunded to web-").waitFor();
    check("the chain alone brings the answer", (await result.innerText()).includes("5"), await result.innerText());
    await page.unroute(ofCoordinator);
    await result.getByText("ended well").waitFor();
    check("and the coordinator's word follows when it is back", true);
    await done(page);
  },

  async "away in the middle of storing secrets"() {
    const page = await open(at("/secrets"));
    const account = await makeAccount(page);
    await page.getByRole("button", { name: "New secrets" }).click();
    await page.getByLabel("Repository").fill("a/b");
    await page.getByLabel("Name 1").fill("API_KEY");
    await page.getByLabel("Value 1").fill("value of the first try");
    await page.getByLabel("Accounts").fill(account);
    await away(page, ofCoordinator);
    await page.getByRole("button", { name: "Seal and store" }).click();
    await page.getByText("does not answer").first().waitFor();
    equal("what was typed is still there", await page.getByLabel("Value 1").inputValue(), "value of the first try");
    await page.unroute(ofCoordinator);
    await page.getByRole("button", { name: "Seal and store" }).click();
    await page.getByText("The secrets are stored on the chain").waitFor();
    check("and is stored when it is back", (await text(page)).includes(account));
    await done(page);
  },

  async "two tabs, one account"() {
    const one = await open(at("/"));
    const two = await one.context().newPage();
    await two.goto(at("/playground"));
    const make = (page) => page.getByRole("button", { name: "Make an account" });
    const shown = (page) => page.getByRole("button", { name: /^web-/ });
    // The buttons themselves: the first tab's account takes the other one's away.
    const buttons = await Promise.all([make(one), make(two)].map((button) => button.elementHandle()));
    await Promise.all(buttons.map((button) => button.evaluate((element) => element.click())));
    await Promise.all([shown(one).waitFor(), shown(two).waitFor()]);
    await two.reload();
    equal("both have the same one", await shown(two).innerText(), await shown(one).innerText());
    await one.evaluate(
      () =>
        new Promise((ok) => {
          const request = indexedDB.open("outlayer-wallet");
          request.onsuccess = () => {
            request.result.transaction("accounts", "readwrite").objectStore("accounts").clear().onsuccess = ok;
          };
        }),
    );
    await two.getByLabel("Repository").fill("a/b");
    await two.getByText(/At least .* NEAR must be attached/).waitFor();
    await two.getByRole("button", { name: "Run it" }).click();
    await two.getByText("another tab of this browser has changed the account").waitFor();
    check("what another tab took away signs nothing", true);
    await one.bringToFront();
    await shown(one).click();
    await one.getByRole("dialog").getByRole("button", { name: "Forget this account" }).click();
    await make(two).waitFor();
    check("and is gone in the other tab, too", true);
    await done(one);
  },
};

// Nothing is changed by these.
export const looks = {
  async "texts of strangers on every page"() {
    const page = await open(at("/executions"), { viewport: NARROW }, (p) => lying(p, evil, notUtf8));
    for (const path of Object.keys(WHOLE)) {
      await page.goto(at(path));
      await page.waitForFunction(() => {
        const main = document.querySelector("main");
        return main?.querySelector("h1") && !main.querySelector(".loading");
      });
      await fits(page, `strangers' texts, ${path}`);
      const made = await page.evaluate(() => [
        document.querySelectorAll("main img, main script, header img[src=x]").length,
        document.body.innerText.includes("\u202e"),
        document.body.innerText.length > 200_000,
        /^\d$/.test(document.title),
        document.querySelector("main h1").innerText,
      ]);
      equal(`they stay texts, short and seen: ${path}`, made.slice(0, 4), [0, false, false, false]);
      check(`the page stands: ${path}`, !made[4].includes("failed"), made[4]);
    }
    await page.goto(at(executionPath(world.failed)));
    await page.locator(".failure").first().waitFor();
    check("marks of direction are shown as their code", (await text(page)).includes("\\u{202e}"));
    equal("nothing was complained about: strangers' texts", unexpected(page), []);
    await done(page);
  },

  async "answers of another form"() {
    for (const body of ["null", "[]", "{}", '"x"', '{"network":{},"rpc_urls":{"length":3},"explorer":7}', "<html>"]) {
      const page = await open(at("/settings"), {}, (p) =>
        p.route("**/public/config", (route) => route.fulfill({ contentType: "application/json", body })),
      );
      await page.getByRole("heading", { name: "Settings" }).waitFor();
      await page.locator("main .note, main .facts").first().waitFor();
      check(`the page stands when the configuration is ${body.slice(0, 12)}`, true);
      await done(page);
    }
    const page = await open(at("/"), {}, (p) => lying(p, (o) => (o.rpc_urls ? { ...o, network: "testnet" } : o)));
    await page.getByText(/is one of .*, not of testnet/).waitFor();
    check("an address of another chain is told on every page", true);
    await done(page);
  },
};
