// SPDX-License-Identifier: Apache-2.0
// What the chain has of an execution: read by this browser from the chain's own RPC, not from the coordinator.
import type { Execution } from "../../api/schema.ts";
import { completedIn, requestedIn, type Answered, type Asked } from "../../chain/events.ts";
import { outputOf, valueOf, type Output } from "../../chain/output.ts";
import { useRpc, useTransaction } from "../../chain/queries.ts";
import type { Transaction } from "../../chain/transaction.ts";
import { pretty } from "../../format/json.ts";
import { NoTransaction } from "../../parts/no_transaction.tsx";
import { Empty, Loading } from "../../parts/notes.tsx";
import { TextBlock } from "../../parts/text_block.tsx";
import { Commands } from "./commands.tsx";
import { Differences } from "./differences.tsx";
import { Price } from "./price.tsx";
import { Receipts } from "./receipts.tsx";

function hexDump(data: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(data.length, 4096); at += 16) {
    const part = [...data.slice(at, at + 16)];
    const hex = part.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = part.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${hex.padEnd(47)}  ${text}`);
  }
  return lines.join("\n") + (data.length > 4096 ? "\n…" : "");
}

function OutputBlock({ output, name }: { output: Output; name: string }) {
  if (output.kind === "bytes")
    return (
      <TextBlock
        text={hexDump(output.bytes)}
        what="output"
        file={`${name}.bin`}
        content={new Uint8Array(output.bytes)}
      />
    );
  const file = output.kind === "json" ? `${name}.json` : `${name}.txt`;
  return <TextBlock text={output.text} what="output" file={file} />;
}

export function InAndOut({ request, asked, answered }: { request: string; asked: Asked; answered: Answered | null }) {
  const input = asked.data.input_data ?? "";
  const output = answered ? outputOf(valueOf(answered.outcome), asked.data.response_format) : null;
  const name = `request-${request}`;
  return (
    <div className="pair">
      <section>
        <h2>Input</h2>
        {input ? (
          <TextBlock text={pretty(input) ?? input} what="input" file={`${name}-input.txt`} content={encoded(input)} />
        ) : (
          <p className="soft">It was empty.</p>
        )}
      </section>
      <section>
        <h2>Output</h2>
        {output ? (
          <OutputBlock output={output} name={`${name}-output`} />
        ) : (
          <p className="soft">{answered ? "It has none: its caller got null." : "It is not there yet."}</p>
        )}
      </section>
    </div>
  );
}

function encoded(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function Whole({ job, transaction }: { job: Execution; transaction: Transaction }) {
  const request = `${job.request_id}`;
  const asked = requestedIn(transaction, job.contract_id, request);
  const answered = completedIn(transaction, job.contract_id, request);
  if (!asked)
    return (
      <Empty title="The chain does not show this request in the transaction that the coordinator names.">
        <p>Believe the chain: what is said above about this request is the coordinator's word alone.</p>
      </Empty>
    );
  return (
    <>
      <Differences job={job} asked={asked} answered={answered} />
      <InAndOut request={request} asked={asked} answered={answered} />
      {answered && <Price contract={job.contract_id} asked={asked} answered={answered} />}
      <Receipts transaction={transaction} />
      <Commands contract={job.contract_id} data={asked.data} />
    </>
  );
}

export function OnChain({ job }: { job: Execution }) {
  const urls = useRpc();
  const named =
    job.transaction_hash && job.sender_id
      ? { hash: job.transaction_hash, sender: job.sender_id, contract: job.contract_id, request: `${job.request_id}` }
      : null;
  const transaction = useTransaction(named, job);
  if (!named || urls.length === 0)
    return (
      <Empty title="What the chain has of it is not shown.">
        <p>{named ? "This coordinator names no RPC address of the chain." : "Its transaction is not known."}</p>
      </Empty>
    );
  if (transaction.data) return <Whole job={job} transaction={transaction.data} />;
  if (transaction.isError) return <NoTransaction error={transaction.error} retry={() => void transaction.refetch()} />;
  return <Loading what="what the chain has of it" />;
}
