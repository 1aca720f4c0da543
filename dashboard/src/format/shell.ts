// SPDX-License-Identifier: Apache-2.0
// A word as a POSIX shell reads it back, whatever is in it.
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
