// SPDX-License-Identifier: Apache-2.0
// The running `outlayer up` that the scripts look at, as tests/dashboard_test.py describes it; what the coordinator could
// answer, for states that it is not in.
import { readFileSync } from "node:fs";

export const world = JSON.parse(readFileSync(process.argv[2], "utf8"));
export const at = (path) => world.url + path;
export const executionPath = (run) => `/executions/${world.contract}/${run.request_id}`;
export const jobs = "**/public/jobs*";
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
};
