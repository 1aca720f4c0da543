// SPDX-License-Identifier: Apache-2.0
// Hashes and random bytes.
#pragma once
#include "base/arena.h"
#include "base/err.h"

struct hash {
    uint8_t b[32];
};

struct hash sha256(struct slice bytes);
static inline bool hash_eq(const struct hash *a, const struct hash *b) { return memcmp(a, b, sizeof *a) == 0; }
static inline struct slice hash_slice(const struct hash *h) { return slice_of(h->b, sizeof h->b); }
bool hash_is_zero(const struct hash *h);
const char *hash_hex(const struct hash *h, char out[static 65]);
[[nodiscard]] bool hash_from_hex(struct hash *out, struct slice text, struct err *e);
char *hash_base58(struct arena *a, const struct hash *h);
[[nodiscard]] bool hash_from_base58(struct hash *out, struct slice text, struct err *e);

// In pieces.
struct sha256 {
    uint64_t opaque[24];
};
void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, struct slice bytes);
struct hash sha256_end(struct sha256 *s);

void random_bytes(void *out, size_t n); // the system's CSPRNG
// For tables in memory: SipHash-2-4 of both, with a key of this process, so that no stranger can choose names that
// share a place in a table.
uint64_t table_hash(struct slice name, uint64_t number);
// Equal in constant time for equal lengths.
bool secret_eq(struct slice a, struct slice b);
