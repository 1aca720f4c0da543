// SPDX-License-Identifier: Apache-2.0
// JSON for people, with every number as it was written.
interface Source {
  source?: string;
}
const raw = (JSON as unknown as { rawJSON?: (text: string) => unknown }).rawJSON;

function keep(_key: string, value: unknown, context?: Source): unknown {
  const source = context?.source;
  return typeof value === "number" && source !== undefined && raw && `${value}` !== source ? raw(source) : value;
}

// Numbers that JavaScript would change are opaque in it, and written out again as they were.
export function parseWhole(text: string): unknown {
  return JSON.parse(text, keep as (key: string, value: unknown) => unknown);
}

const PARTS = /"[^"\\]*(?:\\.[^"\\]*)*"|[^\s"[\]{}:,]+/g;

// Texts, numbers and words of a JSON text: each text as JavaScript writes it, all others as they are written.
function partsOf(text: string): string[] {
  return (text.match(PARTS) ?? []).map((part) => (part.startsWith('"') ? JSON.stringify(JSON.parse(part)) : part));
}

// What of a JSON text is not there any more when JavaScript has read it and written it: a number that it writes otherwise, or
// a name that stands twice in an object. null: all is there.
export function lostInParsing(text: string): string | null {
  const left = partsOf(JSON.stringify(JSON.parse(text)));
  for (const part of partsOf(text)) {
    const at = left.indexOf(part);
    if (at < 0) return part;
    left.splice(at, 1);
  }
  return null;
}

const DEPTH_MAX = 64;
const TEXT_OR_BRACKET = /"[^"\\]*(?:\\.[^"\\]*)*"|[[{\]}]/g;

// Each level is indented further: a few thousand brackets of a stranger would become tens of megabytes.
function isDeep(text: string): boolean {
  let depth = 0;
  for (const [part] of text.matchAll(TEXT_OR_BRACKET))
    if (part === "[" || part === "{") {
      if (++depth > DEPTH_MAX) return true;
    } else if (!part.startsWith('"')) depth--;
  return false;
}

// null: it is not JSON, or too deep to be shown line by line.
export function pretty(text: string): string | null {
  if (isDeep(text)) return null;
  try {
    return JSON.stringify(parseWhole(text), null, 2);
  } catch {
    return null;
  }
}
