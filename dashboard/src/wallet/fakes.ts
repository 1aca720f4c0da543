// SPDX-License-Identifier: Apache-2.0
// A document for tests, in which a dialog can be shown with the frame of the wallets in it.
import type { TestContext } from "node:test";
import type { Question } from "../connect/protocol.ts";

const ORIGIN = "https://c.example";

export class FakeElement extends EventTarget {
  open = false;
  said: Question[] = []; // what the page asked the frame
  contentWindow = { postMessage: (question: Question) => void this.said.push(question) };
  setAttribute(): void {}
  append(): void {}
  remove(): void {}
  focus(): void {}
  showModal(): void {
    this.open = true;
  }
  close(): void {
    if (!this.open) return;
    this.open = false;
    this.dispatchEvent(new Event("close"));
  }
  // As a browser does it: whoever listens may keep a dialog open.
  escape(): void {
    if (this.dispatchEvent(new Event("cancel", { cancelable: true }))) this.close();
  }
}

export interface FakeDocument {
  frames: FakeElement[];
  dialogs: FakeElement[];
  say: (data: object) => void; // of the newest frame
}

export function fakeDocument(t: TestContext): FakeDocument {
  const page = new EventTarget();
  const made: Record<string, FakeElement[]> = { iframe: [], dialog: [] };
  const createElement = (tag: string) => {
    const element = new FakeElement();
    made[tag]!.push(element);
    return element;
  };
  const globals = {
    document: { createElement, body: new FakeElement(), activeElement: null },
    location: { origin: ORIGIN },
    HTMLElement: FakeElement,
    addEventListener: page.addEventListener.bind(page),
    removeEventListener: page.removeEventListener.bind(page),
  };
  for (const [name, value] of Object.entries(globals)) {
    const before = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    t.after(() => {
      if (before) Object.defineProperty(globalThis, name, before);
      else Reflect.deleteProperty(globalThis, name);
    });
  }
  const say = (data: object) => {
    const source = made.iframe!.at(-1)!.contentWindow;
    page.dispatchEvent(Object.assign(new Event("message"), { source, origin: ORIGIN, data }));
  };
  return { frames: made.iframe!, dialogs: made.dialog!, say };
}
