// SPDX-License-Identifier: Apache-2.0
// Public keys of accounts, and those of this account: "ed25519:" and base58 of 32 bytes.
#pragma once
#include "promise.h"

#define PUBLIC_KEY_SIZE 33
#define PUBLIC_KEY_TEXT_MAX (8 + 44)
struct public_key {
    uint8_t b[PUBLIC_KEY_SIZE]; // 0, then the key, as the node wants it
};
// Base58 of 32 bytes; the number has its lowest byte first, and 0 behind its highest.
bool base58_parse(uint8_t number[static HASH_SIZE + 1], const char *p, const char *end);
bool public_key_parse(struct public_key *out, struct text t); // false: it is none
struct text public_key_text(const struct public_key *k, char to[static PUBLIC_KEY_TEXT_MAX]);
bool public_key_eq(const struct public_key *a, const struct public_key *b);

// Promises that change this account's keys. One that adds a key which is there, or deletes one which is not, fails.
struct call_key {
    const struct public_key *key;
    struct account receiver;
    const char *methods;    // names separated by commas
    struct yocto allowance; // that the key's calls may burn; not 0, which would be without limit
};
struct promise promise_add_call_key(const struct call_key *k);
struct promise promise_delete_key(const struct public_key *key);
// Bytes of state that such a key takes.
uint32_t call_key_bytes(const struct call_key *k);
