// SPDX-License-Identifier: Apache-2.0
// Bearer tokens of workers and other clients of the coordinator. Only their SHA-256 is stored: whoever reads the
// database cannot use them. A running coordinator takes a new one at once. They are in the database of the home, also
// where DATABASE_URL puts everything else into another.
#pragma once
#include "store/db.h"

#define TOKEN_NAME_MAX 64

// Makes a token and stores its hash in the coordinator's database of that home; *token lives in `a` and is shown once.
// A token of the same name is replaced.
[[nodiscard]] bool token_create(const char *home, const char *name, struct arena *a, const char **token, struct err *e);
// ERR_NOT_FOUND: there is none of that name.
[[nodiscard]] bool token_revoke(const char *home, const char *name, struct err *e);
struct token_entry {
    const char *name;
    uint64_t created_ms;
};
[[nodiscard]] bool token_list(const char *home, struct arena *a, struct token_entry **out, size_t *count,
                              struct err *e);

// *valid: a stored token. By its hash, so the time taken tells nothing of the stored ones.
[[nodiscard]] bool token_check(struct db *db, const char *token, bool *valid, struct err *e);
