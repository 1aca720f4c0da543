// SPDX-License-Identifier: Apache-2.0
// All executions, newest first, as they change. What is looked for and from where stands in the address.
import { useId, type SubmitEvent } from "react";
import { Link, useSearchParams } from "wouter";
import {
  filterOf,
  FILTER_NAMES,
  listPath,
  PAGE_ROWS,
  searchOf,
  type FilterName,
  type ListFilter,
} from "../api/list.ts";
import { useExecutions } from "../api/queries.ts";
import type { Executions } from "../api/schema.ts";
import { atTyped, typed } from "../format/time.ts";
import { useTitle } from "../hooks/title.ts";
import { Loaded } from "../parts/loaded.tsx";
import { Empty } from "../parts/notes.tsx";
import { Same } from "../parts/same.tsx";
import { ExecutionTable } from "../parts/table.tsx";
import { HowToAsk } from "./home.tsx";

interface TextFilter {
  name: FilterName;
  label: string;
  hint: string;
  width: number;
}

const FIRST: TextFilter[] = [
  { name: "contract", label: "Contract", hint: "outlayer.near", width: 64 },
  { name: "transaction", label: "Transaction", hint: "hash", width: 64 },
  { name: "request", label: "Request", hint: "number", width: 20 },
];
const MORE: TextFilter[] = [
  { name: "sender", label: "Asked by", hint: "alice.near", width: 64 },
  { name: "payer", label: "Paid by", hint: "alice.near", width: 64 },
  { name: "repo", label: "Repository, as it was asked for", hint: "github.com/owner/name", width: 1024 },
  { name: "worker", label: "Ended by worker", hint: "name", width: 128 },
  { name: "module", label: "Module", hint: "SHA-256", width: 64 },
];
const CHOICES: { name: FilterName; label: string; options: [value: string, label: string][] }[] = [
  {
    name: "state",
    label: "Where it is",
    options: [
      ["queued", "Waiting"],
      ["leased", "Taken"],
      ["building", "Building"],
      ["running", "Running"],
      ["submitting", "Answering"],
      ["settled", "Settled"],
      ["expired", "Expired"],
    ],
  },
  {
    name: "outcome",
    label: "How it ended",
    options: [
      ["success", "Done"],
      ["guest_failed", "Failed"],
      ["refused", "Refused"],
      ["expired", "Expired"],
    ],
  },
  {
    name: "failure",
    label: "Whose failure",
    options: [
      ["guest", "The program's"],
      ["build", "The build's"],
      ["access", "Secrets were refused"],
      ["platform", "The service's"],
    ],
  },
];
const TIMES: { name: "from" | "to"; label: string }[] = [
  { name: "from", label: "Recorded from" },
  { name: "to", label: "until before" },
];
const HIDDEN = FILTER_NAMES.filter((name) => !FIRST.some((first) => first.name === name));

function Text({ filter, field }: { filter: ListFilter; field: TextFilter }) {
  return (
    <label className={field.name}>
      {field.label}
      <input
        name={field.name}
        defaultValue={filter[field.name] ?? ""}
        placeholder={field.hint}
        maxLength={field.width}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
      />
    </label>
  );
}

function Choice({ filter, field }: { filter: ListFilter; field: (typeof CHOICES)[number] }) {
  const now = filter[field.name] ?? "";
  const known = now === "" || field.options.some(([value]) => value === now);
  return (
    <label>
      {field.label}
      <select name={field.name} defaultValue={now}>
        <option value="">any</option>
        {!known && <option>{now}</option>}
        {field.options.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}

function Moment({ filter, name, label }: { filter: ListFilter; name: "from" | "to"; label: string }) {
  return (
    <label>
      {label}
      <input name={name} type="datetime-local" step="1" defaultValue={typed(filter[name])} />
    </label>
  );
}

// Of the form what the address says: moments in milliseconds, so that whoever gets it sees the same wherever he is.
function read(form: HTMLFormElement): ListFilter {
  const given = new FormData(form);
  const filter: ListFilter = {};
  for (const name of FILTER_NAMES) {
    const text = `${given.get(name) ?? ""}`.trim();
    const value = name === "from" || name === "to" ? atTyped(text) : text;
    if (value) filter[name] = value;
  }
  return filter;
}

function Filters({ filter, apply }: { filter: ListFilter; apply: (next: ListFilter) => void }) {
  const id = useId();
  const given = HIDDEN.filter((name) => filter[name] !== undefined).length;
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    apply(read(event.currentTarget));
  };
  return (
    <form className="filters" onSubmit={submit} key={searchOf(filter)} role="search" aria-label="Executions">
      {FIRST.map((field) => (
        <Text key={field.name} filter={filter} field={field} />
      ))}
      <button type="submit">Filter</button>
      {Object.keys(filter).length > 0 && (
        <button type="button" className="quiet" onClick={() => apply({})}>
          Clear
        </button>
      )}
      <details open={given > 0}>
        <summary id={id}>More filters{given > 0 && ` (${given})`}</summary>
        <div className="filters" role="group" aria-labelledby={id}>
          {MORE.map((field) => (
            <Text key={field.name} filter={filter} field={field} />
          ))}
          {CHOICES.map((field) => (
            <Choice key={field.name} filter={filter} field={field} />
          ))}
          {TIMES.map((field) => (
            <Moment key={field.name} filter={filter} {...field} />
          ))}
        </div>
      </details>
    </form>
  );
}

function List({ filter, list: { executions, next } }: { filter: ListFilter; list: Executions }) {
  const { before, ...newest } = filter;
  if (executions.length === 0 && Object.keys(filter).length === 0) return <HowToAsk />;
  return (
    <>
      {executions.length > 0 ? (
        <ExecutionTable executions={executions} label="Executions, newest first" />
      ) : (
        <Empty title={before ? "There are no older ones." : "No execution is like that."} />
      )}
      <nav className="pager" aria-label="Pages">
        {before !== undefined && <Link href={`/executions${searchOf(newest)}`}>Newest</Link>}
        {next !== null && <Link href={`/executions${searchOf({ ...filter, before: next })}`}>Older</Link>}
      </nav>
    </>
  );
}

export function ExecutionsPage() {
  const [search, setSearch] = useSearchParams();
  const filter = filterOf(search);
  const list = useExecutions(filter, PAGE_ROWS);
  useTitle("Executions");
  return (
    <>
      <h1 tabIndex={-1}>Executions</h1>
      <Filters filter={filter} apply={(next) => setSearch(next as Record<string, string>)} />
      <Loaded query={list} what="executions">
        {(data) => <List filter={filter} list={data} />}
      </Loaded>
      <Same paths={[["executions", listPath(filter, PAGE_ROWS)]]} />
    </>
  );
}
