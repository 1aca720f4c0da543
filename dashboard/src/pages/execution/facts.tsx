// SPDX-License-Identifier: Apache-2.0
// What an execution is made of, as the coordinator has it.
import type { ReactNode } from "react";
import { useConfig } from "../../api/queries.ts";
import type { Execution } from "../../api/schema.ts";
import { explorerUrl } from "../../format/explorer.ts";
import { bytes, grouped } from "../../format/number.ts";
import { oneLine } from "../../format/text.ts";
import { duration } from "../../format/time.ts";
import { Facts, Tiles, type Tile } from "../../parts/facts.tsx";
import { Amount, Name, Repo, When } from "../../parts/values.tsx";

export function ExecutionTiles({ job }: { job: Execution }) {
  const tiles: Tile[] = [
    ["Charged", <Amount yocto={job.charged} />],
    ["Refunded", <Amount yocto={job.refunded} />],
    ["Run", job.time_ms === undefined ? "–" : duration(job.time_ms)],
    [
      "Build",
      Number(job.compile_time_ms ?? 0) > 0 ? duration(job.compile_time_ms!) : job.time_ms == null ? "–" : "none needed",
    ],
    ["Instructions", job.instructions == null ? "–" : grouped(job.instructions)],
    ["Peak memory", job.peak_memory_bytes == null ? "–" : bytes(job.peak_memory_bytes)],
  ];
  return <Tiles tiles={tiles} />;
}

export function ExecutionFacts({ job }: { job: Execution }) {
  const explorer = useConfig().data?.explorer;
  const named = (text: string | null | undefined, what: string) => (text ? <Name text={text} what={what} /> : null);
  const transaction = (hash: string | null | undefined, what: string) =>
    hash ? <Name text={hash} what={what} href={explorerUrl(explorer?.transaction, "{hash}", hash)} /> : null;
  const account = (id: string) => {
    const href = explorerUrl(explorer?.account, "{account}", id);
    return href ? <Name text={id} what="account" whole href={href} /> : oneLine(id, 64);
  };
  const facts: [string, ReactNode][] = [
    ["Repository", job.repo && <Repo repo={job.repo} at={job.ref ?? ""} commit={job.commit ?? ""} link />],
    ["Commit", named(job.commit, "commit")],
    ["Build target", job.build_target && oneLine(job.build_target, 40)],
    ["Asked by", job.sender_id && account(job.sender_id)],
    ["Paid by", job.payer_id && job.payer_id !== job.sender_id && account(job.payer_id)],
    ["Attached", job.payment && <Amount yocto={job.payment} />],
    ["Asked", <When at={job.created_at} />],
    ["Ended", job.completed_at !== null && <When at={job.completed_at} />],
    ["Worker", job.worker_id && oneLine(job.worker_id, 64)],
    ["Attempts", Number(job.attempt) > 1 && grouped(job.attempt)],
    ["Request's transaction", transaction(job.transaction_hash, "request's transaction")],
    ["Answer's transaction", transaction(job.resolve_tx_id, "answer's transaction")],
    ["Module (SHA-256)", named(job.wasm_hash, "module's hash")],
    ["Build key", named(job.build_key, "build key")],
    ["Output (SHA-256)", named(job.output_hash, "output's hash")],
    ["Output", job.output_bytes != null && bytes(job.output_bytes)],
  ];
  return <Facts facts={facts} />;
}
