// SPDX-License-Identifier: Apache-2.0
// The running `outlayer up` that the scripts look at, as tests/dashboard_test.py describes it; what the coordinator could
// answer, for states that it is not in.
import { readFileSync } from "node:fs";

export const world = JSON.parse(readFileSync(process.argv[2], "utf8"));
export const at = (path) => world.url + path;
export const executionPath = (run) => `/executions/${world.contract}/${run.request_id}`;
export const lists = /\/public\/executions(\?|$)/; // what the coordinator is asked for a list
export const details = /\/public\/executions\/./; // and for one execution
export const list = (executions, next = null) => ({ executions, next });
export const rows = (page) => page.locator("table.rows tbody tr");
export const answer = (body, status = 200) => ({
  status,
  contentType: "application/json",
  body: JSON.stringify(body),
});

export const hostile = {
  id: 7,
  state: "settled",
  outcome: "guest_failed",
  failure: "guest",
  attempt: 3,
  worker_id: "<b>worker</b>",
  contract_id: world.contract,
  request_id: 7,
  created_at: Date.now(),
  completed_at: Date.now(),
  sender_id: "a".repeat(64),
  repo: '"><img src=x onerror=alert(1)>/' + "r".repeat(900),
  ref: "\u202egpj.exe",
  error: `<script>alert(1)</script>\u202e${"x".repeat(1 << 20)}`,
  instructions: "18446744073709551615",
  time_ms: 60000,
  payment: "340282366920938463463374607431768211455",
  charged: "1",
  refunded: "340282366920938463463374607431768211454",
  transaction_hash: null,
  resource_limits: null,
  secrets_ref: null,
  timeline: [],
  digest_parts: {},
};

// Steps of an execution that lost its lease once: each with its stage, seconds after the first, attempt and reason.
const stages = [
  ["recorded", 0],
  ["leased", 1.5, 1],
  ["building", 1.6, 1],
  ["lost", 16.6, 1, "worker <b>w</b> was not heard of \u202efor 15 s"],
  ["leased", 17, 2],
  ["running", 17.4, 2],
  ["handed_over", 18, 2, "to build"],
  ["leased", 18.5, 2],
  ["running", 19, 2],
  ["submitting", 20.1, 2],
  ["settled", 21.7, 2],
];
export const timeline = stages.map(([stage, after, attempt, reason]) => ({
  stage,
  at_ms: 1764500000000 + 1000 * after,
  ...(attempt && { attempt, worker_id: `worker-${attempt}` }),
  ...(reason && { reason }),
}));
// As many attempts as a record has room for, which nobody wants to see all at once.
export const attempts = Array.from({ length: 40 }, (_, i) => [
  { stage: "leased", at_ms: 1764500000000 + 2000 * i + 500, attempt: i + 1, worker_id: "w".repeat(64) },
  { stage: "lost", at_ms: 1764500000000 + 2000 * i + 1800, attempt: i + 1, reason: "x".repeat(300) },
]).flat();
