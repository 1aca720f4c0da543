// SPDX-License-Identifier: Apache-2.0
// Moments and lengths of time, in milliseconds, as texts for people.
import type { Integer } from "../api/exact.ts";

// "1.2 s", "350 ms", "2 min 5 s".
export function duration(length: Integer): string {
  const ms = Number(length); // no length of time has 2^53 ms
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(ms < 9_950 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor(minutes / 60) % 24} h`;
}

// "just now", "12 s ago", "3 h ago". A moment that lies ahead of this machine's clock is "just now".
export function ago(at: number, now: number): string {
  const seconds = Math.floor((now - at) / 1000);
  if (seconds < 2) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

function two(n: number): string {
  return `${n}`.padStart(2, "0");
}

// "2026-11-30 09:05:18" where the reader is.
export function local(at: number): string {
  const d = new Date(at);
  if (Number.isNaN(d.getTime())) return `${at}`;
  const day = `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  return `${day} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

// The same in UTC, with milliseconds: "2026-11-30T09:05:18.123Z".
export function utc(at: number): string {
  const d = new Date(at);
  return Number.isNaN(d.getTime()) ? `${at}` : d.toISOString();
}

// A moment in a field that takes one (type=datetime-local), where the reader is; "": there is none.
export function typed(at: Integer | undefined): string {
  if (at === undefined || Number.isNaN(new Date(Number(at)).getTime())) return "";
  return local(Number(at)).replace(" ", "T");
}

// What stands in such a field, in milliseconds; "": nothing.
export function atTyped(text: string): string {
  const at = text === "" ? Number.NaN : new Date(text).getTime();
  return Number.isNaN(at) || at < 0 ? "" : `${at}`;
}
