// SPDX-License-Identifier: Apache-2.0
// What stands where data is not there: still coming, none, failed, or old.
import type { ReactNode } from "react";
import { ApiError } from "../api/client.ts";
import { local } from "../format/time.ts";
import { visible } from "../format/text.ts";

export function Loading({ what }: { what: string }) {
  return (
    <div className="note loading" role="status">
      <span className="dots" aria-hidden="true" />
      Loading {what}…
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="note empty">
      <strong>{title}</strong>
      {children}
    </div>
  );
}

const WORDS_MAX = 2000;

// What a stranger's answer says is cut: no page is made of one error.
export function words(text: string): string {
  return visible(text.slice(0, WORDS_MAX)) + (text.length > WORDS_MAX ? "…" : "");
}

function sentence(error: Error): string {
  const text = words(error.message);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}

export function ErrorNote({ error, retry }: { error: Error; retry?: () => void }) {
  const hint = error instanceof ApiError ? words(error.hint) : "";
  return (
    <div className="note error" role="alert">
      <strong>{sentence(error)}</strong>
      {hint && <p>{hint}</p>}
      {retry && (
        <button type="button" className="small" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

interface Read {
  isError: boolean;
  error: Error | null;
  data: unknown;
  dataUpdatedAt: number;
}

// Above data that could not be read again: it is shown as it was.
export function Stale({ query }: { query: Read }) {
  if (!query.isError || query.data === undefined || !query.error) return null;
  return (
    <div className="note stale" role="status">
      <strong>Shown as of {local(query.dataUpdatedAt)}.</strong> {sentence(query.error)} It is asked again by itself.
    </div>
  );
}
