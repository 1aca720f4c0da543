// SPDX-License-Identifier: Apache-2.0
// Keys of accounts (X-API-Key): an account has some, each with a name. Only their SHA-256 is stored. What a coordinator
// remembers of those that it is shown is in token_cache.c. None of these waits for the chain.
#pragma once
#include "coordinator/tokens.h"
#include "secrets/word.h"
#include "store/writer.h"

#define ACCOUNT_KEYS_MAX 10                              // of one account
#define ACCOUNT_KEYS_KEPT 100000                         // of all
#define ACCOUNT_KEY_UNUSED_MS (180ll * 24 * 3600 * 1000) // after which a key ends
#define ACCOUNT_KEY_NAME_MAX 64                          // bytes
#define ACCOUNT_KEY_PREFIX "olk_"
#define ACCOUNT_KEY_LEN 68 // of the prefix and 64 hexadecimal digits
#define ACCOUNT_KEY_ID_LEN 16

struct account_key {
    const char *id, *name, *prefix;
    uint64_t created_ms, used_ms; // used_ms 0: never; it is up to TOKEN_USED_MS old
};
// Whether a text has a key's form; whether there is such a key, the database knows.
bool account_key_is_one(const char *text);
bool account_key_id_is_one(const char *text);
// Printable, on one line.
[[nodiscard]] bool account_key_name_check(const char *name, struct err *e);
// Makes one for the account that gave its word, which is good once: *out and *key, which is shown once, are in `a`.
// ERR_CONFLICT: it has as many as it may have, or the word was used. ERR_UNAUTHORIZED: the word's time is over.
[[nodiscard]] bool account_key_create(struct writer *writer, const struct word *word, const char *name, struct arena *a,
                                      struct account_key *out, const char **key, struct err *e);
// The newest first.
[[nodiscard]] bool account_key_list(struct db *db, struct arena *a, const char *account,
                                    struct account_key out[static ACCOUNT_KEYS_MAX], size_t *count, struct err *e);
// `known`, which remembers keys, does so no more of this one. ERR_NOT_FOUND: the account has no such key.
[[nodiscard]] bool account_key_revoke(struct writer *writer, struct tokens *known, const char *account, const char *id,
                                      struct err *e);
