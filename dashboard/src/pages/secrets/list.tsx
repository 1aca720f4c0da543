// SPDX-License-Identifier: Apache-2.0
// The account's rows, with what can be done to each.
import { useRef, useState } from "react";
import { oneLine } from "../../format/text.ts";
import { Amount, When } from "../../parts/values.tsx";
import type { Row } from "../../secrets/rows.ts";
import { AccessDialog, DeleteDialog } from "./dialogs.tsx";
import { accessWords } from "./access_choice.tsx";

function milliseconds(ns: number | string): string {
  return (BigInt(ns) / 1_000_000n).toString();
}

interface RowProps {
  row: Row;
  replace: (row: Row) => void;
  said: (what: string) => void;
}

function SecretRow({ row, replace, said }: RowProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [open, setOpen] = useState<"access" | "delete" | null>(null);
  const show = (which: "access" | "delete") => {
    setOpen(which);
    requestAnimationFrame(() => dialog.current?.showModal());
  };
  const name = `${oneLine(row.repo, 80)} ${oneLine(row.profile, 64)}`;
  const close = (what?: string) => {
    dialog.current?.close();
    setOpen(null);
    if (what) said(what);
  };
  return (
    <li className="secret">
      <div>
        <strong>{oneLine(row.repo, 80)}</strong>{" "}
        <span className="ref">{row.branch === null ? "any branch" : oneLine(row.branch, 60)}</span>
        <p>
          Profile <code>{oneLine(row.profile, 64)}</code>, for {accessWords(row.access)}
        </p>
        <p className="soft">
          Changed <When at={milliseconds(row.updated_at)} />; <Amount yocto={row.storage_deposit} /> are bound by its
          bytes.
        </p>
      </div>
      <div className="buttons">
        <button
          type="button"
          className="quiet small"
          aria-label={`Replace values: ${name}`}
          onClick={() => replace(row)}
        >
          Replace values
        </button>
        <button
          type="button"
          className="quiet small"
          aria-label={`Change access: ${name}`}
          onClick={() => show("access")}
        >
          Change access
        </button>
        <button type="button" className="quiet small" aria-label={`Delete: ${name}`} onClick={() => show("delete")}>
          Delete
        </button>
      </div>
      <dialog ref={dialog} aria-label={name} onClose={() => setOpen(null)}>
        {open === "access" && <AccessDialog row={row} close={close} />}
        {open === "delete" && <DeleteDialog row={row} close={close} />}
      </dialog>
    </li>
  );
}

export function SecretList({ rows, ...more }: { rows: Row[] } & Omit<RowProps, "row">) {
  return (
    <ul className="secret-list">
      {rows.map((row) => (
        <SecretRow row={row} key={`${row.repo}\n${row.branch}\n${row.profile}`} {...more} />
      ))}
    </ul>
  );
}
