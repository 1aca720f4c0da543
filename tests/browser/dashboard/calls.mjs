// SPDX-License-Identifier: Apache-2.0
// Calls of contracts that ask by themselves: what a wallet says nothing of.
import { audit, check, done, equal, open, unexpected } from "./kit.mjs";
import { connect, frameOf, ours } from "./connect.mjs";
import { chooser, flip, offered } from "./presets.mjs";
import { answer, list, lists, world } from "./world.mjs";

const random = {
  id: "random",
  title: "A random number",
  what: null,
  request: {
    repo: world.repo.repo,
    commit: world.repo.ref,
    build_target: "wasm32-wasip1",
    input: "{}",
    response_format: "Text",
    secrets_ref: null,
    resource_limits: null,
  },
  call: null,
};

export const tests = {
  async "a call that a wallet says nothing of"() {
    const page = await open(`${world.connect}/playground?preset=flip`, {}, async (p) => {
      await offered([flip, random])(p);
      await p.route(lists, (route) => route.fulfill(answer(list([]))));
    });
    await connect(page, "Late");
    await ours(page).waitFor();
    const args = page.getByLabel("Arguments");
    await args.fill('{ "choice": "Heads", "n": 18446744073709551615 }');
    await page.getByRole("button", { name: "Call it" }).click();
    await page.getByText("A wallet would not keep 18446744073709551615").waitFor();
    equal("what a wallet would change is named at its field", await args.getAttribute("aria-invalid"), "true");
    await args.fill('{ "choice": "Heads" }');
    await page.getByRole("button", { name: "Call it" }).click();
    await frameOf(page).getByRole("button", { name: "Continue" }).click();
    await page.getByText("What came back: “504").waitFor();
    check("blanks keep nobody from asking a wallet", true);
    const note = page.locator(".note").filter({ hasText: "does not say whether it sent" });
    const text = await note.innerText();
    check("nobody is told to pay twice", text.includes("pay for it twice"), text);
    check("nor that something could not be read", !text.includes("could not be read"), text);
    equal(
      "it leads to where the contract's requests are recorded",
      await note.getByRole("link").getAttribute("href"),
      `/executions?${new URLSearchParams({ contract: world.contract, sender: world.coin })}`,
    );
    await audit(page, "a lost call");
    await chooser(page).getByRole("button", { name: "A random number" }).click();
    await page.getByLabel("Repository").waitFor();
    equal("another example takes no warning away", await note.innerText(), text);
    equal("nothing was complained about: a lost call", unexpected(page), []);
    await done(page);
  },
};
