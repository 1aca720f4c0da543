// SPDX-License-Identifier: Apache-2.0
// What the scripts that drive the dashboard share: a browser, pages that complain aloud, checks, pictures.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
export const WIDE = { width: 1280, height: 900 };
export const NARROW = { width: 360, height: 740 };
export const ANSWER_MS = 20000;
const AT_ONCE_MAX = 4; // each look has a browser of its own

let failed = 0;
export function check(name, holds, got) {
  console.log(holds ? `ok ${name}` : `FAIL ${name} got ${JSON.stringify(got)?.slice(0, 400)}`);
  failed += !holds;
  return holds;
}
export const equal = (name, got, want) => check(name, JSON.stringify(got) === JSON.stringify(want), { got, want });
export const failures = () => failed;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox"],
});
export const close = () => browser.close();

// A page in a browser of its own, with what it asked others for, and what it complained about.
export async function open(url, options = {}, before = async () => {}) {
  const context = await browser.newContext({
    viewport: WIDE,
    reducedMotion: "reduce",
    ...options,
  });
  context.setDefaultTimeout(ANSWER_MS);
  const page = await context.newPage();
  page.asked = new Set();
  page.complaints = [];
  context.on("request", (r) => page.asked.add(new URL(r.url()).origin));
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && page.complaints.push(m.text()));
  page.on("pageerror", (e) => page.complaints.push(String(e)));
  await before(page);
  await page.goto(url);
  return page;
}
export const done = (page) => page.context().close();

export async function fits(page, name) {
  const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  check(`it fits the screen: ${name}`, inner <= outer, { inner, outer });
}

// Nobody is kept out: contrast, names, roles, order.
export async function audit(page, name) {
  if (!(await page.evaluate("'axe' in window"))) await page.evaluate(axe);
  const found = await page.evaluate(
    `axe.run({ preload: false, resultTypes: ["violations"], runOnly: ${JSON.stringify(RULES)} })`,
  );
  equal(
    `axe finds nothing: ${name}`,
    found.violations.map((v) => `${v.id} ${v.nodes.map((n) => n.target)}`),
    [],
  );
}

const shots = process.env.SHOTS;
if (shots) mkdirSync(shots, { recursive: true });
export async function picture(page, name, fullPage = true) {
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`), fullPage });
}

const LOOKS = [
  ["wide-light", WIDE, "light", true],
  ["wide-dark", WIDE, "dark", false],
  ["narrow-light", NARROW, "light", false],
  ["narrow-dark", NARROW, "dark", true],
];

// One page at both widths in both colours: it fits, pictures of it are there, and each width and colour is audited.
export async function everywhere(url, name, ready, before) {
  const page = await open(url, {}, before);
  await ready(page);
  for (const [look, viewport, colorScheme, audited] of LOOKS) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    await fits(page, `${name}, ${look}`);
    if (audited) await audit(page, `${name}, ${look}`);
    await picture(page, `${name}-${look}`);
  }
  equal(`nothing was complained about: ${name}`, unexpected(page), []);
  await done(page);
}

// A browser says each failed load, which some tests bring about themselves.
export const unexpected = (page) => page.complaints.filter((text) => !text.startsWith("Failed to load resource"));

async function runOne([name, test]) {
  const start = performance.now();
  try {
    await test();
  } catch (e) {
    check(name, false, String(e.stack));
  }
  console.log(`took ${((performance.now() - start) / 1000).toFixed(1)} s: ${name}`);
}

// tests: one after the other, since they change what the next one sees. looks: as many at once as there are processors.
export async function run(tests, looks, only) {
  const wanted = (of) => Object.entries(of).filter(([name]) => !only || new RegExp(only).test(name));
  try {
    for (const one of wanted(tests)) await runOne(one);
    const left = wanted(looks);
    const take = async () => {
      for (let one; (one = left.shift());) await runOne(one);
    };
    await Promise.all(Array.from({ length: Math.min(availableParallelism(), AT_ONCE_MAX) }, take));
  } finally {
    await close();
  }
  process.exit(failed ? 1 : 0);
}
