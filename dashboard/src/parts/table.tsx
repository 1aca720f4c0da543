// SPDX-License-Identifier: Apache-2.0
// Tables, and the list of executions. Rows are rows of a table to whoever hears it, also where a narrow screen stacks
// their cells.
import type { ReactNode } from "react";
import { Link } from "wouter";
import type { Execution } from "../api/schema.ts";
import { oneLine } from "../format/text.ts";
import { short } from "../format/number.ts";
import { duration } from "../format/time.ts";
import { Mark } from "./mark.tsx";
import { Amount, Repo, When } from "./values.tsx";

interface TableProps {
  label: string;
  heads: readonly string[];
  numbersFrom: number; // the first column of numbers
  className?: string;
  children: ReactNode; // its rows
}

export function Table({ label, heads, numbersFrom, className = "", children }: TableProps) {
  return (
    <table role="table" className={`rows ${className}`.trim()} aria-label={label}>
      <thead role="rowgroup">
        <tr role="row">
          {heads.map((head, i) => (
            <th role="columnheader" scope="col" key={head} className={i >= numbersFrom ? "number" : undefined}>
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">{children}</tbody>
    </table>
  );
}

export function executionPath(job: Pick<Execution, "contract_id" | "request_id">): string {
  return `/executions/${encodeURIComponent(job.contract_id)}/${job.request_id}`;
}

function Took({ job }: { job: Execution }) {
  if (job.time_ms === undefined) return <span className="none">–</span>;
  const build = Number(job.compile_time_ms ?? 0) > 0;
  return (
    <span title={build ? `${duration(job.compile_time_ms ?? 0)} of building before` : "nothing had to be built"}>
      {duration(job.time_ms)}
    </span>
  );
}

function Row({ job }: { job: Execution }) {
  return (
    <tr role="row">
      <td role="cell">
        <Mark job={job} />
      </td>
      <th role="rowheader" scope="row">
        <Link href={executionPath(job)}>#{job.request_id}</Link>
      </th>
      <td role="cell" className="wide">
        {job.repo ? (
          <Repo repo={job.repo} at={job.ref ?? ""} commit={job.commit ?? ""} />
        ) : (
          <span className="none">–</span>
        )}
      </td>
      <td role="cell" className="cut">
        {oneLine(job.sender_id ?? "–", 64)}
      </td>
      <td role="cell" data-short="Run" className="number">
        <Took job={job} />
      </td>
      <td role="cell" data-short="Instr." className="number">
        {job.instructions == null ? <span className="none">–</span> : short(job.instructions)}
      </td>
      <td role="cell" className="number">
        <Amount yocto={job.charged} />
      </td>
      <td role="cell" className="number">
        <When at={job.created_at} />
      </td>
    </tr>
  );
}

const HEADS = ["State", "Request", "Repository", "From", "Run", "Instructions", "Charged", "Asked"];

export function ExecutionTable({ executions, label }: { executions: Execution[]; label: string }) {
  return (
    <Table label={label} heads={HEADS} numbersFrom={4}>
      {executions.map((job) => (
        <Row job={job} key={job.id} />
      ))}
    </Table>
  );
}
