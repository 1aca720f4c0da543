// SPDX-License-Identifier: Apache-2.0
// What this browser finds when it checks an execution by itself: each step with what was compared, and its evidence.
import { useQuery } from "@tanstack/react-query";
import { isOver } from "../api/merge.ts";
import { useConfig, useExecution } from "../api/queries.ts";
import type { Config, ExecutionDetail } from "../api/schema.ts";
import { useRpc, useTransaction } from "../chain/queries.ts";
import { oneLine, visible } from "../format/text.ts";
import { useTitle } from "../hooks/title.ts";
import { Facts } from "../parts/facts.tsx";
import { Sign, type Tone } from "../parts/mark.tsx";
import { NoTransaction } from "../parts/no_transaction.tsx";
import { Empty, ErrorNote, Loading } from "../parts/notes.tsx";
import { executionPath } from "../parts/table.tsx";
import { download } from "../parts/text_block.tsx";
import { Copy } from "../parts/values.tsx";
import type { Check, Verdict } from "./check.ts";
import { groundKey, verify, verifyRegistered, type Ground } from "./run.ts";

const WORDS: Record<Verdict, [word: string, tone: Tone]> = {
  passed: ["Passed", "good"],
  failed: ["Failed", "bad"],
  unchecked: ["Not checkable", "warn"],
};

function Step({ check }: { check: Check }) {
  const [word, tone] = WORDS[check.verdict];
  const { facts = [], files = [] } = check;
  return (
    <li className="check-step">
      <h2>
        {check.title} <Sign word={word} tone={tone} />
      </h2>
      <p>{visible(check.text)}</p>
      {facts.length + files.length > 0 && (
        <details>
          <summary>What was looked at: {check.title.toLowerCase()}</summary>
          {facts.length > 0 && (
            <Facts facts={facts.map(([name, value]) => [oneLine(name), <code>{oneLine(value, 512)}</code>])} />
          )}
          {files.length > 0 && (
            <p className="downloads">
              {files.map(({ name, content }) => (
                <button type="button" className="copy" key={name} onClick={() => download(content, name)}>
                  Download {oneLine(name)}
                </button>
              ))}
            </p>
          )}
        </details>
      )}
    </li>
  );
}

function summary(checks: readonly Check[]): string {
  const count = (verdict: Verdict) => checks.filter((check) => check.verdict === verdict).length;
  return `${count("passed")} passed, ${count("failed")} failed, ${count("unchecked")} not checkable.`;
}

function reportOf(checks: readonly Check[]): string {
  const steps = checks.map(({ files, ...check }) => ({ ...check, files: (files ?? []).map(({ name }) => name) }));
  return JSON.stringify({ address: location.href, checked_at: new Date().toISOString(), steps }, null, 2);
}

function Steps({ ground }: { ground: Ground }) {
  const { request_id } = ground.detail;
  const key = groundKey(ground);
  const base = useQuery({
    queryKey: ["verified", ...key],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) => verify(ground, signal),
  });
  const registration = base.data?.registration ?? null;
  const quote = useQuery({
    queryKey: ["quote", ...key],
    enabled: base.data !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) => verifyRegistered(ground, registration, signal),
  });
  if (base.isError) return <ErrorNote error={base.error} retry={() => void base.refetch()} />;
  if (!base.data) return <Loading what="what is to be compared" />;
  const checks = quote.data ? [...base.data.checks, quote.data] : base.data.checks;
  return (
    <>
      <p className="standing" role="status">
        <strong>{quote.data ? summary(checks) : "Looking for the quote…"}</strong>
      </p>
      {quote.data && (
        <p className="downloads">
          <button
            type="button"
            className="copy"
            onClick={() => download(reportOf(checks), `request-${request_id}-verification.json`)}
          >
            Download these findings
          </button>
        </p>
      )}
      <ol className="check-steps">
        {checks.map((check) => (
          <Step key={check.title} check={check} />
        ))}
      </ol>
    </>
  );
}

function Limits({ urls }: { urls: readonly string[] }) {
  return (
    <section>
      <h2>What this does not show</h2>
      <ul>
        <li>
          That the chain's node tells the truth: {urls.map((url) => oneLine(url)).join(", ")} was asked, and no block's
          signatures were checked. Whoever asks his own node knows more.
        </li>
        <li>That the program is a good one, or that its commit becomes this module: build it, and compare the hash.</li>
        <li>
          That the module gives this output for this input, unless a registered key of an approved machine says so: look
          at the last two steps. Where they did not pass, nothing is attested.
        </li>
      </ul>
    </section>
  );
}

interface LoadedProps {
  config: Config;
  detail: ExecutionDetail;
}

function OnChain({ config, detail }: LoadedProps) {
  const urls = useRpc();
  const { transaction_hash: hash, sender_id: sender, contract_id: contract, request_id } = detail;
  const named = hash && sender ? { hash, sender, contract, request: `${request_id}` } : null;
  const transaction = useTransaction(named, detail);
  if (!named) return <Empty title="Nothing can be checked: the transaction of this request is not known." />;
  if (urls.length === 0) return <Empty title="Nothing can be checked: this coordinator names no RPC address." />;
  if (transaction.isError && !transaction.data)
    return (
      <>
        <p>Nothing was checked: what the chain has of this request could not be read.</p>
        <NoTransaction error={transaction.error} retry={() => void transaction.refetch()} />
      </>
    );
  if (!transaction.data) return <Loading what="what the chain has of it" />;
  return <Whole ground={{ urls, config, detail, transaction: transaction.data }} />;
}

function Whole({ ground }: { ground: Ground }) {
  return (
    <>
      {isOver(ground.detail) ? (
        <Steps ground={ground} />
      ) : (
        <Empty title="It is not over yet: there is no answer to check. This page waits for it." />
      )}
      <Limits urls={ground.urls} />
    </>
  );
}

export function VerificationPage({ contract, request }: { contract: string; request: string }) {
  const config = useConfig();
  const execution = useExecution(contract, request);
  useTitle(`Verification of request ${oneLine(request, 20)}`);
  const detail = execution.data;
  return (
    <>
      <p className="crumbs">
        <a href="/executions">Executions</a> / {oneLine(contract, 64)} /{" "}
        <a href={executionPath({ contract_id: contract, request_id: request })}>#{oneLine(request, 20)}</a>
      </p>
      <h1 tabIndex={-1}>Verification of request #{oneLine(request, 20)}</h1>
      <p className="lead">
        This browser reads what the coordinator says and what the chain has, and compares them itself. Whoever opens
        this address has it done anew. <Copy text={location.href} what="address" />
      </p>
      {!globalThis.isSecureContext ? (
        <Empty title="This page cannot check anything here.">
          <p>A browser gives its cryptography to pages on https and on this machine's own addresses only.</p>
        </Empty>
      ) : detail && config.data ? (
        <OnChain config={config.data} detail={detail} />
      ) : execution.isError || config.isError ? (
        <ErrorNote
          error={(execution.error ?? config.error)!}
          retry={() => (void execution.refetch(), void config.refetch())}
        />
      ) : detail === null ? (
        <Empty title="The coordinator does not know this execution, so there is nothing to compare." />
      ) : (
        <Loading what="the execution" />
      )}
    </>
  );
}
