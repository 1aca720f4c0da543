// SPDX-License-Identifier: Apache-2.0
// Base58 as NEAR writes keys and hashes.
const LETTERS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

export function base58(bytes: Uint8Array): string {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  let text = "";
  for (; value > 0n; value /= 58n) text = LETTERS[Number(value % 58n)] + text;
  let zeros = 0;
  while (zeros < bytes.length && bytes[zeros] === 0) zeros++;
  return "1".repeat(zeros) + text;
}

// null: the text is none, or longer than `max` bytes.
export function fromBase58(text: string, max = 128): Uint8Array | null {
  if (text.length > 2 * max) return null;
  let value = 0n;
  for (const letter of text) {
    const digit = LETTERS.indexOf(letter);
    if (digit < 0) return null;
    value = value * 58n + BigInt(digit);
  }
  const bytes: number[] = [];
  for (; value > 0n; value >>= 8n) bytes.unshift(Number(value & 255n));
  let zeros = 0;
  while (zeros < text.length && text[zeros] === "1") zeros++;
  return bytes.length + zeros > max ? null : new Uint8Array([...new Array<number>(zeros).fill(0), ...bytes]);
}
