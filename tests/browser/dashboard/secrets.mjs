// SPDX-License-Identifier: Apache-2.0
// Secrets: sealed in the browser, used by a program, changed and deleted; and where a value must never be.
import { audit, check, done, equal, everywhere, open, picture } from "./kit.mjs";
import { places, recording } from "./search.mjs";
import { makeAccount } from "./wallet.mjs";
import { answer, at, world } from "./world.mjs";

const VALUE = "plain-7f3a9c51-secret";
const list = (page) => page.locator(".secret-list li");

async function begin(page) {
  await page.getByRole("button", { name: "New secrets" }).click();
  await page.getByLabel("Repository").fill(world.hmac.repo);
  await page.getByLabel("Profile").fill("prod");
  await page.getByLabel("Name 1").fill("API_KEY");
  await page.getByLabel("Value 1").fill(VALUE);
}

export const tests = {
  async "the way of a secret"() {
    let sent;
    const page = await open(at("/secrets"), {}, (p) => {
      sent = recording(p);
    });
    const account = await makeAccount(page);
    await page.getByText("no secrets yet").waitFor();
    await begin(page);
    await page.getByRole("button", { name: "Seal and store" }).click();
    await page.getByText("Name at least one account").first().waitFor();
    equal("a value is not shown", await page.getByLabel("Value 1").getAttribute("type"), "password");
    await page.getByLabel("Accounts").fill(`${account},\nalice.test.near`);
    await page.getByLabel("Would this account pass now?").fill("bob.test.near");
    await page.getByRole("button", { name: "Ask the chain" }).click();
    await page.getByText("No: bob.test.near does not pass").waitFor();
    await page.getByLabel("Would this account pass now?").fill("alice.test.near");
    await page.getByRole("button", { name: "Ask the chain" }).click();
    await page.getByText("Yes: alice.test.near passes").waitFor();
    await page.getByRole("button", { name: "Let the keystore make one" }).click();
    await page.getByLabel("Name of generated 1").fill("PROTECTED_TOKEN");
    await page.getByText("As JSON, and by command").click();
    const command = await page.getByLabel("outlayer", { exact: true }).innerText();
    check(
      "the command that does the same names the row, and no value",
      command.includes(`outlayer secrets set`) && command.includes(world.hmac.repo) && command.includes(account),
      command,
    );
    await audit(page, "the form of secrets");
    await picture(page, "secrets-form-wide-light");
    await page.getByRole("button", { name: "Seal and store" }).click();
    await page.getByText("The secrets are stored on the chain").waitFor();
    equal("the row is listed", await list(page).count(), 1);
    const row = await list(page).innerText();
    check("with its condition", row.includes(account) && row.includes("alice.test.near") && row.includes("prod"), row);
    equal("the value is nowhere, in no form", await places(page, sent, VALUE), []);
    await audit(page, "a row of secrets");
    await picture(page, "secrets-wide-light");

    await page.goto(at("/playground"));
    await page.getByLabel("Repository").fill(world.hmac.repo);
    await page.getByLabel("Branch, tag or commit").fill(world.hmac.ref);
    await page.getByLabel("Input", { exact: true }).fill("hello");
    await page.getByLabel("Secrets of").fill(account);
    await page.getByLabel("Their profile").fill("prod");
    await page.getByText(/At least .* NEAR must be attached/).waitFor();
    await page.getByRole("button", { name: "Run it" }).click();
    await page.getByText("ended well").waitFor();
    const { createHmac } = await import("node:crypto");
    const want = createHmac("sha256", VALUE).update("hello").digest("hex");
    await page.getByText(want).waitFor();
    check("a program that may use it has it", true);

    await page.goto(at("/secrets"));
    await page.getByRole("button", { name: /^Change access/ }).click();
    const dialog = page.getByRole("dialog");
    equal(
      "the condition is there as it was",
      await dialog.getByLabel("Accounts").inputValue(),
      `${account}\nalice.test.near`,
    );
    await dialog.getByLabel("Accounts").fill("bob.test.near");
    await dialog.getByRole("button", { name: "Change the condition" }).click();
    await page.getByText("The condition is changed on the chain").waitFor();
    check("access alone is changed", (await list(page).innerText()).includes("bob.test.near"));

    await page.getByRole("button", { name: /^Replace values/ }).click();
    await page.getByLabel("Name 1").fill("API_KEY");
    await page.getByLabel("Value 1").fill("another value");
    await page.getByRole("button", { name: "Replace the values" }).click();
    await page.getByText("The secrets are stored on the chain").waitFor();
    const after = await list(page).innerText();
    check(
      "new values open the row to nobody else",
      after.includes("bob.test.near") && !after.includes("everybody"),
      after,
    );

    await page.getByRole("button", { name: /^Delete/ }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText(/The row is deleted; .* NEAR came back/).waitFor();
    await page.getByText("no secrets yet").waitFor();
    equal("only the coordinator and its chain were asked", [...page.asked].sort(), [world.url, world.rpc].sort());
    equal("nothing was complained about: secrets", page.complaints, []);
    await done(page);
  },

  async "a value that was not stored is nowhere afterwards"() {
    let sent;
    const page = await open(at("/secrets"), {}, (p) => {
      sent = recording(p);
    });
    const account = await makeAccount(page);
    equal("what a page has is found where it is", await places(page, sent, account), ["sent", "kept", "heap"]);
    const base64 = (text) => Buffer.from(text).toString("base64");
    for (const text of [VALUE, `.${VALUE}.`, `{"k":"${VALUE}"}`, `${VALUE}..`])
      equal("in base64 at any place, too", await places(page, [base64(text)], VALUE), ["sent"]);
    await page.route("**/secrets/pubkey", (route) => route.abort());
    await begin(page);
    await page.getByLabel("Accounts").fill("alice.test.near");
    await page.getByRole("button", { name: "Seal and store" }).click();
    await page.getByRole("alert").waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByLabel("Value 1").waitFor({ state: "detached" });
    equal("after a failure and Cancel", await places(page, sent, VALUE), []);
    await begin(page);
    await page.getByRole("link", { name: "Workers" }).click();
    await page.getByRole("heading", { name: "Workers" }).waitFor();
    equal("after the page was left", await places(page, sent, VALUE), []);
    await done(page);
  },

  async "what is refused at once"() {
    const page = await open(at("/secrets"));
    await makeAccount(page);
    await begin(page);
    await page.getByLabel("Accounts").fill("alice.test.near");
    for (const [name, words] of [
      ["PROTECTED_X", "are made inside the keystore"],
      ["NEAR_SENDER_ID", "This name is reserved"],
      ["1A", "no digit first"],
    ]) {
      await page.getByLabel("Name 1").fill(name);
      await page.getByRole("button", { name: "Seal and store" }).click();
      await page.getByText(words).first().waitFor();
      check(`${name} is refused with a sentence`, true);
    }
    await page.getByLabel("Name 1").fill("NEAR_REQUEST_ID");
    await page.locator(".value .wrong", { hasText: "This name is reserved" }).waitFor();
    check("already while it is typed, before anything is sent", true);
    await audit(page, "a reserved name");
    await page.getByLabel("Name 1").fill("API_KEY");
    await page.locator(".value .wrong", { hasText: "reserved" }).waitFor({ state: "detached" });
    check("and the refusal does not say the value", !(await page.getByRole("alert").innerText()).includes(VALUE));
    await page.getByLabel("Callers").selectOption("AccountPattern");
    for (const [pattern, account, words] of [
      ["(a+)+b", "a".repeat(60), "the pattern takes too long"],
      [".*\\.test\\.near", "bob.test.near", "Yes: bob.test.near passes"],
      [".*\\.test\\.near", "bob.near", "No: bob.near does not pass"],
    ]) {
      await page.getByLabel("Pattern").fill(pattern);
      await page.getByLabel("Would this account pass now?").fill(account);
      await page.getByRole("button", { name: "Ask the chain" }).click();
      equal("the page goes on while a pattern is matched", await page.evaluate(() => 1 + 1), 2);
      await page.getByText(words).waitFor();
    }
    equal("nothing was complained about: patterns", page.complaints, []);
    await page.getByLabel("Callers").selectOption("NearBalance");
    await page.getByLabel("NEAR", { exact: true }).pressSequentially("1.05");
    equal("an amount stays as it is typed", await page.getByLabel("NEAR", { exact: true }).inputValue(), "1.05");
    await page.getByText("That is: accounts with at least 1.05 NEAR.").waitFor();
    await done(page);
  },

  async "a pattern is not blamed for a script that loads slowly, or not at all"() {
    const page = await open(at("/secrets"));
    await makeAccount(page);
    await page.getByRole("button", { name: "New secrets" }).click();
    await page.getByLabel("Callers").selectOption("AccountPattern");
    await page.getByLabel("Pattern").fill(".*\\.test\\.near");
    await page.getByLabel("Would this account pass now?").fill("bob.test.near");
    let load;
    const asked = new Promise((ok) =>
      page.route("**/assets/pattern_worker*", (route) => ok((load = () => route.continue()))),
    );
    await page.clock.install();
    await page.getByRole("button", { name: "Ask the chain" }).click();
    await asked;
    await page.clock.runFor(10_000);
    const said = page.locator(".would").getByRole("status");
    equal("nothing is said yet", await said.innerText(), "");
    await load();
    await said.getByText("Yes: bob.test.near passes").waitFor();
    check("and then what is so", true);
    await page.unroute("**/assets/pattern_worker*");
    await page.route("**/assets/pattern_worker*", (route) => route.abort());
    await page.getByRole("button", { name: "Ask the chain" }).click();
    await said.getByText("Not known: what matches patterns does not load").waitFor();
    check("no is not said where nothing was matched", true);
    await done(page);
  },

  async "a coordinator that lies about the key"() {
    const page = await open(at("/secrets"));
    await makeAccount(page);
    const sent = [];
    page
      .context()
      .on("request", (r) => r.method() === "POST" && r.url().startsWith(world.rpc) && sent.push(r.postData()));
    await page.route("**/secrets/pubkey", async (route) => {
      const real = await (await route.fetch()).json();
      await route.fulfill(answer({ ...real, pubkey: "09" + "00".repeat(31) }));
    });
    await begin(page);
    await page.getByLabel("Accounts").fill("alice.test.near");
    const before = sent.filter((body) => body.includes("send_tx") || body.includes("broadcast")).length;
    await page.getByRole("button", { name: "Seal and store" }).click();
    await page.getByText("is not signed by the keystore").waitFor();
    check(
      "is found out, and nothing is sent",
      sent.filter((b) => b.includes("send_tx") || b.includes("broadcast")).length === before,
    );
    await done(page);
  },
};

// Nothing is changed by these.
export const looks = {
  async "states of secrets"() {
    await everywhere(at("/secrets"), "secrets-nobody", (page) => page.getByText("Whose secrets?").waitFor());
    await everywhere(
      at("/secrets"),
      "secrets-none",
      (page) => page.getByText("has no keystore").waitFor(),
      (page) =>
        page.route("**/public/config", async (route) => {
          const real = await (await route.fetch()).json();
          await route.fulfill(answer({ ...real, keystore: false }));
        }),
    );
  },
};
