// SPDX-License-Identifier: Apache-2.0
// A member of a JSON object as the very text that stands there: its hash is of those bytes, not of what they mean.

const PIECE = /"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{},:]|[^\s[\]{},:"]+/g;

// undefined: the text is no object, or has no such member.
export function rawMember(text: string, wanted: string): string | undefined {
  let depth = 0;
  let name: string | null = null; // of the member that is read
  let start = -1; // where its value begins
  let before: { text: string; depth: number } | null = null;
  for (const found of text.matchAll(PIECE)) {
    const [piece] = found;
    const at = found.index;
    if (depth === 0 && piece !== "{") return undefined;
    if (depth === 1 && piece === ":" && before?.depth === 1 && name === null) {
      name = before.text;
      start = at + 1;
    } else if (depth === 1 && (piece === "," || piece === "}")) {
      if (name === JSON.stringify(wanted)) return text.slice(start, at).trim();
      name = null;
    }
    if (piece === "{" || piece === "[") depth++;
    if (piece === "}" || piece === "]") depth--;
    if (depth === 0) return undefined;
    before = { text: piece, depth };
  }
  return undefined;
}
