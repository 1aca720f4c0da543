// SPDX-License-Identifier: Apache-2.0
// The page of one execution, while it runs and when it is over.
import { check, done, equal, everywhere, open, picture, unexpected } from "./kit.mjs";
import { answer, at, attempts, details, executionPath, hostile, list, lists, rows, timeline, world } from "./world.mjs";

export const tests = {
  async "one execution"() {
    const page = await open(at(executionPath(world.good)));
    await page.getByText("ended well").waitFor();
    const text = await page.locator("main").innerText();
    for (const fact of [world.good.output_hash, world.good.transaction_hash].filter(Boolean))
      check("hashes are shown by their ends", text.includes(fact.slice(0, 8)), text);
    equal("the title names it", await page.title(), `Request ${world.good.request_id} · OutLayer`);
    await page.getByRole("heading", { name: "Receipts" }).waitFor();
    await picture(page, "execution-top-wide-light", false); // the README shows it: make pictures
    await page.goto(at(executionPath(world.failed)));
    await page.getByRole("heading", { name: "What went wrong" }).waitFor();
    const why = await page.locator(".failure").innerText();
    check("the guest's own words are there", why.includes("told why"), why);
    await page.goto(at(`/executions/${world.contract}/999999`));
    await page.getByText("does not know this execution").waitFor();
    equal("nothing was complained about: one execution", unexpected(page), []);
    await done(page);
  },

  async "one that no worker ended"() {
    for (const [outcome, words, error] of [
      ["expired", "pays everything back", "no worker served the request in time"],
      ["refused", "is refunded when its time is over", "cancelled by the operator: no use"],
    ]) {
      const ended = {
        ...hostile,
        outcome,
        failure: undefined,
        error,
        timeline,
      };
      const page = await open(at(executionPath(hostile)), {}, (page) =>
        page.route(details, (route) => route.fulfill(answer(ended))),
      );
      const why = page.locator(".failure");
      await why.waitFor();
      check(`whose payer reads what becomes of the money: ${outcome}`, (await why.innerText()).includes(words));
      const text = await page.getByRole("main").innerText();
      check(
        `and nothing that the reason does not say: ${outcome}`,
        !/differs from the chain|not what the chain has|nothing ran/i.test(text),
        text,
      );
      await done(page);
    }
  },

  async "a live one"() {
    let told;
    const page = await open(at("/executions"), {}, (page) => {
      told = page.waitForResponse((answer) => answer.url().includes("/public/changes"));
    });
    await rows(page).first().waitFor();
    const before = await rows(page).count();
    await told;
    await page.route(lists, (route) => route.abort()); // from here on the one question that waits must do
    console.log("ask");
    await page.waitForFunction((n) => document.querySelectorAll("table.rows tbody tr").length > n, before);
    check("a new request shows up by itself", true);
    await rows(page).first().locator("a").click();
    await page.getByText("ended well").waitFor();
    check("and its page follows it to the end", true);
    await done(page);
  },

  async "the home page shows a real run as it goes"() {
    const page = await open(at("/"));
    await page.getByRole("heading", { name: "The last run" }).waitFor();
    const lanes = page.getByRole("table", { name: "Timeline" }).locator("tbody tr");
    await lanes.nth(1).waitFor();
    const link = page.getByRole("link", { name: /^Request #/ });
    const last = await link.innerText();
    console.log("ask");
    await page.waitForFunction(
      (text) =>
        [...document.querySelectorAll("main a")].some((a) => /^Request #/.test(a.innerText) && a.innerText !== text),
      last,
    );
    await page.getByText("its answer is on the chain").waitFor();
    await lanes.filter({ hasText: /Attempt 1.*local-worker/s }).waitFor();
    check("a new request takes its place, and its attempts are drawn", true);
    await link.click();
    await page.getByText("ended well").waitFor();
    equal("nothing was complained about: a run at home", unexpected(page), []);
    await done(page);
    const running = { ...hostile, state: "running", outcome: null, error: undefined, timeline: timeline.slice(0, -2) };
    const older = await open(at("/"), {}, async (p) => {
      await p.route(lists, (route) => route.fulfill(answer(list([{ ...hostile, request_id: 8, id: 8 }, running]))));
      await p.route(details, (route) => route.fulfill(answer(running)));
    });
    await older.getByRole("heading", { name: "A run under way" }).waitFor();
    equal(
      "one under way is shown before one that is over",
      await older.getByRole("link", { name: /^Request #/ }).innerText(),
      "Request #7",
    );
    await done(older);
  },

  async "a transaction that no node has any more"() {
    const dropped = (page) =>
      page.route(`${world.rpc}/**`, (route) =>
        route.request().postData()?.includes("EXPERIMENTAL_tx_status")
          ? route.fulfill({
              json: { jsonrpc: "2.0", id: "1", error: { message: "x", cause: { name: "UNKNOWN_TRANSACTION" } } },
              headers: { "access-control-allow-origin": "*" },
            })
          : route.continue(),
      );
    const told = (page) => page.getByText("an archival node has it").waitFor();
    await everywhere(at(executionPath(world.good)), "execution-dropped", told, dropped);
    const page = await open(at(`${executionPath(world.good)}/verification`), {}, dropped);
    await told(page);
    check("the page that verifies says so, too", true);
    await done(page);
  },

  async "what happened when"() {
    const page = await open(at(executionPath(world.good)));
    const lanes = page.getByRole("table", { name: "Timeline" }).locator("tbody tr");
    await lanes.nth(1).waitFor();
    const text = await lanes.nth(1).innerText();
    check("an attempt has its worker and what it did", /Attempt 1.*local-worker/s.test(text), text);
    check("beginning with what every worker does first", /compared with the chain/.test(text), text);
    await page.getByText("Every step").click();
    const steps = page.getByRole("table", { name: "Every step" }).locator("tbody tr");
    check("the first step is its record", (await steps.first().innerText()).includes("recorded"));
    check("the last is its end", (await steps.last().innerText()).includes("settled"));
    await page.getByText("As JSON, and by command").click();
    const [json] = await Promise.all([
      page.waitForEvent("popup"),
      page.getByRole("link", { name: "execution as JSON" }).click(),
    ]);
    const told = JSON.parse(await json.textContent("body"));
    equal("as JSON it is the same one", told.request_id, world.good.request_id);
    await json.close();
    await done(page);
    await everywhere(
      at(executionPath(hostile)),
      "execution-retried",
      async (page) => {
        await page.getByText("Lease lost.").waitFor();
        const lanes = page.getByRole("table", { name: "Timeline" }).locator("tbody tr");
        equal(
          "waiting stands apart from each attempt",
          (await lanes.allInnerTexts()).map((text) => /^(Waiting|Attempt \d)/.exec(text)?.[0]),
          ["Waiting", "Attempt 1", "Waiting", "Attempt 2", "Waiting", "Attempt 2"],
        );
        const lost = await lanes.nth(1).innerText();
        check("a lost lease says why, as text", lost.includes("<b>w</b>") && lost.includes("\\u{202e}"), lost);
        const bars = await page.locator(".phase").evaluateAll((all) => all.map((bar) => bar.getBoundingClientRect()));
        check("bars are drawn", bars.length === 10 && bars.every(({ width }) => width >= 2), bars);
      },
      (page) => page.route(details, (route) => route.fulfill(answer({ ...hostile, error: undefined, timeline }))),
    );
    const many = await open(at(executionPath(hostile)), {}, (page) =>
      page.route(details, (route) => route.fulfill(answer({ ...hostile, error: "x", timeline: attempts }))),
    );
    await many.getByRole("button", { name: /Show \d+ more/ }).click();
    await many.getByText("Attempt 20", { exact: false }).waitFor();
    check("all of many attempts are there for who asks", true);
    await done(many);
  },
};

// Nothing is changed by these.
export const looks = {
  async "states of one execution"() {
    await everywhere(at(executionPath(world.good)), "execution", (page) => page.getByText("ended well").waitFor());
    await everywhere(at(executionPath(world.failed)), "execution-failed", (page) => page.locator(".failure").waitFor());
    await everywhere(
      at(executionPath(hostile)),
      "execution-long",
      async (page) => {
        await page.locator(".failure").waitFor();
        await page.getByText("Every step").click();
        const seen = await page.locator("main").innerText();
        check("u64 and money are exact", seen.includes("18,446,744,073,709,551,615"), seen.slice(0, 900));
        equal("markup stays text", await page.evaluate(() => document.querySelectorAll("main img, main b").length), 0);
        check("marks of direction are shown", seen.includes("\\u{202e}"), seen.slice(0, 900));
      },
      (page) => page.route(details, (route) => route.fulfill(answer({ ...hostile, timeline: attempts }))),
    );
  },
};
