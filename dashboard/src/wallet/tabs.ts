// SPDX-License-Identifier: Apache-2.0
// Tabs of one browser have one account: each hears of what another one does to it.
const NAME = "outlayer-wallet";

export function tellTabs(): void {
  if (!("BroadcastChannel" in globalThis)) return;
  const channel = new BroadcastChannel(NAME);
  channel.postMessage("changed");
  channel.close();
}

// Calls `changed` for what other tabs do; what it returns ends that.
export function hearTabs(changed: () => void): () => void {
  if (!("BroadcastChannel" in globalThis)) return () => {};
  const channel = new BroadcastChannel(NAME);
  channel.onmessage = changed;
  return () => channel.close();
}

// Runs `act` while no other tab runs one: without it, two tabs would each make an account and one be lost.
export function alone<T>(act: () => Promise<T>): Promise<T> {
  return navigator.locks ? navigator.locks.request(NAME, act) : act();
}
