// SPDX-License-Identifier: Apache-2.0
// How an execution stands: a word, a sign and a colour, each of which says it alone.
import type { Execution } from "../api/schema.ts";

export type Tone = "good" | "bad" | "warn" | "live" | "quiet";

export interface Standing {
  word: string;
  tone: Tone;
  sentence: string;
}

const UNDER_WAY: Record<string, Standing> = {
  received: { word: "Waiting", tone: "quiet", sentence: "It waits for a worker." },
  queued: { word: "Waiting", tone: "quiet", sentence: "It waits for a worker." },
  leased: { word: "Taken", tone: "live", sentence: "A worker has taken it and compares it with the chain." },
  building: { word: "Building", tone: "live", sentence: "A worker builds its repository." },
  running: { word: "Running", tone: "live", sentence: "A worker runs it." },
  submitting: { word: "Answering", tone: "live", sentence: "A worker sends its answer to the chain." },
};

const FAILED: Record<string, Standing> = {
  build: { word: "Build failed", tone: "bad", sentence: "Its repository could not be built." },
  access: { word: "No access", tone: "bad", sentence: "Its secrets were refused, so nothing ran." },
  platform: { word: "Not served", tone: "warn", sentence: "It could not be served. Nothing was charged." },
  guest: { word: "Failed", tone: "bad", sentence: "The program failed." },
};

const ENDS: Record<string, Standing> = {
  success: { word: "Done", tone: "good", sentence: "The program ended well, and its answer is on the chain." },
  refused: { word: "Refused", tone: "warn", sentence: "It was ended here without an answer." },
  expired: { word: "Expired", tone: "warn", sentence: "Nobody served it in time." },
};

export function standing(job: Execution): Standing {
  if (job.outcome === "guest_failed") return FAILED[job.failure ?? "guest"] ?? FAILED.guest!;
  const found = job.outcome ? ENDS[job.outcome] : UNDER_WAY[job.state];
  return found ?? { word: job.outcome ?? job.state, tone: "quiet", sentence: "" };
}

const SIGNS: Record<Tone, string> = {
  good: "M3.5 8.5l3 3 6-7",
  bad: "M4 4l8 8M12 4l-8 8",
  warn: "M8 3.5v6M8 12v.5",
  live: "M8 2.5a5.5 5.5 0 1 0 5.5 5.5",
  quiet: "M8 2.2a5.8 5.8 0 1 0 .01 0M8 5v3.2l2 1.3",
};

export function Sign({ word, tone }: { word: string; tone: Tone }) {
  return (
    <span className={`mark ${tone}`}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={SIGNS[tone]} />
      </svg>
      {word}
    </span>
  );
}

export function Mark({ job }: { job: Execution }) {
  const { word, tone } = standing(job);
  return <Sign word={word} tone={tone} />;
}
