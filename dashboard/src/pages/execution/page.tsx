// SPDX-License-Identifier: Apache-2.0
// One execution: how it stands, what went in and came out, what it cost, what it is made of.
import { Link } from "wouter";
import { isOver } from "../../api/merge.ts";
import { detailPath, useExecution } from "../../api/queries.ts";
import type { ExecutionDetail } from "../../api/schema.ts";
import { oneLine } from "../../format/text.ts";
import { useTitle } from "../../hooks/title.ts";
import { Mark, standing } from "../../parts/mark.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { Empty } from "../../parts/notes.tsx";
import { executionPath } from "../../parts/table.tsx";
import { Same } from "../../parts/same.tsx";
import { OnChain } from "./chain.tsx";
import { ExecutionFacts, ExecutionTiles } from "./facts.tsx";
import { Failure } from "./failure.tsx";
import { Waterfall } from "./waterfall.tsx";

// The playground takes over what its transaction asked for, to be sent as it is or changed.
function Again({ job }: { job: ExecutionDetail }) {
  if (!job.transaction_hash || !job.sender_id) return null;
  const like = { like: job.transaction_hash, by: job.sender_id, request: `${job.request_id}` };
  return (
    <p className="buttons">
      <Link className="button" href={`/playground?${new URLSearchParams(like)}`}>
        Run again
      </Link>
      <span className="soft">with the same or another input, in the playground</span>
      <a href={`${executionPath(job)}/verification`}>Have this browser verify it</a>
    </p>
  );
}

function Whole({ job }: { job: ExecutionDetail }) {
  const how = standing(job);
  return (
    <>
      <p className="standing" aria-live="polite">
        <Mark job={job} /> {how.sentence}
        {!isOver(job) && " This page follows it."}
      </p>
      <Failure job={job} />
      <Again job={job} />
      <ExecutionTiles job={job} />
      <Waterfall job={job} />
      <OnChain job={job} />
      <h2>Details</h2>
      <ExecutionFacts job={job} />
      <Same paths={[["execution", detailPath(job.contract_id, `${job.request_id}`)]]} />
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
      <Loaded query={execution} what="the execution">
        {(job) =>
          job ? (
            <Whole job={job} />
          ) : (
            <Empty title="The coordinator does not know this execution.">
              <p>It may be older than what is kept, or not yet recorded: then it shows up here by itself.</p>
            </Empty>
          )
        }
      </Loaded>
    </>
  );
}
