// SPDX-License-Identifier: Apache-2.0
// What the playground begins with, and a request that is sent before anybody has said what it costs.
import { audit, check, done, equal, everywhere, open, picture } from "./kit.mjs";
import { connect, ours } from "./connect.mjs";
import { makeAccount } from "./wallet.mjs";
import { answer, at, hostile, list, lists, world } from "./world.mjs";

const result = (page) => page.getByRole("region", { name: "The request" });
export const chooser = (page) => page.getByRole("group", { name: "Begin with" });
const estimates = (page) => page.getByText(/At least .* NEAR must be attached/);
export const flip = {
  id: "flip",
  title: "Heads or tails",
  what: "A contract asks for a coin.",
  request: null,
  call: {
    contract_id: world.coin,
    method_name: "flip",
    args: '{"choice":"Heads"}',
    deposit: "100000000000000000000000",
    gas: 300000000000000,
  },
};
export const offered = (examples) => (page) =>
  page.route("**/public/examples", (route) => route.fulfill(answer({ examples })));
const long = Array.from({ length: 64 }, (_, i) => ({
  ...flip,
  id: `flip-${i}`,
  title: `${i} <b>\u202e${"w".repeat(900)}`,
  what: "w".repeat(1000),
}));

// What the chain is asked for the estimate waits for, or fails.
const holdEstimates = (page, until) =>
  page.route(`${world.rpc}/**`, async (route) => {
    if (!route.request().postData()?.includes("estimate_execution_cost")) return route.continue();
    return (await until) ? route.continue() : route.abort();
  });

export const tests = {
  async "an example fills the form once, and its address is its own"() {
    const page = await open(at("/playground?preset=stats-c"));
    await makeAccount(page);
    equal(
      "the one that the address names is there",
      await page.getByLabel("Input", { exact: true }).inputValue(),
      '{"numbers":[3,1,2]}',
    );
    equal("and no other is", await chooser(page).locator("[aria-pressed=true]").innerText(), "A calculation, in C");
    await page.getByLabel("Input", { exact: true }).fill('{"numbers":[4,4]}');
    await page.getByLabel("Running, seconds").fill("59");
    await page.getByRole("button", { name: "Run it" }).click();
    await result(page).getByText("ended well").waitFor();
    const text = await result(page).innerText();
    check("what was changed was sent", text.includes('"sum": 8') || text.includes('"sum":8'), text);
    equal("and stays in the form", await page.getByLabel("Input", { exact: true }).inputValue(), '{"numbers":[4,4]}');
    check("the address has both", /preset=stats-c&transaction=/.test(page.url()), page.url());
    await page.getByRole("button", { name: "A random number, in C" }).click();
    await page.waitForURL(/preset=random-c/);
    equal(
      "another one takes its place when it is chosen",
      await page.getByLabel("Input", { exact: true }).inputValue(),
      '{"min":1,"max":100}',
    );
    await page.reload();
    await result(page).getByText("ended well").waitFor();
    check("what was sent is not lost by that", /preset=random-c&transaction=/.test(page.url()), page.url());
    await page.getByRole("button", { name: "A calculation, in C" }).click();
    await page.goBack();
    await chooser(page).locator("[aria-pressed=true]").getByText("A random number, in C").waitFor();
    equal(
      "and Back brings the one before",
      await page.getByLabel("Input", { exact: true }).inputValue(),
      '{"min":1,"max":100}',
    );
    await page.goto(at("/playground?preset=none"));
    await page.getByText("There is no example “none” here").waitFor();
    check("one that is not there is told", true);
    await page.goto(at("/playground"));
    await chooser(page).waitFor();
    const what = chooser(page).locator("[aria-live]");
    equal("nothing is said of an example before one is chosen", await what.allInnerTexts(), [""]);
    const place = await what.elementHandle();
    await page.getByRole("button", { name: "A random number, in C" }).click();
    await what.filter({ hasText: /./ }).waitFor();
    check("what one is comes where readers of screens listen already", (await place.innerText()) !== "");
    equal("nothing was complained about: examples", page.complaints, []);
    await done(page);
  },

  async "a call of a contract that asks by itself"() {
    const page = await open(at("/playground?preset=flip"), {}, offered([flip]));
    await makeAccount(page);
    const form = page.locator("form");
    check("contract and method are told", (await form.innerText()).includes(world.coin), await form.innerText());
    equal("and are no fields", await form.locator("input, textarea").count(), 3);
    equal("the deposit is exact", await page.getByLabel("Deposit, NEAR").inputValue(), "0.1");
    await page.getByLabel("Arguments").fill("[");
    await page.getByRole("button", { name: "Call it" }).click();
    await page.getByText("Arguments are a JSON object").waitFor();
    await page.getByLabel("Arguments").fill('{"choice":"Tails"}');
    await page.getByLabel("Deposit, NEAR").fill("0.01");
    await page.getByRole("button", { name: "Call it" }).click();
    await result(page).getByText("The contract refused the call. Nothing was charged").waitFor();
    check("a refusal of the called contract is one", (await result(page).innerText()).includes("A flip costs"));
    await page.getByLabel("Deposit, NEAR").fill("0.1");
    await audit(page, "a call");
    await picture(page, "playground-call-wide-light");
    await page.getByRole("button", { name: "Call it" }).click();
    await result(page).getByText("ended well").waitFor();
    const text = await result(page).innerText();
    check("what the contract asked for is followed to its answer", text.includes("random_number"), text);
    equal("only the coordinator and its chain were asked", [...page.asked].sort(), [world.url, world.rpc].sort());
    await done(page);
  },

  async "an example that does not come at once"() {
    let away = true;
    const page = await open(at("/playground?preset=random-c"), {}, (p) =>
      p.route("**/public/examples", (route) => (away ? route.abort() : route.continue())),
    );
    await page.getByRole("alert").waitFor();
    equal("nothing can be typed that it would take the place of", await page.getByLabel("Repository").count(), 0);
    away = false;
    await chooser(page).waitFor();
    equal(
      "it fills the form when it comes",
      await page.getByLabel("Input", { exact: true }).inputValue(),
      '{"min":1,"max":100}',
    );
    await done(page);
  },

  async "a request that is sent before its estimate is there"() {
    let tell;
    const told = new Promise((later) => (tell = later));
    const page = await open(at("/playground?preset=random-c"), {}, (p) => holdEstimates(p, told));
    await makeAccount(page);
    await page.getByLabel("Instructions").fill("100000000000");
    await page.getByRole("button", { name: "Run it" }).click();
    await page.getByRole("button", { name: "Sending…" }).waitFor();
    equal("nothing is said to cost what it does not", await estimates(page).count(), 0);
    check(
      "and no other form can take the place of the one that is sent",
      await chooser(page).getByRole("button", { name: "A calculation, in C" }).isDisabled(),
    );
    tell(true);
    await result(page).getByText("ended well").waitFor();
    check("it is sent with the deposit of its own limits", true);
    await done(page);
    const away = await open(at("/playground?preset=random-c"), {}, (p) => holdEstimates(p, Promise.resolve(false)));
    await makeAccount(away);
    await away.getByRole("button", { name: "Run it" }).click();
    await away
      .getByRole("alert")
      .getByText("does not answer")
      .or(away.getByRole("alert").getByText("answers"))
      .first()
      .waitFor();
    check("a chain that does not say it is told", true);
    equal("and nothing is sent", await result(away).count(), 0);
    await done(away);
  },

  async "whose requests are offered"() {
    const whose = new Set();
    const page = await open(`${world.connect}/playground`, {}, (p) =>
      p.route(lists, (route) => {
        whose.add(new URL(route.request().url()).searchParams.get("sender"));
        return route.fulfill(answer(list([hostile])));
      }),
    );
    const before = page.getByLabel("Asked for lately");
    await estimates(page).waitFor(); // the form asks for a list, if it does, before it asks for the estimate
    equal("strangers' repositories are not even asked for, on a public network", [...whose], []);
    await connect(page, "Honest");
    await ours(page).waitFor();
    await before.waitFor();
    equal("one's own are", [...whose], ["alice.test.near"]);
    await done(page);
    const local = await open(at("/playground"));
    await local.getByLabel("Asked for lately").waitFor();
    check("on a local chain all are one's own", true);
    await done(local);
  },
};

// Nothing is changed by these.
export const looks = {
  async "states of examples"() {
    const shown = (page) => chooser(page).waitFor();
    await everywhere(at("/playground?preset=random-c"), "playground-example", shown);
    await everywhere(at("/playground?preset=flip-3"), "playground-examples-long", shown, offered(long));
    await everywhere(
      at("/playground?preset=random-c"),
      "playground-examples-error",
      (page) => page.getByRole("alert").waitFor(),
      (page) => page.route("**/public/examples", (route) => route.abort()),
    );
  },
};
