// SPDX-License-Identifier: Apache-2.0
// Which chain it is that an RPC address answers for.
import { useQuery } from "@tanstack/react-query";
import { useRpc } from "./queries.ts";
import { rpc } from "./rpc.ts";

const PUBLIC = ["mainnet", "testnet"];

export async function chainIdAt(url: string, signal?: AbortSignal): Promise<string> {
  const { chain_id } = await rpc<{ chain_id?: unknown }>([url], "status", [], signal);
  if (typeof chain_id !== "string") throw new Error("this address does not say of which chain it is");
  return chain_id;
}

export function useChainId(wanted = true) {
  const [url] = useRpc();
  return useQuery({
    queryKey: ["chain", url],
    enabled: wanted && url !== undefined,
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) => chainIdAt(url!, signal),
  });
}

export function isPublic(network: string): boolean {
  return PUBLIC.includes(network);
}

// Local chains are named as their owners like; the public ones have one name each.
export function isOtherChain(network: string, chainId: string): boolean {
  return network !== chainId && (isPublic(network) || isPublic(chainId));
}
