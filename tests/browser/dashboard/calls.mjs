// SPDX-License-Identifier: Apache-2.0
// Calls of contracts that ask by themselves: what a wallet says nothing of, and what failed after the contract was paid.
import { audit, check, done, equal, open, unexpected } from "./kit.mjs";
import { connect, frameOf, ours } from "./connect.mjs";
import { chooser, flip, offered } from "./presets.mjs";
import { answer, at, list, lists, world } from "./world.mjs";

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

const outcome = (id, executor_id, receipt_ids, status) => ({
  id,
  block_hash: "b",
  outcome: { executor_id, gas_burnt: 1, logs: [], receipt_ids, status, tokens_burnt: "0" },
});
const FAILED = { Failure: { ActionError: { kind: { FunctionCallError: { ExecutionError: "no such coin" } } } } };
// The contract took its money, and what it called then failed.
const failed = {
  transaction: { hash: "h", signer_id: "alice.test.near", receiver_id: world.coin, actions: [] },
  transaction_outcome: outcome("h", "alice.test.near", ["a"], { SuccessReceiptId: "a" }),
  receipts: [],
  receipts_outcome: [
    outcome("a", world.coin, ["b"], { SuccessReceiptId: "b" }),
    outcome("b", "other.test.near", [], FAILED),
  ],
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

  async "a call that fails after its contract was paid"() {
    const page = await open(at("/playground?transaction=h&sender=alice.test.near"), {}, (p) =>
      p.route(`${world.rpc}/**`, (route) =>
        route.request().postData()?.includes("tx_status")
          ? route.fulfill(answer({ jsonrpc: "2.0", id: "1", result: failed }))
          : route.continue(),
      ),
    );
    const result = page.getByRole("region", { name: "The request" });
    await result.locator(".failure").waitFor();
    const text = await result.innerText();
    check("nobody is told that nothing was charged", !/refused|Nothing was charged/.test(text), text);
    check(
      "but who knows it, and why it failed",
      text.includes("its contract knows") && text.includes("no such coin"),
      text,
    );
    await audit(page, "a call that failed");
    await done(page);
  },
};
