// SPDX-License-Identifier: Apache-2.0
// Time for tests that passes when somebody waits, and when `pass` says so.
import type { TestContext } from "node:test";

export interface FakeTime {
  pass: (ms: number) => void;
  pauses: number[]; // how long somebody waited each time
}

export function fakeTime(t: TestContext): FakeTime {
  let now = 0;
  const pauses: number[] = [];
  const pass = (ms: number) => void (now += ms);
  t.mock.method(performance, "now", () => now);
  t.mock.method(globalThis, "setTimeout", (act: () => void, ms: number) => {
    pauses.push(ms);
    pass(ms);
    queueMicrotask(act);
  });
  return { pass, pauses };
}
