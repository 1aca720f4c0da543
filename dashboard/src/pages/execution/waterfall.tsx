// SPDX-License-Identifier: Apache-2.0
// When what happened: a bar for each time that it waited and for each attempt, and every step as it was recorded.
import { useState } from "react";
import { isOver } from "../../api/merge.ts";
import type { ExecutionDetail, TimelineStep } from "../../api/schema.ts";
import { oneLine, visible } from "../../format/text.ts";
import { duration, local, utc } from "../../format/time.ts";
import { useNow } from "../../hooks/clock.ts";
import {
  ENDING_WORDS,
  isLoss,
  lengthOf,
  PHASES,
  STAGES,
  timelineOf,
  type Lane,
  type Part,
  type Timeline,
} from "./timeline.ts";

const LANES_SHOWN = 12;

function Bar({ part, whole, lost }: { part: Part; whole: Timeline; lost: boolean }) {
  const all = Math.max(whole.to - whole.from, 1);
  const at = (moment: number) => `${(100 * (moment - whole.from)) / all}%`;
  const style = { left: at(part.from), width: `${(100 * (part.to - part.from)) / all}%` };
  return <span className={`phase ${part.phase}${lost ? " lost" : ""}`} style={style} />;
}

function Parts({ lane }: { lane: Lane }) {
  return (
    <p className="parts">
      {lane.parts.map((part, i) => (
        <span key={i} className="part">
          <span className={`swatch ${part.phase}`} aria-hidden="true" />
          {PHASES[part.phase]} {duration(part.to - part.from)}
        </span>
      ))}
    </p>
  );
}

function LaneRow({ lane, whole }: { lane: Lane; whole: Timeline }) {
  return (
    <tr role="row">
      <th role="rowheader" scope="row">
        {lane.attempt === null ? (
          "Waiting"
        ) : (
          <>
            Attempt {lane.attempt || ""}
            {lane.worker && <span className="soft worker">{oneLine(lane.worker, 40)}</span>}
          </>
        )}
      </th>
      <td role="cell" className="track">
        <div className="bars" aria-hidden="true">
          {lane.parts.map((part, i) => (
            <Bar key={i} part={part} whole={whole} lost={isLoss(lane.ending) && i === lane.parts.length - 1} />
          ))}
        </div>
        {lane.attempt !== null && <Parts lane={lane} />}
        {lane.ending && (
          <p className={isLoss(lane.ending) ? "wrong" : "soft"}>
            <strong>{ENDING_WORDS[lane.ending]}.</strong> {lane.reason && visible(lane.reason)}
          </p>
        )}
      </td>
      <td role="cell" className="number">
        {duration(lengthOf(lane))}
      </td>
    </tr>
  );
}

// Of many attempts the first and the last say most.
function Lanes({ whole }: { whole: Timeline }) {
  const [all, setAll] = useState(false);
  const { lanes } = whole;
  const hidden = all ? 0 : Math.max(lanes.length - LANES_SHOWN, 0);
  const head = LANES_SHOWN / 2;
  const row = (lane: Lane, i: number) => <LaneRow key={i} lane={lane} whole={whole} />;
  return (
    <>
      {hidden === 0 ? lanes.map(row) : lanes.slice(0, head).map(row)}
      {hidden > 0 && (
        <tr role="row">
          <td role="cell" colSpan={3}>
            <button type="button" className="quiet small" onClick={() => setAll(true)}>
              Show {hidden} more
            </button>
          </td>
        </tr>
      )}
      {hidden > 0 && lanes.slice(-head).map((lane, i) => row(lane, lanes.length - head + i))}
    </>
  );
}

const HEADS: [head: string, side?: "number"][] = [
  ["What"],
  ["When"],
  ["After", "number"],
  ["Worker"],
  ["Attempt", "number"],
  ["Why"],
];

function Steps({ steps }: { steps: readonly TimelineStep[] }) {
  const first = Number(steps[0]?.at_ms ?? 0);
  return (
    <details>
      <summary>Every step</summary>
      <table role="table" className="rows steps" aria-label="Every step">
        <thead role="rowgroup">
          <tr role="row">
            {HEADS.map(([head, side]) => (
              <th role="columnheader" scope="col" key={head} className={side}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {steps.map((step, i) => (
            <tr role="row" key={i}>
              <th role="rowheader" scope="row">
                {STAGES[step.stage] ?? oneLine(step.stage, 40)}
              </th>
              <td role="cell">
                <time dateTime={utc(Number(step.at_ms))} title={utc(Number(step.at_ms))}>
                  {local(Number(step.at_ms))}
                </time>
              </td>
              <td role="cell" className="number" data-short="after">
                {duration(Math.max(Number(step.at_ms) - first, 0))}
              </td>
              <td role="cell">{step.worker_id ? oneLine(step.worker_id, 64) : ""}</td>
              <td role="cell" className="number" data-short="attempt">
                {step.attempt === undefined ? <span className="none">–</span> : `${step.attempt}`}
              </td>
              <td role="cell" className="wide">
                {step.reason ? visible(step.reason) : ""}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

interface WaterfallProps {
  job: ExecutionDetail;
  brief?: boolean; // without the table of every step
}

// What is over does not move.
export function Waterfall(props: WaterfallProps) {
  return isOver(props.job) ? <Drawn {...props} now={0} /> : <Moving {...props} />;
}

function Moving(props: WaterfallProps) {
  return <Drawn {...props} now={useNow()} />;
}

function Drawn({ job, brief, now }: WaterfallProps & { now: number }) {
  const whole = timelineOf(job.timeline, isOver(job), now);
  const waited = whole.lanes.filter((lane) => lane.attempt === null).reduce((sum, lane) => sum + lengthOf(lane), 0);
  const all = whole.to - whole.from;
  return (
    <section>
      {!brief && <h2>Timeline</h2>}
      <p className="soft">
        {duration(all)} from its record to {isOver(job) ? "its end" : "now"}, {duration(waited)} of that waiting. What a
        worker did is as it reported it.
      </p>
      <table role="table" className="waterfall" aria-label="Timeline">
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader" scope="col">
              What
            </th>
            <th role="columnheader" scope="col" className="axis">
              <span>0 ms</span> <span>{duration(all)}</span>
            </th>
            <th role="columnheader" scope="col" className="number">
              Took
            </th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          <Lanes whole={whole} />
        </tbody>
      </table>
      {!brief && <Steps steps={job.timeline} />}
    </section>
  );
}
