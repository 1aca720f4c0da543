// SPDX-License-Identifier: Apache-2.0
// Texts of strangers: names, errors, outputs. What would change how the text around it is read is shown as its code.

// Controls (ends of lines and tabs are fine in a block), marks of direction, what has no width, and halves of pairs.
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const LINE_ENDS = /[\t\n]/g;

function code(c: string): string {
  return `\\u{${c.charCodeAt(0).toString(16)}}`;
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
