// SPDX-License-Identifier: Apache-2.0
// The charts that there are.
import type { SeriesStep } from "../../api/schema.ts";
import { near } from "../../format/money.ts";
import { grouped, short } from "../../format/number.ts";
import { duration } from "../../format/time.ts";
import type { Chart } from "./chart.ts";

function took(value: bigint): string {
  return duration(value.toString());
}

function amount(value: bigint): string {
  return near(value.toString());
}

function notServed(step: SeriesStep): string {
  return (BigInt(step.refused_executions) + BigInt(step.expired_executions)).toString();
}

export const CHARTS: Chart[] = [
  {
    title: "Executions",
    note: "by how they ended",
    stacked: true,
    text: grouped,
    lines: [
      { name: "done", tone: "tone-good", of: (step) => step.successful_executions },
      { name: "failed", tone: "tone-bad", of: (step) => step.failed_executions },
      { name: "refused or expired", tone: "tone-warn", of: notServed },
    ],
  },
  {
    title: "Failures",
    note: "by whose they were",
    stacked: true,
    text: grouped,
    lines: [
      { name: "program", tone: "tone-bad", of: (step) => step.guest_failures },
      { name: "build", tone: "tone-warn", of: (step) => step.build_failures },
      { name: "secrets", tone: "tone-live", of: (step) => step.access_failures },
      { name: "service", tone: "tone-quiet", of: (step) => step.platform_failures },
    ],
  },
  {
    title: "Running",
    note: "time of a run; at most a quarter too long",
    stacked: false,
    text: took,
    lines: [
      { name: "95 of 100 took less", tone: "tone-line", of: (step) => step.run_ms_p95 },
      { name: "half took less", tone: "tone-live", of: (step) => step.run_ms_p50 },
    ],
  },
  {
    title: "Building",
    note: "time of a build; at most a quarter too long",
    stacked: false,
    text: took,
    lines: [
      { name: "95 of 100 took less", tone: "tone-line", of: (step) => step.build_ms_p95 },
      { name: "half took less", tone: "tone-warn", of: (step) => step.build_ms_p50 },
    ],
  },
  {
    title: "Instructions",
    note: "of all together",
    stacked: true,
    text: (value) => short(value.toString()),
    lines: [{ name: "instructions", tone: "tone-live", of: (step) => step.instructions_used }],
  },
  {
    title: "NEAR",
    note: "what was attached",
    stacked: true,
    text: amount,
    lines: [
      { name: "charged", tone: "tone-live", of: (step) => step.charged },
      { name: "refunded", tone: "tone-line", of: (step) => step.refunded },
    ],
  },
];
