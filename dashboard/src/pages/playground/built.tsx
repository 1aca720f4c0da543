// SPDX-License-Identifier: Apache-2.0
// Whether what is asked for has been built before.
import { useBuilt } from "../../api/queries.ts";
import { ends } from "../../format/text.ts";
import type { Draft } from "./draft.ts";

export function Built({ draft }: { draft: Draft }) {
  const info = useBuilt(draft.repo.trim(), draft.commit.trim(), draft.target);
  const [record] = info.data?.builds ?? [];
  if (!info.data) return null;
  if (!record) return <>It has to be built first.</>;
  return (
    <>
      It was built before: module <code>{ends(record.wasm_hash, 8, 6)}</code>.
    </>
  );
}
