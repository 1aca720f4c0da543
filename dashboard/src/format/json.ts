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

// null: it is not JSON.
export function pretty(text: string): string | null {
  try {
    return JSON.stringify(parseWhole(text), null, 2);
  } catch {
    return null;
  }
}
