// SPDX-License-Identifier: Apache-2.0
// Checks a quote of TDX or SGX in a browser or in Node.js. The verifier is src/dcap, compiled to WebAssembly and part
// of this file; hashes and curve come from @noble. Nothing is fetched or sent. Each check has an instance of its own.
import { p256 } from "@noble/curves/nist.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import wasm from "../../build/contracts/dcap.wasm";
import { bytesOf, hexBytes, LIMITS, quoteBytes, within } from "./forms.js";

export { LIMITS, quoteBytes };

let compiled; // the module, once
const module = () => (compiled ??= WebAssembly.compile(wasm));

// A signature holds or not, whoever asks: what was found once need not be computed again when the same collateral is
// met with another quote, or the same quote with another policy.
const found = new Map();
const FOUND_MAX = 256;

function holds(key, digest, signature) {
  const point = new Uint8Array(65);
  point[0] = 4;
  point.set(key, 1);
  try {
    return p256.verify(signature, digest, point, { prehash: false, lowS: false });
  } catch {
    return false; // @noble throws for what is no point or no signature
  }
}

function verifySignature(key, digest, signature) {
  const name = [key, digest, signature].map(bytesToHex).join();
  if (!found.has(name)) {
    if (found.size === FOUND_MAX) found.delete(found.keys().next().value);
    found.set(name, holds(key, digest, signature));
  }
  return found.get(name);
}

// What dcap.wasm asks: src/dcap/backend.h. The core has looked at r, s and the key before.
function imports(memory) {
  const at = (ptr, length) => new Uint8Array(memory().buffer, ptr, length);
  return {
    env: {
      sha256: (out, ptr, length) => at(out, 32).set(sha256(at(ptr, length))),
      p256_verify: (key, digest, signature) =>
        verifySignature(at(key, 64), at(digest, 32), at(signature, 64)) ? 1 : 0,
    },
  };
}

function collateralBytes(collateral) {
  const isObject =
    typeof collateral === "object" && !(collateral instanceof ArrayBuffer) && !ArrayBuffer.isView(collateral);
  const bytes =
    collateral == null
      ? new Uint8Array()
      : bytesOf("The collateral", isObject ? JSON.stringify(collateral) : collateral);
  within("The collateral", bytes.length, LIMITS.collateral);
  return bytes;
}

function policyBytes(policy) {
  const text =
    policy == null ? "" : typeof policy === "string" || ArrayBuffer.isView(policy) ? policy : JSON.stringify(policy);
  const bytes = bytesOf("The policy", text);
  within("The policy", bytes.length, LIMITS.policy);
  return bytes;
}

function rootBytes(root) {
  if (root == null) return new Uint8Array();
  const bytes = typeof root === "string" ? hexBytes("The root key", root) : bytesOf("The root key", root);
  const point = bytes.length === 65 && bytes[0] === 4 ? bytes.subarray(1) : bytes;
  if (point.length !== 64) throw new RangeError("The root key must have 64 bytes: x and y of a point of P-256.");
  return point;
}

function seconds(at) {
  const value = at == null ? Date.now() / 1000 : at instanceof Date ? at.getTime() / 1000 : at;
  if (!Number.isFinite(value) || value < 0 || value > 253402300799) {
    throw new RangeError("The time must be a Date or seconds since 1970, up to the year 9999.");
  }
  return BigInt(Math.floor(value));
}

/** The report of one verification as JSON text, to the byte what `outlayer verify-quote --json` prints. */
export async function verifyQuoteText({ quote, collateral, at, policy, rootKey }) {
  const inputs = [quoteBytes(quote), collateralBytes(collateral), policyBytes(policy), rootBytes(rootKey)];
  const time = seconds(at);
  let memory;
  const instance = new WebAssembly.Instance(
    await module(),
    imports(() => memory),
  );
  const { room, verify } = instance.exports;
  memory = instance.exports.memory;
  let place = room(inputs.reduce((sum, input) => sum + input.length, 0));
  if (!place) throw new RangeError("The browser lends no memory for this verification.");
  for (const input of inputs) {
    new Uint8Array(memory.buffer, place, input.length).set(input);
    place += input.length;
  }
  const [text, length, isReport] = new Uint32Array(
    memory.buffer,
    verify(...inputs.map((input) => input.length), time),
    3,
  );
  const words = new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(memory.buffer, text, length));
  if (!isReport) throw new RangeError(words);
  return words;
}

/** The report of one verification. See verify.d.ts for its members. */
export async function verifyQuote(question) {
  return JSON.parse(await verifyQuoteText(question));
}
