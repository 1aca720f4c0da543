// SPDX-License-Identifier: Apache-2.0
// What the operator has chosen to begin with: a button for each.
import type { Example } from "../../api/schema.ts";
import { oneLine, visible } from "../../format/text.ts";

interface ChooserProps {
  examples: readonly Example[];
  chosen: string | null;
  held: boolean; // while what the form asks for is sent
  choose: (id: string | null) => void;
}

export function Chooser({ examples, chosen, held, choose }: ChooserProps) {
  if (examples.length === 0) return null;
  const what = examples.find(({ id }) => id === chosen)?.what;
  return (
    <div role="group" aria-label="Begin with" className="examples">
      <p className="buttons">
        <span className="soft">Begin with</span>
        {examples.map(({ id, title }) => (
          <button
            type="button"
            className={id === chosen ? "small" : "quiet small"}
            key={id}
            disabled={held}
            aria-pressed={id === chosen}
            onClick={() => choose(id === chosen ? null : id)}
          >
            {oneLine(title, 60)}
          </button>
        ))}
      </p>
      <p aria-live="polite">{what && visible(what.slice(0, 1000))}</p>
    </div>
  );
}
