// SPDX-License-Identifier: Apache-2.0
// The page on which a browser checks an execution by itself: what holds, what was tampered with on any way to it, what
// nobody can check, and the quote of a key that the register contract knows.
import { check, done, equal, everywhere, open, unexpected } from "./kit.mjs";
import { at, executionPath, world } from "./world.mjs";

const pageOf = (run) => at(`${executionPath(run)}/verification`);
const steps = (page) => page.locator(".check-step");
const finished = (page) => page.getByText(/\d+ passed, \d+ failed, \d+ not checkable/).waitFor();

// {title: verdict} of all steps.
async function verdicts(page) {
  await finished(page);
  const texts = await steps(page).locator("h2").allInnerTexts();
  return Object.fromEntries(texts.map((text) => text.split(/\s*\n\s*|\s+(?=Passed|Failed|Not)/)));
}
const failing = (found) => Object.keys(found).filter((title) => found[title] === "Failed");

async function changed(route, change) {
  const answer = await route.fetch();
  const text = await answer.text();
  await route.fulfill({ response: answer, body: change(text) });
}
// What the chain's node says, changed. Which challenge counted then only a node knows that keeps old states: this one does.
const CORS = { "access-control-allow-origin": "*" };
const challenge = [...Buffer.from(JSON.stringify({ challenge: world.challenge }))];
const chain = (page, change) =>
  page.route(`${world.rpc}/**`, (route) =>
    route.request().postData()?.includes('"get_challenge"')
      ? route.fulfill({ json: { jsonrpc: "2.0", id: "1", result: { result: challenge } }, headers: CORS })
      : changed(route, change),
  );
const flipped = (hex) => hex.replace(/^./, (digit) => (digit === "0" ? "1" : "0"));

// The answer's transaction as if the registered key had signed it.
const asRegistered = (text) =>
  text.includes(world.answer_transaction) && text.includes('"resolve_execution"')
    ? text.replace(/"public_key":"ed25519:\w+"/, `"public_key":"${world.registered_key}"`)
    : text;

// The register contract as if it said that it believes Intel's root alone.
const believesIntel = (page) =>
  page.route(`${world.rpc}/**`, async (route) => {
    if (!route.request().postData()?.includes('"get_config"')) return route.fallback();
    const answer = await (await route.fetch()).json();
    const config = JSON.parse(Buffer.from(answer.result?.result ?? [123, 125]));
    const result = [...Buffer.from(JSON.stringify({ ...config, root_public_key: null }))];
    return route.fulfill({ json: { ...answer, result: { ...answer.result, result } }, headers: CORS });
  });

// The verifier that the page runs, with the root that signs the simulator's machines in the place of Intel's.
const builtForSimulator = (page) =>
  page.route(/\/assets\/[^/]+\.js$/, async (route) => {
    const script = await (await route.fetch()).text();
    const body = script.replace(/AGFzbQ[\w+/=]{1000,}/, (base64) => {
      const program = Buffer.from(base64, "base64");
      const at = program.indexOf(Buffer.from(world.intels_root, "hex"));
      check("the verifier has Intel's root", at > 0, at);
      Buffer.from(world.root, "hex").copy(program, at);
      return program.toString("base64");
    });
    return route.fulfill({ body, contentType: "text/javascript; charset=utf-8" });
  });

// The request's transaction as a node has it before the answer.
function unanswered(text) {
  const answer = JSON.parse(text);
  const outcomes = answer.result?.receipts_outcome ?? [];
  const end = outcomes.findIndex(({ outcome }) => outcome.logs.some((log) => log.includes("execution_completed")));
  if (answer.result?.transaction?.hash !== world.good.transaction_hash || end < 0) return text;
  return JSON.stringify({ ...answer, result: { ...answer.result, receipts_outcome: outcomes.slice(0, end) } });
}

export const tests = {
  async "what a browser verifies by itself"() {
    const page = await open(at(executionPath(world.good)));
    await page.getByRole("link", { name: "Have this browser verify it" }).click();
    const found = await verdicts(page);
    equal("what was asked, answered, run and built holds", found, {
      "The request": "Passed",
      "The input": "Passed",
      "The answer": "Passed",
      "The output": "Passed",
      "The module": "Passed",
      "The build's record": "Passed",
      "The digest": "Passed",
      "Who answered": "Passed",
      "The key's registration": "Not checkable",
      "The quote": "Not checkable",
    });
    const text = await page.locator("main").innerText();
    check("what is not attested is said to be so", text.includes("the operator's word alone"), text);
    check("nothing is called valid", !/valid\b/i.test(text.replace(/Valid until/g, "")), text);
    await steps(page).nth(4).locator("summary").click();
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      steps(page)
        .nth(4)
        .getByRole("button", { name: /Download .*\.wasm/ })
        .click(),
    ]);
    equal("the module is there to be looked at", file.suggestedFilename(), `${world.good.wasm_hash}.wasm`);
    equal("without an account", await page.getByRole("button", { name: "Make an account" }).count(), 0);
    equal("only the coordinator and its chain were asked", [...page.asked].sort(), [world.url, world.rpc].sort());
    equal("nothing was complained about: verification", page.complaints, []);
    await page.getByRole("link", { name: "Secrets", exact: true }).click();
    await page.getByRole("heading", { name: "Secrets", exact: true }).waitFor();
    const ran = await page.evaluate(() =>
      WebAssembly.compile(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)).then(
        () => "ran",
        () => "refused",
      ),
    );
    equal("and the next page may run no WebAssembly", ran, "refused");
    await done(page);
  },

  async "a page that is opened before the chain's node has the answer"() {
    let isLate = true;
    const page = await open(pageOf(world.good), {}, (page) =>
      chain(page, (text) => (isLate ? unanswered(text) : text)),
    );
    const early = await verdicts(page);
    equal("nobody is accused for it", [failing(early), early["The answer"]], [[], "Not checkable"]);
    await page.getByText("this page waits for the chain").waitFor();
    isLate = false;
    await page.locator("h2", { hasText: /The answer\s*Passed/ }).waitFor();
    equal("and it is looked at when it comes", failing(await verdicts(page)), []);
    await done(page);
  },
};

// Nothing is changed by these.
export const looks = {
  async "records that were tampered with"() {
    const names = ["The request", "The input", "The answer", "The module", "The build's record", "The digest"];
    await everywhere(
      pageOf(world.good),
      "verification-tampered",
      async (page) => equal("each is found, and named", failing(await verdicts(page)), names),
      async (page) => {
        await page.route("**/public/executions/**", (route) =>
          changed(route, (text) => {
            const told = JSON.parse(text);
            told.digest_parts.input_hash = flipped(told.digest_parts.input_hash);
            return JSON.stringify({ ...told, payment: "1", charged: "0" });
          }),
        );
        await page.route("**/wasm/*", (route) => route.fulfill({ body: Buffer.from("\0asm\x01\0\0\0") }));
        await page.route("**/public/wasm/info*", (route) =>
          changed(route, (text) => text.replace(/"toolchain":"./g, '"toolchain":"_')),
        );
      },
    );
    const page = await open(pageOf(world.good), {}, (page) =>
      chain(page, (text) => {
        const value = (output) => `"SuccessValue":"${Buffer.from(JSON.stringify(output)).toString("base64")}"`;
        return text.replaceAll(value(world.good.output), value('{"random_number":0}'));
      }),
    );
    equal("an output that is not what was promised is found", failing(await verdicts(page)), ["The output"]);
    await done(page);
    const other = await open(pageOf(world.good), {}, (page) =>
      page.route("**/public/executions/**", (route) =>
        changed(route, (text) => {
          const told = JSON.parse(text);
          const digest_parts = { ...told.digest_parts, measurement: `tdx:${"ab".repeat(32)}` };
          return JSON.stringify({ ...told, digest_parts });
        }),
      ),
    );
    equal("and so is a measurement that the worker did not name", failing(await verdicts(other)), ["The digest"]);
    await done(other);
  },

  async "the quote of a registered key"() {
    await everywhere(
      pageOf(world.good),
      "verification-quote",
      async (page) => {
        const found = await verdicts(page);
        equal("a simulator's quote proves nothing", [failing(found), found["The quote"]], [[], "Not checkable"]);
        const registration = steps(page).filter({ hasText: "The key's registration" });
        check(
          "the register contract is the one that these pages were built with",
          (await registration.locator("> p").first().innerText()).includes("a root key that is not Intel's"),
          await registration.innerText(),
        );
        await steps(page).last().locator("summary").click();
        const text = await steps(page).last().innerText();
        check(
          "and is checked to the root that is believed",
          text.includes("accepted") && text.includes("UpToDate"),
          text,
        );
        check("for this key and these contracts", /Made for this key[^\n]*\s+yes/.test(text), text);
        check("which is said to be nobody's", text.includes("everybody can make such quotes"), text);
      },
      (page) => chain(page, asRegistered),
    );
    await everywhere(
      pageOf(world.good),
      "verification-passed",
      async (page) => {
        const found = Object.entries(await verdicts(page));
        equal("a machine of the root that is built in passes every step", found.length, 10);
        equal(
          "and none but that",
          found.filter(([, verdict]) => verdict !== "Passed"),
          [],
        );
        const text = await page.locator("main").innerText();
        check(
          "it is said who vouches for what",
          text.includes("the quote was made there for this key") && !text.includes("operator's word alone"),
          text,
        );
      },
      async (page) => {
        await chain(page, asRegistered);
        await believesIntel(page);
        await builtForSimulator(page);
      },
    );
    const pretended = await open(pageOf(world.good), {}, async (page) => {
      await chain(page, asRegistered);
      await believesIntel(page);
    });
    equal("a contract that only says so has registered a forged quote", failing(await verdicts(pretended)), [
      "The quote",
    ]);
    await done(pretended);
    const [changedQuote, otherKey] = [
      (args) => ({ ...args, tdx_quote_hex: args.tdx_quote_hex.replace(/^(.{1200}).{8}/, "$100000000") }),
      (args) => ({ ...args, tdx_quote_hex: world.other_quote }),
    ];
    for (const [name, change] of [
      ["a quote that was changed", changedQuote],
      ["a quote that was made for another purpose", otherKey],
    ]) {
      const page = await open(pageOf(world.good), {}, (page) =>
        chain(page, (text) =>
          asRegistered(text).replace(/"args":"([A-Za-z0-9+/=]{9000,})"/g, (_, args) => {
            const given = JSON.parse(Buffer.from(args, "base64"));
            return `"args":"${Buffer.from(JSON.stringify(change(given))).toString("base64")}"`;
          }),
        ),
      );
      equal(`${name} is found`, failing(await verdicts(page)), ["The quote"]);
      await done(page);
    }
  },

  async "states of a verification"() {
    await everywhere(pageOf(world.good), "verification", finished);
    await everywhere(pageOf(world.failed), "verification-failed-run", async (page) => {
      const found = await verdicts(page);
      equal(
        "a failure has no output to compare, and a digest",
        [failing(found), found["The output"], found["The digest"]],
        [[], "Not checkable", "Passed"],
      );
    });
    await everywhere(
      pageOf(world.good),
      "verification-away",
      (page) => page.getByText("Nothing was checked").waitFor(),
      (page) => page.route(`${world.rpc}/**`, (route) => route.abort()),
    );
    const page = await open(at(`/executions/${world.contract}/999999/verification`));
    await page.getByText("does not know this execution").waitFor();
    equal("nothing else was complained about: an unknown one", unexpected(page), []);
    await done(page);
  },
};
