// SPDX-License-Identifier: Apache-2.0
#include "coordinator/account_keys.h"

#include "base/text.h"
#include "codec/hex.h"
#include "queue/database.h"

#define SHOWN_LEN 12 // of a key, in lists

bool account_key_is_one(const char *text) {
    uint8_t bytes[32];
    return strlen(text) == ACCOUNT_KEY_LEN && strncmp(text, ACCOUNT_KEY_PREFIX, strlen(ACCOUNT_KEY_PREFIX)) == 0 &&
           hex_decode_exact(bytes, sizeof bytes, slice_str(text + strlen(ACCOUNT_KEY_PREFIX)), NULL);
}

bool account_key_id_is_one(const char *text) {
    return strlen(text) == ACCOUNT_KEY_ID_LEN && strspn(text, "0123456789abcdef") == ACCOUNT_KEY_ID_LEN;
}

bool account_key_name_check(const char *name, struct err *e) {
    SCOPED_ARENA(a);
    char *printable = arena_strdup(a, name);
    text_make_printable(printable, true);
    return (name[0] && strlen(name) <= ACCOUNT_KEY_NAME_MAX && strcmp(printable, name) == 0) ||
           err_set(e, ERR_INVALID, "a key's name has 1 to %d printable bytes on one line", ACCOUNT_KEY_NAME_MAX);
}

// --- making one

enum said { MADE, TOO_MANY, USED, OVER, FULL };
struct making {
    const char *account, *name, *id, *prefix;
    char key_hash[65], word_hash[65];
    uint64_t until_ms; // of the word
    uint64_t now_ms;   // out
    enum said said;    // out
};

// So that two coordinators do not both make an account's last key.
static bool take_turn(struct db *db, struct err *e) {
    return db_engine(db) == DB_SQLITE || db_exec(db, "SELECT pg_advisory_xact_lock(7021304111)", e);
}

static bool forget_words(struct db *db, uint64_t now_ms, struct err *e) {
    struct db_stmt *s;
    if (!db_query(db, "DELETE FROM account_words WHERE until_ms <= :now", &s, e))
        return false;
    db_bind_int(db, s, ":now", (int64_t)now_ms);
    return db_run(db, s, e);
}

static bool keep_word(struct db *db, struct making *x, struct err *e) {
    struct db_stmt *s;
    if (!db_query(db,
                  "INSERT INTO account_words (word_hash, until_ms) VALUES (:hash, :until) ON CONFLICT (word_hash) DO "
                  "NOTHING",
                  &s, e))
        return false;
    db_bind_text(db, s, ":hash", x->word_hash);
    db_bind_int(db, s, ":until", (int64_t)x->until_ms);
    if (!db_run(db, s, e))
        return false;
    if (!db_changes(db))
        x->said = USED;
    return true;
}

static bool count_keys(struct db *db, struct making *x, struct err *e) {
    struct db_stmt *s;
    bool row = false;
    if (!db_query(db, "SELECT count(*) AS n FROM account_keys WHERE account_id = :account", &s, e))
        return false;
    db_bind_text(db, s, ":account", x->account);
    bool ok = db_step(db, s, &row, e);
    if (ok && row && db_int(db, s, "n") >= ACCOUNT_KEYS_MAX)
        x->said = TOO_MANY;
    db_done(db, s);
    return ok;
}

static bool insert(struct db *db, const struct making *x, struct err *e) {
    struct db_stmt *s;
    if (!db_query(db,
                  "INSERT INTO account_keys (id, key_hash, account_id, name, prefix, created_ms) VALUES (:id, :hash, "
                  ":account, :name, :prefix, :now)",
                  &s, e))
        return false;
    db_bind_text(db, s, ":id", x->id);
    db_bind_text(db, s, ":hash", x->key_hash);
    db_bind_text(db, s, ":account", x->account);
    db_bind_text(db, s, ":name", x->name);
    db_bind_text(db, s, ":prefix", x->prefix);
    db_bind_int(db, s, ":now", (int64_t)x->now_ms);
    return db_run(db, s, e);
}

#define LAST_SEEN "(CASE WHEN last_used_ms > 0 THEN last_used_ms ELSE created_ms END)"
static bool forget_unused(struct db *db, uint64_t now_ms, struct err *e) {
    struct db_stmt *s;
    if (!db_query(db, "DELETE FROM account_keys WHERE " LAST_SEEN " < :since", &s, e))
        return false;
    db_bind_int(db, s, ":since", (int64_t)now_ms - ACCOUNT_KEY_UNUSED_MS);
    return db_run(db, s, e);
}

// Nobody's key goes for another's: whoever has many accounts could end the keys of all others.
static bool find_room(struct db *db, struct making *x, struct err *e) {
    struct db_stmt *s;
    bool row = false;
    if (!db_query(db, "SELECT count(*) AS n FROM account_keys", &s, e))
        return false;
    bool ok = db_step(db, s, &row, e);
    bool full = ok && row && db_int(db, s, "n") >= ACCOUNT_KEYS_KEPT;
    db_done(db, s);
    if (full)
        x->said = FULL;
    return ok;
}

// What is not to be is no error of the database's: then nothing is changed but words that are over.
static bool make(struct db *db, void *ctx, struct err *e) {
    struct making *x = ctx;
    x->said = MADE;
    if (!take_turn(db, e) || !database_now_ms(db, &x->now_ms, e) || !forget_words(db, x->now_ms, e) ||
        !forget_unused(db, x->now_ms, e) || !find_room(db, x, e) || (x->said == MADE && !count_keys(db, x, e)))
        return false;
    if (x->until_ms <= x->now_ms)
        x->said = OVER;
    return x->said != MADE || (keep_word(db, x, e) && (x->said != MADE || insert(db, x, e)));
}

static bool refuse(const struct making *x, struct err *e) {
    switch (x->said) {
    case MADE: return true;
    case TOO_MANY:
        err_set(e, ERR_CONFLICT, "%s has %d API keys already", x->account, ACCOUNT_KEYS_MAX);
        return err_hint(e, "revoke one that is not used any more");
    case USED:
        err_set(e, ERR_CONFLICT, "a key was made by this word of the account already");
        return err_hint(e, "sign another one, with a new nonce");
    case OVER:
        err_set(e, ERR_UNAUTHORIZED, "the time of the account's word is over");
        return err_hint(e, "sign it anew");
    case FULL:
        err_set(e, ERR_UNAVAILABLE, "this coordinator keeps no more API keys than the %d that it has",
                ACCOUNT_KEYS_KEPT);
        return err_hint(e, "one that nobody uses for 180 days makes room; tell its operator");
    }
    return false;
}

// An account's nonce, whatever was signed with it.
static struct hash hash_of(const struct word *w) {
    SCOPED_ARENA(a);
    char nonce[2 * NONCE_SIZE + 1];
    hex_encode(nonce, slice_of(w->nonce, NONCE_SIZE));
    return sha256(slice_str(arena_printf(a, "%s %s", w->account, nonce)));
}

bool account_key_create(struct writer *writer, const struct word *word, const char *name, struct arena *a,
                        struct account_key *out, const char **key, struct err *e) {
    struct making x = {.account = word->account, .name = name, .until_ms = word->valid_until_ms};
    uint8_t secret[32], id[ACCOUNT_KEY_ID_LEN / 2];
    random_bytes(secret, sizeof secret);
    random_bytes(id, sizeof id);
    *key = arena_printf(a, ACCOUNT_KEY_PREFIX "%s", hex_text(a, slice_of(secret, sizeof secret)));
    x.id = hex_text(a, slice_of(id, sizeof id));
    x.prefix = arena_text(a, slice_of(*key, SHOWN_LEN));
    struct hash key_hash = sha256(slice_str(*key)), word_hash = hash_of(word);
    hash_hex(&key_hash, x.key_hash);
    hash_hex(&word_hash, x.word_hash);
    explicit_bzero(secret, sizeof secret);
    if (!writer_do(writer, make, &x, e) || !refuse(&x, e))
        return false;
    *out = (struct account_key){.id = x.id, .name = name, .prefix = x.prefix, .created_ms = x.now_ms};
    return true;
}

// --- listing and ending

bool account_key_list(struct db *db, struct arena *a, const char *account,
                      struct account_key out[static ACCOUNT_KEYS_MAX], size_t *count, struct err *e) {
    struct db_stmt *s;
    bool row = false, ok;
    *count = 0;
    if (!db_query(db,
                  "SELECT id, name, prefix, created_ms, last_used_ms FROM account_keys WHERE account_id = :account "
                  "ORDER BY created_ms DESC, id",
                  &s, e))
        return false;
    db_bind_text(db, s, ":account", account);
    while ((ok = db_step(db, s, &row, e)) && row && *count < ACCOUNT_KEYS_MAX)
        out[(*count)++] = (struct account_key){.id = arena_strdup(a, db_text(db, s, "id")),
                                               .name = arena_strdup(a, db_text(db, s, "name")),
                                               .prefix = arena_strdup(a, db_text(db, s, "prefix")),
                                               .created_ms = (uint64_t)db_int(db, s, "created_ms"),
                                               .used_ms = (uint64_t)db_int(db, s, "last_used_ms")};
    db_done(db, s);
    return ok;
}

struct ending {
    const char *account, *id;
    bool found;        // out
    char key_hash[65]; // out, where it is found
};

static bool end(struct db *db, void *ctx, struct err *e) {
    struct ending *x = ctx;
    struct db_stmt *s;
    x->found = false;
    if (!db_query(db, "DELETE FROM account_keys WHERE id = :id AND account_id = :account RETURNING key_hash", &s, e))
        return false;
    db_bind_text(db, s, ":id", x->id);
    db_bind_text(db, s, ":account", x->account);
    bool row, ok;
    while ((ok = db_step(db, s, &row, e)) && row)
        x->found = text_copy(x->key_hash, sizeof x->key_hash, slice_str(db_text(db, s, "key_hash")));
    db_done(db, s);
    return ok;
}

bool account_key_revoke(struct writer *writer, struct tokens *known, const char *account, const char *id,
                        struct err *e) {
    struct ending x = {.account = account, .id = id};
    if (!writer_do(writer, end, &x, e))
        return false;
    if (!x.found)
        return err_set(e, ERR_NOT_FOUND, "%s has no API key '%.32s'", account, id);
    tokens_forget(known, x.key_hash);
    return true;
}
