// SPDX-License-Identifier: Apache-2.0
// What runs here now: counts since the beginning, and the newest executions.
import { Link } from "wouter";
import { listPath } from "../api/list.ts";
import { useExecutions, useStats } from "../api/queries.ts";
import type { Stats } from "../api/schema.ts";
import { grouped, short } from "../format/number.ts";
import { useTitle } from "../hooks/title.ts";
import { Empty, ErrorNote, Loading, Stale } from "../parts/notes.tsx";
import { Same } from "../parts/same.tsx";
import { ExecutionTable } from "../parts/table.tsx";
import { chosenOf, HomeRun } from "./home_run.tsx";

const NEWEST = 10;

function Tiles({ stats }: { stats: Stats }) {
  const tiles: [string, string, string][] = [
    ["Executions", grouped(stats.total_executions), "recorded since the beginning"],
    ["Done", grouped(stats.successful_executions), "programs that ended well"],
    ["Failed", grouped(stats.failed_executions), "programs, builds and secrets that did not"],
    ["Not served", grouped(BigInt(stats.refused_executions) + BigInt(stats.expired_executions)), "refused or expired"],
    ["Instructions", short(stats.instructions_used), "counted one by one"],
    ["Workers", grouped(stats.active_workers), "heard of within 30 s"],
  ];
  return (
    <dl className="tiles">
      {tiles.map(([name, value, note]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
          <dd className="soft">{note}</dd>
        </div>
      ))}
    </dl>
  );
}

function Newest() {
  const list = useExecutions({}, NEWEST);
  if (list.isPending) return <Loading what="the newest executions" />;
  if (!list.data) return <ErrorNote error={list.error} retry={() => void list.refetch()} />;
  const run = chosenOf(list.data.executions);
  if (!run) return <HowToAsk />;
  return (
    <>
      <Stale query={list} />
      <HomeRun row={run} key={`${run.contract_id}/${run.request_id}`} />
      <h2>Newest executions</h2>
      <ExecutionTable executions={list.data.executions} label="The newest executions" />
      <p>
        <Link href="/executions">All executions</Link>
      </p>
    </>
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
      {stats.data ? (
        <Tiles stats={stats.data} />
      ) : stats.isError ? (
        <ErrorNote error={stats.error} retry={() => void stats.refetch()} />
      ) : (
        <Loading what="counts" />
      )}
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
