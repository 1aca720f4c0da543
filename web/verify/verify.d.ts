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

/** refused: genuine, but not good enough for the policy; false: forged, revoked or below every level. */
export type Verdict = "accepted" | "refused" | "false" | "not_checkable";

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

/** A code is a name such as FMSPC_MISMATCH; a message is for people. */
export interface Reason {
  code: string;
  message: string;
}

/** One number that is lower than the best level asks for, and which update raises it. */
export interface Short {
  component: string;
  raised_by: string;
  has: number;
  needs: number;
}

export interface Step {
  state: "passed" | "failed" | "not_checkable" | "not_reached";
  step: string;
}

type Hex = string;
/** A moment in UTC, as 2025-07-04T10:28:44Z. */
type Moment = string;

/** What a quote says. The fields of its body are those that its kind has. */
export interface Quote {
  tee?: "TDX" | "SGX";
  quote_version?: number;
  /** The platform, by its certificate. */
  fmspc?: Hex;
  pceid?: Hex;
  pce_svn?: number;
  ca?: "platform" | "processor";
  ppid?: Hex;
  pck_serial?: Hex;
  pck_expires?: Moment;
  /** The caller's 64 bytes, and what they are for where they are OutLayer's. */
  report_data?: Hex;
  report_data_is?: string;
  /** Of TDX, as the register contract takes them for approval. */
  measurements?: Record<"mrtd" | "rtmr0" | "rtmr1" | "rtmr2" | "rtmr3", Hex>;
  trailing_bytes?: number;
  /** TDX */
  tee_tcb_svn?: Hex;
  mrseam?: Hex;
  mrsignerseam?: Hex;
  seam_attributes?: Hex;
  td_attributes?: Hex;
  xfam?: Hex;
  mrtd?: Hex;
  mr_config_id?: Hex;
  mr_owner?: Hex;
  mr_owner_config?: Hex;
  rtmr0?: Hex;
  rtmr1?: Hex;
  rtmr2?: Hex;
  rtmr3?: Hex;
  tee_tcb_svn2?: Hex;
  mr_servicetd?: Hex;
  vm_id?: Hex;
  td_id?: Hex;
  device_info?: Hex;
  init_servicetd_hash?: Hex;
  init_servicetd_attributes?: Hex;
  init_cpusvn?: Hex;
  init_tee_tcb_svn?: Hex;
  init_fmspc?: Hex;
  servicetd_hash?: Hex;
  servicetd_attributes?: Hex;
  /** SGX */
  cpusvn?: Hex;
  miscselect?: Hex;
  attributes?: Hex;
  mrenclave?: Hex;
  mrsigner?: Hex;
  isvprodid?: Hex;
  isvsvn?: Hex;
}

/** The members of Quote and those behind `refused` are there only where `status` is not null. */
export interface Report extends Quote {
  verdict: Verdict;
  /** Null unless all signatures, chains and dates hold. */
  status: Status | null;
  /** There only where `status` is null. */
  error?: Reason & { part: string; hint?: string };
  /** The time for which the quote was checked. */
  at: Moment;
  /** Another root than Intel's was trusted (`rootKey`): then nothing here is proven. */
  simulated: boolean;
  steps: Step[];
  /** The policy's reasons. */
  refused?: Reason[];
  advisory_ids?: string[];
  platform_status?: Status;
  module_status?: Status;
  qe_status?: Status;
  /** With the TDX module of today, of quotes that have two. */
  current_status?: Status;
  tcb_date?: Moment;
  tcb_eval?: number;
  qe_eval?: number;
  collateral?: { valid_from: Moment; valid_from_part: string; expires: Moment; expires_part: string };
  short?: Short[];
  /** There only where `status` is null: what the quote claims, for which nobody vouches. */
  claimed?: Quote;
}

/** Largest inputs, in bytes. */
export const LIMITS: { quoteFile: number; quote: number; collateral: number; policy: number };

/** The quote's bytes, from any form that `Question.quote` has. Throws with a sentence where it is none. */
export function quoteBytes(value: Question["quote"]): Uint8Array;

/** The report of one verification. It is made in this program; nothing is sent anywhere. */
export function verifyQuote(question: Question): Promise<Report>;

/** The same as text: to the byte what `outlayer verify-quote --json` prints. */
export function verifyQuoteText(question: Question): Promise<string>;
