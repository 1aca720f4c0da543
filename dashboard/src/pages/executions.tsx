// SPDX-License-Identifier: Apache-2.0
// All executions, newest first, as they change. What is looked for and from where stands in the address.
import type { SubmitEvent } from "react";
import { Link, useSearchParams } from "wouter";
import type { Integer } from "../api/exact.ts";
import { PAGE_ROWS, useJobs, type JobFilter } from "../api/queries.ts";
import { useTitle } from "../hooks/title.ts";
import { Empty, ErrorNote, Loading, Stale } from "../parts/notes.tsx";
import { ExecutionTable } from "../parts/table.tsx";
import { HowToAsk } from "./home.tsx";

const FILTERS = [
  { name: "contract", label: "Contract", hint: "outlayer.near", width: 64 },
  { name: "transaction", label: "Transaction", hint: "hash", width: 64 },
  { name: "request", label: "Request", hint: "number", width: 20 },
] as const;

function filterOf(search: URLSearchParams): JobFilter {
  const before = search.get("before") ?? "";
  return {
    contract: search.get("contract") ?? undefined,
    transaction: search.get("transaction") ?? undefined,
    request: search.get("request") ?? undefined,
    before: /^\d+$/.test(before) ? before : undefined,
  };
}

function Filters({ search, apply }: { search: URLSearchParams; apply: (next: URLSearchParams) => void }) {
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const typed = new FormData(event.currentTarget);
    const next = new URLSearchParams();
    for (const { name } of FILTERS) {
      const text = `${typed.get(name) ?? ""}`.trim();
      if (text) next.set(name, text);
    }
    apply(next);
  };
  return (
    <form className="filters" onSubmit={submit} key={search.toString()} role="search" aria-label="Executions">
      {FILTERS.map(({ name, label, hint, width }) => (
        <label key={name} className={name}>
          {label}
          <input
            name={name}
            defaultValue={search.get(name) ?? ""}
            placeholder={hint}
            maxLength={width}
            autoComplete="off"
            spellCheck={false}
          />
        </label>
      ))}
      <button type="submit">Filter</button>
      {search.size > 0 && (
        <button type="button" className="quiet" onClick={() => apply(new URLSearchParams())}>
          Clear
        </button>
      )}
    </form>
  );
}

function older(search: URLSearchParams, before: Integer): string {
  const next = new URLSearchParams(search);
  next.set("before", `${before}`);
  return `/executions?${next}`;
}

function newest(search: URLSearchParams): string {
  const next = new URLSearchParams(search);
  next.delete("before");
  return next.size ? `/executions?${next}` : "/executions";
}

function List({ search }: { search: URLSearchParams }) {
  const filter = filterOf(search);
  const jobs = useJobs(filter);
  if (jobs.isPending) return <Loading what="executions" />;
  if (!jobs.data) return <ErrorNote error={jobs.error} retry={() => void jobs.refetch()} />;
  const last = jobs.data.at(-1);
  if (!last && search.size === 0) return <HowToAsk />;
  return (
    <>
      <Stale query={jobs} />
      {last ? (
        <ExecutionTable jobs={jobs.data} label="Executions, newest first" />
      ) : (
        <Empty title={filter.before ? "There are no older ones." : "No execution is like that."} />
      )}
      <nav className="pager" aria-label="Pages">
        {filter.before !== undefined && <Link href={newest(search)}>Newest</Link>}
        {last && jobs.data.length === PAGE_ROWS && <Link href={older(search, last.id)}>Older</Link>}
      </nav>
    </>
  );
}

export function ExecutionsPage() {
  const [search, setSearch] = useSearchParams();
  useTitle("Executions");
  return (
    <>
      <h1 tabIndex={-1}>Executions</h1>
      <Filters search={search} apply={setSearch} />
      <List search={search} />
    </>
  );
}
