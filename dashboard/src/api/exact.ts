// SPDX-License-Identifier: Apache-2.0
// JSON whose integers keep all their digits: one that a number of JavaScript cannot hold comes as its text.

// An integer that is not negative: up to 2^53 as a number, beyond as decimal digits.
export type Integer = number | string;

// Digits behind a point or an exponent are a part of a number that is none.
const TEXT_OR_LONG_INTEGER = /"[^"\\]*(?:\\.[^"\\]*)*"|(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/g;

export function parseExact(text: string): unknown {
  const safe = text.replace(TEXT_OR_LONG_INTEGER, (part) =>
    part.startsWith('"') || Number.isSafeInteger(Number(part)) ? part : `"${part}"`,
  );
  return JSON.parse(safe);
}
