// SPDX-License-Identifier: Apache-2.0
// Names and values of secrets: docs/secrets.md, "Names and values". Problems name the secret, never its value.
const RESERVED = new Set(
  (
    "ATTACHED_USD NEAR_BLOCK_HEIGHT NEAR_BLOCK_TIMESTAMP NEAR_CONTRACT_ID NEAR_GAS_BURNT NEAR_MAX_EXECUTION_SECONDS " +
    "NEAR_MAX_INSTRUCTIONS NEAR_MAX_MEMORY_MB NEAR_NETWORK_ID NEAR_PAYMENT_YOCTO NEAR_PREDECESSOR_ID NEAR_RECEIPT_ID " +
    "NEAR_REQUEST_ID NEAR_RPC_PROXY_AVAILABLE NEAR_SENDER_ID NEAR_SIGNER_PUBLIC_KEY NEAR_TRANSACTION_HASH " +
    "NEAR_USER_ACCOUNT_ID OUTLAYER_CALL_ID OUTLAYER_EXECUTION_TYPE OUTLAYER_PROJECT_ID OUTLAYER_PROJECT_NAME " +
    "OUTLAYER_PROJECT_OWNER OUTLAYER_PROJECT_UUID USD_PAYMENT WALLET_ID"
  ).split(" "),
);
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
export const PROTECTED = "PROTECTED_";
export const VALUES_MAX = 100;
const VALUE_MAX = 32 * 1024;
const ALL_MAX = 64 * 1024;

export function nameProblem(name: string, made: boolean): string | undefined {
  if (!NAME.test(name)) return "1 to 128 letters, digits and underscores, no digit first";
  if (RESERVED.has(name)) return "This name is reserved: the worker itself sets it.";
  if (made !== name.startsWith(PROTECTED))
    return made ? `What the keystore makes is called ${PROTECTED}…` : `${PROTECTED}… are made inside the keystore.`;
  return undefined;
}

export function valueProblem(value: string): string | undefined {
  if (value.includes("\0")) return "A value has no U+0000.";
  if (new TextEncoder().encode(value).length > VALUE_MAX) return "A value has at most 32 KiB.";
  return undefined;
}

// Fields of one line join lines without a word: a key of several lines would be stored as another text.
export function hasLines(pasted: string): boolean {
  return /[\r\n]/.test(pasted.replace(/\r?\n$/, ""));
}

export function allProblem(values: Map<string, string>): string | undefined {
  if (values.size > VALUES_MAX) return `At most ${VALUES_MAX} secrets in a row.`;
  const size = new TextEncoder().encode(JSON.stringify(Object.fromEntries(values))).length;
  return size > ALL_MAX ? "All together have at most 64 KiB." : undefined;
}

export const GENERATED = ["hex16", "hex32", "hex64", "ed25519", "ed25519_seed", "password", "password:64"] as const;
