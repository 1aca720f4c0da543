// SPDX-License-Identifier: Apache-2.0
// What stands where a transaction could not be read from the chain.
import { Link } from "wouter";
import { isUnknown } from "../chain/follow.ts";
import { Empty, ErrorNote } from "./notes.tsx";

export function NoTransaction({ error, retry }: { error: Error; retry: () => void }) {
  if (!isUnknown(error)) return <ErrorNote error={error} retry={retry} />;
  return (
    <Empty title="The chain's node does not have this transaction.">
      <p>
        Nodes drop transactions after some days: an archival node has it. Which one is asked is chosen at the{" "}
        <Link href="/settings">settings</Link>.
      </p>
      <button type="button" className="small" onClick={retry}>
        Try again
      </button>
    </Empty>
  );
}
