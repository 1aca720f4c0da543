// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TimelineStep } from "../../api/schema.ts";
import { lengthOf, timelineOf } from "./timeline.ts";

type Given = [stage: TimelineStep["stage"], at: number, attempt?: number, reason?: string];

function steps(...given: Given[]): TimelineStep[] {
  return given.map(([stage, at_ms, attempt, reason]) => ({
    stage,
    at_ms,
    ...(attempt === undefined ? {} : { attempt, worker_id: `w${attempt}` }),
    ...(reason === undefined ? {} : { reason }),
  }));
}

const LOST = steps(
  ["recorded", 1000],
  ["leased", 1500, 1],
  ["building", 1600, 1],
  ["lost", 9000, 1, "not heard of"],
  ["leased", 9500, 2],
  ["running", 9600, 2],
  ["submitting", 9900, 2],
  ["settled", 11_000, 2],
);

test("waiting stands apart from work, and each attempt is a lane of its own", () => {
  const { from, to, lanes } = timelineOf(LOST, true, 99_999);
  assert.deepEqual([from, to], [1000, 11_000]);
  assert.deepEqual(
    lanes.map((lane) => [lane.attempt, lane.worker, lane.parts.map(({ phase }) => phase).join(" "), lengthOf(lane)]),
    [
      [null, null, "waiting", 500],
      [1, "w1", "taken building", 7500],
      [null, null, "waiting", 500],
      [2, "w2", "taken running answering", 1500],
    ],
  );
  assert.deepEqual([lanes[1]!.ending, lanes[1]!.reason, lanes[3]!.ending], ["lost", "not heard of", null]);
});

test("what is not over lasts until now, and no longer ago than it began", () => {
  const begun = LOST.slice(0, 3);
  assert.deepEqual(timelineOf(begun, false, 5000).lanes.at(-1)!.parts.at(-1), {
    phase: "building",
    from: 1600,
    to: 5000,
  });
  assert.equal(timelineOf(begun, false, 10).to, 1600);
  assert.equal(timelineOf(LOST.slice(0, 4), false, 9100).lanes.at(-1)!.parts[0]!.to, 9100);
});

test("clocks that disagree make nothing negative", () => {
  const { lanes, to } = timelineOf(
    steps(["recorded", 1000], ["leased", 900, 1], ["running", 800, 1], ["settled", 950, 1]),
    true,
    0,
  );
  assert.equal(to, 1000);
  assert.ok(lanes.every((lane) => lane.parts.every((part) => part.to >= part.from)));
});

test("an execution that nobody took, and one of which nothing is kept", () => {
  assert.deepEqual(timelineOf(steps(["recorded", 5], ["expired", 9]), true, 99).lanes.map(lengthOf), [4]);
  assert.deepEqual(timelineOf([], true, 99), {
    from: 99,
    to: 99,
    lanes: [
      { attempt: null, worker: null, parts: [{ phase: "waiting", from: 99, to: 99 }], ending: null, reason: null },
    ],
  });
});

test("work whose lease was not kept still shows", () => {
  const { lanes } = timelineOf(steps(["recorded", 1], ["running", 4, 3], ["settled", 9, 3]), true, 99);
  assert.deepEqual(
    lanes.map((lane) => [lane.attempt, lengthOf(lane)]),
    [
      [null, 3],
      [3, 5],
    ],
  );
});

test("a lease that is lost in the end leaves no empty wait", () => {
  const { lanes } = timelineOf(steps(["recorded", 1], ["leased", 4, 1], ["lost", 9, 1], ["expired", 9]), true, 99);
  assert.equal(lanes.length, 2);
});
