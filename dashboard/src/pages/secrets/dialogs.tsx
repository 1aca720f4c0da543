// SPDX-License-Identifier: Apache-2.0
// What changes a row without its values: who may use it, and its end.
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { near } from "../../format/money.ts";
import { oneLine } from "../../format/text.ts";
import { ErrorNote } from "../../parts/notes.tsx";
import { CommandList, Same } from "../../parts/same.tsx";
import { accessProblem, parseAccess, type Access } from "../../secrets/access.ts";
import { accessCommand, deleteCommands } from "../../secrets/commands.ts";
import { usePlace, useRowsAgain } from "../../secrets/queries.ts";
import { changeAccess, deleteRow, type Row, type RowKey } from "../../secrets/rows.ts";
import { useAccount, useWallet } from "../../wallet/use_wallet.ts";
import { AccessChoice } from "./access_choice.tsx";

export interface DialogProps {
  row: Row;
  close: (said?: string) => void;
}

function keyOf({ repo, branch, profile }: Row): RowKey {
  return { repo, branch, profile };
}

function Buttons({ go, busy, close, word }: { go: () => void; busy: boolean; close: () => void; word: string }) {
  return (
    <div className="buttons">
      <button type="button" disabled={busy} onClick={go}>
        {busy ? "The chain works on it…" : word}
      </button>
      <button type="button" className="quiet" disabled={busy} onClick={close}>
        Cancel
      </button>
    </div>
  );
}

export function AccessDialog({ row, close }: DialogProps) {
  const [access, setAccess] = useState<Access | null>(parseAccess(row.access));
  const place = usePlace();
  const account = useAccount();
  const wallet = useWallet();
  const again = useRowsAgain();
  const change = useMutation({
    mutationFn: async (next: Access) => {
      const problem = accessProblem(next);
      if (problem) throw new Error(problem);
      await changeAccess(place!, await wallet(), keyOf(row), next);
      await again();
    },
    onSuccess: () => close("The condition is changed on the chain."),
  });
  return (
    <>
      <h2>Who may use {oneLine(row.repo, 80)}</h2>
      <AccessChoice kept={row.access} access={access} change={setAccess} />
      {change.isError && <ErrorNote error={change.error} />}
      {access && !accessProblem(access) && account.data && (
        <Same>
          <CommandList commands={[["outlayer", accessCommand(account.data.accountId, keyOf(row), access)]]} />
        </Same>
      )}
      <Buttons
        word="Change the condition"
        busy={change.isPending}
        go={() => (access ? change.mutate(access) : close())}
        close={() => close()}
      />
    </>
  );
}

export function DeleteDialog({ row, close }: DialogProps) {
  const place = usePlace();
  const account = useAccount();
  const wallet = useWallet();
  const again = useRowsAgain();
  const remove = useMutation({
    mutationFn: async () => {
      await deleteRow(place!, await wallet(), keyOf(row));
      await again();
    },
    onSuccess: () => close(`The row is deleted; ${near(row.storage_deposit)} came back.`),
  });
  return (
    <>
      <h2>Delete the secrets of {oneLine(row.repo, 80)}?</h2>
      <p>
        Profile {oneLine(row.profile, 64)}. Programs do not get them any more; {near(row.storage_deposit)} come back.
        Nobody can bring the values back, but whoever has seen them still knows them.
      </p>
      {place && account.data && (
        <Same>
          <CommandList commands={deleteCommands(place.contract, account.data.accountId, keyOf(row))} />
        </Same>
      )}
      {remove.isError && <ErrorNote error={remove.error} />}
      <Buttons word="Delete" busy={remove.isPending} go={() => remove.mutate()} close={() => close()} />
    </>
  );
}
