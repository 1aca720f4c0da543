// SPDX-License-Identifier: Apache-2.0
// page.mjs FOLDER QUESTIONS.json ANSWERS.json EXAMPLE.json [TEST]: the page of FOLDER in headless Chromium, from a
// server and from the disk. Prints `ok NAME` and `FAIL NAME got …` lines; ANSWERS.json gets the reports.
import { createServer } from "node:http";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [folder, questions, answers, exampleFile, only] = process.argv.slice(2);
const example = JSON.parse(readFileSync(exampleFile, "utf8"));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const OWN = ["index.html", "page.js", "style.css"];
let failed = 0;

function check(name, holds, got) {
  console.log(holds ? `ok ${name}` : `FAIL ${name} got ${JSON.stringify(got)?.slice(0, 300)}`);
  failed += !holds;
}
const equal = (name, got, want) => check(name, JSON.stringify(got) === JSON.stringify(want), { got, want });

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm" };
let asked = []; // paths that the server was asked for
let strangers = 0; // connections to a server that no page has a reason to know
const server = createServer((request, response) => {
  try {
    const path = new URL(request.url, "http://x").pathname.slice(1) || "index.html";
    asked.push(path);
    const body = readFileSync(join(folder, path));
    response.writeHead(200, { "content-type": TYPES[extname(path)] }).end(body);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const served = `http://127.0.0.1:${server.address().port}/`;
const elsewhere = createServer((_, response) => response.end()).on("connection", () => strangers++);
await new Promise((ready) => elsewhere.listen(0, "127.0.0.1", ready));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });

// A page, what it asked for, and what it complained about.
async function open(url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 900 }, ...options });
  const page = await context.newPage();
  page.requested = [];
  page.complaints = [];
  context.on("request", (r) => page.requested.push(r.url()));
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && page.complaints.push(m.text()));
  page.on("pageerror", (e) => page.complaints.push(String(e)));
  await page.goto(url);
  return page;
}

const fill = async (page, { quote = example.hex, collateral = example.collateral, at = example.at } = {}) => {
  await page.fill("#quote", quote);
  await page.fill("#collateral", collateral);
  await page.evaluate(() => (document.querySelector("form details").open = true));
  await page.fill("#at", at);
};
const run = async (page) => {
  await page.click("#check");
  await page.waitForSelector("#result:not([hidden]), #problem:not([hidden])");
};
const heading = async (page) => ((await page.isVisible("#result")) ? page.textContent("#verdict") : "no result");
const problem = (page) => page.textContent("#problem");
const ACCEPTED = "✓ Genuine, and accepted";

const tests = {
  async "from a server, pasted"() {
    const page = await open(served);
    await fill(page);
    await run(page);
    equal("a pasted quote is accepted", await heading(page), ACCEPTED);
    equal("the verdict has the focus", await page.evaluate(() => document.activeElement.id), "verdict");
    equal("the report is what outlayer verify-quote prints", await page.textContent("#raw"), example.report);
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#download")]);
    equal("the downloaded report is the same", readFileSync(await download.path(), "utf8"), example.report);
    check(
      "every step passed",
      await page.evaluate(() => [...document.querySelectorAll("#steps li")].every((li) => li.className === "passed")),
    );
    await page.fill("#expected", ` 0x${example.rtmr0.toUpperCase()}\n`);
    equal("an expected value is found", await page.textContent("#compared"), "Equal to rtmr0 (virtual hardware).");
    await page.fill("#expected", "00");
    equal("another one is not", await page.textContent("#compared"), "Equal to none of them.");
    await page.fill("#at", example.later);
    await run(page);
    equal("after the collateral's end it is not checkable", await heading(page), "? Not checkable with what is here");
    const states = await page.evaluate(() => [...document.querySelectorAll("#steps li")].map((li) => li.className));
    check(
      "one step says so",
      states.filter((s) => s === "not_checkable").length === 1 && !states.includes("failed"),
      states,
    );
    await fill(page, { quote: example.forged });
    await run(page);
    equal("a changed quote proves nothing", await heading(page), "✕ Not accepted: it proves nothing");
    await fill(page);
    await page.fill("#policy", example.strictPolicy);
    await run(page);
    equal("a policy can refuse", await heading(page), "✕ Genuine, but refused by the policy");
    await page.click("#clear");
    equal("clearing hides the result", await page.isHidden("#result"), true);
    equal(
      "the page asked for its own files alone",
      [...new Set(page.requested.map((u) => u.slice(served.length) || "index.html"))]
        .filter((u) => !u.startsWith("blob:"))
        .sort(),
      OWN,
    );
    equal("nothing was complained about", page.complaints, []);
    await page.context().close();
  },

  async "from the disk, by files and drops"() {
    const page = await open(pathToFileURL(join(folder, "index.html")).href, { offline: true });
    await page.setInputFiles("#quote-file", {
      name: "quote.bin",
      mimeType: "application/octet-stream",
      buffer: Buffer.from(example.hex, "hex"),
    });
    await page.setInputFiles("#collateral-file", {
      name: "c.json",
      mimeType: "application/json",
      buffer: Buffer.from(example.collateral),
    });
    await page.evaluate(() => (document.querySelector("form details").open = true));
    await page.fill("#at", example.at);
    await run(page);
    equal("chosen files are accepted without a network", await heading(page), ACCEPTED);
    await page.click("#clear");
    await page.evaluate(() => (document.querySelector("form details").open = true));
    await page.fill("#at", example.at);
    const drop = async (target, files) => {
      const data = await page.evaluateHandle((list) => {
        const transfer = new DataTransfer();
        for (const [name, base64] of list)
          transfer.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name));
        return transfer;
      }, files);
      await page.dispatchEvent(target, "drop", { dataTransfer: data });
    };
    await drop("body", [
      ["c.json", Buffer.from(example.collateral).toString("base64")],
      ["q", Buffer.from(example.hex, "hex").toString("base64")],
    ]);
    await page.waitForFunction(
      () =>
        document.getElementById("quote-state").textContent && document.getElementById("collateral-state").textContent,
    );
    await run(page);
    equal("two files dropped anywhere find their places", await heading(page), ACCEPTED);
    await page.click("#clear");
    await drop("[data-drop=quote]", [["q.txt", Buffer.from(`0x${example.hex}\n`).toString("base64")]]);
    await page.waitForFunction(() => document.getElementById("quote-state").textContent);
    check(
      "a dropped file of hexadecimal text is read",
      (await page.textContent("#quote-state")).startsWith("q.txt: TDX quote, version 4, 5,006 bytes"),
      await page.textContent("#quote-state"),
    );
    const own = pathToFileURL(folder).href + "/";
    equal(
      "nothing but the three files was read",
      [...new Set(page.requested)].sort(),
      OWN.map((f) => own + f),
    );
    equal("nothing was complained about on the disk", page.complaints, []);
    await page.context().close();
  },

  async "forms and limits"() {
    const page = await open(served);
    for (const [form, text] of Object.entries({
      base64: Buffer.from(example.hex, "hex").toString("base64").replace(/.{64}/g, "$&\n"),
      "dstack's JSON": JSON.stringify({ quote: example.hex, event_log: "[]" }),
    })) {
      await fill(page, { quote: text });
      await run(page);
      equal(`a quote as ${form} is accepted`, await heading(page), ACCEPTED);
    }
    const bad = {
      "": "There is no quote yet",
      zz: "This is no quote in bytes",
      "{": "This begins like JSON",
      '{"quote":""}': "The member 'quote' is empty",
      "{}": "The JSON has no member",
      "0x123": "must be hexadecimal digits",
      ["ab".repeat(65537)]: "at most 65,536 are taken",
    };
    for (const [text, words] of Object.entries(bad)) {
      await fill(page, { quote: text });
      await run(page);
      check(
        `refused with a sentence: ${words}`,
        (await problem(page)).includes(words) && (await page.isHidden("#result")),
        await problem(page),
      );
    }
    await fill(page, { at: "yesterday" });
    await run(page);
    check(
      "a time that is none is refused with a sentence",
      (await problem(page)).startsWith("The time must be written as"),
      await problem(page),
    );
    await fill(page);
    await page.fill("#policy", '{"acept":["UpToDate"]}');
    await run(page);
    equal("a misspelled policy is refused", await problem(page), "The policy has a member that is not known.");
    await page.fill("#policy", "{".repeat(65538));
    await run(page);
    equal("and a large one", await problem(page), "The policy has 65,538 bytes; at most 65,536 are taken.");
    await page.fill("#policy", "");
    await page.setInputFiles("#collateral-file", {
      name: "big.json",
      mimeType: "application/json",
      buffer: Buffer.alloc((1 << 20) + 1, 32),
    });
    equal(
      "a large file is refused with a sentence",
      await page.textContent("#collateral-state"),
      "big.json has 1,048,577 bytes; at most 1,048,576 are taken.",
    );
    await fill(page, { collateral: "[1]" });
    check(
      "collateral that is no object is told at once",
      (await page.textContent("#collateral-state")).includes("no object with the members"),
      await page.textContent("#collateral-state"),
    );
    await run(page);
    equal("and is not checkable", await heading(page), "? Not checkable with what is here");
    await page.context().close();
  },

  async "markup stays text"() {
    const page = await open(served);
    await fill(page, { collateral: '{"x":"<img src=x onerror=document.title=1>"}' });
    await run(page);
    await page.setInputFiles("#quote-file", {
      name: "<img src=x>",
      mimeType: "text/plain",
      buffer: Buffer.from("<img src=x>"),
    });
    equal("nothing that was given becomes an element", await page.evaluate(() => document.images.length), 0);
    await page.context().close();
  },

  async "the document's policy"() {
    asked = [];
    const page = await open(served);
    const tried = await page.evaluate(async (there) => {
      window.refused = [];
      document.addEventListener("securitypolicyviolation", (e) => window.refused.push(e.effectiveDirective));
      const throws = (what) => {
        try {
          what();
          return false;
        } catch {
          return true;
        }
      };
      const fetched = await fetch(there).then(
        () => "sent",
        () => "refused",
      );
      const own = await fetch("dcap.wasm").then(
        () => "sent",
        () => "refused",
      );
      navigator.sendBeacon(there, "x");
      throws(() => new WebSocket(there.replace("http", "ws")));
      throws(() => new EventSource(there));
      new Image().src = `${there}image`;
      document.head.append(
        Object.assign(document.createElement("link"), { rel: "stylesheet", href: `${there}style.css` }),
      );
      document.body.append(Object.assign(document.createElement("iframe"), { src: `${there}frame` }));
      const form = Object.assign(document.createElement("form"), { action: there, method: "post" });
      document.body.append(form);
      form.submit();
      const worker = throws(() => new Worker("page.js"));
      const markup = throws(() => (document.body.innerHTML = "<b>x</b>"));
      const inline = throws(() => (document.createElement("script").text = "window.ran = 1"));
      // What the driver runs may evaluate text; what the page runs later may not.
      const evaluated = await new Promise((done) => setTimeout(() => done(throws(() => (0, eval)("1")))));
      return {
        fetched,
        own,
        worker,
        markup,
        inline,
        evaluated,
        ran: window.ran ?? null,
      };
    }, `http://127.0.0.1:${elsewhere.address().port}/`);
    equal("no way out of the document, and none for text to become code", tried, {
      fetched: "refused",
      own: "refused",
      worker: true,
      markup: true,
      inline: true,
      evaluated: true,
      ran: null,
    });
    const held = ["connect-src", "form-action", "frame-src", "img-src", "style-src-elem"];
    const all = (names) => names.every((name) => window.refused.includes(name));
    await page.waitForFunction(all, held, { timeout: 20000 }).catch(() => {});
    const refused = await page.evaluate(() => window.refused);
    for (const directive of held) check(`${directive} is held`, refused.includes(directive), refused);
    equal("nothing was asked of a server but the page", asked.sort(), OWN);
    equal("and nobody else was connected to", strangers, 0);
    await page.context().close();
  },

  async "for everybody"() {
    for (const colorScheme of ["light", "dark"]) {
      const page = await open(served, { colorScheme, viewport: { width: 360, height: 740 } });
      const widths = () => page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      const audit = async (name) => {
        const found = await page.evaluate(`${axe}; axe.run({ preload: false, runOnly: ${JSON.stringify(RULES)} })`);
        equal(
          `axe finds nothing: ${name}, ${colorScheme}`,
          found.violations.map((v) => `${v.id} ${v.nodes.map((n) => n.target)}`),
          [],
        );
        check(
          `it looked at contrast: ${name}, ${colorScheme}`,
          found.passes.some((p) => p.id === "color-contrast"),
        );
      };
      await audit("empty");
      equal(`360 pixels are enough, ${colorScheme}`, await widths(), [360, 360]);
      for (const [name, given] of Object.entries({
        accepted: {},
        forged: { quote: example.forged },
        expired: { at: example.later },
      })) {
        await fill(page, given);
        await run(page);
        await page.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = true)));
        await audit(name);
        equal(`360 pixels are enough with a result: ${name}, ${colorScheme}`, await widths(), [360, 360]);
      }
      await page.fill("#quote", "zz");
      await run(page);
      await audit("a problem");
      await page.context().close();
    }
  },

  async "by keys alone"() {
    const page = await open(served);
    await page.evaluate(
      ([quote, collateral]) => Object.assign(window, { quote, collateral }),
      [example.hex, example.collateral],
    );
    const here = () => page.evaluate(() => document.activeElement.id || document.activeElement.tagName);
    const visited = [];
    const paste = async (text) => page.keyboard.insertText(text);
    for (let i = 0; i < 12 && visited.at(-1) !== "check"; i++) {
      await page.keyboard.press("Tab");
      visited.push(await here());
      if (visited.at(-1) === "quote") await paste(example.hex);
      if (visited.at(-1) === "collateral") await paste(example.collateral);
      if (visited.at(-1) === "SUMMARY") await page.keyboard.press("Enter");
      if (visited.at(-1) === "at") await paste(example.at);
    }
    equal("the keys lead through the form", visited, [
      "quote",
      "quote-file",
      "collateral",
      "collateral-file",
      "SUMMARY",
      "at",
      "policy",
      "check",
    ]);
    await page.keyboard.press("Enter");
    await page.waitForSelector("#result:not([hidden])");
    equal("and to the verdict", [await here(), await heading(page)], ["verdict", ACCEPTED]);
    await page.context().close();
  },

  async "the module in a browser"() {
    const page = await open(served);
    const list = JSON.parse(readFileSync(questions, "utf8"));
    const got = await page.evaluate(async (asked) => {
      const { verifyQuoteText } = await import("./verify.js");
      const reports = [],
        times = [];
      for (const q of asked) {
        const begin = performance.now();
        try {
          reports.push(
            await verifyQuoteText({ ...q, quote: Uint8Array.from(atob(q.quote), (c) => c.charCodeAt(0)) }),
          );
        } catch (e) {
          reports.push(`thrown: ${e.stack}`);
        }
        times.push(performance.now() - begin);
      }
      return { reports, times };
    }, list);
    writeFileSync(answers, JSON.stringify(got));
    equal("every question was answered", got.reports.length, list.length);
    const wrong = {
      "The time must be": { at: -1 },
      "The time must be a Date": { at: new Date("never").getTime() },
      "The root key must have 64 bytes": { rootKey: "00" },
      "The root key must be hexadecimal": { rootKey: "xy" },
      "The policy must be one JSON object": { policy: "[]" },
      "The quote must be text or bytes": { quote: 7 },
    };
    for (const [words, member] of Object.entries(wrong)) {
      const told = await page.evaluate(
        async (q) =>
          (await import("./verify.js")).verifyQuote({ quote: "0400", ...q }).then(String, (e) => e.message),
        member,
      );
      check(`the module refuses with a sentence: ${words}`, told.startsWith(words), told);
    }
    await page.context().close();
  },
};

try {
  for (const [name, test] of Object.entries(tests).filter(([name]) => !only || name === only)) {
    try {
      await test();
    } catch (e) {
      check(name, false, String(e.stack));
    }
  }
} finally {
  await browser.close();
  server.close();
  elsewhere.close();
}
process.exit(failed ? 1 : 0);
