// SPDX-License-Identifier: Apache-2.0
// A text of strangers as it is: shown up to a length, copied and downloaded whole.
import { useState } from "react";
import { bytes } from "../format/number.ts";
import { visible } from "../format/text.ts";
import { Copy } from "./values.tsx";

const SHOWN = 16_384;

export function download(content: string | Uint8Array<ArrayBuffer>, name: string): void {
  const url = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export interface BlockProps {
  text: string; // what is shown and copied
  what: string; // "input"
  file: string;
  content?: Uint8Array<ArrayBuffer>; // what is downloaded, where that is not the text
}

export function TextBlock({ text, what, file, content }: BlockProps) {
  const [whole, setWhole] = useState(false);
  const cut = !whole && text.length > SHOWN;
  const size = content?.length ?? new TextEncoder().encode(text).length;
  return (
    <div className="block">
      <div className="block-bar">
        <span className="soft">{bytes(size)}</span>
        <Copy text={text} what={what} />
        <button type="button" className="copy" onClick={() => download(content ?? text, file)}>
          Download
        </button>
      </div>
      <pre tabIndex={0} aria-label={what}>
        <code>{visible(cut ? text.slice(0, SHOWN) : text)}</code>
      </pre>
      {cut && (
        <button type="button" className="quiet small" onClick={() => setWhole(true)}>
          Show all of it
        </button>
      )}
    </div>
  );
}
