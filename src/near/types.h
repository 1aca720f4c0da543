// SPDX-License-Identifier: Apache-2.0
// NEAR's basic types: account ids, money, gas, keys. Text forms are `ed25519:<base58>` and yocto in decimal
// (docs/near.md).
#pragma once
#include "crypto/hash.h"

#define NEAR_ACCOUNT_MAX 64

struct account_id {
    char s[NEAR_ACCOUNT_MAX + 1];
};
struct yocto { // 1 NEAR = 10^24
    u128 v;
};
struct gas {
    uint64_t v;
};
#define TGAS 1000000000000ull
#define NEAR_ONE ((u128)1000000000000ull * 1000000000000ull)

// Grammar of NEP account ids: 2-64 of [a-z0-9] with single separators - _ . inside.
[[nodiscard]] bool account_id_parse(struct account_id *out, struct slice text, struct err *e);
bool account_id_valid(struct slice text);
bool account_id_is_near_implicit(const char *id); // 64 lower-case hex digits
bool account_id_is_eth_implicit(const char *id);  // 0x and 40 lower-case hex digits

// "0.1 NEAR", "5 yocto", "100000" (yocto).
[[nodiscard]] bool yocto_parse(struct yocto *out, const char *text, struct err *e);
// "0.0123 NEAR": exact, no trailing zeros.
const char *yocto_text(struct yocto v, char out[static 64]);
// "30 Tgas"
const char *gas_text(struct gas g, char out[static 32]);

enum key_type { KEY_ED25519 = 0, KEY_SECP256K1 = 1 };
struct public_key {
    enum key_type type;
    uint8_t bytes[64]; // 32 for ed25519, 64 for secp256k1
};
struct signature {
    enum key_type type;
    uint8_t bytes[65]; // 64 for ed25519, 65 for secp256k1 (r, s, recovery id)
};
struct secret_key { // ed25519: seed and public key; wipe with secret_key_wipe
    uint8_t bytes[64];
};
size_t public_key_len(const struct public_key *k);
bool public_key_eq(const struct public_key *a, const struct public_key *b);
[[nodiscard]] bool public_key_parse(struct public_key *out, struct slice text, struct err *e);
char *public_key_text(struct arena *a, const struct public_key *k);
char *signature_text(struct arena *a, const struct signature *s);
[[nodiscard]] bool signature_parse(struct signature *out, struct slice text, struct err *e); // "ed25519:<base58>"

void secret_key_generate(struct secret_key *out);
void secret_key_from_seed(struct secret_key *out, const uint8_t seed[static 32]);
[[nodiscard]] bool secret_key_parse(struct secret_key *out, struct slice text, struct err *e);
char *secret_key_text(struct arena *a, const struct secret_key *k); // for key files only
void secret_key_wipe(struct secret_key *k);
struct public_key secret_key_public(const struct secret_key *k);
struct signature secret_key_sign(const struct secret_key *k, struct slice message);
// ed25519 and secp256k1 (there the message is the 32-byte hash).
bool signature_verify(const struct signature *s, const struct public_key *k, struct slice message);

// A key file as near-cli writes it: {"account_id","public_key","private_key"}.
struct credentials {
    struct account_id account;
    struct public_key public;
    struct secret_key secret;
};
[[nodiscard]] bool credentials_read(struct credentials *out, const char *path, struct err *e);
[[nodiscard]] bool credentials_write(const struct credentials *c, const char *path, struct err *e); // mode 0600
