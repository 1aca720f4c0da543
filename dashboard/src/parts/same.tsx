// SPDX-License-Identifier: Apache-2.0
// What a page shows, for programs: the coordinator's own answer, and the command that gets it.
import type { ReactNode } from "react";
import { shellWord } from "../format/shell.ts";
import { visible } from "../format/text.ts";
import { Copy } from "./values.tsx";

export function Command({ text, what }: { text: string; what: string }) {
  return (
    <div className="block">
      <div className="block-bar">
        <span className="soft">{what}</span>
        <Copy text={text} what={what} />
      </div>
      <pre tabIndex={0} aria-label={what}>
        <code>{visible(text)}</code>
      </pre>
    </div>
  );
}

// paths: of the coordinator, as this page asks them.
export function Same({ paths, children }: { paths: [what: string, path: string][]; children?: ReactNode }) {
  return (
    <details className="same">
      <summary>As JSON, and by command</summary>
      {paths.map(([what, path]) => (
        <Command key={what} what={what} text={`curl -s ${shellWord(location.origin + path)}`} />
      ))}
      <p>
        {paths.map(([what, path]) => (
          <a key={what} href={path} target="_blank" rel="noreferrer">
            {what} as JSON
          </a>
        ))}
      </p>
      {children}
    </details>
  );
}
