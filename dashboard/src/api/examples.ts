// SPDX-License-Identifier: Apache-2.0
// What the operator has chosen to begin with in the playground.
import { useQuery } from "@tanstack/react-query";
import { getJson } from "./client.ts";
import type { Example, Examples } from "./schema.ts";

export function useExamples() {
  return useQuery({
    queryKey: ["examples"],
    staleTime: Number.POSITIVE_INFINITY, // it is read when the coordinator starts
    queryFn: async ({ signal }): Promise<Example[]> => (await getJson<Examples>("/public/examples", signal)).examples,
  });
}
