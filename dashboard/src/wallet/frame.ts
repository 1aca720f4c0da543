// SPDX-License-Identifier: Apache-2.0
// Asks the document of wallets, in a dialog over the page. Each question has a frame of its own, which goes with its answer.
import type { Answer, Question, Ready } from "../connect/protocol.ts";

const PATH = "/wallet.html";
const READY_MS = 15_000;
const WAIT_MS = 10 * 60 * 1000; // somebody reads, thinks and presses

const NOT_LOADED = "the page of the wallets did not load within 15 seconds: nothing was asked, so try again";
const CLOSED = "closed before the page of the wallets had loaded: nothing was asked";

// Nobody knows whether the wallet did what it was asked for.
export class Unknown extends Error {}

export type Asked = Question extends infer Q ? (Q extends Question ? Omit<Q, "outlayer" | "id"> : never) : never;

function dialogWith(frame: HTMLIFrameElement): HTMLDialogElement {
  const dialog = document.createElement("dialog");
  dialog.className = "wallets";
  dialog.setAttribute("aria-label", "Wallet");
  dialog.tabIndex = -1;
  frame.title = "Wallet";
  frame.src = PATH;
  dialog.append(frame);
  document.body.append(dialog);
  return dialog;
}

let last = 0;

// Until the frame has loaded, nothing is asked: it can be closed, and is not waited for. Afterwards it has its own way out.
function answerOf(dialog: HTMLDialogElement, frame: HTMLIFrameElement, asked: Asked): Promise<Answer> {
  const id = ++last;
  let ready = false;
  return new Promise((resolve, reject) => {
    const over = (act: () => void) => {
      clearTimeout(end);
      removeEventListener("message", hear);
      act();
    };
    const fail = (why: Error) => over(() => reject(why));
    const begin = () => {
      if (ready) return fail(new Unknown("the wallet's document loaded anew in the middle"));
      ready = true;
      clearTimeout(end);
      end = setTimeout(() => fail(new Unknown("the wallet did not answer within ten minutes")), WAIT_MS);
      frame.focus();
      frame.contentWindow?.postMessage({ outlayer: "question", id, ...asked } as Question, location.origin);
    };
    const hear = (event: MessageEvent<Answer | Ready>) => {
      if (event.source !== frame.contentWindow || event.origin !== location.origin) return;
      const said = event.data;
      if (said.outlayer === "ready") begin();
      else if (said.outlayer === "answer" && said.id === id) over(() => resolve(said));
    };
    let end = setTimeout(() => fail(new Error(NOT_LOADED)), READY_MS);
    dialog.addEventListener("cancel", (event) => ready && event.preventDefault());
    dialog.addEventListener("close", () =>
      fail(ready ? new Unknown("the wallet's dialog was closed") : new Error(CLOSED)),
    );
    addEventListener("message", hear);
  });
}

export async function askWallet<T>(asked: Asked): Promise<T> {
  const frame = document.createElement("iframe");
  const dialog = dialogWith(frame);
  const before = document.activeElement;
  try {
    const answer = answerOf(dialog, frame, asked);
    dialog.showModal();
    dialog.focus(); // not the frame, where Escape would be nobody's before it has loaded
    const said = await answer;
    if ("result" in said) return said.result as T;
    throw said.refused ? new Error(said.error) : new Unknown(said.error);
  } finally {
    dialog.close();
    dialog.remove();
    if (before instanceof HTMLElement) before.focus();
  }
}
