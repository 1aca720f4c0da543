// SPDX-License-Identifier: Apache-2.0
// A request that a wallet may have sent and does not tell of: it is looked for before anybody pays a second time.
import { useEffect } from "react";
import { useQuery } from "@tanstack/react-query";
import { getJson, pathWith } from "../../api/client.ts";
import type { Integer } from "../../api/exact.ts";
import type { Execution, Executions } from "../../api/schema.ts";
import { Empty, words } from "../../parts/notes.tsx";

const STEP_MS = 2000;

function listOf(contract: string, sender: string, signal?: AbortSignal): Promise<Executions> {
  return getJson<Executions>(pathWith("/public/executions", { contract_id: contract, sender, limit: 1 }), signal);
}

// The newest execution that an account has asked for, before it asks for another one.
export async function newestOf(contract: string, sender: string): Promise<Integer> {
  return (await listOf(contract, sender)).executions[0]?.id ?? 0;
}

interface LostProps {
  contract: string;
  sender: string;
  after: Integer; // what was there before the wallet was asked
  said: string; // instead of a transaction
  found: (transaction: string, sender: string) => void;
}

function useFound({ contract, sender, after }: Omit<LostProps, "said">): Execution | null {
  const list = useQuery({
    queryKey: ["lost", contract, sender, after],
    refetchInterval: STEP_MS,
    queryFn: ({ signal }) => listOf(contract, sender, signal),
  });
  return (
    list.data?.executions.find(({ id, transaction_hash }) => transaction_hash !== null && BigInt(id) > BigInt(after)) ??
    null
  );
}

export function Lost(props: LostProps) {
  const one = useFound(props);
  useEffect(() => {
    if (one?.transaction_hash) props.found(one.transaction_hash, props.sender);
  });
  return (
    <Empty title="The wallet does not say whether it sent the request.">
      {props.said && <p>What came back: “{words(props.said)}”.</p>}
      <p role="status">It may have: it is looked for, and shows up here. Sending it again now may pay for it twice.</p>
    </Empty>
  );
}
