// SPDX-License-Identifier: Apache-2.0
// The forms in which people hold a quote, brought to its bytes. The same forms as `outlayer verify-quote` takes.
export const LIMITS = {
  quoteFile: 1 << 20, // a file with a quote in it: dstack's answer has the event log beside it
  quote: 64 << 10,
  collateral: 1 << 20,
  policy: 64 << 10,
};

export const counted = (n) => n.toLocaleString("en-US");

export function within(what, length, most) {
  if (length > most)
    throw new RangeError(`${what} has ${counted(length)} bytes; at most ${counted(most)} are taken.`);
}

/** Text or bytes as bytes. */
export function bytesOf(what, value) {
  if (typeof value === "string") return new TextEncoder().encode(value);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  throw new TypeError(`${what} must be text or bytes.`);
}

const HEX = /^(?:[0-9a-f]{2})+$/i;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export function hexBytes(what, text) {
  if (!HEX.test(text)) throw new SyntaxError(`${what} must be hexadecimal digits in pairs.`);
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.substr(2 * i, 2), 16));
}

// Hexadecimal (with or without 0x) or base64, with line ends or without.
function textBytes(text) {
  const dense = text.replace(/[ \t\r\n]/g, "");
  if (/^0x/i.test(dense)) return hexBytes("The quote behind 0x", dense.slice(2));
  if (HEX.test(dense)) return hexBytes("The quote", dense);
  if (!dense || !BASE64.test(dense)) {
    throw new SyntaxError(
      "This is no quote in bytes, hexadecimal, base64 or dstack's JSON: it is cut off, or has other characters.",
    );
  }
  return Uint8Array.from(atob(dense), (c) => c.charCodeAt(0));
}

function quoteOfJson(text) {
  let answer;
  try {
    answer = JSON.parse(text);
  } catch (e) {
    throw new SyntaxError(`This begins like JSON and is none: ${e.message}`);
  }
  const found = ["quote", "tdx_quote", "tdx_quote_hex"].map((name) => answer[name]).find((value) => value != null);
  if (typeof found !== "string") throw new SyntaxError("The JSON has no member 'quote' with a text.");
  if (!found)
    throw new SyntaxError(
      "The member 'quote' is empty: the machine that made it is no TDX guest, or its quoting service does not run.",
    );
  return textBytes(found);
}

// Text has nothing but printable ASCII and white space; a quote has zeros in its first bytes.
const isText = (b) => b.length > 0 && b.every((c) => (c >= 0x20 && c < 0x7f) || c === 9 || c === 10 || c === 13);

/** The quote's bytes, from its bytes, hexadecimal, base64, or a JSON object that has it as `quote`. */
export function quoteBytes(value) {
  const file = bytesOf("The quote", value);
  within("The quote's file", file.length, LIMITS.quoteFile);
  let quote = file;
  if (isText(file)) {
    const text = new TextDecoder().decode(file).trim();
    quote = text.startsWith("{") ? quoteOfJson(text) : textBytes(text);
  }
  within("The quote", quote.length, LIMITS.quote);
  return quote;
}
