// SPDX-License-Identifier: Apache-2.0
// Waits for what the chain alone tells of: no coordinator knows of it, so that nothing is said by /public/changes.
const LIMIT_MS = 60_000;
const APART_MS = 1000; // two questions that are answered at once

// ask: null while it is not there. A question that the node has kept waiting is asked again at once. null: a minute is over.
export async function until<T>(ask: () => Promise<T | null>): Promise<T | null> {
  const end = performance.now() + LIMIT_MS;
  for (;;) {
    const began = performance.now();
    const found = await ask();
    const now = performance.now();
    if (found !== null || now >= end) return found;
    if (now < began + APART_MS) await new Promise((later) => setTimeout(later, began + APART_MS - now));
  }
}
