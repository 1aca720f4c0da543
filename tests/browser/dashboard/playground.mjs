// SPDX-License-Identifier: Apache-2.0
// The playground: a request from the form to its answer, with the local wallet's own key; what is wrong, and refusals.
import { audit, check, done, equal, everywhere, open, picture } from "./kit.mjs";
import { makeAccount } from "./wallet.mjs";
import { at, executionPath, world } from "./world.mjs";

const result = (page) => page.getByRole("region", { name: "The request" });

async function fill(page, { repo = world.repo, input = '{"min":7,"max":7}' } = {}) {
  await page.getByLabel("Repository").fill(repo.repo);
  await page.getByLabel("Branch, tag or commit").fill(repo.ref);
  await page.getByLabel("Input", { exact: true }).fill(input);
}

export const tests = {
  async "a request from the form to its answer"() {
    const page = await open(at("/playground"));
    await makeAccount(page);
    await page.getByRole("button", { name: "Run it" }).click();
    await page.getByText("Which repository is to be run?").waitFor();
    equal(
      "the first wrong field has the focus",
      await page.evaluate(() => document.activeElement?.getAttribute("name")),
      "repo",
    );
    await fill(page);
    await page.getByText(/At least .* NEAR must be attached/).waitFor();
    await page.getByRole("button", { name: "Run it" }).click();
    await result(page).getByText("ended well").waitFor();
    const text = await result(page).innerText();
    check("its output is there", text.includes("7"), text);
    check("and what it cost", text.includes("base fee") && text.includes("Refunded to web-"), text);
    await audit(page, "a result");
    await picture(page, "playground-result-wide-light");
    await page.reload();
    await result(page).getByText("ended well").waitFor();
    check("a reload finds it again, by the address alone", page.url().includes("transaction="), page.url());
    const link = result(page).getByRole("link", { name: /Request #/ });
    await link.click();
    await page.getByRole("link", { name: "Run again" }).click();
    await page.getByLabel("Repository").waitFor();
    equal(
      "once more brings the input back",
      await page.getByLabel("Input", { exact: true }).inputValue(),
      '{"min":7,"max":7}',
    );
    equal("and the repository", await page.getByLabel("Repository").inputValue(), world.repo.repo);
    equal("only the coordinator and its chain were asked", [...page.asked].sort(), [world.url, world.rpc].sort());
    equal("nothing was complained about: the playground", page.complaints, []);
    await done(page);
  },

  async "a refusal in the contract's words"() {
    const page = await open(at("/playground"));
    await makeAccount(page);
    await fill(page);
    await page.getByLabel("Deposit, NEAR").fill("0.000000000000000000000001");
    await page.getByText(/At least .* NEAR must be attached/).waitFor();
    await page.getByRole("button", { name: "Run it" }).click();
    await result(page).getByText("The contract refused the request").waitFor();
    const text = await result(page).innerText();
    check("with its own words", /payment|deposit|attach/i.test(text), text);
    await done(page);
  },

  async "a program that fails"() {
    const page = await open(at("/playground"));
    await makeAccount(page);
    await fill(page, { repo: world.failing, input: "{}" });
    await page.getByText(/At least .* NEAR must be attached/).waitFor();
    await page.getByRole("button", { name: "Run it" }).click();
    await result(page).locator(".failure").waitFor();
    const text = await result(page).innerText();
    check("is a failure, with the guest's words", text.includes("told why") && text.includes("It has none"), text);
    await done(page);
  },
};

// Nothing is changed by these.
export const looks = {
  async "states of the playground"() {
    await everywhere(at("/playground"), "playground", (page) => page.getByText(/At least .* NEAR must be/).waitFor());
    await everywhere(
      at("/playground"),
      "playground-error",
      (page) => page.getByRole("alert").waitFor(),
      (page) => page.route("**/public/config", (route) => route.abort()),
    );
    const again = new URLSearchParams({
      like: world.good.transaction_hash,
      by: "alice.test.near",
      request: "999",
    });
    const page = await open(at(`/playground?${again}`));
    await page.getByRole("alert").waitFor();
    check("an earlier request that is not there is told", true);
    await page.goto(at(executionPath(world.good)));
    await page.getByRole("heading", { name: "Receipts" }).waitFor();
    await done(page);
  },
};
