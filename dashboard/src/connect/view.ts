// SPDX-License-Identifier: Apache-2.0
// What the document of wallets shows: which there are, and that one is being asked.
import type { Listed } from "./wallets.ts";

const root = () => document.getElementById("root")!;
let stop: (why: Error) => void = () => {};

function made<K extends keyof HTMLElementTagNameMap>(tag: K, text = "", className = ""): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.textContent = text;
  element.className = className;
  return element;
}

function button(text: string, act: () => void, className = ""): HTMLButtonElement {
  const element = made("button", text, className);
  element.type = "button";
  element.addEventListener("click", act);
  return element;
}

// Rejects when somebody does not want to wait any longer.
export function stopWaiting(): Promise<never> {
  return new Promise((_, reject) => (stop = reject));
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape") root().querySelector<HTMLButtonElement>("button.stop")?.click();
});

export function choose(listed: Listed[]): Promise<Listed> {
  const heading = made("h1", "Which wallet?");
  heading.tabIndex = -1;
  const list = made("ul");
  const cancel = button("Cancel", () => stop(new Error("cancelled: no wallet was chosen")), "quiet stop");
  const note =
    "Each is a program of its maker, which runs in a frame of its own and asks you before it signs anything.";
  root().replaceChildren(heading, made("p", note, "soft"), list, cancel);
  heading.focus();
  return new Promise((chosen) => {
    for (const one of listed) {
      const item = made("li");
      const pick = button(one.name, () => chosen(one));
      pick.append(made("span", new URL(one.website).host));
      item.append(pick);
      list.append(item);
    }
  });
}

// A wallet opens its window only for somebody who has just pressed something in this document.
export function confirmed(name: string, what: string): Promise<void> {
  const heading = made("h1", `${name} is to sign`);
  heading.tabIndex = -1;
  const cancel = button("Cancel", () => stop(new Error("cancelled: the wallet was not asked")), "quiet stop");
  const buttons = made("div", "", "buttons");
  root().replaceChildren(heading, made("p", what), buttons);
  heading.focus();
  return new Promise((go) => buttons.append(button("Continue", go), cancel));
}

export function waiting(name: string): void {
  const heading = made("h1", `${name} is asked`);
  heading.tabIndex = -1;
  const status = made("p", "Answer it in its own window, or in this one.");
  status.setAttribute("role", "status");
  const leave = () => stop(new Error("nobody waited for the wallet's answer"));
  root().replaceChildren(heading, status, button("Stop waiting", leave, "quiet stop"));
  heading.focus();
}
