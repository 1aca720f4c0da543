// SPDX-License-Identifier: Apache-2.0
// What has ended, over a chosen time: charts, the repositories that were run most, and what an execution costs.
import type { SubmitEvent } from "react";
import { Link, useSearchParams } from "wouter";
import { pathWith } from "../../api/client.ts";
import type { Integer } from "../../api/exact.ts";
import { REPOS_SHOWN, usePricing, useRepos, useSeries } from "../../api/queries.ts";
import { searchOf } from "../../api/list.ts";
import type { Pricing, Repository } from "../../api/schema.ts";
import { nearExact } from "../../format/money.ts";
import { grouped, short } from "../../format/number.ts";
import { atTyped, duration, typed } from "../../format/time.ts";
import { useNow } from "../../hooks/clock.ts";
import { useTitle } from "../../hooks/title.ts";
import { Facts } from "../../parts/facts.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { Empty, ErrorNote, Loading, Stale } from "../../parts/notes.tsx";
import { Same } from "../../parts/same.tsx";
import { Table } from "../../parts/table.tsx";
import { Amount, Repo } from "../../parts/values.tsx";
import { isNear } from "./chart.ts";
import { CHARTS } from "./charts.ts";
import { ChartFigure } from "./figure.tsx";
import { periodOf, PERIODS, seriesPath, type Period } from "./period.ts";

interface ChooseProps {
  period: Period;
  apply: (next: Record<string, string>) => void;
}

function Choose({ period, apply }: ChooseProps) {
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const [from, to] = [atTyped(`${given.get("from")}`), atTyped(`${given.get("to")}`)];
    if (from && to && Number(from) < Number(to)) apply({ from, to });
  };
  return (
    <div className="periods">
      <nav aria-label="Period">
        {PERIODS.map(({ name, label }) => (
          <Link key={name} href={`/stats?period=${name}`} aria-current={period.name === name ? "true" : undefined}>
            {label}
          </Link>
        ))}
      </nav>
      <form className="filters" onSubmit={submit} aria-label="Other period">
        <label>
          From
          <input name="from" type="datetime-local" required defaultValue={typed(period.from)} />
        </label>
        <label>
          Until before
          <input name="to" type="datetime-local" required defaultValue={typed(period.to)} />
        </label>
        <button type="submit" className="quiet">
          Show
        </button>
      </form>
    </div>
  );
}

// Steps are whole minutes, hours or days.
function round(length: Integer): string {
  return duration(length).replace(/ 0 \w+$/, "");
}

function Charts({ period }: { period: Period }) {
  const series = useSeries(seriesPath(period));
  if (series.isPending) return <Loading what="the charts" />;
  if (!series.data) return <ErrorNote error={series.error} retry={() => void series.refetch()} />;
  // While the next step's answer is on its way the last one stays, but nothing of another period.
  if (series.isPlaceholderData && !isNear(series.data, period)) return <Loading what="the charts" />;
  const { data } = series;
  return (
    <>
      <Stale query={series} />
      <p className="soft">Each bar is {round(data.step_ms)}; an execution counts where it ended.</p>
      <div className="charts">
        {CHARTS.map((chart) => (
          <ChartFigure key={chart.title} chart={chart} series={data} to={period.to} />
        ))}
      </div>
    </>
  );
}

function RepoRow({ row }: { row: Repository }) {
  return (
    <tr role="row">
      <th role="rowheader" scope="row" className="wide">
        <Repo repo={row.repo} at={row.last_commit ?? ""} commit={row.last_commit ?? ""} link />
      </th>
      <td role="cell" className="number" data-short="Executions">
        <Link href={`/executions${searchOf({ repo: row.repo })}`}>{grouped(row.total_executions)}</Link>
      </td>
      <td role="cell" className="number" data-short="Done">
        {grouped(row.successful_executions)}
      </td>
      <td role="cell" className="number" data-short="Half ran less than">
        {duration(row.run_ms_p50)}
      </td>
      <td role="cell" className="number" data-short="Instr.">
        {short(row.instructions_used)}
      </td>
      <td role="cell" className="number" data-short="Charged">
        <Amount yocto={row.charged} />
      </td>
    </tr>
  );
}

const HEADS = [
  "Repository, and what was built last",
  "Executions",
  "Done",
  "Half ran less than",
  "Instructions",
  "Charged",
];

function RepositoryTable({ rows }: { rows: Repository[] }) {
  if (rows.length === 0) return <Empty title="Nothing has been added up yet: it is a minute after its end." />;
  return (
    <Table label="Repositories that were run most" heads={HEADS} numbersFrom={1} className="repos">
      {rows.map((row) => (
        <RepoRow row={row} key={row.repo} />
      ))}
    </Table>
  );
}

function PriceFacts({ pricing }: { pricing: Pricing }) {
  const facts: [string, string][] = [
    ["Each request", nearExact(pricing.base_fee)],
    ["A million instructions", nearExact(pricing.per_instruction_fee)],
    ["A millisecond of running", nearExact(pricing.per_ms_fee)],
    ["A millisecond of building", nearExact(pricing.per_compile_ms_fee)],
    ["Instructions, at most", grouped(pricing.max_instructions)],
    ["Running, at most", `${grouped(pricing.max_execution_seconds)} s`],
    ["Building, at most", `${grouped(pricing.max_compilation_seconds)} s`],
    ["Memory, at most", `${grouped(pricing.max_memory_mb)} MB`],
  ];
  return <Facts facts={facts} />;
}

export function StatsPage() {
  const [search, setSearch] = useSearchParams();
  const now = useNow();
  const period = periodOf(search, now);
  const repos = useRepos();
  const pricing = usePricing();
  useTitle("Stats");
  return (
    <>
      <h1 tabIndex={-1}>Stats</h1>
      <Choose key={search.toString()} period={period} apply={setSearch} />
      <Charts period={period} />
      <h2>Repositories</h2>
      <Loaded query={repos} what="the repositories">
        {(rows) => <RepositoryTable rows={rows} />}
      </Loaded>
      <h2>Prices and limits</h2>
      <Loaded query={pricing} what="prices">
        {(data) => <PriceFacts pricing={data} />}
      </Loaded>
      <Same
        paths={[
          ["charts", seriesPath(period)],
          ["repositories", pathWith("/public/repos", { limit: REPOS_SHOWN })],
          ["prices", "/public/pricing"],
        ]}
      />
    </>
  );
}
