// SPDX-License-Identifier: Apache-2.0
// The settings: an account of a credentials file, and what it has used.
import { readFileSync } from "node:fs";
import { audit, check, done, equal, everywhere, open, picture, unexpected } from "./kit.mjs";
import { at, world } from "./world.mjs";

const file = (body) => ({ name: "alice.json", mimeType: "application/json", buffer: Buffer.from(body) });
const bring = (page, body) => page.getByLabel("Or a credentials file").setInputFiles(file(body));

const asks = (page, key) =>
  page.evaluate(
    async (k) => (await fetch("/public/stats", { headers: { "X-API-Key": k }, cache: "no-store" })).status,
    key,
  );

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
    equal("as JSON, too", await page.getByRole("link", { name: "usage as JSON", includeHidden: true }).count(), 1);
    const secret = JSON.parse(alice).private_key.slice("ed25519:".length);
    check("its key went nowhere", !sent.join("\n").includes(secret.slice(0, 20)));
    check("and is nowhere in the page", !(await page.content()).includes(secret.slice(0, 20)));
    await page.reload();
    await page.getByRole("button", { name: "alice" }).waitFor();
    check("the account lasts over a reload", true);
    const licences = await page.getByRole("link", { name: "Licences" }).getAttribute("href");
    const told = await (await page.request.get(licences)).text();
    check(
      "the licences of what is bundled are there",
      ["react", "near-api-js", "@hot-labs/near-connect", "@hpke/core"].every((name) => told.includes(`${name} `)),
      told.slice(0, 200),
    );
    equal("nothing was complained about: settings", page.complaints, []);
    await done(page);
  },

  async "keys of an account"() {
    const page = await open(at("/settings"));
    await page.getByText("No account yet").waitFor();
    await bring(page, readFileSync(world.alice, "utf8"));
    await page.getByRole("button", { name: "Show my keys" }).click();
    await page.getByText("This account has no keys").waitFor();
    const said = await page.getByRole("region", { name: "API keys" }).innerText();
    check(
      "it is said what whoever has a key reads",
      ["standard error", "while they were built", "who asked for its secrets"].every((words) => said.includes(words)),
      said,
    );
    await page.getByRole("button", { name: "Make a key" }).click();
    await page.getByText("A name of 1 to 64").waitFor();
    await page.getByLabel("Name of a new key").fill('lap"top');
    await page.getByRole("button", { name: "Make a key" }).click();
    await page.getByText("It is shown this once").waitFor();
    const key = await page.locator(".note.good code").innerText();
    check("a key is shown once", /^olk_/.test(key), key.slice(0, 8));
    equal("and raises what its account may ask", await asks(page, key), 200);
    await audit(page, "a new key");
    await picture(page, "settings-key-wide-light");
    await page.getByRole("button", { name: "I have it" }).click();
    check("it is nowhere afterwards", !(await page.content()).includes(key));
    const list = page.getByRole("list", { name: "API keys" });
    equal("it is listed", await list.getByRole("listitem").count(), 1);
    await page.getByRole("button", { name: "Revoke" }).click();
    await page.getByRole("button", { name: /for good/ }).click();
    await page.getByText("This account has no keys").waitFor();
    equal("a revoked key is none", await asks(page, key), 401);
    equal("nothing was complained about: keys", unexpected(page), []);
    await done(page);
  },
};

// Nothing is changed by these.
export const looks = {
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
