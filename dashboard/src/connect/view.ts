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

// What the document shows from now on: whoever hears it begins at its heading.
function show(title: string, ...parts: Node[]): void {
  const heading = made("h1", title);
  heading.tabIndex = -1;
  root().replaceChildren(heading, ...parts);
  heading.focus();
}

function said(text: string): HTMLElement {
  const status = made("p", text);
  status.setAttribute("role", "status");
  return status;
}

// The way out, which Escape takes, too.
function leave(text: string, why: string): HTMLButtonElement {
  return button(text, () => stop(new Error(why)), "quiet stop");
}

// Rejects when somebody does not want to wait any longer.
export function stopWaiting(): Promise<never> {
  return new Promise((_, reject) => (stop = reject));
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape") root().querySelector<HTMLButtonElement>("button.stop")?.click();
});

// While the list, or a wallet's program, is on its way: there is nothing to choose or to confirm yet.
export function loading(): void {
  show("Loading the wallets", said("Nothing has been asked yet."), leave("Cancel", "cancelled: no wallet was asked"));
}

export function choose(listed: Listed[]): Promise<Listed> {
  const list = made("ul");
  const note =
    "Each is a program of its maker, which runs in a frame of its own and asks you before it signs anything.";
  show("Which wallet?", made("p", note, "soft"), list, leave("Cancel", "cancelled: no wallet was chosen"));
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
  const buttons = made("div", "", "buttons");
  show(`${name} is to sign`, made("p", what), buttons);
  return new Promise((go) =>
    buttons.append(button("Continue", go), leave("Cancel", "cancelled: the wallet was not asked")),
  );
}

export function waiting(name: string): void {
  const status = said("Answer it in its own window, or in this one.");
  show(`${name} is asked`, status, leave("Stop waiting", "nobody waited for the wallet's answer"));
}
