// SPDX-License-Identifier: Apache-2.0
// The quote of the key that answered, checked by Intel's rules in this browser: web/verify, the same verifier that the
// register contract has.
import { verifyQuote, type Report } from "outlayer-verify";
import { isRefused, view } from "../chain/view.ts";
import { fromHex, type Bytes } from "../format/bytes.ts";
import { ed25519 } from "../secrets/key.ts";
import type { Registration } from "./answerer.ts";
import { json, unchecked, type Check } from "./check.ts";
import { judged, TITLE } from "./quote_verdict.ts";
import { OURS, reportData } from "./report_data.ts";
import { findRegistration, hashFrom, type Registered } from "./register_quote.ts";

interface Policy {
  accept: string[];
  advisories: string[];
  min_tcb_eval: number;
  min_qe_eval: number;
  allow_plain_report_data: boolean;
}

export interface QuoteQuestion {
  urls: readonly string[];
  registration: Registration;
  network: string;
  main: string;
  signal: AbortSignal;
}

// The challenge that counted as of a block. null: there was none yet. Throws where the node does not know any more.
async function challengeAt({ urls, registration, signal }: QuoteQuestion, block: string): Promise<Bytes | null> {
  const at = { block_id: block };
  try {
    const found = await view<{ challenge: string } | null>(
      urls,
      registration.register,
      "get_challenge",
      {},
      at,
      signal,
    );
    return found && fromHex(found.challenge, 32);
  } catch (e) {
    if (isRefused(e)) return null; // it was not there yet
    throw e;
  }
}

// A challenge counts for 900 s, and another one is made after 300 s at the earliest: these are all that may have.
const BACK_S = [0, 300, 600, 900];

// false: it is for none of the challenges that counted then; null: not all of them are known any more, or the contract
// takes quotes that name nothing.
async function isBound(
  question: QuoteQuestion,
  report: Report,
  policy: Policy,
  block: string,
): Promise<boolean | null> {
  const { registration, network, main, urls, signal } = question;
  const { register, row } = registration;
  const key = ed25519(row.public_key, 32);
  if (!key || (policy.allow_plain_report_data && !report.report_data?.startsWith(OURS))) return null;
  for (const back of BACK_S) {
    try {
      const at = back === 0 ? block : await hashFrom(urls, Number(row.renewed_at) - back, signal);
      const challenge = await challengeAt(question, at);
      const wanted = challenge && (await reportData({ network, register, main }, key, challenge));
      if (wanted === report.report_data) return true;
    } catch {
      return null;
    }
  }
  return false;
}

function policyOf({ urls, registration, signal }: QuoteQuestion): Promise<Policy> {
  return view<Policy>(urls, registration.register, "get_policy", {}, undefined, signal);
}

function reportOf({ registration }: QuoteQuestion, policy: Policy, found: Registered): Promise<Report> {
  const { root, row } = registration;
  const { accept, advisories, min_tcb_eval, min_qe_eval } = policy;
  return verifyQuote({
    quote: found.quote,
    collateral: found.collateral as string,
    at: Number(row.renewed_at),
    policy: { accept, advisories, min_tcb_eval, min_qe_eval },
    rootKey: root,
  });
}

function told(report: Report, bound: boolean | null): [string, string][] {
  const facts: [string, string | undefined][] = [
    ["Verdict", report.verdict.replace("_", " ")],
    ["Made for this key, chain and contracts", bound === null ? "not known" : bound ? "yes" : "no"],
    ["Platform's state", report.status ?? undefined],
    ["Checked as of", report.at],
    ["Kind of platform", report.fmspc],
    ["MRTD", report.mrtd],
    ["RTMR0", report.rtmr0],
    ["RTMR1", report.rtmr1],
    ["RTMR2", report.rtmr2],
    ["RTMR3", report.rtmr3],
    ...report.steps.map(({ step, state }): [string, string] => [step, state.replace("_", " ")]),
  ];
  return facts.filter((fact): fact is [string, string] => fact[1] !== undefined);
}

export async function quoteCheck(question: QuoteQuestion): Promise<Check> {
  const { urls, registration, signal } = question;
  const { register, row } = registration;
  const found = await findRegistration(urls, register, row.public_key, row.renewed_at, signal);
  if (!found) return unchecked(TITLE, "The transaction that registered the key was not found around that time.");
  const policy = await policyOf(question);
  const report = await reportOf(question, policy, found);
  const files = [
    { name: "quote.hex", content: found.quote },
    json("collateral.json", found.collateral),
    json("quote-report.json", report),
  ];
  const bound = report.status === null ? null : await isBound(question, report, policy, found.block);
  return judged(report, registration, bound, { facts: told(report, bound), files });
}
