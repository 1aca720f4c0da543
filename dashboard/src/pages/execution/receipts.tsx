// SPDX-License-Identifier: Apache-2.0
// The transaction's receipts as a tree: who called whom with what, what it burnt, what it said.
import {
  actionName,
  callOf,
  receiptTree,
  type Action,
  type Branch,
  type Transaction,
} from "../../chain/transaction.ts";
import { fromBase64 } from "../../format/bytes.ts";
import { pretty } from "../../format/json.ts";
import { near, yocto } from "../../format/money.ts";
import { scaled, toBig } from "../../format/number.ts";
import { oneLine, visible } from "../../format/text.ts";
import { Name } from "../../parts/values.tsx";

const ARGS_SHOWN = 8192;

function tgas(gas: number | string): string {
  return `${scaled(toBig(gas) ?? 0n, 12, 2)} Tgas`;
}

function decoded(args: string): string {
  const bytes = fromBase64(args);
  const text = bytes ? new TextDecoder().decode(bytes) : args;
  const shown = pretty(text) ?? text;
  return shown.length > ARGS_SHOWN ? `${shown.slice(0, ARGS_SHOWN)}…` : shown;
}

function ActionLine({ action }: { action: Action }) {
  const call = callOf(action);
  if (!call) return <code>{actionName(action)}</code>;
  const paid = (yocto(call.deposit) ?? 0n) > 0n;
  return (
    <>
      <code>{oneLine(call.method_name, 64)}</code>
      {paid && <span className="soft"> with {near(call.deposit)}</span>}
    </>
  );
}

function Ended({ branch }: { branch: Branch }) {
  if (!branch.outcome) return <span className="mark quiet">not run yet</span>;
  const failed = "Failure" in branch.outcome.outcome.status;
  return <span className={`mark ${failed ? "bad" : "good"}`}>{failed ? "failed" : "ran"}</span>;
}

function Inside({ branch }: { branch: Branch }) {
  const { outcome } = branch;
  const calls = branch.actions.map(callOf).filter((call) => call !== null);
  const failure = outcome && "Failure" in outcome.outcome.status ? outcome.outcome.status.Failure : null;
  return (
    <div className="inside">
      <Name text={branch.id} what="receipt" />
      {calls.map((call, i) => (
        <pre key={i} tabIndex={0} aria-label={`Arguments of ${oneLine(call.method_name, 64)}`}>
          <code>{visible(decoded(call.args))}</code>
        </pre>
      ))}
      {failure !== null && (
        <pre tabIndex={0} aria-label="Failure">
          <code>{visible(JSON.stringify(failure, null, 2).slice(0, ARGS_SHOWN))}</code>
        </pre>
      )}
      {outcome?.outcome.logs.map((log, i) => (
        <pre key={`log ${i}`} tabIndex={0} aria-label={`Log ${i + 1}`}>
          <code>{visible(log.slice(0, ARGS_SHOWN))}</code>
        </pre>
      ))}
    </div>
  );
}

function Item({ branch }: { branch: Branch }) {
  return (
    <li>
      <details>
        <summary>
          <Ended branch={branch} /> {oneLine(branch.from, 64)} → <strong>{oneLine(branch.to, 64)}</strong>{" "}
          {branch.data ? "a value" : branch.actions.map((action, i) => <ActionLine action={action} key={i} />)}
          {branch.outcome && <span className="soft"> {tgas(branch.outcome.outcome.gas_burnt)}</span>}
        </summary>
        <Inside branch={branch} />
      </details>
      {branch.children.length > 0 && <List branches={branch.children} />}
    </li>
  );
}

function List({ branches }: { branches: Branch[] }) {
  return (
    <ul className="tree">
      {branches.map((branch) => (
        <Item branch={branch} key={branch.id} />
      ))}
    </ul>
  );
}

export function Receipts({ transaction }: { transaction: Transaction }) {
  const all = [transaction.transaction_outcome, ...transaction.receipts_outcome];
  const burnt = all.reduce((sum, { outcome }) => sum + (toBig(outcome.gas_burnt) ?? 0n), 0n);
  const tokens = all.reduce((sum, { outcome }) => sum + (yocto(outcome.tokens_burnt) ?? 0n), 0n);
  return (
    <section>
      <h2>Receipts</h2>
      <p className="soft">
        {all.length} of one transaction; together {tgas(burnt.toString())}, {near(tokens.toString())} of the chain's own
        fees.
      </p>
      <List branches={receiptTree(transaction)} />
    </section>
  );
}
