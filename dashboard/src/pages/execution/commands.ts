// SPDX-License-Identifier: Apache-2.0
// A request by command: what asks for it, once more or for the first time, for the same money of the same account.
import type { RequestData } from "../../chain/events.ts";
import { nearPlain } from "../../format/money.ts";
import { shellWord } from "../../format/shell.ts";

export function outlayer(data: RequestData): string {
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
    ["--deposit", data.payment ? `${nearPlain(data.payment)} NEAR` : null],
    ["--from", data.sender_id],
    ["--input", data.input_data || null],
  ];
  const given = parts.flatMap(([name, value]) => (value ? [`${name} ${shellWord(value)}`] : []));
  return ["outlayer request", ...given].join(" \\\n    ");
}

export function nearCli(contract: string, data: RequestData): string {
  const { code_source, resource_limits, input_data, secrets_ref, response_format } = data;
  const args = JSON.stringify({ code_source, resource_limits, input_data, secrets_ref, response_format });
  return [
    "near contract call-function as-transaction",
    shellWord(contract),
    `request_execution json-args ${shellWord(args)}`,
    `prepaid-gas '300 Tgas' attached-deposit ${shellWord(`${data.payment ?? "0"} yoctoNear`)}`,
    `sign-as ${shellWord(data.sender_id)}`,
  ].join(" \\\n    ");
}
