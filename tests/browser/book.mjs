// SPDX-License-Identifier: Apache-2.0
// book.mjs FOLDER URL: the book in headless Chromium, as a coordinator serves that folder at URL. Prints `ok NAME` and
// `FAIL NAME got …` lines.
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [folder, served] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let failed = 0;

function check(name, holds, got) {
  console.log(holds ? `ok ${name}` : `FAIL ${name} got ${JSON.stringify(got)?.slice(0, 300)}`);
  failed += !holds;
}

const executablePath = process.env.CHROMIUM || "/usr/bin/chromium-headless-shell";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
const page = await context.newPage();
const said = [];
page.on("console", (m) => said.push(m.text()));
page.on("pageerror", (e) => said.push(String(e)));

// Every page opens under the policy; what a phone shows is no wider than the phone.
const pages = readdirSync(folder).filter((name) => name.endsWith(".html"));
await page.setViewportSize({ width: 360, height: 800 });
for (const name of pages) {
  await page.goto(served + name);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  if (wide > 360) check(`${name} fits a phone`, false, wide);
}
check(`${pages.length} pages break no rule of the policy`, said.length === 0, said);

// Pictures are there.
await page.setViewportSize({ width: 1280, height: 800 });
for (const name of ["tutorial.html", "dashboard.html"]) {
  await page.goto(served + name);
  const widths = await page.$$eval("main img", (all) => all.map((x) => x.naturalWidth));
  check(`${name} shows its picture`, widths.length > 0 && !widths.includes(0), widths);
}

// Links lead to pages that are there, and to sections that are there.
const broken = await page.evaluate(async () => {
  const out = [];
  const documents = new Map();
  const load = async (name) => {
    if (!documents.has(name)) {
      const answer = await fetch(name);
      documents.set(name, answer.ok ? await answer.text() : null);
    }
    return documents.get(name);
  };
  const index = await load("index.html");
  const names = [...new Set([...index.matchAll(/href="([\w.-]+\.html)"/g)].map((m) => m[1]))];
  for (const name of ["index.html", ...names])
    for (const [, target] of (await load(name)).matchAll(/href="([^":]+)"/g)) {
      const [there, section] = target.split("#");
      const text = await load(there || name);
      if (text === null || (section && !text.includes(`id="${section}"`))) out.push(`${name}: ${target}`);
    }
  return out;
});
check("each link leads somewhere", broken.length === 0, broken);

// Search: by keyboard, from any page, to a section.
await page.setViewportSize({ width: 1280, height: 800 });
await page.goto(served + "secrets.html");
await page.getByRole("searchbox", { name: "Search the book" }).fill("cargo.lock newest");
await page.locator("#found li").first().waitFor();
const first = await page.locator("#found a").first().getAttribute("href");
check("the search finds the section", first.startsWith("guests.html#"), first);
check("and shows the words", (await page.locator("#found mark").count()) > 0);
await page.locator("#found a").first().press("Enter");
await page.waitForURL(/guests\.html#/);
await page.getByRole("searchbox").fill("zebrafish");
await page.getByText("Nothing has all of these words.").waitFor();
await page.getByRole("searchbox").press("Escape");
check("Escape ends it", await page.locator("#found").isHidden());
await page.getByRole("searchbox").fill("<img src=x onerror=alert(1)>");
await page.getByText("Nothing has all of these words.").waitFor();

// Copying: exactly the block's text.
await page.goto(served + "guests.html");
const block = page.locator("main .block").first();
await block.getByRole("button", { name: "Copy" }).click();
await block.getByRole("button", { name: "Copied" }).waitFor();
const copied = await page.evaluate(() => navigator.clipboard.readText());
check("a block is copied as it stands", copied === (await block.locator("pre").textContent()) && copied.length > 20, copied);

// Anybody can use it, in the light and in the dark.
for (const scheme of ["light", "dark"]) {
  await page.emulateMedia({ colorScheme: scheme });
  for (const name of ["index.html", "guests.html", "contract.html"]) {
    await page.goto(served + name);
    if (name === "guests.html") {
      await page.getByRole("searchbox").fill("secrets");
      await page.locator("#found li").first().waitFor();
    }
    await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run(document));
    check(`${name}, ${scheme}: axe finds nothing`, found.violations.length === 0, found.violations.map((v) => [v.id, v.nodes[0].html]));
  }
}
check("and nothing was said on the console", said.length === 0, said);

await page.route("**/search.json", (route) => route.fulfill({ status: 503 }));
await page.goto(served + "guests.html");
await page.getByRole("searchbox").fill("secrets");
await page.getByText("The search's index cannot be had").waitFor();
await page.unroute("**/search.json");
await page.getByRole("searchbox").fill("secrets condition");
await page.locator("#found li").first().waitFor();
check("an index that was away is asked for again", true);

await browser.close();
process.exit(failed ? 1 : 0);
