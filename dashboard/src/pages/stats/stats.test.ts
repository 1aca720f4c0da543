// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Series, SeriesStep } from "../../api/schema.ts";
import { barsOf, columnsOf, isNear, mostOf } from "./chart.ts";
import { CHARTS } from "./charts.ts";
import { periodOf, PERIODS, seriesPath, stepOf } from "./period.ts";

const HOUR = 3_600_000;
const NOW = 1_764_500_000_000;

test("each period has steps that the coordinator takes, and not too many", () => {
  for (const { name, lengthMs } of PERIODS) {
    const { from, to, step } = periodOf(new URLSearchParams({ period: name }), NOW);
    assert.ok(step % 60_000 === 0 && (step <= HOUR || step % HOUR === 0), name);
    assert.ok((to - from) / step <= 91 && to - from === lengthMs && to > NOW, name);
  }
  for (const length of [1, HOUR, 3.7e9, 1e12, 9e14]) {
    const step = stepOf(length);
    assert.ok(step % 60_000 === 0 && (step <= HOUR || step % HOUR === 0) && length / step <= 90, `${length}`);
  }
});

test("the address says the period, and one that is none is the last day", () => {
  const chosen = periodOf(new URLSearchParams(`from=${NOW - HOUR}&to=${NOW}`), NOW);
  assert.deepEqual([chosen.name, chosen.from, chosen.to], ["", NOW - HOUR, NOW]);
  for (const search of ["", "period=x", "from=5", `from=${NOW}&to=5`, "from=-1&to=1e9"])
    assert.equal(periodOf(new URLSearchParams(search), NOW).name, "day", search);
});

test("long ago there are hours alone", () => {
  const stepAt = (ago: number) =>
    periodOf(new URLSearchParams({ from: `${NOW - ago}`, to: `${NOW - ago + HOUR}` }), NOW).step;
  assert.deepEqual([stepAt(24 * HOUR), stepAt(88 * 24 * HOUR), stepAt(90 * 24 * HOUR)], [60_000, 60_000, HOUR]);
});

test("what is asked stays the same while a step lasts", () => {
  const search = new URLSearchParams("period=hour");
  const begin = Math.ceil(NOW / 60_000) * 60_000;
  assert.equal(seriesPath(periodOf(search, begin)), seriesPath(periodOf(search, begin + 59_999)));
  assert.notEqual(seriesPath(periodOf(search, begin)), seriesPath(periodOf(search, begin + 60_000)));
});

const NEAR = "340282366920938463463374607431768211455";
function step(at_ms: number, more: Partial<SeriesStep>): SeriesStep {
  const base = { successful_executions: 0, failed_executions: 0, refused_executions: 0, expired_executions: 0 };
  return { ...base, charged: "0", refunded: "0", run_ms_p50: 0, run_ms_p95: 0, at_ms, ...more } as SeriesStep;
}

test("steps in which nothing ended are there, and sums of any size are drawn", () => {
  const series: Series = {
    from_ms: 0,
    step_ms: 60_000,
    steps: [
      step(60_000, { successful_executions: 3, failed_executions: 1, charged: NEAR, refunded: NEAR }),
      step(180_000, { successful_executions: "18446744073709551615", run_ms_p95: 100, run_ms_p50: 25 }),
    ],
  };
  const [executions, , running, , , money] = CHARTS;
  const columns = columnsOf(executions!, series, 300_000);
  assert.deepEqual(
    columns.map(({ at }) => at),
    [0, 60_000, 120_000, 180_000, 240_000],
  );
  assert.equal(mostOf(executions!, columns), 18446744073709551615n);
  assert.deepEqual(barsOf(executions!, columns[0]!, 10n), []);
  assert.deepEqual(barsOf(executions!, columns[1]!, 4n), [
    { line: 0, bottom: 0, top: 0.75 },
    { line: 1, bottom: 0.75, top: 1 },
  ]);
  const [run] = [columnsOf(running!, series, 300_000)[3]!];
  assert.deepEqual(barsOf(running!, run, 100n), [
    { line: 0, bottom: 0, top: 1 },
    { line: 1, bottom: 0, top: 0.25 },
  ]);
  const paid = columnsOf(money!, series, 300_000);
  assert.equal(mostOf(money!, paid), 2n * BigInt(NEAR));
  assert.equal(barsOf(money!, paid[1]!, mostOf(money!, paid))[1]!.top, 1);
});

test("an answer about another period is not shown for this one", () => {
  const series: Series = { from_ms: 120_000, step_ms: 60_000, steps: [] };
  assert.ok(isNear(series, { name: "", from: 120_000, to: 300_000, step: 60_000 }));
  assert.ok(isNear(series, { name: "", from: 180_000, to: 360_000, step: 60_000 }));
  assert.ok(!isNear(series, { name: "", from: 240_001, to: 360_000, step: 60_000 }));
  assert.ok(!isNear(series, { name: "", from: 120_000, to: 360_000, step: 120_000 }));
});
