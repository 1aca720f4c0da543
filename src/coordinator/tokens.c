// SPDX-License-Identifier: Apache-2.0
#include "coordinator/tokens.h"

#include "base/text.h"
#include "crypto/hash.h"
#include "queue/database.h"
#include <sys/stat.h>
#include <unistd.h>

#define TOKENS_MAX 10000

static const char *hash_of(const char *token, char out[static 65]) {
    struct hash h = sha256(slice_str(token));
    return hash_hex(&h, out);
}

// --- scopes

static const struct {
    unsigned bit;
    const char *text;
} scopes[] = {
#define X(name, bit, text) {bit, text},
    TOKEN_SCOPES(X)
#undef X
};

static unsigned scope_bit(struct slice name) {
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
        if (slice_eq_str(name, scopes[i].text))
            return scopes[i].bit;
    return 0;
}

bool token_scopes_read(const char *list, unsigned *bits, struct err *e) {
    *bits = 0;
    for (const char *at = list; *at;) {
        size_t n = strcspn(at, ",");
        unsigned bit = scope_bit(slice_trim(slice_of(at, n)));
        if (!bit && e) {
            err_set(e, ERR_INVALID, "there is no scope '%.*s'", (int)n, at);
            return err_hint(e, "a comma list of worker, build, run, monitor and read");
        }
        *bits |= bit;
        at += n + (at[n] == ',');
    }
    return *bits || err_set(e, ERR_INVALID, "a token needs a scope");
}

const char *token_scopes_text(struct arena *a, unsigned bits) {
    const char *out = "";
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
        if (bits & scopes[i].bit)
            out = arena_printf(a, "%s%s%s", out, out[0] ? "," : "", scopes[i].text);
    return out;
}

// --- making and ending

static bool check_word(const char *what, const char *text, size_t max, struct err *e) {
    size_t n = strlen(text);
    bool good = n > 0 && n <= max;
    for (size_t i = 0; good && i < n; i++)
        good = text[i] > ' ' && text[i] < 0x7f;
    return good || err_set(e, ERR_INVALID, "a token's %s has 1 to %zu printable characters and no spaces", what, max);
}

static bool check_terms(const struct token_terms *t, unsigned *bits, struct err *e) {
    if (!check_word("name", t->name, TOKEN_NAME_MAX, e))
        return err_hint(e, "name it after who uses it, for example worker-1");
    return token_scopes_read(t->scopes ? t->scopes : "worker", bits, e) &&
           (!t->worker_id || check_word("worker id", t->worker_id, WORKER_ID_MAX, e));
}

static bool forget_name(struct db *db, const char *name, struct err *e) {
    struct db_stmt *s;
    if (!db_query(db, "DELETE FROM worker_auth_tokens WHERE worker_name = :name", &s, e))
        return false;
    db_bind_text(db, s, ":name", name);
    return db_run(db, s, e);
}

static bool insert(struct db *db, const struct token_entry *x, const char *hash, struct err *e) {
    struct db_stmt *s;
    if (!db_query(db,
                  "INSERT INTO worker_auth_tokens (token_hash, worker_name, is_active, scopes, worker_id, created_ms, "
                  "expires_ms) VALUES (:hash, :name, true, :scopes, :worker, :created, :expires) "
                  "ON CONFLICT DO NOTHING",
                  &s, e))
        return false;
    db_bind_text(db, s, ":hash", hash);
    db_bind_text(db, s, ":name", x->name);
    db_bind_text(db, s, ":scopes", x->scopes);
    db_bind_text(db, s, ":worker", x->worker_id);
    db_bind_int(db, s, ":created", (int64_t)x->created_ms);
    db_bind_int(db, s, ":expires", (int64_t)x->expires_ms);
    return db_run(db, s, e);
}

static bool replace(struct db *db, const struct token_entry *x, const char *token, struct err *e) {
    char hex[65];
    if (!db_begin(db, e))
        return false;
    if (forget_name(db, x->name, e) && insert(db, x, hash_of(token, hex), e))
        return db_commit(db, e);
    db_rollback(db);
    return false;
}

bool token_create(const struct token_place *at, const struct token_terms *terms, struct arena *a, const char **token,
                  struct err *e) {
    struct db *db;
    struct hash secret;
    unsigned bits;
    char hex[65];
    uint64_t now;
    if (!check_terms(terms, &bits, e) || !database_open(&db, at->home, at->url, e))
        return false;
    if (!database_now_ms(db, &now, e)) {
        db_close(db);
        return false;
    }
    random_bytes(secret.b, sizeof secret.b);
    *token = arena_printf(a, "ol_%s", hash_hex(&secret, hex));
    const struct token_entry x = {.name = terms->name,
                                  .scopes = token_scopes_text(a, bits),
                                  .worker_id = terms->worker_id,
                                  .created_ms = now,
                                  .expires_ms = terms->lasts_ms ? now + terms->lasts_ms : 0};
    bool ok = replace(db, &x, *token, e);
    db_close(db);
    return ok;
}

bool token_revoke(const struct token_place *at, const char *name, struct err *e) {
    struct db *db;
    struct db_stmt *s;
    if (!database_open(&db, at->home, at->url, e))
        return false;
    bool ok =
        db_query(db, "UPDATE worker_auth_tokens SET is_active = false WHERE worker_name = :name AND is_active", &s, e);
    if (ok) {
        db_bind_text(db, s, ":name", name);
        ok = db_run(db, s, e);
    }
    if (ok && db_changes(db) == 0) {
        err_set(e, ERR_NOT_FOUND, "there is no token '%s' that is good", name);
        ok = err_hint(e, "`outlayer token list` shows those that there are");
    }
    db_close(db);
    return ok;
}

// --- listing and moving

struct rows {
    struct token_entry *entries;
    const char **hashes;
    size_t count;
};

static const char *text_of(struct db *db, struct db_stmt *s, const char *column, struct arena *a) {
    const char *text = db_text(db, s, column);
    return text ? arena_strdup(a, text) : NULL;
}

static bool read_all(struct db *db, struct arena *a, struct rows *out, struct err *e) {
    struct db_stmt *s;
    bool row = false, ok;
    *out = (struct rows){arena_alloc(a, TOKENS_MAX * sizeof *out->entries),
                         arena_alloc(a, TOKENS_MAX * sizeof *out->hashes), 0};
    if (!db_query(db,
                  "SELECT token_hash, worker_name, scopes, worker_id, created_ms, expires_ms, last_used_ms, "
                  "CASE WHEN is_active THEN 1 ELSE 0 END AS active FROM worker_auth_tokens "
                  "ORDER BY worker_name, created_ms",
                  &s, e))
        return false;
    while ((ok = db_step(db, s, &row, e)) && row && out->count < TOKENS_MAX) {
        out->hashes[out->count] = text_of(db, s, "token_hash", a);
        out->entries[out->count++] = (struct token_entry){.name = text_of(db, s, "worker_name", a),
                                                          .scopes = text_of(db, s, "scopes", a),
                                                          .worker_id = text_of(db, s, "worker_id", a),
                                                          .created_ms = (uint64_t)db_int(db, s, "created_ms"),
                                                          .expires_ms = (uint64_t)db_int(db, s, "expires_ms"),
                                                          .used_ms = (uint64_t)db_int(db, s, "last_used_ms"),
                                                          .is_active = db_int(db, s, "active") != 0};
    }
    db_done(db, s);
    return ok;
}

bool token_list(const struct token_place *at, struct arena *a, struct token_entry **out, size_t *count, struct err *e) {
    struct db *db;
    struct rows rows;
    if (!database_open(&db, at->home, at->url, e))
        return false;
    bool ok = read_all(db, a, &rows, e);
    *out = rows.entries;
    *count = rows.count;
    db_close(db);
    return ok;
}

static bool move_all(struct db *from, struct db *to, struct err *e) {
    SCOPED_ARENA(a);
    struct rows rows;
    if (!read_all(from, a, &rows, e) || !db_begin(to, e))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < rows.count; i++)
        ok = !rows.entries[i].is_active || insert(to, &rows.entries[i], rows.hashes[i], e);
    if (ok && db_commit(to, e)) // a crash here moves them once more, which changes nothing
        return db_exec(from, "DELETE FROM worker_auth_tokens", e);
    db_rollback(to);
    return false;
}

static bool is_same_file(const char *url, const char *path) {
    const char *behind = strstr(url, "://");
    struct stat one, other;
    return stat(behind ? behind + 3 : url, &one) == 0 && stat(path, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

bool tokens_move(const char *home, const char *url, struct db *db, struct err *e) {
    SCOPED_ARENA(a);
    struct db *from;
    const char *path = arena_printf(a, "%s/coordinator.db", home);
    if (!url || access(path, F_OK) != 0 || is_same_file(url, path))
        return true;
    if (!database_open(&from, home, NULL, e))
        return false;
    bool ok = move_all(from, db, e);
    db_close(from);
    return ok || err_wrap(e, "moving the tokens of %s", path);
}
