// SPDX-License-Identifier: Apache-2.0
// node.mjs VERIFY.js QUESTIONS.json ANSWERS.json: the report of each question, or what was thrown; and the times in ms.
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [module, questions, answers] = process.argv.slice(2);
const { verifyQuoteText } = await import(pathToFileURL(module));
const reports = [],
  times = [];
for (const q of JSON.parse(readFileSync(questions, "utf8"))) {
  const begin = performance.now();
  try {
    reports.push(await verifyQuoteText({ ...q, quote: Uint8Array.from(Buffer.from(q.quote, "base64")) }));
  } catch (e) {
    reports.push(`thrown: ${e.stack}`);
  }
  times.push(performance.now() - begin);
}
writeFileSync(answers, JSON.stringify({ reports, times }));
