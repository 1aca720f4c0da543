// SPDX-License-Identifier: Apache-2.0
// The same by command: what asks for this execution once more.
import { Link } from "wouter";
import type { Job } from "../../api/schema.ts";
import type { Asked } from "../../chain/events.ts";
import { shellWord } from "../../format/shell.ts";
import { visible } from "../../format/text.ts";
import { Copy } from "../../parts/values.tsx";

function outlayer({ data }: Asked): string {
  const { repo = "", commit = "", build_target } = data.code_source ?? {};
  const limits = data.resource_limits ?? {};
  const parts: [string, string | undefined | null][] = [
    ["--repo", repo],
    ["--commit", commit],
    ["--target", build_target],
    ["--format", data.response_format?.toLowerCase()],
    ["--secrets", data.secrets_ref ? `${data.secrets_ref.account_id}/${data.secrets_ref.profile}` : null],
    ["--max-instructions", limits.max_instructions?.toString()],
    ["--max-memory-mb", limits.max_memory_mb?.toString()],
    ["--max-seconds", limits.max_execution_seconds?.toString()],
    ["--input", data.input_data || null],
  ];
  const given = parts.flatMap(([name, value]) => (value ? [`${name} ${shellWord(value)}`] : []));
  return ["outlayer request", ...given].join(" \\\n    ");
}

function nearCli(job: Job, { data }: Asked): string {
  const { code_source, resource_limits, input_data, secrets_ref, response_format } = data;
  const args = JSON.stringify({ code_source, resource_limits, input_data, secrets_ref, response_format });
  return [
    "near contract call-function as-transaction",
    shellWord(job.contract_id),
    `request_execution json-args ${shellWord(args)}`,
    `prepaid-gas '300 Tgas' attached-deposit '${data.payment ?? "0"} yoctoNear'`,
    `sign-as ${shellWord(data.sender_id)}`,
  ].join(" \\\n    ");
}

function Command({ text, what }: { text: string; what: string }) {
  return (
    <div className="block">
      <div className="block-bar">
        <span className="soft">{what}</span>
        <Copy text={text} what={what} />
      </div>
      <pre tabIndex={0} aria-label={what}>
        <code>{visible(text)}</code>
      </pre>
    </div>
  );
}

export function Commands({ job, asked }: { job: Job; asked: Asked }) {
  const again = new URLSearchParams({
    like: job.transaction_hash ?? "",
    by: job.sender_id ?? "",
    request: `${job.request_id}`,
  });
  return (
    <details>
      <summary>Once more</summary>
      <p>
        <Link href={`/playground?${again}`}>In the playground</Link>, with the same or another input, or by command:
      </p>
      <Command text={outlayer(asked)} what="outlayer" />
      <Command text={nearCli(job, asked)} what="near-cli-rs" />
    </details>
  );
}
