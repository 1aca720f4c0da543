// SPDX-License-Identifier: Apache-2.0
// What runs here now: counts since the beginning, and the newest executions.
import { Link } from "wouter";
import { listPath } from "../api/list.ts";
import { useExecutions, useStats } from "../api/queries.ts";
import type { Execution, Stats } from "../api/schema.ts";
import { grouped, short } from "../format/number.ts";
import { useTitle } from "../hooks/title.ts";
import { Tiles, type Tile } from "../parts/facts.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Empty } from "../parts/notes.tsx";
import { Same } from "../parts/same.tsx";
import { ExecutionTable } from "../parts/table.tsx";
import { chosenOf, HomeRun } from "./home_run.tsx";

const NEWEST = 10;

function Counts({ stats }: { stats: Stats }) {
  const tiles: Tile[] = [
    ["Executions", grouped(stats.total_executions), "recorded since the beginning"],
    ["Done", grouped(stats.successful_executions), "programs that ended well"],
    ["Failed", grouped(stats.failed_executions), "programs, builds and secrets that did not"],
    ["Not served", grouped(BigInt(stats.refused_executions) + BigInt(stats.expired_executions)), "refused or expired"],
    ["Instructions", short(stats.instructions_used), "counted one by one"],
    ["Workers", grouped(stats.active_workers), "heard of within 30 s"],
  ];
  return <Tiles tiles={tiles} />;
}

function Shown({ executions }: { executions: Execution[] }) {
  const run = chosenOf(executions);
  if (!run) return <HowToAsk />;
  return (
    <>
      <HomeRun row={run} key={`${run.contract_id}/${run.request_id}`} />
      <h2>Newest executions</h2>
      <ExecutionTable executions={executions} label="The newest executions" />
      <p>
        <Link href="/executions">All executions</Link>
      </p>
    </>
  );
}

function Newest() {
  const list = useExecutions({}, NEWEST);
  return (
    <Loaded query={list} what="the newest executions">
      {({ executions }) => <Shown executions={executions} />}
    </Loaded>
  );
}

export function HowToAsk() {
  return (
    <Empty title="Nothing has been asked yet.">
      <p>A contract, or this command, asks for an execution, which then shows up here:</p>
      <pre>
        <code>outlayer request --repo examples/random-c --input '{'{"min":1,"max":100}'}'</code>
      </pre>
    </Empty>
  );
}

export function HomePage() {
  const stats = useStats();
  useTitle("");
  return (
    <>
      <h1 tabIndex={-1}>Off-chain computation for NEAR contracts</h1>
      <p className="lead">
        A contract names a repository and waits. A worker builds it, runs it metered, and the answer comes back in the
        same chain of promises. What was not used is refunded.
      </p>
      <Loaded query={stats} what="counts">
        {(data) => <Counts stats={data} />}
      </Loaded>
      <Newest />
      <Same
        paths={[
          ["counts", "/public/stats"],
          ["newest executions", listPath({}, NEWEST)],
        ]}
      />
    </>
  );
}
