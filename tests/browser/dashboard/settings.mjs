// SPDX-License-Identifier: Apache-2.0
// The settings: an account of a credentials file, and what it has used.
import { readFileSync } from "node:fs";
import { check, done, equal, everywhere, open } from "./kit.mjs";
import { at, world } from "./world.mjs";

const file = (body) => ({ name: "alice.json", mimeType: "application/json", buffer: Buffer.from(body) });
const bring = (page, body) => page.getByLabel("Or a credentials file").setInputFiles(file(body));

export const tests = {
  async "an account of a file"() {
    const alice = readFileSync(world.alice, "utf8");
    const page = await open(at("/settings"));
    await page.getByText("No account yet").waitFor();
    const sent = [];
    page.context().on("request", (r) => sent.push(`${r.url()} ${r.postData() ?? ""}`));
    for (const [body, words] of [
      ["{", "not a JSON object"],
      [alice.replace("alice.test.near", "bob.test.near"), "may not do everything for bob.test.near"],
    ]) {
      await bring(page, body);
      await page.getByText(words).waitFor();
      check(`a wrong file is refused: ${words}`, !(await page.locator("main").innerText()).includes("ed25519:"));
    }
    await bring(page, alice);
    await page.getByRole("button", { name: "alice" }).waitFor();
    await page.getByText("What it has used here").waitFor();
    const tiles = await page.locator(".tiles").innerText();
    check(
      "what it has used is counted",
      /Asked for\s+[1-9]/.test(tiles) && /Paid for\s+[1-9]/.test(tiles) && tiles.includes("NEAR"),
      tiles,
    );
    const secret = JSON.parse(alice).private_key.slice("ed25519:".length);
    check("its key went nowhere", !sent.join("\n").includes(secret.slice(0, 20)));
    check("and is nowhere in the page", !(await page.content()).includes(secret.slice(0, 20)));
    await page.reload();
    await page.getByRole("button", { name: "alice" }).waitFor();
    check("the account lasts over a reload", true);
    equal("nothing was complained about: settings", page.complaints, []);
    await done(page);
  },

  async "states of the settings"() {
    await everywhere(at("/settings"), "settings-nobody", (page) => page.getByText("No account yet").waitFor());
    const alice = readFileSync(world.alice, "utf8");
    await everywhere(at("/settings"), "settings", async (page) => {
      await page.getByText("No account yet").waitFor();
      await bring(page, alice);
      await page.locator(".tiles").waitFor();
    });
  },
};
