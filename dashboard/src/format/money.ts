// SPDX-License-Identifier: Apache-2.0
// Amounts in yoctoNEAR as texts for people: 1 NEAR = 10^24 yoctoNEAR.
import { scaled } from "./number.ts";

export const NEAR_DECIMALS = 24;
const AMOUNT = /^\d{1,39}$/;

export function yocto(text: string): bigint | null {
  return AMOUNT.test(text) ? BigInt(text) : null;
}

// "0.00123 NEAR": at most five places; what is less than that but more than nothing says so.
export function near(text: string): string {
  const value = yocto(text);
  if (value === null) return text;
  const shown = scaled(value, NEAR_DECIMALS, 5);
  return `${shown === "0" && value > 0n ? "<0.00001" : shown} NEAR`;
}

// Every digit there is, also of what is less than nothing: a reduction of a bill, for example.
export function nearDigits(value: bigint): string {
  return scaled(value, NEAR_DECIMALS, NEAR_DECIMALS);
}

// The same as fields and commands take it: all digits, and no commas between them.
export function nearPlain(text: string): string {
  const value = yocto(text);
  return value === null ? text : nearDigits(value).replaceAll(",", "");
}

export function nearExact(text: string): string {
  const value = yocto(text);
  return value === null ? text : `${nearDigits(value)} NEAR`;
}

const TYPED = /^(\d{0,15})(?:[.](\d{0,24}))?$/;

// What somebody typed as an amount of NEAR, in yoctoNEAR; null: it is none.
export function parseNear(typed: string): string | null {
  const found = TYPED.exec(typed.trim());
  if (!found || !(found[1] || found[2])) return null;
  return BigInt((found[1] ?? "") + (found[2] ?? "").padEnd(NEAR_DECIMALS, "0")).toString();
}
