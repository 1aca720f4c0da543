// SPDX-License-Identifier: Apache-2.0
// The page of charts: what the coordinator has added up, over a chosen time.
import { audit, check, done, equal, everywhere, open, picture } from "./kit.mjs";
import { answer, at, world } from "./world.mjs";

const series = "**/public/stats/series*";
const repos = "**/public/repos*";
const charts = (page) => page.locator("figure.chart");
const MOST = "340282366920938463463374607431768211455";

// Ninety steps of numbers as large as they can be.
function large(url) {
  const query = new URL(url).searchParams;
  const [from, step] = [Number(query.get("from")), 1000 * Number(query.get("step"))];
  const steps = Array.from({ length: 90 }, (_, i) => ({
    at_ms: from + i * step,
    executions: 10 * i,
    successful_executions: 7 * i,
    failed_executions: 2 * i,
    refused_executions: i,
    expired_executions: 0,
    guest_failures: i,
    build_failures: i,
    access_failures: i,
    platform_failures: i,
    instructions_used: "18446744073709551615",
    run_ms_p50: 100 * i,
    run_ms_p95: 300 * i,
    build_ms_p50: 5000,
    build_ms_p95: i % 7 ? 0 : 300000,
    charged: MOST,
    refunded: MOST,
  }));
  return { from_ms: from, step_ms: step, steps };
}
const repo = {
  repo: `"><img src=x onerror=alert(1)>/${"r".repeat(900)}`,
  total_executions: "18446744073709551615",
  successful_executions: 5,
  run_ms_p50: 99999999,
  instructions_used: "18446744073709551615",
  charged: MOST,
  last_commit: "\u202egpj.exe",
};

async function answered(page) {
  await charts(page).nth(5).waitFor();
  await page.getByText("Each request", { exact: true }).waitFor();
}

export const tests = {
  async "charts of what ended"() {
    const page = await open(at("/stats?period=hour"));
    await answered(page);
    const figure = charts(page).first();
    await figure.locator("rect.tone-good").first().waitFor();
    await figure.getByText("As a table").click();
    const rows = figure.locator("tbody tr");
    const sum = async (column) =>
      (await rows.locator(`td:nth-child(${column})`).allInnerTexts()).reduce((all, text) => all + Number(text), 0);
    const told = await page.evaluate(() => fetch("/public/stats").then((answer) => answer.json()));
    equal(
      "the table beside a chart has what the coordinator counts",
      [await sum(2), await sum(3)],
      [told.successful_executions, told.failed_executions],
    );
    const box = await figure.locator(".plot svg").boundingBox();
    await page.mouse.move(box.x + box.width - 2, box.y + 5);
    check("what the pointer is on is told", (await figure.locator(".legend").innerText()).includes("from"));
    await page.getByRole("link", { name: "7 days" }).click();
    await page.waitForURL(/period=week/);
    check("the period stands in the address", true);
    await page.getByLabel("From", { exact: true }).fill("2026-01-01T00:00");
    await page.getByLabel("Until before").fill("2026-01-02T00:00");
    await page.getByRole("button", { name: "Show" }).click();
    await page.waitForURL(/from=\d{13}&to=\d{13}/);
    await charts(page).first().getByText("nothing", { exact: true }).waitFor();
    check("a time in which nothing ended is empty", true);
    equal("only the coordinator was asked", [...page.asked].sort(), [world.url]);
    equal("nothing was complained about: charts", page.complaints, []);
    await done(page);
  },
};

// Nothing is changed by these.
export const looks = {
  async "states of the charts"() {
    await everywhere(at("/stats"), "stats", answered);
    await everywhere(
      at("/stats?period=month"),
      "stats-large",
      async (page) => {
        await answered(page);
        await charts(page).first().getByText("As a table").click();
        equal("markup stays text", await page.evaluate(() => document.querySelectorAll("main img").length), 0);
        check("sums are told to their last digit", (await page.content()).includes("18,446,744,073,709,551,615"));
        const tall = await page.evaluate(() => {
          const box = document.querySelector("figure .plot svg").getBoundingClientRect();
          return [...document.querySelectorAll("figure:first-of-type .plot rect[class^=tone]")].every((bar) => {
            const { top, bottom } = bar.getBoundingClientRect();
            return top >= box.top - 1 && bottom <= box.bottom + 1;
          });
        });
        check("no bar leaves its chart", tall);
      },
      async (page) => {
        await page.route(series, (route) => route.fulfill(answer(large(route.request().url()))));
        await page.route(repos, (route) =>
          route.fulfill(
            answer(
              Array(20)
                .fill(repo)
                .map((one, i) => ({ ...one, repo: one.repo + i })),
            ),
          ),
        );
      },
    );
    await everywhere(
      at("/stats"),
      "stats-error",
      async (page) => {
        await page.getByRole("alert").nth(2).waitFor();
      },
      (page) => page.route(/\/public\/(stats\/series|repos|pricing)/, (route) => route.abort()),
    );
    const page = await open(at("/stats"));
    await answered(page);
    await page.route("**/public/**", (route) => route.abort());
    await page.getByRole("link", { name: "1 year" }).click();
    await page.getByRole("alert").waitFor();
    check("a period that cannot be read shows no other one's charts", (await charts(page).count()) === 0);
    await audit(page, "stats, away");
    await picture(page, "stats-away-wide-light");
    await done(page);
  },
};
