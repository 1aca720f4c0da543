// SPDX-License-Identifier: Apache-2.0
// A request by command, on its page and in the playground.
import type { RequestData } from "../../chain/events.ts";
import { CommandList } from "../../parts/same.tsx";
import { nearCli, outlayer } from "./commands.ts";

export function Commands({ contract, data }: { contract: string; data: RequestData }) {
  return (
    <details>
      <summary>Ask for it by command</summary>
      <CommandList
        commands={[
          ["outlayer", outlayer(data)],
          ["near-cli-rs", nearCli(contract, data)],
        ]}
      />
    </details>
  );
}
