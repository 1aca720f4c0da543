// SPDX-License-Identifier: Apache-2.0
// What an execution costs, line by line: docs/contract.md, "Money".
import type { Integer } from "../api/exact.ts";
import { toBig } from "../format/number.ts";

export type Prices = [base: string, perMillion: string, perMs: string, perCompileMs: string];

export interface Line {
  what: string;
  count: bigint;
  each: bigint;
  sum: bigint;
}

export interface Used {
  instructions?: Integer | null | undefined;
  time_ms?: Integer | null | undefined;
  compile_time_ms?: Integer | null | undefined;
}

export function priceLines(prices: Prices, used: Used): Line[] {
  const line = (what: string, count: bigint, each: string) => {
    const price = BigInt(each);
    return { what, count, each: price, sum: count * price };
  };
  const count = (value: Integer | null | undefined) => toBig(value ?? 0) ?? 0n;
  return [
    line("base fee", 1n, prices[0]),
    line("million instructions", count(used.instructions) / 1_000_000n, prices[1]),
    line("ms of running", count(used.time_ms), prices[2]),
    line("ms of building", count(used.compile_time_ms), prices[3]),
  ];
}

export function sumOf(lines: Line[]): bigint {
  return lines.reduce((sum, line) => sum + line.sum, 0n);
}
