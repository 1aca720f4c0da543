// SPDX-License-Identifier: Apache-2.0
// What the register contract has of workers' machines: which keys are registered, and what their quotes showed.
import { useQuery } from "@tanstack/react-query";
import { each } from "../api/away.ts";
import type { Integer } from "../api/exact.ts";
import { useRpc } from "./queries.ts";
import { view } from "./view.ts";

export interface Registered {
  public_key: string;
  rtmr3: string;
  valid_until: Integer; // seconds
  state: string; // active, failing, unapproved or expired
  tcb_status: string;
  image_id: Integer | null;
}

export interface Image {
  image_id: Integer;
  name: string;
}

const SHOWN = 100;

// null contract: there is none.
export function useRegistered(contract: string | null) {
  const urls = useRpc();
  return useQuery({
    queryKey: ["registered", contract],
    enabled: contract !== null && urls.length > 0,
    refetchInterval: each(30_000),
    queryFn: async ({ signal }) => {
      const page = { from_index: 0, limit: SHOWN };
      const [workers, images] = await Promise.all([
        view<Registered[]>(urls, contract!, "get_workers", page, undefined, signal),
        view<Image[]>(urls, contract!, "get_images", page, undefined, signal),
      ]);
      return { workers, images: new Map(images.map(({ image_id, name }) => [`${image_id}`, name])) };
    },
  });
}
