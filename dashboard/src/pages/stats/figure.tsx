// SPDX-License-Identifier: Apache-2.0
// One chart: bars, what the pointer is on, and the same as a table.
import { memo, useMemo, useState, type PointerEvent } from "react";
import type { Series } from "../../api/schema.ts";
import { local, utc } from "../../format/time.ts";
import { barsOf, columnsOf, mostOf, type Chart, type Column } from "./chart.ts";

const HEIGHT = 120;
const GAP = 0.15; // of a column's width

function label(at: number, step: number): string {
  return local(at).slice(5, step >= 86_400_000 ? 10 : 16);
}

const Bars = memo(function Bars({ chart, columns, most }: { chart: Chart; columns: Column[]; most: bigint }) {
  return columns.map((column, i) =>
    barsOf(chart, column, most).map((bar) => (
      <rect
        key={`${i} ${bar.line}`}
        className={chart.lines[bar.line]!.tone}
        x={i + GAP / 2}
        width={1 - GAP}
        y={HEIGHT * (1 - bar.top)}
        height={Math.max(HEIGHT * (bar.top - bar.bottom), 0.75)}
      />
    )),
  );
});

function Legend({ chart, column, step }: { chart: Chart; column: Column | undefined; step: number }) {
  return (
    <p className="legend">
      {chart.lines.map((line, i) => (
        <span key={line.name}>
          <svg className="swatch" viewBox="0 0 1 1" aria-hidden="true">
            <rect className={line.tone} width="1" height="1" />
          </svg>
          {line.name}
          {column && <strong> {chart.text(column.values[i]!)}</strong>}
        </span>
      ))}
      {column && <span className="soft">from {label(column.at, step)}</span>}
    </p>
  );
}

function Table({ chart, columns }: { chart: Chart; columns: Column[] }) {
  const filled = columns.filter(({ values }) => values.some((value) => value > 0n));
  return (
    <details>
      <summary>As a table</summary>
      {filled.length === 0 ? (
        <p className="soft">Nothing ended in this time.</p>
      ) : (
        <div className="scroll" tabIndex={0} role="region" aria-label={`${chart.title} as a table`}>
          <table className="bill" aria-label={chart.title}>
            <thead>
              <tr>
                <th scope="col">From</th>
                {chart.lines.map((line) => (
                  <th scope="col" className="number" key={line.name}>
                    {line.name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {filled.map((column) => (
                <tr key={column.at}>
                  <th scope="row">
                    <time dateTime={utc(column.at)}>{local(column.at).slice(0, 16)}</time>
                  </th>
                  {column.values.map((value, i) => (
                    <td className="number" key={i}>
                      {chart.text(value)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}

interface FigureProps {
  chart: Chart;
  series: Series;
  to: number; // where the period ends
}

export function ChartFigure({ chart, series, to }: FigureProps) {
  const [at, setAt] = useState<number | null>(null);
  const columns = useMemo(() => columnsOf(chart, series, to), [chart, series, to]);
  const step = Number(series.step_ms);
  const most = mostOf(chart, columns);
  const count = Math.max(columns.length, 1);
  const under = (event: PointerEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    setAt(Math.floor(((event.clientX - box.left) / box.width) * count));
  };
  return (
    <figure className="chart">
      <figcaption>
        <h2>{chart.title}</h2> <span className="soft">{chart.note}</span>
      </figcaption>
      <Legend chart={chart} column={at === null ? undefined : columns[at]} step={step} />
      <div className="plot" aria-hidden="true">
        <span className="most soft">{most > 0n ? chart.text(most) : "nothing"}</span>
        <svg
          viewBox={`0 0 ${count} ${HEIGHT}`}
          preserveAspectRatio="none"
          onPointerMove={under}
          onPointerLeave={() => setAt(null)}
        >
          {at !== null && columns[at] && <rect className="tone-under" x={at} width="1" y="0" height={HEIGHT} />}
          <Bars chart={chart} columns={columns} most={most} />
        </svg>
        <p className="times soft">
          <span>{label(columns[0]?.at ?? 0, step)}</span>
          <span>{label((columns.at(-1)?.at ?? 0) + step, step)}</span>
        </p>
      </div>
      <Table chart={chart} columns={columns} />
    </figure>
  );
}
