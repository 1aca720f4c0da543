// SPDX-License-Identifier: Apache-2.0
// Texts of strangers: names, errors, outputs. What would change how the text around it is read is shown as its code.

// Controls (ends of lines and tabs are fine in a block), separators that are ends of lines elsewhere, halves of pairs,
// and what Unicode says is ignored when it is drawn: marks of direction, fillers, tags, what has no width. A choice of
// how a sign is drawn stands behind that sign.
const UNSEEN =
  /(?<=\p{Extended_Pictographic})\ufe0f|([\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ufff9-\ufffb]|\p{Cs}|\p{Default_Ignorable_Code_Point})/gu;
const LINE_ENDS = /[\t\n]/g;

function code(all: string, unseen?: string): string {
  return unseen === undefined ? all : `\\u{${unseen.codePointAt(0)!.toString(16)}}`;
}

// A block of text as it is, with what cannot be seen made visible.
export function visible(text: string): string {
  return text.replace(/\r\n/g, "\n").replace(UNSEEN, code);
}

// The same in one line, at most `max` characters of it.
export function oneLine(text: string, max = 200): string {
  const start = [...text.slice(0, 2 * max)].slice(0, max).join("");
  return visible(start).replace(LINE_ENDS, " ") + (start.length < text.length ? "…" : "");
}

// The two ends of a hash or a long name, for a narrow place.
export function ends(text: string, head = 6, tail = 4): string {
  const one = oneLine(text, 512);
  return one.length > head + tail + 1 ? `${one.slice(0, head)}…${one.slice(-tail)}` : one;
}

// A branch, a tag, or the beginning of a commit.
export function refShown(ref: string): string {
  return /^[0-9a-f]{40}$/.test(ref) ? ref.slice(0, 8) : oneLine(ref, 40);
}
