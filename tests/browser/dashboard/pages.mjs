// SPDX-License-Identifier: Apache-2.0
// pages.mjs WORLD.json [TESTS, by a pattern]: the dashboard of a running `outlayer up` in headless Chromium. Prints `ok NAME` and
// `FAIL NAME got …` lines, and `ask` where somebody is to ask for an execution.
import * as calls from "./calls.mjs";
import * as connect from "./connect.mjs";
import * as execution from "./execution.mjs";
import { run } from "./kit.mjs";
import * as liar from "./liar.mjs";
import * as list from "./list.mjs";
import * as playground from "./playground.mjs";
import * as presets from "./presets.mjs";
import * as secrets from "./secrets.mjs";
import * as settings from "./settings.mjs";
import * as stats from "./stats.mjs";
import * as verification from "./verification.mjs";
import * as wallet from "./wallet.mjs";
import * as workers from "./workers.mjs";

const parts = [
  list,
  workers,
  execution,
  stats,
  verification,
  wallet,
  playground,
  presets,
  calls,
  secrets,
  settings,
  liar,
  connect,
];
const all = (of) => Object.assign({}, ...parts.map((part) => part[of]));
await run(all("tests"), all("looks"), process.argv[3]);
