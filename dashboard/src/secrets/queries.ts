// SPDX-License-Identifier: Apache-2.0
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useConfig } from "../api/queries.ts";
import { listRows, type Place } from "./rows.ts";

export function usePlace(): Place | null {
  const config = useConfig();
  const { contract_id: contract, rpc_urls: urls = [] } = config.data ?? {};
  return contract && urls.length > 0 ? { contract, urls } : null;
}

export function useRows(account: string | undefined) {
  const place = usePlace();
  return useQuery({
    queryKey: ["secrets", account],
    enabled: account !== undefined && place !== null,
    queryFn: ({ signal }) => listRows(place!, account!, signal),
  });
}

export function useRowsAgain(): () => Promise<void> {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: ["secrets"] });
}
