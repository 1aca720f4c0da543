// SPDX-License-Identifier: Apache-2.0
// A request that a wallet may have sent and does not tell of: it is looked for before anybody pays a second time.
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { Link } from "wouter";
import { getJson } from "../../api/client.ts";
import type { Integer } from "../../api/exact.ts";
import { listPath, searchOf, type ListFilter } from "../../api/list.ts";
import { useExecutions } from "../../api/queries.ts";
import type { Execution, Executions } from "../../api/schema.ts";
import { requestedIn } from "../../chain/events.ts";
import { useRpc } from "../../chain/queries.ts";
import { transactionOf } from "../../chain/transaction.ts";
import { oneLine } from "../../format/text.ts";
import { Empty, words } from "../../parts/notes.tsx";
import { candidates, isAsked, type LostRequest } from "./lost.ts";

const ROWS = 10;
const ANSWER_MS = 5000; // meanwhile somebody waits for his wallet

// The newest execution that an account has asked for, before it asks for another one. null: the coordinator does not say.
export function newestOf(filter: ListFilter): Promise<Integer | null> {
  return getJson<Executions>(listPath(filter, 1), AbortSignal.timeout(ANSWER_MS)).then(
    ({ executions }) => executions[0]?.id ?? 0,
    () => null,
  );
}

interface LostProps {
  contract: string;
  request: LostRequest;
  found: (transaction: string) => void;
}

// live.ts keeps the list up to date; what was asked for, the chain alone says.
function useFound({ contract, request }: Omit<LostProps, "found">): string | null {
  const urls = useRpc();
  const list = useExecutions({ contract, sender: request.sender }, ROWS);
  const rows = candidates(list.data?.executions ?? [], request);
  const asks = async (row: Execution, signal: AbortSignal) => {
    const transaction = await transactionOf(urls, row.transaction_hash!, request.sender, signal);
    const asked = requestedIn(transaction, contract, `${row.request_id}`);
    return asked !== null && isAsked(request, asked.data);
  };
  const found = useQuery({
    queryKey: ["lost", request, rows.map(({ id }) => id)],
    enabled: rows.length > 0 && urls.length > 0,
    queryFn: async ({ signal }) => {
      for (const row of rows) if (await asks(row, signal)) return row.transaction_hash;
      return null;
    },
  });
  return found.data ?? null;
}

function Look({ contract, request: { sender, callee } }: Omit<LostProps, "found">) {
  const here = (by: string, text: string) => (
    <Link href={`/executions${searchOf({ contract, sender: by })}`}>{text}</Link>
  );
  return callee === null ? (
    <>
      What this account had asked for before could not be read, so that no request can be told to be this one: look at{" "}
      {here(sender, "those of this account")}.
    </>
  ) : (
    <>
      Its request would be one of {oneLine(callee, 64)}, which asks for others, too, so that none can be told to be this
      one: look at {here(callee, "those of that contract")}.
    </>
  );
}

export function Lost({ contract, request, found }: LostProps) {
  const transaction = useFound({ contract, request });
  useEffect(() => {
    if (transaction) found(transaction);
  });
  const { after, said } = request;
  return (
    <Empty title="The wallet does not say whether it sent the request.">
      {said && <p>What came back: “{words(said)}”.</p>}
      {after === null ? (
        <p role="status">
          It may have. <Look contract={contract} request={request} /> Sending it again may pay for it twice.
        </p>
      ) : (
        <p role="status">
          It may have: it is looked for, and shows up here. Sending it again now may pay for it twice.
        </p>
      )}
    </Empty>
  );
}
