// SPDX-License-Identifier: Apache-2.0
// The wallet of a local chain.
import { audit, check, done, equal, open, picture } from "./kit.mjs";
import { at, world } from "./world.mjs";

// The name of a new account of this browser.
export async function makeAccount(page) {
  await page.getByRole("button", { name: "Make an account" }).click();
  await page.getByRole("button", { name: /^web-/ }).click();
  const account = await page.getByRole("dialog", { name: "Your account" }).locator("code").first().innerText();
  await page.keyboard.press("Escape");
  return account;
}

export const tests = {
  async "the local wallet"() {
    const page = await open(at("/"));
    await page.getByRole("button", { name: "Make an account" }).click();
    await page.getByRole("button", { name: /^web-/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("100 NEAR").waitFor();
    const account = await dialog.locator("code").first().innerText();
    await audit(page, "the account");
    await picture(page, "account-wide-light");
    await page.keyboard.press("Escape");
    equal("Escape closes it", await dialog.isVisible(), false);
    await page.reload();
    await page.getByRole("button", { name: /^web-/ }).waitFor();
    check("the account lasts over a reload", account.startsWith("web-") && account.endsWith(".test.near"), account);
    const kept = await page.evaluate(async () => {
      const database = await new Promise((ok) => {
        const request = indexedDB.open("outlayer-wallet");
        request.onsuccess = () => ok(request.result);
      });
      const all = await new Promise((ok) => {
        const request = database.transaction("accounts").objectStore("accounts").getAll();
        request.onsuccess = () => ok(request.result);
      });
      const [{ privateKey }] = all;
      return [
        privateKey.extractable,
        await crypto.subtle.exportKey("pkcs8", privateKey).then(
          () => 1,
          (e) => e.name,
        ),
      ];
    });
    equal("nobody reads the key out of the browser", kept, [false, "InvalidAccessError"]);
    await page.getByRole("button", { name: /^web-/ }).click();
    await page.getByRole("button", { name: "Forget this account" }).click();
    await page.getByRole("button", { name: "Make an account" }).waitFor();
    equal("only the coordinator and its chain were asked", [...page.asked].sort(), [world.url, world.rpc].sort());
    equal("nothing was complained about: the wallet", page.complaints, []);
    await done(page);
  },
};
