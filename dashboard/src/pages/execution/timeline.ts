// SPDX-License-Identifier: Apache-2.0
// What happened to an execution, as lanes of a chart: the times that it waited, and each attempt with what a worker did.
import type { TimelineStep } from "../../api/schema.ts";

export type Phase = "waiting" | "taken" | "building" | "running" | "answering";
export type Ending = "lost" | "given_back" | "handed_over" | "taken_back";

export interface Part {
  phase: Phase;
  from: number; // milliseconds since 1970
  to: number;
}

export interface Lane {
  attempt: number | null; // null: nobody had it
  worker: string | null;
  parts: Part[]; // at least one
  ending: Ending | null; // how the worker lost it; null: it did not
  reason: string | null;
}

export interface Timeline {
  from: number;
  to: number;
  lanes: Lane[];
}

const WORK: Partial<Record<TimelineStep["stage"], Phase>> = {
  leased: "taken",
  building: "building",
  running: "running",
  submitting: "answering",
};
const ENDINGS: readonly string[] = ["lost", "given_back", "handed_over", "taken_back"] satisfies Ending[];

function isEnding(stage: string): stage is Ending {
  return ENDINGS.includes(stage);
}

function waiting(at: number): Lane {
  const part: Part = { phase: "waiting", from: at, to: at };
  return { attempt: null, worker: null, parts: [part], ending: null, reason: null };
}

// The lane in which a step of work is done: a lease begins a new one, and so does work of another attempt.
function laneOf(lane: Lane, step: TimelineStep): Lane {
  const attempt = Number(step.attempt ?? 0);
  if (step.stage !== "leased" && lane.attempt === attempt) return lane;
  return { attempt, worker: step.worker_id ?? null, parts: [], ending: null, reason: null };
}

// Coordinators write the steps by clocks of their own: none ends before it begins. What is not over lasts until `now`.
export function timelineOf(steps: readonly TimelineStep[], isOver: boolean, now: number): Timeline {
  const first = Number(steps[0]?.at_ms ?? now);
  const lanes: Lane[] = [waiting(first)];
  let at = first;
  const end = (until: number) => {
    at = Math.max(at, until);
    const part = lanes.at(-1)!.parts.at(-1)!;
    part.to = Math.max(part.from, at);
  };
  for (const step of steps.slice(1)) {
    end(Number(step.at_ms));
    const phase = WORK[step.stage];
    const before = lanes.at(-1)!;
    if (phase) {
      const lane = laneOf(before, step);
      if (lane !== before) lanes.push(lane);
      lane.parts.push({ phase, from: at, to: at });
    } else if (isEnding(step.stage)) {
      before.ending = step.stage;
      before.reason = step.reason ?? null;
      lanes.push(waiting(at));
    }
  }
  if (!isOver) end(now);
  const last = lanes.at(-1)!;
  if (isOver && lanes.length > 1 && last.attempt === null && last.parts[0]!.to === last.parts[0]!.from) lanes.pop();
  return { from: first, to: at, lanes };
}

export function lengthOf(lane: Lane): number {
  return lane.parts.at(-1)!.to - lane.parts[0]!.from;
}

export const PHASES: Record<Phase, string> = {
  waiting: "waiting",
  taken: "compared with the chain",
  building: "building",
  running: "running",
  answering: "answering",
};

export const ENDING_WORDS: Record<Ending, string> = {
  lost: "Lease lost",
  given_back: "Given back",
  handed_over: "Handed over",
  taken_back: "Taken back",
};

// Whether an ending is one that should not have been.
export function isLoss(ending: Ending | null): boolean {
  return ending === "lost" || ending === "given_back";
}

// What each step of the record means.
export const STAGES: Record<TimelineStep["stage"], string> = {
  recorded: "recorded",
  leased: "taken by a worker",
  building: "building began",
  running: "running began",
  submitting: "answering began",
  lost: "lost: its worker was not heard of",
  given_back: "given back by its worker",
  handed_over: "handed over to another worker",
  taken_back: "taken back: it was never confirmed",
  settled: "settled",
  expired: "expired",
};
