// SPDX-License-Identifier: Apache-2.0
// One clock for all that says how long ago something was; it rests while the tab is hidden.
import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

function tick() {
  now = Date.now();
  for (const listener of listeners) listener();
}

function arrange() {
  const wanted = listeners.size > 0 && !document.hidden;
  if (wanted && timer === undefined) {
    timer = setInterval(tick, 1000);
    tick();
  } else if (!wanted && timer !== undefined) {
    clearInterval(timer);
    timer = undefined;
  }
}

function subscribe(listener: () => void) {
  if (listeners.size === 0) document.addEventListener("visibilitychange", arrange);
  listeners.add(listener);
  arrange();
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) document.removeEventListener("visibilitychange", arrange);
    arrange();
  };
}

// Milliseconds since 1970, once a second.
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}
