// SPDX-License-Identifier: Apache-2.0
// The chain as a dry run asks it.
import { balanceOf } from "../chain/rpc.ts";
import { view } from "../chain/view.ts";
import type { Chain } from "./dry_run.ts";
import { matches } from "./pattern.ts";

export function chainOf(urls: readonly string[]): Chain {
  return {
    view: (contract, method, args) => view(urls, contract, method, args),
    balance: (account) => balanceOf(urls, account),
    matches,
  };
}
