// SPDX-License-Identifier: Apache-2.0
// Seals values with HPKE (RFC 9180), in this browser. What is sealed can only be opened by the keystore.
import { Chacha20Poly1305 } from "@hpke/chacha20poly1305";
import { CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { toBase64 } from "../format/bytes.ts";
import { Borsh } from "./borsh.ts";
import type { SealingKey } from "./key.ts";
import { sealInfo } from "./scope.ts";

export async function sealValues(to: SealingKey, profile: string, values: Map<string, string>): Promise<string> {
  const suite = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Chacha20Poly1305(),
  });
  const plain = new TextEncoder().encode(JSON.stringify(Object.fromEntries(values)));
  try {
    const recipientPublicKey = await suite.kem.deserializePublicKey(to.key.buffer);
    const info = sealInfo(to.scope, profile, to.generation).buffer;
    const sender = await suite.createSenderContext({ recipientPublicKey, info });
    const sealed = new Uint8Array(await sender.seal(plain.buffer));
    const blob = new Borsh().bytes(Uint8Array.of(1)).u32(to.generation).bytes(new Uint8Array(sender.enc)).bytes(sealed);
    return toBase64(blob.end());
  } finally {
    plain.fill(0);
  }
}
