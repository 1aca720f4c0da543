// SPDX-License-Identifier: Apache-2.0
// What the report of a quote means for the key that was registered by it.
import type { Report } from "outlayer-verify";
import type { Registration } from "./answerer.ts";
import { failed, passed, unchecked, type Check } from "./check.ts";

export const TITLE = "The quote";

// bound: whether it was made for this key, this chain and these contracts; null: that is not known.
export function judged(
  report: Report,
  registration: Registration,
  bound: boolean | null,
  rest: Pick<Check, "facts" | "files">,
): Check {
  if (report.verdict === "false")
    return failed(TITLE, `It is forged, revoked or too old: ${report.error?.message ?? ""}`, rest);
  if (report.verdict === "not_checkable")
    return unchecked(TITLE, `It cannot be checked: ${report.error?.message ?? "something is missing"}.`, rest);
  if (report.rtmr3 !== registration.row.rtmr3)
    return failed(TITLE, "The quote is of another program than the register contract says.", rest);
  if (bound === false)
    return failed(TITLE, "The quote was not made for this key, this chain and these contracts.", rest);
  if (report.verdict === "refused")
    return unchecked(
      TITLE,
      `It is genuine; by the policy that holds now it is refused: ${report.refused?.[0]?.message ?? ""}`,
      rest,
    );
  if (report.simulated)
    return unchecked(
      TITLE,
      "Its signatures hold up to the root key that the register contract believes, which is not Intel's: " +
        "everybody can make such quotes, so this proves nothing.",
      rest,
    );
  if (bound === null)
    return unchecked(TITLE, "It is genuine; whether it was made for this key, the chain's node does not say.", rest);
  if (!registration.isKnown)
    return unchecked(
      TITLE,
      "It is genuine and was made for this key. Whether of an image that the operator approved is the word of a contract " +
        "whose code is not the one that these pages were built with.",
      rest,
    );
  return passed(
    TITLE,
    "Intel's signatures vouch for a machine that runs an image which this operator approved, and the quote was made " +
      "there for this key.",
    rest,
  );
}
