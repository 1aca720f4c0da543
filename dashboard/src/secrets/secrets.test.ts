// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Chacha20Poly1305 } from "@hpke/chacha20poly1305";
import { CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { accessJson, accessProblem, parseAccess } from "./access.ts";
import { describe } from "./describe.ts";
import { isSigned } from "./key.ts";
import { hasLines, nameProblem, valueProblem } from "./names.ts";
import { sealInfo } from "./scope.ts";
import { sealValues } from "./seal.ts";
import { base58 } from "../format/base58.ts";
import { sha256 } from "./borsh.ts";

const CASES = new URL("../../../contracts/outlayer/cases/access.txt", import.meta.url);
const cases = readFileSync(CASES, "utf8")
  .split("\n")
  .map((line) => /^(taken|refused|entry|later) (.*)$/.exec(line))
  .filter((found) => found !== null)
  .map(([, verdict = "", text = ""]) => ({ verdict, text }));

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

test("what the contract takes is shown, and stored again as it is", () => {
  const taken = cases.filter(({ verdict }) => verdict === "taken");
  assert.ok(taken.length > 20);
  for (const { text } of taken) {
    const access = parseAccess(json(text));
    assert.ok(access, text);
    assert.equal(accessProblem(access), undefined, text);
    assert.deepEqual(parseAccess(accessJson(access)), access, text);
  }
});

test("conditions that this page makes are none that the contract refuses", () => {
  for (const access of [
    { kind: "Whitelist", accounts: [] },
    { kind: "Whitelist", accounts: ["A.near"] },
    { kind: "Whitelist", accounts: Array.from({ length: 201 }, () => "a.near") },
    { kind: "AccountPattern", pattern: "" },
    { kind: "AccountPattern", pattern: "(a" },
    { kind: "NearBalance", operator: "Gte", value: "1.5" },
    { kind: "FtBalance", contract: "", operator: "Gt", value: "1" },
    { kind: "NftOwned", contract: "nft.near", token_id: "" },
    { kind: "DaoMember", dao_contract: "dao.near", role: "" },
    { kind: "Logic", operator: "And", conditions: [] },
    { kind: "Not", condition: { kind: "Whitelist", accounts: ["x"] } },
  ] as const)
    assert.ok(accessProblem(structuredClone(access) as never), JSON.stringify(access));
  let deep: Parameters<typeof accessProblem>[0] = { kind: "AllowAll" };
  for (let i = 0; i < 16; i++) deep = { kind: "Not", condition: deep };
  assert.ok(accessProblem(deep));
});

test("a condition that is not known is not taken for another", () => {
  for (const text of ['{"Newer":{}}', "[]", "null", '"allowall"', '{"AllowAll":null,"Not":{"condition":"AllowAll"}}'])
    assert.equal(parseAccess(json(text)), null, text);
});

test("the words of a condition say which part is denied", () => {
  const either = {
    kind: "Logic",
    operator: "Or",
    conditions: [{ kind: "AllowAll" }, { kind: "Whitelist", accounts: ["a.near"] }],
  };
  const not = (condition: unknown) => describe({ kind: "Not", condition } as never);
  assert.equal(not(either), "not ((everybody) or (a.near))");
  assert.equal(not({ kind: "AllowAll" }), "not (everybody)");
});

test("names and values", () => {
  assert.equal(nameProblem("API_KEY", false), undefined);
  assert.equal(nameProblem("PROTECTED_X", true), undefined);
  for (const [name, made] of [
    ["PROTECTED_X", false],
    ["API_KEY", true],
    ["NEAR_SENDER_ID", false],
    ["1A", false],
    ["", false],
  ] as const)
    assert.ok(nameProblem(name, made), name);
  assert.ok(valueProblem("\0"));
  assert.ok(valueProblem("x".repeat(32769)));
  assert.equal(valueProblem("ü"), undefined);
});

test("what a field of one line would change is told from what it takes", () => {
  for (const fine of ["", "a", "a\n", "a\r\n", "a b\tc"]) assert.equal(hasLines(fine), false, JSON.stringify(fine));
  for (const lines of ["a\nb", "a\r\nb\r\n", "\n\n", "a\rb"])
    assert.equal(hasLines(lines), true, JSON.stringify(lines));
});

test("what is sealed opens for its scope and profile alone", async () => {
  const suite = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Chacha20Poly1305(),
  });
  const pair = await suite.kem.generateKeyPair();
  const key = new Uint8Array(await suite.kem.serializePublicKey(pair.publicKey));
  const scope = { network: "devnet", contract: "c.near", owner: "o.near", repo: "github.com/a/b", branch: null };
  const blob = Buffer.from(await sealValues({ scope, generation: 7, key }, "prod", new Map([["K", "ü"]])), "base64");
  assert.deepEqual([...blob.subarray(0, 5)], [1, 7, 0, 0, 0]);
  const part = (from: number, to?: number) => Uint8Array.from(blob.subarray(from, to)).buffer;
  const open = async (profile: string) => {
    const info = sealInfo(scope, profile, 7).buffer;
    const recipient = await suite.createRecipientContext({ recipientKey: pair.privateKey, enc: part(5, 37), info });
    return JSON.parse(Buffer.from(await recipient.open(part(37))).toString());
  };
  assert.deepEqual(await open("prod"), { K: "ü" });
  await assert.rejects(open("other"));
  await assert.rejects(sealValues({ scope, generation: 7, key: new Uint8Array(32) }, "prod", new Map()));
});

test("a signature is believed from that key over that record alone", async () => {
  const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
  const identity = `ed25519:${base58(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)))}`;
  const record = Uint8Array.of(1, 2, 3);
  const signature = `ed25519:${base58(new Uint8Array(await crypto.subtle.sign("Ed25519", pair.privateKey, await sha256(record))))}`;
  assert.equal(await isSigned(record, signature, identity), true);
  assert.equal(await isSigned(Uint8Array.of(1, 2), signature, identity), false);
  assert.equal(
    await isSigned(record, signature, `ed25519:${base58(new Uint8Array(32).fill(9))}`).catch(() => false),
    false,
  );
  for (const wrong of [undefined, "", "ed25519:", "ed25519:11", signature.slice(8)])
    assert.equal(await isSigned(record, wrong, identity), false);
});
