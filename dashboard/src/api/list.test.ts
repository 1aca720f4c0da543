// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FILTERS, filterOf, listPath, searchOf } from "./list.ts";

interface Described {
  paths: Record<string, { get: { parameters: { name: string }[] } }>;
}

// A filter that the coordinator has and the page has not is one that nobody finds.
test("every filter of the coordinator is one of the page", () => {
  const document = JSON.parse(
    readFileSync(new URL("../../../docs/openapi.json", import.meta.url), "utf8"),
  ) as Described;
  const names = document.paths["/public/executions"]!.get.parameters.map(({ name }) => name);
  const paging = ["limit", "offset", "before"];
  assert.deepEqual(Object.values(FILTERS).sort(), names.filter((name) => !paging.includes(name)).sort());
});

test("an address becomes a question", () => {
  const search = new URLSearchParams("sender=a.near&module=ab&from=5&before=77&state=&other=1&repo=a%2Fb%20");
  const filter = filterOf(search);
  assert.deepEqual(filter, { sender: "a.near", repo: "a/b", module: "ab", from: "5", before: "77" });
  assert.equal(
    listPath(filter, 50),
    "/public/executions?sender=a.near&repo=a%2Fb&wasm_hash=ab&from=5&before=77&limit=50",
  );
  assert.deepEqual(filterOf(new URLSearchParams(searchOf(filter))), filter);
  assert.equal(searchOf({}), "");
});
