// SPDX-License-Identifier: Apache-2.0
// A request that was sent: what becomes of it, from its transaction on. The chain is asked, whatever a wallet said.
import { Link } from "wouter";
import { useExecution } from "../../api/queries.ts";
import { completedIn, firstRequestIn } from "../../chain/events.ts";
import { useSentTransaction } from "../../chain/queries.ts";
import { endWithoutRequest, failureOf, type Transaction } from "../../chain/transaction.ts";
import { Mark, standing } from "../../parts/mark.tsx";
import { NoTransaction } from "../../parts/no_transaction.tsx";
import { Empty, Loading, words } from "../../parts/notes.tsx";
import { Name } from "../../parts/values.tsx";
import { InAndOut } from "../execution/chain.tsx";
import { Differences } from "../execution/differences.tsx";
import { Failure } from "../execution/failure.tsx";
import { Price } from "../execution/price.tsx";

interface RunProps {
  contract: string;
  hash: string;
  sender: string;
}

// What is said of money here must hold for contracts of strangers, too.
function Unasked({ contract, transaction }: { contract: string; transaction: Transaction }) {
  const end = endWithoutRequest(transaction);
  const what = transaction.transaction.receiver_id === contract ? "request" : "call";
  if (end === null) return <Loading what="the request's event" />;
  if (end === "silent") return <Empty title="The call ended without asking for an execution." />;
  return (
    <section className="failure">
      <h3>
        {end === "refused"
          ? `The contract refused the ${what}. Nothing was charged but the chain's own fees.`
          : "The call failed. What became of its deposit, its contract knows."}
      </h3>
      <pre tabIndex={0} aria-label={end === "refused" ? "Refusal" : "Failure"}>
        <code>{words(failureOf(transaction) ?? "")}</code>
      </pre>
    </section>
  );
}

function Followed({ contract, transaction }: { contract: string; transaction: Transaction }) {
  const asked = firstRequestIn(transaction, contract);
  const request = `${asked?.data.request_id ?? ""}`;
  const execution = useExecution(contract, asked ? request : null);
  const answered = asked ? completedIn(transaction, contract, request) : null;
  if (!asked) return <Unasked contract={contract} transaction={transaction} />;
  const job = execution.data;
  return (
    <>
      <p className="standing" aria-live="polite">
        {job ? (
          <>
            <Mark job={job} /> {standing(job).sentence}
          </>
        ) : (
          `The chain has the request; the coordinator ${execution.isError ? "does not answer for it now" : "has not recorded it yet"}.`
        )}{" "}
        <Link href={`/executions/${encodeURIComponent(contract)}/${request}`}>Request #{request}</Link>
      </p>
      {job && <Differences job={job} asked={asked} answered={answered} />}
      {job && <Failure job={job} />}
      {answered && (
        <>
          <InAndOut request={request} asked={asked} answered={answered} />
          <Price contract={contract} asked={asked} answered={answered} />
        </>
      )}
    </>
  );
}

export function Run({ contract, hash, sender }: RunProps) {
  const transaction = useSentTransaction(hash, sender, contract);
  return (
    <section aria-labelledby="run-title">
      <h2 id="run-title">The request</h2>
      <p>
        <span className="soft">Transaction</span> <Name text={hash} what="transaction" />
      </p>
      {transaction.data ? (
        <Followed contract={contract} transaction={transaction.data} />
      ) : transaction.isError ? (
        <NoTransaction error={transaction.error} retry={() => void transaction.refetch()} />
      ) : (
        <Loading what="what the chain has of it" />
      )}
    </section>
  );
}
