// SPDX-License-Identifier: Apache-2.0
// Every call of the SDK's two clients against the socket given, and what came of it as one line of JSON. Signatures are
// looked at by @noble/curves, which knows nothing of the simulator.
import { DstackClient, TappdClient } from "@phala/dstack-sdk";
import { secp256k1 } from "@noble/curves/secp256k1";
import { ed25519 } from "@noble/curves/ed25519";
import { keccak_256 } from "@noble/hashes/sha3";
import { sha256 } from "@noble/hashes/sha2";

const [socket, what] = process.argv.slice(2);
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const out = {};

// Who signed the message, from the signature alone.
function signer(message, signature) {
    const point = secp256k1.Signature.fromCompact(signature.slice(0, 64)).addRecoveryBit(signature[64]);
    return hex(point.recoverPublicKey(keccak_256(message)).toRawBytes(true));
}

async function current() {
    const client = new DstackClient(socket);
    out.reachable = await client.isReachable();
    out.version = await client.version();
    out.info = await client.info();
    const quote = await client.getQuote("what the caller says");
    Object.assign(out, { quote: quote.quote, report_data: quote.report_data, rtmrs: quote.replayRtmrs() });
    const key = await client.getKey("a/path", "a purpose");
    out.key = hex(key.key);
    const publicKey = hex(secp256k1.getPublicKey(key.key, true));
    const app = signer(Buffer.from(`a purpose:${publicKey}`), key.signature_chain[0]);
    const issued = Buffer.concat([Buffer.from("dstack-kms-issued:"), Buffer.from(out.info.app_id, "hex"), Buffer.from(app, "hex")]);
    out.kms = signer(issued, key.signature_chain[1]);
    out.app = app;
    out.other_purpose = hex((await client.getKey("a/path", "another")).key);
    out.other_path = hex((await client.getKey("another", "a purpose")).key);
    out.edwards = hex((await client.getKey("a/path", "", "ed25519")).key);
    const data = Buffer.from("signed data");
    const signed = await client.sign("ed25519", data);
    out.edwards_valid = ed25519.verify(signed.signature, data, signed.public_key);
    const koblitz = await client.sign("secp256k1", data);
    out.koblitz_valid = secp256k1.verify(koblitz.signature, sha256(data), koblitz.public_key);
    out.verified = (await client.verify("secp256k1", data, koblitz.signature, koblitz.public_key)).valid;
    out.verified_other = (await client.verify("secp256k1", Buffer.from("other"), koblitz.signature, koblitz.public_key)).valid;
    const tls = await client.getTlsKey({ subject: "a subject", altNames: ["a.example", "b.example"], usageServerAuth: true });
    out.tls = { chain: tls.certificate_chain, key: tls.key, length: tls.asUint8Array().length };
}

async function events() {
    const client = new DstackClient(socket);
    await client.emitEvent("an-event", "its payload");
    const quote = await client.getQuote("");
    Object.assign(out, { quote: quote.quote, rtmrs: quote.replayRtmrs(), last: JSON.parse(quote.event_log).pop() });
}

async function older() {
    const client = new TappdClient(socket);
    const hashed = await client.tdxQuote("test content");
    const raw = await client.tdxQuote("12", "raw");
    const key = await client.deriveKey("a/path", "a subject");
    const again = await client.deriveKey("a/path", "a subject");
    Object.assign(out, {
        quote: hashed.quote, raw: raw.quote, rtmrs: hashed.replayRtmrs(), same: hex(key.asUint8Array(200)) === hex(again.asUint8Array(200)),
        chain: key.certificate_chain.length,
    });
}

async function fault() {
    const started = Date.now();
    try {
        await new DstackClient(socket).getQuote("x");
        out.error = null;
    } catch (e) {
        out.error = String(e.message ?? e);
    }
    out.ms = Date.now() - started;
}

await { current, events, older, fault }[what]();
console.log(JSON.stringify(out));
process.exit(0); // its timers are not ours to wait for
