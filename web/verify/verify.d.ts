// SPDX-License-Identifier: Apache-2.0
/** What is checked, and by what. */
export interface Question {
  /** The quote's bytes, hexadecimal, base64, or dstack's JSON with a member `quote`. */
  quote: Uint8Array | ArrayBuffer | string;
  /** The object of nine members, or its JSON text. */
  collateral?: Record<string, string> | Uint8Array | ArrayBuffer | string | null;
  /** When: a Date or seconds since 1970; now if left out. */
  at?: Date | number;
  /** A policy, or its JSON text; up to date and without advisories if left out. */
  policy?: object | string | null;
  /** x and y of another root key than Intel's, for tests: 64 bytes or their hexadecimal text. */
  rootKey?: Uint8Array | string | null;
}

export type Verdict = "accepted" | "refused" | "false" | "uncheckable";

export type Status =
  | "UpToDate"
  | "SWHardeningNeeded"
  | "ConfigurationNeeded"
  | "ConfigurationAndSWHardeningNeeded"
  | "OutOfDate"
  | "OutOfDateConfigurationNeeded"
  | "Revoked"
  | "TDRelaunchAdvised"
  | "TDRelaunchAdvisedConfigurationNeeded";

/** Largest inputs, in bytes. */
export const LIMITS: { quoteFile: number; quote: number; collateral: number; policy: number };

/** The quote's bytes, from any form that `Question.quote` has. Throws with a sentence where it is none. */
export function quoteBytes(value: Question["quote"]): Uint8Array;

/** The report of one verification. It is made in this program; nothing is sent anywhere. */
export function verifyQuote(question: Question): Promise<Report>;

/** The same as text: to the byte what `outlayer verify-quote --json` prints. */
export function verifyQuoteText(question: Question): Promise<string>;
