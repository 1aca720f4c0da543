// SPDX-License-Identifier: Apache-2.0
// One real run, as it goes: the newest that is under way, else the one that was asked for last.
import { Link } from "wouter";
import { isOver } from "../api/merge.ts";
import { useExecution } from "../api/queries.ts";
import type { Execution } from "../api/schema.ts";
import { Mark, standing } from "../parts/mark.tsx";
import { ErrorNote, Loading } from "../parts/notes.tsx";
import { executionPath } from "../parts/table.tsx";
import { Repo } from "../parts/values.tsx";
import { Waterfall } from "./execution/waterfall.tsx";

export function chosenOf(executions: readonly Execution[]): Execution | undefined {
  return executions.find((one) => !isOver(one)) ?? executions[0];
}

export function HomeRun({ row }: { row: Execution }) {
  const found = useExecution(row.contract_id, `${row.request_id}`);
  const job = found.data;
  const now = job ?? row;
  return (
    <section aria-labelledby="run-title">
      <h2 id="run-title">{isOver(now) ? "The last run" : "A run under way"}</h2>
      <p className="standing">
        <Mark job={now} /> {standing(now).sentence}{" "}
        <Link href={executionPath(now)}>Request #{`${now.request_id}`}</Link>{" "}
        {now.repo && <Repo repo={now.repo} at={now.ref ?? ""} commit={now.commit ?? ""} />}
      </p>
      {job ? (
        <Waterfall job={job} brief />
      ) : found.isError ? (
        <ErrorNote error={found.error} retry={() => void found.refetch()} />
      ) : (
        found.isPending && <Loading what="its timeline" />
      )}
    </section>
  );
}
