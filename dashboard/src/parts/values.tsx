// SPDX-License-Identifier: Apache-2.0
// Values that are shown in many places: moments, amounts, hashes, repositories.
import { useEffect, useState } from "react";
import type { Integer } from "../api/exact.ts";
import { near, nearExact } from "../format/money.ts";
import { repoShown } from "../format/repo.ts";
import { ends, oneLine, refShown } from "../format/text.ts";
import { ago, local, utc } from "../format/time.ts";
import { useNow } from "../hooks/clock.ts";

export function When({ at: moment }: { at: Integer }) {
  const now = useNow();
  const at = Number(moment);
  return (
    <time dateTime={utc(at)} title={`${local(at)}\n${utc(at)}`}>
      {ago(at, now)}
    </time>
  );
}

export function Amount({ yocto }: { yocto: string | null | undefined }) {
  if (!yocto) return <span className="none">–</span>;
  return <span title={nearExact(yocto)}>{near(yocto)}</span>;
}

export function Repo({ repo, at, commit, link }: { repo: string; at: string; commit: string; link?: boolean }) {
  const shown = repoShown(repo, commit);
  const ref = at && <span className="ref">{refShown(at)}</span>;
  if (!link || !shown.url)
    return (
      <span title={oneLine(repo)}>
        {shown.name} {ref}
      </span>
    );
  return (
    <span title={oneLine(repo)}>
      <a href={shown.url} rel="noreferrer" target="_blank">
        {shown.name}
      </a>{" "}
      {ref}
    </span>
  );
}

export function Copy({ text, what }: { text: string; what: string }) {
  const [done, setDone] = useState<boolean | null>(null);
  useEffect(() => {
    if (done === null) return;
    const timer = setTimeout(() => setDone(null), 2000);
    return () => clearTimeout(timer);
  }, [done]);
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setDone(true),
      () => setDone(false),
    );
  return (
    <button type="button" className="copy" aria-label={`Copy ${what}`} onClick={() => void copy()}>
      <span aria-live="polite">{done === null ? "Copy" : done ? "Copied" : "Not allowed"}</span>
    </button>
  );
}

interface NameProps {
  text: string;
  what: string;
  whole?: boolean;
  href?: string | undefined; // where it can be looked at
}

// A hash or an account: its ends where it is long, whole to whoever copies it.
export function Name({ text, what, whole, href }: NameProps) {
  const shown = <code title={oneLine(text, 512)}>{whole ? oneLine(text, 512) : ends(text, 8, 6)}</code>;
  return (
    <span className="name">
      {href ? (
        <a href={href} rel="noreferrer" target="_blank">
          {shown}
        </a>
      ) : (
        shown
      )}
      <Copy text={text} what={what} />
    </span>
  );
}
