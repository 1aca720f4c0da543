// SPDX-License-Identifier: Apache-2.0
// One execution: how it stands, what went in and came out, what it cost, what it is made of.
import { Link } from "wouter";
import { isOver, useExecution } from "../../api/queries.ts";
import type { Job } from "../../api/schema.ts";
import { oneLine } from "../../format/text.ts";
import { useTitle } from "../../hooks/title.ts";
import { Mark, standing } from "../../parts/mark.tsx";
import { Empty, ErrorNote, Loading, Stale } from "../../parts/notes.tsx";
import { OnChain } from "./chain.tsx";
import { Facts, Raw, Tiles } from "./facts.tsx";
import { Failure } from "./failure.tsx";

function Whole({ job }: { job: Job }) {
  const how = standing(job);
  return (
    <>
      <p className="standing" aria-live="polite">
        <Mark job={job} /> {how.sentence}
        {!isOver(job) && " This page follows it."}
      </p>
      <Failure job={job} />
      <Tiles job={job} />
      <OnChain job={job} />
      <h2>Details</h2>
      <Facts job={job} />
      <Raw job={job} />
    </>
  );
}

export function ExecutionPage({ contract, request }: { contract: string; request: string }) {
  const execution = useExecution(contract, request);
  useTitle(`Request ${oneLine(request, 20)}`);
  return (
    <>
      <p className="crumbs">
        <Link href="/executions">Executions</Link> / {oneLine(contract, 64)}
      </p>
      <h1 tabIndex={-1}>Request #{oneLine(request, 20)}</h1>
      {execution.isPending ? (
        <Loading what="the execution" />
      ) : execution.data ? (
        <>
          <Stale query={execution} />
          <Whole job={execution.data} />
        </>
      ) : execution.isError ? (
        <ErrorNote error={execution.error} retry={() => void execution.refetch()} />
      ) : (
        <Empty title="The coordinator does not know this execution.">
          <p>It may be older than what is kept, or not yet recorded: then it shows up here by itself.</p>
        </Empty>
      )}
    </>
  );
}
