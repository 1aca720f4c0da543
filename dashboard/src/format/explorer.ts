// SPDX-License-Identifier: Apache-2.0
// Where people look at a transaction or an account, by the coordinator's pattern: https://host/tx/{hash}, for example.

// undefined: there is no such place, or the pattern is no address of the web.
export function explorerUrl(pattern: string | null | undefined, mark: string, value: string): string | undefined {
  if (!pattern || !/^https?:\/\//.test(pattern) || !pattern.includes(mark)) return undefined;
  return pattern.replaceAll(mark, () => encodeURIComponent(value));
}
