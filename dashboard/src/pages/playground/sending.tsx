// SPDX-License-Identifier: Apache-2.0
// Sends what a form of the playground asks for, once, and shows what becomes of it. What was sent stands in the address: a
// reload loses nothing.
import { useState, type ReactNode } from "react";
import { useSearchParams } from "wouter";
import { oneLine } from "../../format/text.ts";
import { ErrorNote } from "../../parts/notes.tsx";
import { useAccount, useConnectFirst, useSend } from "../../wallet/use_wallet.ts";
import type { Call } from "../../wallet/wallet.ts";
import type { LostRequest } from "./lost.ts";
import { Lost, newestOf } from "./lost.tsx";
import { Run } from "./run.tsx";

function OtherSigned({ asked, sender }: { asked: string; sender: string }) {
  return (
    <div className="note stale" role="alert">
      <strong>
        The wallet signed with {oneLine(sender, 64)}, not with {oneLine(asked, 64)}.
      </strong>
      <p>
        The request is sent, and {oneLine(sender, 64)} has paid for it: sending it again pays a second time. Choose{" "}
        {oneLine(asked, 64)} in the wallet before the next one.
      </p>
    </div>
  );
}

export interface Sending {
  busy: boolean;
  // Calls make when nothing else is under way.
  ask: (make: () => Promise<Call>) => Promise<void>;
  outcome: ReactNode;
}

// Of an address what stays in the next one.
export function kept(search: URLSearchParams, names: readonly string[]): Record<string, string> {
  return Object.fromEntries([...search].filter(([name]) => names.includes(name)));
}

// Whoever chooses another form must keep this one: what it says is about money that is on its way, or may be.
export function useSending(contract: string): Sending {
  const [search, setSearch] = useSearchParams();
  const account = useAccount();
  const send = useSend();
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<Error | null>(null);
  const [lost, setLost] = useState<LostRequest | null>(null);
  const [other, setOther] = useState<{ hash: string; asked: string } | null>(null);
  const [hash, sender] = [search.get("transaction"), search.get("sender")];
  const follow = (transaction: string, by: string) =>
    setSearch((now) => ({ ...kept(now, ["preset"]), transaction, sender: by }));
  const sendOne = async (asked: string, call: Call) => {
    const callee = call.contract === contract ? null : call.contract;
    const after = callee === null && account.data?.keeper ? await newestOf({ contract, sender: asked }) : null;
    const sent = await send.mutateAsync(call);
    if (sent.hash === null) {
      setLost({ sender: asked, callee, args: call.args, after, but: hash, said: sent.said ?? "" });
      return;
    }
    setOther(sent.sender === asked ? null : { hash: sent.hash, asked });
    follow(sent.hash, sent.sender);
  };
  const ask: Sending["ask"] = async (make) => {
    if (!account.data || busy) return;
    setBusy(true); // from here on: asked for twice it would be paid for twice
    setFailed(null);
    setLost(null);
    try {
      await sendOne(account.data.accountId, await make());
    } catch (e) {
      setFailed(e instanceof Error ? e : new Error(String(e)));
    } finally {
      setBusy(false);
    }
  };
  const outcome = (
    <>
      {failed && <ErrorNote error={failed} />}
      {lost !== null && (
        <Lost
          contract={contract}
          request={lost}
          found={(transaction) => {
            setLost(null);
            follow(transaction, lost.sender);
          }}
        />
      )}
      {lost === null && sender && other?.hash === hash && <OtherSigned asked={other.asked} sender={sender} />}
      {lost === null && hash && sender && <Run contract={contract} hash={hash} sender={sender} key={hash} />}
    </>
  );
  return { busy, ask, outcome };
}

export function SendBar({ busy, word, children }: { busy: boolean; word: string; children: ReactNode }) {
  const account = useAccount();
  const first = useConnectFirst();
  return (
    <div className="send">
      <button type="submit" disabled={busy || !account.data}>
        {busy ? "Sending…" : word}
      </button>
      <p aria-live="polite">
        {!account.data && `${first} `}
        {children}
      </p>
    </div>
  );
}

// What is wrong is shown when somebody tried to send it; the first wrong field has the focus then.
export function focusWrong(form: HTMLFormElement): void {
  requestAnimationFrame(() => form.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
}
