// SPDX-License-Identifier: Apache-2.0
// Looks for a text in all that a page keeps or sends: requests with their headers, its address, document and storage, rows
// of databases, caches, and the heap of its scripts.

// How a text looks in base64 at each of three places, without the characters that its neighbours have a part in.
function base64Forms(text) {
  const bytes = Buffer.from(text);
  return [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const first = Math.ceil((before * 8) / 6);
    const last = Math.floor(((before + bytes.length) * 8) / 6);
    return whole.slice(first, last);
  });
}

export function forms(text) {
  const base64 = base64Forms(text);
  const url = base64.map((form) => form.replaceAll("+", "-").replaceAll("/", "_"));
  const hex = Buffer.from(text).toString("hex");
  return [...new Set([text, ...base64, ...url, hex, hex.toUpperCase(), encodeURIComponent(text)])];
}

// All that a page and its context send and print from here on.
export function recording(page) {
  const sent = [];
  page.context().on("request", (r) => sent.push(`${r.url()} ${JSON.stringify(r.headers())} ${r.postData() ?? ""}`));
  page.on("console", (m) => sent.push(m.text()));
  return sent;
}

const kept = (page) =>
  page.evaluate(async () => {
    const answered = (request) =>
      new Promise((ok, no) => {
        request.onsuccess = () => ok(request.result);
        request.onerror = () => no(request.error);
      });
    const rows = [];
    for (const { name } of await indexedDB.databases()) {
      const database = await answered(indexedDB.open(name));
      for (const store of database.objectStoreNames)
        for (const how of ["getAllKeys", "getAll"])
          rows.push(JSON.stringify(await answered(database.transaction(store).objectStore(store)[how]())));
      database.close();
    }
    for (const name of await caches.keys())
      for (const request of await (await caches.open(name)).keys())
        rows.push(request.url, await (await caches.match(request)).text());
    return [
      location.href,
      document.documentElement.outerHTML,
      JSON.stringify({ ...localStorage }),
      JSON.stringify({ ...sessionStorage }),
      JSON.stringify(history.state),
      document.cookie,
      ...rows,
      ...[...document.querySelectorAll("input, textarea")].map((field) => field.value),
    ].join("\n");
  });

// Every string that scripts can still reach: what a cache of questions or a state keeps is there. It is taken after what
// nobody reaches has been thrown away.
async function heap(page) {
  const session = await page.context().newCDPSession(page);
  const parts = [];
  session.on("HeapProfiler.addHeapSnapshotChunk", ({ chunk }) => parts.push(chunk));
  await session.send("HeapProfiler.collectGarbage");
  await session.send("HeapProfiler.takeHeapSnapshot", { reportProgress: false });
  await session.detach();
  return parts.join("");
}

// The places in which the text is, in any of its forms.
export async function places(page, sent, text) {
  const all = { sent: sent.join("\n"), kept: await kept(page), heap: await heap(page) };
  const wanted = forms(text);
  return Object.keys(all).filter((place) => wanted.some((form) => all[place].includes(form)));
}
