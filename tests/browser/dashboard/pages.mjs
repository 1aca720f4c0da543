// SPDX-License-Identifier: Apache-2.0
// pages.mjs WORLD.json [TESTS, by a pattern]: the dashboard of a running `outlayer up` in headless Chromium. Prints `ok NAME` and
// `FAIL NAME got …` lines, and `ask` where somebody is to ask for an execution.
import { tests as connect } from "./connect.mjs";
import { tests as execution } from "./execution.mjs";
import { run } from "./kit.mjs";
import { tests as liar } from "./liar.mjs";
import { tests as list } from "./list.mjs";
import { tests as playground } from "./playground.mjs";
import { tests as presets } from "./presets.mjs";
import { tests as secrets } from "./secrets.mjs";
import { tests as settings } from "./settings.mjs";
import { tests as stats } from "./stats.mjs";
import { tests as verification } from "./verification.mjs";
import { tests as wallet } from "./wallet.mjs";
import { tests as workers } from "./workers.mjs";

await run(
  {
    ...list,
    ...workers,
    ...execution,
    ...stats,
    ...verification,
    ...wallet,
    ...playground,
    ...presets,
    ...secrets,
    ...settings,
    ...liar,
    ...connect,
  },
  process.argv[3],
);
