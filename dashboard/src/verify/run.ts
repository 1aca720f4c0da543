// SPDX-License-Identifier: Apache-2.0
// All steps of a verification, in the order in which they are shown.
import type { Config, ExecutionDetail } from "../api/schema.ts";
import { completedIn, requestedIn, yieldsIn } from "../chain/events.ts";
import { isWhole, type Transaction } from "../chain/transaction.ts";
import { answererCheck, registrationCheck, type Answerer, type Registration } from "./answerer.ts";
import { guarded, json, unchecked, type Check } from "./check.ts";
import { digestCheck } from "./digest.ts";
import { registerCode } from "./known.ts";
import { buildCheck, moduleCheck } from "./module.ts";
import { answerCheck, inputCheck, outputCheck, requestCheck } from "./request.ts";

export interface Ground {
  urls: readonly string[];
  config: Config;
  detail: ExecutionDetail;
  transaction: Transaction;
}

// What is found holds for this and nothing later: the coordinator's word changes, and of the chain more and more is there.
export function groundKey({ detail, transaction }: Ground): unknown[] {
  return [detail, transaction.receipts_outcome.length];
}

export interface Verified {
  checks: Check[];
  registration: Registration | null; // whose quote can be looked for
}

async function whoChecks({ urls, detail }: Ground, answered: ReturnType<typeof completedIn>, signal: AbortSignal) {
  let answerer: Answerer | null = null;
  let registration: Registration | null = null;
  const who = await guarded("Who answered", async () => {
    const found = await answererCheck(urls, detail, answered, signal);
    answerer = found.answerer;
    return found.check;
  });
  const registered = await guarded("The key's registration", async () => {
    const found = await registrationCheck({
      urls,
      answerer,
      contract: detail.contract_id,
      known: registerCode,
      signal,
    });
    registration = found.registration;
    return found.check;
  });
  return { checks: [who, registered], registration: registration as Registration | null };
}

export async function verify(ground: Ground, signal: AbortSignal): Promise<Verified> {
  const { urls, config, detail, transaction } = ground;
  const request = `${detail.request_id}`;
  const asked = requestedIn(transaction, detail.contract_id, request);
  const answered = completedIn(transaction, detail.contract_id, request);
  const yields = yieldsIn(transaction, detail.contract_id, request);
  const evidence = [json("transaction.json", transaction), json("execution.json", detail)];
  const whole = isWhole(transaction);
  const first = requestCheck(detail, asked, whole);
  const who = whoChecks(ground, answered, signal);
  const checks = await Promise.all([
    { ...first, files: evidence },
    guarded("The input", () => inputCheck(detail, asked)),
    answerCheck(detail, answered, whole),
    guarded("The output", () => outputCheck(detail, asked, answered)),
    guarded("The module", () => moduleCheck(answered, signal)),
    guarded("The build's record", () => buildCheck({ detail, asked, answered, urls, signal })),
    guarded("The digest", () => digestCheck({ detail, network: config.network, asked, answered, yields })),
  ]);
  const { checks: last, registration } = await who;
  return { checks: [...checks, ...last], registration };
}

// The verifier of quotes comes when there is one to check.
export async function verifyRegistered(ground: Ground, registration: Registration | null, signal: AbortSignal) {
  const title = "The quote";
  if (!registration) return unchecked(title, "No registration was found, so there is no quote to check.");
  const { urls, config, detail } = ground;
  return guarded(title, async () => {
    const { quoteCheck } = await import("./quote.ts");
    return quoteCheck({ urls, registration, network: config.network ?? "", main: detail.contract_id, signal });
  });
}
