// SPDX-License-Identifier: Apache-2.0
// What went wrong, first of all, and what whoever asked can do.
import type { Execution } from "../../api/schema.ts";
import { standing } from "../../parts/mark.tsx";
import { TextBlock } from "../../parts/text_block.tsx";

const ADVICE: Record<string, string> = {
  guest:
    "What the program wrote to standard error is its own; `outlayer run` runs it under the same limits on your machine.",
  build: "The words are those of the fetch or the compiler; the same folder builds in the same way on your machine.",
  access: "The owner of the secrets decides who may use them; the request's sender is who is judged.",
  platform: "Everything was refunded: ask again.",
};

// Of what ended without an answer: in time, because what a worker was given differs from the chain, or by the operator.
const ADVICE_OF_END: Record<string, string> = {
  expired:
    "The contract pays everything back once the request's time on the chain is over. Until then it may still be answered.",
  refused: "The request stays open on the chain, and is refunded when its time is over.",
};

export function Failure({ job }: { job: Execution }) {
  if (!job.error) return null;
  const advice = ADVICE[job.failure ?? ""] ?? ADVICE_OF_END[job.outcome ?? ""];
  return (
    <section className="failure">
      <h2>What went wrong</h2>
      <p>{standing(job).sentence}</p>
      <TextBlock text={job.error} what="error" file={`request-${job.request_id}-error.txt`} />
      {advice && <p className="soft">{advice}</p>}
    </section>
  );
}
