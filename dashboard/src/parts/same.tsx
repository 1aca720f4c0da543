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

export function CommandList({ commands }: { commands: [what: string, command: string][] }) {
  return commands.map(([what, text]) => <Command key={what} what={what} text={text} />);
}

interface SameProps {
  paths?: [what: string, path: string][]; // of the coordinator, as this page asks them
  children?: ReactNode; // what else says the same
}

export function Same({ paths = [], children }: SameProps) {
  return (
    <details className="same">
      <summary>As JSON, and by command</summary>
      <CommandList commands={paths.map(([what, path]) => [what, `curl -s ${shellWord(location.origin + path)}`])} />
      {paths.length > 0 && (
        <p>
          {paths.map(([what, path]) => (
            <a key={what} href={path} target="_blank" rel="noreferrer">
              {what} as JSON
            </a>
          ))}
        </p>
      )}
      {children}
    </details>
  );
}
