// SPDX-License-Identifier: Apache-2.0
// The page of one execution, while it runs and when it is over.
import { check, done, equal, everywhere, open } from "./kit.mjs";
import { answer, at, executionPath, hostile, jobs, rows, world } from "./world.mjs";

export const tests = {
  async "one execution"() {
    const page = await open(at(executionPath(world.good)));
    await page.getByText("ended well").waitFor();
    const text = await page.locator("main").innerText();
    for (const fact of [world.good.output_hash, world.good.transaction_hash].filter(Boolean))
      check("hashes are shown by their ends", text.includes(fact.slice(0, 8)), text);
    equal("the title names it", await page.title(), `Request ${world.good.request_id} · OutLayer`);
    await page.goto(at(executionPath(world.failed)));
    await page.getByRole("heading", { name: "What went wrong" }).waitFor();
    const why = await page.locator(".failure").innerText();
    check("the guest's own words are there", why.includes("told why"), why);
    await page.goto(at(`/executions/${world.contract}/999999`));
    await page.getByText("does not know this execution").waitFor();
    equal("nothing was complained about: one execution", page.complaints, []);
    await done(page);
  },

  async "a live one"() {
    const page = await open(at("/executions"));
    await rows(page).first().waitFor();
    const before = await rows(page).count();
    console.log("ask");
    await page.waitForFunction((n) => document.querySelectorAll("table.rows tbody tr").length > n, before);
    check("a new request shows up by itself", true);
    await rows(page).first().locator("a").click();
    await page.getByText("ended well").waitFor();
    check("and its page follows it to the end", true);
    await done(page);
  },

  async "states of one execution"() {
    await everywhere(at(executionPath(world.good)), "execution", (page) => page.getByText("ended well").waitFor());
    await everywhere(at(executionPath(world.failed)), "execution-failed", (page) => page.locator(".failure").waitFor());
    await everywhere(
      at(executionPath(hostile)),
      "execution-long",
      async (page) => {
        await page.locator(".failure").waitFor();
        await page.locator("summary").click();
        const seen = await page.locator("main").innerText();
        check("u64 and money are exact", seen.includes("18,446,744,073,709,551,615"), seen.slice(0, 900));
        equal("markup stays text", await page.evaluate(() => document.querySelectorAll("main img, main b").length), 0);
        check("marks of direction are shown", seen.includes("\\u{202e}"), seen.slice(0, 900));
      },
      (page) => page.route(jobs, (route) => route.fulfill(answer([hostile]))),
    );
  },
};
