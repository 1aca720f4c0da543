// SPDX-License-Identifier: Apache-2.0
// A word as a POSIX shell reads it back, whatever is in it. Control characters are written as escapes ($'…', which is
// POSIX since 2024): a terminal would obey them when the word is pasted, within quotation marks, too.
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;
const CONTROLS = new RegExp(CONTROL, "g");

function escaped(c: string): string {
  return Array.from(new TextEncoder().encode(c), (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}

export function shellWord(text: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(text)) return text;
  if (CONTROL.test(text)) return `$'${text.replace(/[\\']/g, "\\$&").replace(CONTROLS, escaped)}'`;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
