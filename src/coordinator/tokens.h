// SPDX-License-Identifier: Apache-2.0
// Bearer tokens of workers and other clients of the coordinator: who may do what, as which worker, until when. Only
// their SHA-256 is stored: whoever reads the database cannot use them. They stand in the coordinator's database, in the
// table that the public documents name (worker_auth_tokens), so that one may be put there by SQL, too. What a
// coordinator remembers of them it remembers of the keys of accounts likewise, which are made elsewhere
// (account_keys.h).
#pragma once
#include "near/types.h"
#include "queue/queue.h"
#include "store/writer.h"

#define TOKEN_KNOWN_MS 5000   // for so long a coordinator believes what it read of a token
#define TOKEN_UNKNOWN_MS 1000 // for so long it believes that there is no such token
#define TOKEN_ASK_MS 500      // for so long a request waits for the database to say so
#define TOKEN_USED_MS 600000  // how coarsely its last use is stored

// What a token may be used for. A worker does everything but `read`, which everybody may; the others are parts of it.
#define TOKEN_SCOPES(X)                                                                                                \
    X(TOKEN_WORKER, 1, "worker")   /* everything */                                                                    \
    X(TOKEN_BUILD, 2, "build")     /* takes executions, shares builds */                                               \
    X(TOKEN_RUN, 4, "run")         /* takes executions, asks the keystore */                                           \
    X(TOKEN_MONITOR, 8, "monitor") /* records executions */                                                            \
    X(TOKEN_READ, 16, "read")      /* looks at what is kept */
enum token_scope {
#define X(name, bit, text) name = bit,
    TOKEN_SCOPES(X)
#undef X
};

// Where the tokens are: the home's database, or another one.
struct token_place {
    const char *home, *url; // url NULL: coordinator.db in the home
};
struct token_terms {
    const char *name;
    const char *scopes;    // comma list; NULL: worker
    const char *worker_id; // the one that it may call itself; NULL: any
    uint64_t lasts_ms;     // from now on; 0: without end
};
// Makes a token and stores its hash; *token lives in `a` and is shown once. Tokens of the same name are replaced.
[[nodiscard]] bool token_create(const struct token_place *at, const struct token_terms *terms, struct arena *a,
                                const char **token, struct err *e);
// ERR_NOT_FOUND: there is none of that name that is good.
[[nodiscard]] bool token_revoke(const struct token_place *at, const char *name, struct err *e);
struct token_entry {
    const char *name, *scopes, *worker_id;    // worker_id NULL: any
    uint64_t created_ms, expires_ms, used_ms; // 0: without end; never used. used_ms is up to TOKEN_USED_MS old
    bool is_active;                           // false: revoked
};
[[nodiscard]] bool token_list(const struct token_place *at, struct arena *a, struct token_entry **out, size_t *count,
                              struct err *e);
// Moves tokens of the home's database, where an earlier program kept them whatever DATABASE_URL said, into `db`.
[[nodiscard]] bool tokens_move(const char *home, const char *url, struct db *db, struct err *e);

// --- as a coordinator asks

struct token {
    char name[TOKEN_NAME_MAX + 1];         // of a key its number
    char account_id[NEAR_ACCOUNT_MAX + 1]; // whose key it is; "": it is a token
    char worker_id[WORKER_ID_MAX + 1];     // "": any
    unsigned scopes;
};
// Knows what it read for TOKEN_KNOWN_MS, so that a revocation is known that long after it, and a new token at once, or
// TOKEN_UNKNOWN_MS after it was shown too early. Safe for several threads. The connection is its own, and how long its
// statements may take bounds tokens_free; by the writer, which outlives it, it stores the last uses. How old is what it
// knows `now_ms` says: clock_mono_ms, or a test's clock.
#define TOKEN_DATABASE_MS 1000 // for the connection, and for a statement
enum token_kind { TOKENS_OF_PROGRAMS, KEYS_OF_ACCOUNTS };
struct tokens;
struct tokens *tokens_new(struct db *db, struct writer *writer, enum token_kind kind, uint64_t (*now_ms)(void));
void tokens_free(struct tokens *t); // NULL is fine; the connection is not closed
// Whether it was good when the database was asked last, as far as is remembered: no stranger made it up.
[[nodiscard]] bool tokens_seen(struct tokens *t, const char *token);
// It is asked for again when it is shown next. By its SHA-256, in hexadecimal digits.
void tokens_forget(struct tokens *t, const char *hash);
// ERR_UNAUTHORIZED: not known, revoked, or over. ERR_UNAVAILABLE: the database does not say. Waits for TOKEN_ASK_MS at
// most, and once it did not answer in that time not at all until it does.
[[nodiscard]] bool tokens_check(struct tokens *t, const char *token, struct token *out, struct err *e);
// The scopes in `bits`, as a comma list; and the other way. Unknown ones are left out where `e` is NULL: a newer
// program may have stored them.
const char *token_scopes_text(struct arena *a, unsigned bits);
bool token_scopes_read(const char *list, unsigned *bits, struct err *e);
