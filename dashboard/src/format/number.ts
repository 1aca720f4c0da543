// SPDX-License-Identifier: Apache-2.0
// Whole numbers as texts for people, exact at any size: nothing here goes through a floating-point number.
import type { Integer } from "../api/exact.ts";

const DIGITS = /^-?\d+$/;

export function toBig(value: Integer): bigint | null {
  const text = `${value}`;
  return DIGITS.test(text) ? BigInt(text) : null;
}

// 12345678 as "12,345,678".
export function grouped(value: Integer | bigint): string {
  const text = `${value}`;
  return DIGITS.test(text) ? text.replace(/\B(?=(\d{3})+$)/g, ",") : text;
}

// value / 10^decimals with at most `places` places behind the point, rounded half up, without zeros at the end.
export function scaled(value: bigint, decimals: number, places: number): string {
  const cut = 10n ** BigInt(Math.max(decimals - places, 0));
  const negative = value < 0n;
  const rounded = ((negative ? -value : value) + cut / 2n) / cut;
  const kept = Math.min(places, decimals);
  const digits = rounded.toString().padStart(kept + 1, "0");
  const whole = digits.slice(0, digits.length - kept);
  const fraction = digits.slice(digits.length - kept).replace(/0+$/, "");
  return `${negative && rounded > 0n ? "-" : ""}${grouped(whole)}${fraction ? `.${fraction}` : ""}`;
}

const UNITS: [string, number][] = [
  ["", 0],
  [" K", 3],
  [" M", 6],
  [" G", 9],
  [" T", 12],
  [" P", 15],
  [" E", 18],
];

// 1234567 as "1.23 M": three digits or so, with the unit that the rounded number has.
export function short(value: Integer): string {
  const big = toBig(value);
  if (big === null) return `${value}`;
  for (let i = 0; i < UNITS.length; i++) {
    const [unit, decimals] = UNITS[i]!;
    const whole = big / 10n ** BigInt(decimals);
    const text = scaled(big, decimals, whole >= 100n ? 0 : whole >= 10n ? 1 : 2);
    if (i === UNITS.length - 1 || (text !== "1,000" && whole < 1000n)) return text + unit;
  }
  return `${value}`;
}

const BYTES = ["bytes", "KiB", "MiB", "GiB", "TiB"];

export function bytes(value: Integer): string {
  const big = toBig(value);
  if (big === null) return `${value}`;
  let unit = 0;
  while (unit + 1 < BYTES.length && big >= 1024n ** BigInt(unit + 1)) unit++;
  const tenths = (big * 10n + 1024n ** BigInt(unit) / 2n) / 1024n ** BigInt(unit);
  return `${scaled(tenths, 1, unit === 0 ? 0 : 1)} ${big === 1n ? "byte" : BYTES[unit]}`;
}
