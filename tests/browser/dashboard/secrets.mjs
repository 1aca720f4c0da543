// SPDX-License-Identifier: Apache-2.0
// Secrets: sealed in the browser, used by a program, changed and deleted; and where a value must never be.
import { audit, check, done, equal, everywhere, open, picture } from "./kit.mjs";
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

// Each place that outlives the form: requests, addresses, storage, the document and the console.
async function searched(page, sent) {
  const inside = await page.evaluate(async () => {
    const databases = await indexedDB.databases();
    return [
      location.href,
      document.documentElement.outerHTML,
      JSON.stringify({ ...localStorage }),
      JSON.stringify({ ...sessionStorage }),
      JSON.stringify(history.state),
      JSON.stringify(databases),
      [...document.querySelectorAll("input, textarea")].map((field) => field.value).join("\n"),
    ].join("\n");
  });
  return [inside, ...sent].join("\n");
}

export const tests = {
  async "the way of a secret"() {
    const sent = [];
    const page = await open(at("/secrets"), {}, (p) => {
      p.context().on("request", (r) => sent.push(`${r.url()} ${r.postData() ?? ""}`));
      p.on("console", (m) => sent.push(m.text()));
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
    check("the value is nowhere", !(await searched(page, sent)).includes(VALUE));
    check(
      "and not in base64 or hexadecimal",
      [btoa(VALUE), Buffer.from(VALUE).toString("hex")].every((t) => !sent.join("\n").includes(t)),
    );
    await page.getByText("As JSON, and by command").click();
    const rows = JSON.parse(await page.getByLabel("rows as JSON", { exact: true }).innerText());
    equal(
      "the rows are there as JSON",
      [rows.length, rows[0].profile, "Whitelist" in rows[0].access],
      [1, "prod", true],
    );
    check("without anything that is sealed in them", !("encrypted_secrets" in rows[0]), Object.keys(rows[0]));
    const listed = await page.getByLabel("near-cli-rs", { exact: true }).innerText();
    check("and the command that reads them", listed.includes("list_user_secrets") && listed.includes(account), listed);
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
    check("and the refusal does not say the value", !(await page.getByRole("alert").innerText()).includes(VALUE));
    await page.getByLabel("Callers").selectOption("NearBalance");
    await page.getByLabel("NEAR", { exact: true }).pressSequentially("1.05");
    equal("an amount stays as it is typed", await page.getByLabel("NEAR", { exact: true }).inputValue(), "1.05");
    await page.getByText("That is: accounts with at least 1.05 NEAR.").waitFor();
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
