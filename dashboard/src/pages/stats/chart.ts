// SPDX-License-Identifier: Apache-2.0
// What a chart shows, as bars between 0 and 1.
import type { Series, SeriesStep } from "../../api/schema.ts";
import { toBig } from "../../format/number.ts";
import type { Period } from "./period.ts";

export interface Line {
  name: string;
  tone: string; // a class of the style sheet
  of: (step: SeriesStep) => number | string;
}

// stacked: lines are parts of one sum; else each stands before the one named ahead of it, which is never less.
export interface Chart {
  title: string;
  note: string;
  stacked: boolean;
  lines: Line[];
  text: (value: bigint) => string;
}

export interface Column {
  at: number;
  values: bigint[]; // by line
}

export interface Bar {
  line: number;
  bottom: number; // parts of the chart's height
  top: number;
}

const COLUMNS_MAX = 1500;

// Every step until `to`, also those in which nothing ended, which the answer leaves out.
export function columnsOf(chart: Chart, series: Series, to: number): Column[] {
  const [first, step] = [Number(series.from_ms), Number(series.step_ms)];
  const steps = new Map(series.steps.map((one) => [Number(one.at_ms), one]));
  return Array.from({ length: Math.min(Math.ceil((to - first) / step), COLUMNS_MAX) }, (_, i) => {
    const found = steps.get(first + i * step);
    return { at: first + i * step, values: chart.lines.map((line) => (found && toBig(line.of(found))) ?? 0n) };
  });
}

// Whether an answer is about this period, or the same one a step ago.
export function isNear(series: Series, { from, step }: Period): boolean {
  return Number(series.step_ms) === step && Math.abs(Number(series.from_ms) - from) <= step;
}

function heightOf(chart: Chart, { values }: Column): bigint {
  if (chart.stacked) return values.reduce((sum, value) => sum + value, 0n);
  return values.reduce((most, value) => (value > most ? value : most), 0n);
}

export function mostOf(chart: Chart, columns: readonly Column[]): bigint {
  return columns.reduce((most, column) => {
    const height = heightOf(chart, column);
    return height > most ? height : most;
  }, 0n);
}

const PARTS = 100_000n; // amounts have up to 39 digits: they are divided before they become numbers

function partOf(value: bigint, most: bigint): number {
  return most > 0n ? Number((value * PARTS) / most) / Number(PARTS) : 0;
}

export function barsOf(chart: Chart, column: Column, most: bigint): Bar[] {
  let below = 0n;
  const bars = column.values.map((value, line) => {
    const bottom = chart.stacked ? below : 0n;
    below += value;
    return { line, bottom: partOf(bottom, most), top: partOf(bottom + value, most) };
  });
  return bars.filter(({ bottom, top }) => top > bottom);
}
