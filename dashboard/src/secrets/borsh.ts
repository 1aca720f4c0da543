// SPDX-License-Identifier: Apache-2.0
// Borsh, as far as docs/secrets.md has it, and the records that it makes: SHA-256 of such bytes.
import type { Integer } from "../api/exact.ts";

export class Borsh {
  private readonly parts: Uint8Array[] = [];

  bytes(value: Uint8Array): this {
    this.parts.push(value);
    return this;
  }

  u32(value: number): this {
    const part = new Uint8Array(4);
    new DataView(part.buffer).setUint32(0, value, true);
    return this.bytes(part);
  }

  // Throws where it is none: another number must not have the same bytes.
  u64(value: Integer): this {
    const part = new Uint8Array(8);
    const number = BigInt(value);
    if (number < 0n || number >> 64n) throw new RangeError(`${value} is no number of 64 bits`);
    new DataView(part.buffer).setBigUint64(0, number, true);
    return this.bytes(part);
  }

  text(value: string): this {
    const part = new TextEncoder().encode(value);
    return this.u32(part.length).bytes(part);
  }

  // Option of a text.
  maybe(value: string | null): this {
    return value === null ? this.bytes(Uint8Array.of(0)) : this.bytes(Uint8Array.of(1)).text(value);
  }

  end(): Uint8Array<ArrayBuffer> {
    const whole = new Uint8Array(this.parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
}

export async function sha256(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
}
