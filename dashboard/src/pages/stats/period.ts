// SPDX-License-Identifier: Apache-2.0
// Over which time the charts go, and in what steps: at most 90 of them, of lengths that people count in.
import { pathWith } from "../../api/client.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export const PERIODS = [
  { name: "hour", label: "1 hour", lengthMs: HOUR },
  { name: "6h", label: "6 hours", lengthMs: 6 * HOUR },
  { name: "day", label: "1 day", lengthMs: DAY },
  { name: "week", label: "7 days", lengthMs: 7 * DAY },
  { name: "month", label: "30 days", lengthMs: 30 * DAY },
  { name: "quarter", label: "90 days", lengthMs: 90 * DAY },
  { name: "year", label: "1 year", lengthMs: 365 * DAY },
] as const;
const DEFAULT = PERIODS[2];

// The coordinator takes whole minutes up to an hour, and whole hours above. It keeps single minutes for 90 days.
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7 * 1440, 14 * 1440, 28 * 1440].map(
  (minutes) => minutes * MINUTE,
);
const STEPS_MAX = 90;
const MINUTES_KEPT = 89 * DAY; // a day less: clocks differ

export interface Period {
  name: string; // of PERIODS; "": from and to were chosen
  from: number; // milliseconds since 1970
  to: number;
  step: number;
}

export function stepOf(lengthMs: number): number {
  const enough = STEPS.find((step) => lengthMs / step <= STEPS_MAX);
  return enough ?? Math.ceil(lengthMs / STEPS_MAX / DAY) * DAY;
}

function moment(search: URLSearchParams, name: string): number | null {
  const text = search.get(name) ?? "";
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}

// Of a page's address. A period that lasts until now ends with the step that is under way, so that the same is asked
// for as long as that lasts.
export function periodOf(search: URLSearchParams, now: number): Period {
  const [from, to] = [moment(search, "from"), moment(search, "to")];
  if (from !== null && to !== null && from < to) {
    const least = from < now - MINUTES_KEPT ? HOUR : MINUTE;
    return { name: "", from, to, step: Math.max(least, stepOf(to - from)) };
  }
  const { name, lengthMs } = PERIODS.find((period) => period.name === search.get("period")) ?? DEFAULT;
  const step = stepOf(lengthMs);
  const end = (Math.floor(now / step) + 1) * step;
  return { name, from: end - lengthMs, to: end, step };
}

export function seriesPath({ from, to, step }: Period): string {
  return pathWith("/public/stats/series", { from, to, step: step / 1000 });
}
