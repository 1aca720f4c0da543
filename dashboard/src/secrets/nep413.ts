// SPDX-License-Identifier: Apache-2.0
// What a wallet signs for a message: NEP-413.
import { Borsh, sha256 } from "./borsh.ts";

export interface Message {
  message: string;
  recipient: string;
  nonce: Uint8Array; // 32 bytes
}

const TAG = 2 ** 31 + 413;

export function nep413Hash({ message, recipient, nonce }: Message, callbackUrl: string | null) {
  return sha256(new Borsh().u32(TAG).text(message).bytes(nonce).text(recipient).maybe(callbackUrl).end());
}
