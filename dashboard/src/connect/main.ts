// SPDX-License-Identifier: Apache-2.0
// The document of wallets, framed by the dashboard's pages. Wallets need what the pages must not allow (styles in their
// markup, connections to anywhere), so they have this document, which never sees a secret.
import { near } from "../format/money.ts";
import { accountIn, isRefusal, reasonOf, sentIn, signedIn } from "./answers.ts";
import type { Answer, Connected, Question, Send, SentBy, Sign, SignedBy } from "./protocol.ts";
import { choose, confirmed, loading, stopWaiting, waiting } from "./view.ts";
import { connectorFor, ignoreInjected, listWallets, load, type Listed } from "./wallets.ts";
import "./wallet.css";

ignoreInjected();
const nonce = document.querySelector<HTMLScriptElement>("script[nonce]")?.nonce ?? "";

type Connector = Awaited<ReturnType<typeof connectorFor>>;
let asked = false; // whether the wallet may have been asked: until then nothing can have been sent
let ours: { network: string; listed: Listed[]; connector: Connector } | null = null;

async function open(question: Question) {
  const { network } = question.with;
  if (ours?.network !== network) {
    const listed = await listWallets(network);
    ours = { network, listed, connector: await connectorFor(listed, question.with, nonce) };
  }
  return ours;
}

async function connect(question: Question): Promise<Connected> {
  const { listed, connector } = await open(question);
  const { id, name } = await choose(listed);
  asked = true;
  waiting(name);
  const wallet = await connector.wallet(id);
  return { wallet: id, name, ...accountIn(await wallet.signIn({ network: connector.network })) };
}

// The arguments go to the wallet as an object: what would not come back as the same text is not sent.
function argumentsOf(text: string): object {
  const args = JSON.parse(text) as object;
  if (JSON.stringify(args) !== text)
    throw new Error("these arguments have numbers that a wallet would change: it was not asked");
  return args;
}

async function send(connector: Connector, what: Send): Promise<SentBy> {
  const { method, gas, deposit } = what;
  const params = { methodName: method, args: argumentsOf(what.args), gas, deposit };
  const wallet = await connector.wallet(what.wallet);
  const actions = [{ type: "FunctionCall" as const, params }];
  return sentIn(await wallet.signAndSendTransaction({ signerId: what.account, receiverId: what.contract, actions }));
}

async function sign(connector: Connector, what: Sign): Promise<SignedBy> {
  const { message, recipient, nonce: random, account } = what;
  const wallet = await connector.wallet(what.wallet);
  return signedIn(await wallet.signMessage({ message, recipient, nonce: random, signerId: account }));
}

function wordsOf(question: Question): string {
  if (question.act !== "send") return "A message for the coordinator or the keystore. It costs nothing.";
  const { account, contract, method, deposit } = question.with;
  return `${account} calls ${method} of ${contract}, and attaches ${near(deposit)}.`;
}

async function act(question: Question) {
  loading();
  if (question.act === "connect") return connect(question);
  const { listed, connector } = await open(question);
  const one = listed.find(({ id }) => id === question.with.wallet);
  if (!one) throw new Error("that wallet is not offered here any more");
  if (question.act === "send") argumentsOf(question.with.args);
  await load(connector, one.id);
  if (question.act !== "leave") await confirmed(one.name, wordsOf(question));
  asked = true;
  waiting(one.name);
  if (question.act === "send") return send(connector, question.with);
  if (question.act === "sign") return sign(connector, question.with);
  await connector.disconnect(await connector.wallet(question.with.wallet));
  return null;
}

async function answer(question: Question): Promise<Answer> {
  const head = { outlayer: "answer", id: question.id } as const;
  try {
    return { ...head, result: await Promise.race([act(question), stopWaiting()]) };
  } catch (thrown) {
    const error = reasonOf(thrown);
    return { ...head, error, refused: !asked || isRefusal(error) };
  }
}

if (parent === window)
  document.getElementById("root")!.textContent = "This document is a part of the dashboard's pages.";
else {
  addEventListener("message", (event: MessageEvent<Question>) => {
    if (event.source !== parent || event.origin !== location.origin || event.data.outlayer !== "question") return;
    void answer(event.data).then((said) => parent.postMessage(said, location.origin));
  });
  parent.postMessage({ outlayer: "ready" }, location.origin);
}
