// SPDX-License-Identifier: Apache-2.0
// The list of executions: rows, filters, keys, and each state that it can be in.
import { audit, check, done, equal, everywhere, open, picture, unexpected } from "./kit.mjs";
import { answer, at, executionPath, hostile, list, lists, rows, world } from "./world.mjs";

export const tests = {
  async "the book"() {
    const page = await open(at("/workers"));
    await page.getByRole("link", { name: "Docs" }).click();
    await page.getByRole("heading", { name: "The book" }).waitFor();
    equal("the frame leads to the book", page.url(), at("/docs/"));
    await done(page);
    const without = (route) => route.fulfill(answer({ ...config, docs_url: null }));
    const config = await (await fetch(at("/public/config"))).json();
    const other = await open(at("/workers"), {}, (p) => p.route("**/public/config", without));
    await other.getByText("A local chain").waitFor();
    equal("where there is one", await other.getByRole("link", { name: "Docs" }).count(), 0);
    await done(other);
  },

  async "the list"() {
    const page = await open(at("/executions"));
    await rows(page).first().waitFor();
    equal("each request is a row", await rows(page).count(), world.runs.length);
    const text = await rows(page).first().innerText();
    check("the newest is first", text.includes(`#${world.failed.request_id}`), text);
    check("it says that it failed", text.includes("Failed"), text);
    await page.getByRole("link", { name: `#${world.good.request_id}`, exact: true }).click();
    await page.getByRole("heading", { name: `Request #${world.good.request_id}` }).waitFor();
    equal("a row leads to its page", new URL(page.url()).pathname, executionPath(world.good));
    equal("the heading has the focus", await page.evaluate(() => document.activeElement?.tagName), "H1");
    await page.goBack();
    await rows(page).first().waitFor();
    await page.getByLabel("Transaction").fill(world.good.transaction_hash);
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelectorAll("table.rows tbody tr").length === 1);
    check("a filter stands in the address", page.url().includes(world.good.transaction_hash), page.url());
    await page.reload();
    await rows(page).first().waitFor();
    equal("and lasts over a reload", await rows(page).count(), 1);
    equal("only the coordinator and its chain were asked", [...page.asked].sort(), [world.url, world.rpc].sort());
    equal("nothing was complained about: the list", page.complaints, []);
    await done(page);
  },

  async "a million of them"() {
    const asked = [];
    const page = await open(at("/executions?state=settled&from=1764500000000"), {}, (page) =>
      page.route(lists, (route) => {
        const query = new URL(route.request().url()).searchParams;
        asked.push(Object.fromEntries(query));
        const before = Number(query.get("before") ?? 1_000_001);
        const ids = Array.from({ length: 50 }, (_, i) => before - 1 - i).filter((id) => id > 0);
        const executions = ids.map((id) => ({ ...hostile, error: "x", id, request_id: id }));
        return route.fulfill(answer(list(executions, ids.at(-1) > 1 ? `${ids.at(-1)}` : null)));
      }),
    );
    const first = () => rows(page).first().locator("a").innerText();
    const shows = (name) => rows(page).first().getByText(name, { exact: true }).waitFor();
    await shows("#1000000");
    for (const name of ["#999950", "#999900", "#999850"]) {
      await page.getByRole("link", { name: "Older" }).click();
      await shows(name);
    }
    check("the place stands in the address", page.url().includes("before=999851"), page.url());
    await page.goBack();
    await shows("#999900");
    await page.goto(at("/executions?state=settled&before=51"));
    await shows("#50");
    equal("the last page has no older one", await page.getByRole("link", { name: "Older" }).count(), 0);
    await page.getByRole("link", { name: "Newest" }).click();
    await shows("#1000000");
    check("no page is as long as the list", (await rows(page).count()) === 50 && (await first()) === "#1000000");
    check(
      "each page is asked for by where the last one ended, with its filters",
      asked.every(({ limit, offset, state }) => limit === "50" && offset === undefined && state === "settled") &&
        asked.some(({ before, from }) => before === "999851" && from === "1764500000000"),
      asked.slice(0, 5),
    );
    await done(page);
  },

  async "every filter"() {
    const page = await open(at("/executions?outcome=success&worker=nobody"));
    await page.getByText("No execution is like that").waitFor();
    check("filters of the address are open", await page.getByLabel("Ended by worker").isVisible());
    equal("and in their fields", await page.getByLabel("How it ended").inputValue(), "success");
    await page.getByLabel("Ended by worker").fill("");
    await page.getByLabel("Asked by").fill("alice.test.near");
    await page.getByLabel("Recorded from").fill("2020-01-01T00:00:00");
    await page.keyboard.press("Enter");
    await rows(page).first().waitFor();
    const query = new URL(page.url()).searchParams;
    equal(
      "what was chosen stands in the address, a moment in milliseconds",
      [...query.keys()].sort().concat(query.get("from") > 1e12),
      ["from", "outcome", "sender", true],
    );
    const shown = await rows(page).allInnerTexts();
    check(
      "only what is so is shown",
      shown.some((text) => text.includes(`#${world.good.request_id}`)) && shown.every((text) => text.includes("Done")),
      shown,
    );
    await page.getByText("As JSON, and by command").click();
    const curl = await page.locator(".same pre").innerText();
    check("and the command asks the same", curl.includes("outcome=success") && curl.includes("sender=alice"), curl);
    const [json] = await Promise.all([
      page.waitForEvent("popup"),
      page.getByRole("link", { name: "executions as JSON" }).click(),
    ]);
    check("and so does the link", (await json.textContent("body")).includes('"executions":[{'), json.url());
    await json.close();
    await page.setViewportSize({ width: 360, height: 740 });
    await audit(page, "all filters");
    await picture(page, "executions-filters-narrow-light");
    await page.goto(at("/executions?sender=NOBODY!"));
    await page.getByRole("alert").waitFor();
    check("what the coordinator refuses is told in its words", (await page.getByRole("alert").innerText()).length > 20);
    await done(page);
  },

  async "away and back"() {
    let away = false;
    const page = await open(at("/executions"), {}, (page) =>
      page.route("**/public/**", (route) => {
        const url = route
          .request()
          .url()
          .replace(/timeout=\d+/, "timeout=1"); // what waits there would outlast this test
        return away ? route.abort() : route.continue({ url });
      }),
    );
    await rows(page).first().waitFor();
    away = true;
    await page.getByText("Shown as of").waitFor();
    check("what was loaded stays while the coordinator is away", (await rows(page).count()) > 0);
    await audit(page, "away");
    await picture(page, "executions-away-wide-light");
    away = false;
    await page.getByText("Shown as of").waitFor({ state: "detached" });
    check("and the page is whole again by itself", true);
    equal("nothing else was complained about: away", unexpected(page), []);
    await done(page);
  },

  async "by keys alone"() {
    const page = await open(at("/executions"));
    await rows(page).first().waitFor();
    const seen = [];
    for (let i = 0; i < 20; i++) {
      await page.keyboard.press("Tab");
      seen.push(
        await page.evaluate(() => document.activeElement?.textContent || document.activeElement?.getAttribute("name")),
      );
    }
    equal("the first step skips to the content", seen[0], "Skip to the content");
    check(
      "filters, their button and the rows are reached",
      ["contract", "transaction", "request", "Filter"].every((n) => seen.includes(n)) &&
        seen.some((t) => t?.startsWith("#")),
      seen,
    );
    await done(page);
  },
};

// Nothing is changed by these.
export const looks = {
  async "states of the list"() {
    await everywhere(at("/"), "home", (page) => rows(page).first().waitFor());
    await everywhere(at("/executions"), "executions", (page) => rows(page).first().waitFor());
    let release;
    const held = new Promise((ok) => (release = ok));
    await everywhere(
      at("/executions"),
      "executions-loading",
      (page) => page.getByText("Loading executions").waitFor(),
      (page) => page.route(lists, (route) => held.then(() => route.abort())),
    );
    release();
    await everywhere(
      at("/executions"),
      "executions-empty",
      (page) => page.getByText("Nothing has been asked yet").waitFor(),
      (page) => page.route(lists, (route) => route.fulfill(answer(list([])))),
    );
    await everywhere(
      at("/executions"),
      "executions-error",
      (page) => page.getByRole("alert").waitFor(),
      (page) =>
        page.route(lists, (route) =>
          route.fulfill(
            answer(
              {
                error: {
                  code: "unavailable",
                  message: "the <b>database</b> is away",
                  hint: "wait",
                },
              },
              503,
            ),
          ),
        ),
    );
    await everywhere(
      at("/executions"),
      "executions-long",
      (page) => rows(page).nth(49).waitFor(),
      (page) =>
        page.route(lists, (route) =>
          route.fulfill(
            answer(
              list(
                Array.from({ length: 50 }, (_, i) => ({
                  ...hostile,
                  error: "x",
                  id: 1000 - i,
                  request_id: 1000 - i,
                })),
              ),
            ),
          ),
        ),
    );
  },
};
