// SPDX-License-Identifier: Apache-2.0
// What a quote of a worker's key carries, signed (src/tee/report_data.h): for which key, chain and contracts it was made.
import { toHex, type Bytes } from "../format/bytes.ts";
import { Borsh, sha256 } from "../secrets/borsh.ts";

// How the report data of each quote for a worker's key begins: "outlayer-quote-", version 1, purpose 1.
export const OURS = toHex(new TextEncoder().encode("outlayer-quote-")) + "0101";

export interface Place {
  network: string;
  register: string;
  main: string;
}

export async function reportData(place: Place, key: Bytes, challenge: Bytes): Promise<string> {
  const record = new Borsh()
    .text("outlayer-quote-worker-v1")
    .text(place.network)
    .text(place.register)
    .text(place.main)
    .bytes(Uint8Array.of(0)) // of ed25519
    .bytes(key)
    .bytes(challenge)
    .end();
  return OURS.padEnd(64, "0") + toHex(await sha256(record));
}
