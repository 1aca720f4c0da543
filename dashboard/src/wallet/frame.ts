// SPDX-License-Identifier: Apache-2.0
// Asks the document of wallets, in a dialog over the page. Each question has a frame of its own, which goes with its answer.
import type { Answer, Question, Ready } from "../connect/protocol.ts";

const PATH = "/wallet.html";
const WAIT_MS = 10 * 60 * 1000; // somebody reads, thinks and presses

// Nobody knows whether the wallet did what it was asked for.
export class Unknown extends Error {}

export type Asked = Question extends infer Q ? (Q extends Question ? Omit<Q, "outlayer" | "id"> : never) : never;

function dialogWith(frame: HTMLIFrameElement): HTMLDialogElement {
  const dialog = document.createElement("dialog");
  dialog.className = "wallets";
  dialog.setAttribute("aria-label", "Wallet");
  frame.title = "Wallet";
  frame.src = PATH;
  dialog.append(frame);
  dialog.addEventListener("cancel", (event) => event.preventDefault()); // the frame has its own way out
  document.body.append(dialog);
  return dialog;
}

let last = 0;

function answerOf(frame: HTMLIFrameElement, asked: Asked): Promise<Answer> {
  const id = ++last;
  return new Promise((resolve, reject) => {
    const end = setTimeout(
      () => over(() => reject(new Unknown("the wallet did not answer within ten minutes"))),
      WAIT_MS,
    );
    const hear = (event: MessageEvent<Answer | Ready>) => {
      if (event.source !== frame.contentWindow || event.origin !== location.origin) return;
      const said = event.data;
      if (said.outlayer === "ready") {
        const question = { outlayer: "question", id, ...asked } as Question;
        frame.contentWindow?.postMessage(question, location.origin);
      } else if (said.outlayer === "answer" && said.id === id) over(() => resolve(said));
    };
    const over = (act: () => void) => {
      clearTimeout(end);
      removeEventListener("message", hear);
      act();
    };
    addEventListener("message", hear);
  });
}

export async function askWallet<T>(asked: Asked): Promise<T> {
  const frame = document.createElement("iframe");
  const dialog = dialogWith(frame);
  const before = document.activeElement;
  try {
    const answer = answerOf(frame, asked);
    dialog.showModal();
    const said = await answer;
    if ("result" in said) return said.result as T;
    throw said.refused ? new Error(said.error) : new Unknown(said.error);
  } finally {
    dialog.close();
    dialog.remove();
    if (before instanceof HTMLElement) before.focus();
  }
}
