// SPDX-License-Identifier: Apache-2.0
// The page of workers: what they say of themselves, what the chain has registered, and a coordinator that says more than that.
import { check, done, equal, everywhere, open } from "./kit.mjs";
import { lying } from "./liar.mjs";
import { answer, at, rows, world } from "./world.mjs";

const workers = "**/public/workers";
const strangers = Array.from({ length: 60 }, (_, i) => ({
  worker_id: `worker-${"w".repeat(50)}-${i}`,
  status: ["online", "busy", "offline"][i % 3],
  last_seen_ms: i * 7000,
  last_heartbeat_at: "2026-01-01T00:00:00Z",
  capabilities: ["wasm32-wasip1", "<b>wasm32-wasip2</b>", "compilation", "execution"],
  building: i,
  version: "\u202e0.1",
  operator_id: `${"o".repeat(50)}.near`,
  public_key: `ed25519:${"k".repeat(44)}${i}`,
  started_at_ms: 1,
  more: { of: "anything" },
}));

// A contract of a stranger, which calls every key active.
const EVIL = { account: "evil.test.near", key: "ed25519:EviLKey11111111111111111111111111111111111" };
const believes = (page) =>
  page.route(`${world.rpc}/**`, (route) => {
    const { params } = JSON.parse(route.request().postData() ?? "{}");
    if (params?.account_id !== EVIL.account) return route.continue();
    const row = { public_key: EVIL.key, state: "active", rtmr3: "00", valid_until: 1e10, tcb_status: "UpToDate" };
    const result = [...Buffer.from(JSON.stringify(params.method_name === "get_workers" ? [row] : []))];
    return route.fulfill({
      json: { jsonrpc: "2.0", id: "1", result: { result } },
      headers: { "access-control-allow-origin": "*" },
    });
  });

export const tests = {
  async "what workers prove is the chain's word, whatever the coordinator says"() {
    const others = strangers.slice(0, 2).map((worker, i) => ({
      ...worker,
      operator_id: world.register,
      public_key: i ? EVIL.key : world.registered_key,
    }));
    const page = await open(at("/workers"), {}, async (p) => {
      await believes(p);
      await lying(p, (o) => (o.rpc_urls ? { ...o, tee_mode: "tdx", register_contract_id: EVIL.account } : o));
      await p.route(workers, (route) => route.fulfill(answer(others)));
    });
    const proofs = page.getByRole("region", { name: "What their machines prove" });
    await proofs.getByText(`The coordinator names ${EVIL.account}`).waitFor();
    const text = await proofs.innerText();
    check("trust domains are the coordinator's word alone", text.includes("That is its word alone"), text);
    check("nothing is called verified, or good", !/verified/i.test(text), text);
    equal("no state is green", await proofs.locator(".mark.good").count(), 0);
    check("no key of that contract is shown", !text.includes(EVIL.key.slice(8, 14)), text);
    check("the one of the chain is, and what it is worth", /Not checked: .*root key/.test(text), text);
    const table = page.getByRole("table", { name: "Workers" });
    await table.getByText("not registered").waitFor();
    equal("a worker's key is what the chain has of it", await table.locator("td.wide .mark").allInnerTexts(), [
      "not checked",
      "not registered",
    ]);
    await done(page);
  },

  async "a worker that names an active key is not called good for it"() {
    const page = await open(at("/workers"), {}, async (p) => {
      await p.route(workers, (route) =>
        route.fulfill(answer([{ ...strangers[0], operator_id: world.register, public_key: world.registered_key }])),
      );
      await p.route(`${world.rpc}/**`, async (route) => {
        const { params } = JSON.parse(route.request().postData() ?? "{}");
        if (params?.account_id !== world.register || params.method_name !== "get_config") return route.continue();
        const response = await route.fetch();
        const said = await response.json();
        const config = { ...JSON.parse(Buffer.from(said.result.result)), root_public_key: null }; // that is Intel's
        said.result.result = [...Buffer.from(JSON.stringify(config))];
        return route.fulfill({ response, json: said });
      });
    });
    const proofs = page.getByRole("region", { name: "What their machines prove" });
    await proofs.locator(".mark.good", { hasText: "active" }).waitFor();
    const named = page.getByRole("table", { name: "Workers" }).locator("td.wide .mark");
    equal("the key is active", await named.allInnerTexts(), ["active"]);
    equal("which says nothing of the worker", await named.getAttribute("class"), "mark quiet");
    await done(page);
  },

  async "register contracts that could not be read are asked for again by whoever says so"() {
    const busy = { error: { message: "Server error", cause: { name: "TIMEOUT_ERROR" }, data: "it took too long" } };
    const page = await open(at("/workers"), {}, (p) =>
      p.route(`${world.rpc}/**`, (route) => {
        const { params } = JSON.parse(route.request().postData() ?? "{}");
        if (params?.method_name !== "get_operators") return route.continue();
        return route.fulfill({ ...answer(busy), headers: { "access-control-allow-origin": "*" } });
      }),
    );
    const proofs = page.getByRole("region", { name: "What their machines prove" });
    await proofs.getByRole("alert").getByText("It took too long").waitFor();
    await page.unroute(`${world.rpc}/**`);
    await proofs.getByRole("button", { name: "Try again" }).click();
    await proofs.getByRole("heading", { name: world.register }).waitFor();
    check("and are there then", true);
    await done(page);
  },
};

// Nothing is changed by these.
export const looks = {
  async "the workers"() {
    await everywhere(at("/workers"), "workers", (page) => rows(page).getByText("local-worker").waitFor());
    await everywhere(
      at("/workers"),
      "workers-long",
      (page) => rows(page).nth(59).waitFor(),
      (page) => page.route(workers, (route) => route.fulfill(answer(strangers))),
    );
    for (const [name, body, ready] of [
      ["workers-empty", [], (page) => page.getByText("No worker has been heard of").waitFor()],
      ["workers-error", null, (page) => page.getByRole("alert").waitFor()],
    ])
      await everywhere(at("/workers"), name, ready, (page) =>
        page.route(workers, (route) => (body ? route.fulfill(answer(body)) : route.abort())),
      );
  },
};
