// SPDX-License-Identifier: Apache-2.0
// What a coordinator knows of the tokens that it was shown lately. No request waits for the database but the one that
// asks for a token the first time, or again after TOKEN_KNOWN_MS; and none writes: the last use is stored when what is
// stored of it is TOKEN_USED_MS old.
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "coordinator/tokens.h"
#include "crypto/hash.h"
#include <pthread.h>

#define SETS 1024
#define WAYS 4

struct known {
    bool is;
    struct hash hash;
    uint64_t read_ms;    // monotonic
    uint64_t expires_ms; // wall clock; 0: without end
    struct token token;
};

struct tokens {
    pthread_mutex_t mutex; // over `known`
    struct known known[SETS][WAYS];
    pthread_mutex_t asking; // over the connection
    struct db *db;
    struct writer *writer;
};

struct tokens *tokens_new(struct db *db, struct writer *writer) {
    struct tokens *t = xcalloc(1, sizeof *t);
    t->db = db;
    t->writer = writer;
    pthread_mutex_init(&t->mutex, NULL);
    pthread_mutex_init(&t->asking, NULL);
    return t;
}

void tokens_free(struct tokens *t) {
    if (!t)
        return;
    pthread_mutex_destroy(&t->mutex);
    pthread_mutex_destroy(&t->asking);
    free(t);
}

// --- what is known; with the mutex held

static struct known *find(struct tokens *t, const struct hash *h) {
    struct known *set = t->known[(h->b[0] | h->b[1] << 8) % SETS];
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].is && hash_eq(&set[i].hash, h))
            return &set[i];
    return NULL;
}

static void keep(struct tokens *t, const struct known *k) {
    struct known *set = t->known[(k->hash.b[0] | k->hash.b[1] << 8) % SETS], *place = find(t, &k->hash);
    if (!place)
        place = set;
    for (size_t i = 0; i < WAYS && !hash_eq(&place->hash, &k->hash); i++)
        if (!set[i].is || set[i].read_ms < place->read_ms)
            place = &set[i];
    *place = *k;
}

static bool is_known(struct tokens *t, const struct hash *h, struct known *out) {
    pthread_mutex_lock(&t->mutex);
    const struct known *k = find(t, h);
    bool fresh = k && k->read_ms + TOKEN_KNOWN_MS > clock_mono_ms();
    if (fresh)
        *out = *k;
    pthread_mutex_unlock(&t->mutex);
    return fresh;
}

// --- what is stored

struct use {
    char hash[65];
    uint64_t now_ms;
};

static bool store_use(struct db *db, void *ctx, struct err *e) {
    const struct use *u = ctx;
    struct db_stmt *s;
    if (!db_query(db,
                  "UPDATE worker_auth_tokens SET last_used_ms = :now WHERE token_hash = :hash AND last_used_ms < :now",
                  &s, e))
        return false;
    db_bind_int(db, s, ":now", (int64_t)u->now_ms);
    db_bind_text(db, s, ":hash", u->hash);
    return db_run(db, s, e);
}

static void stored_use(void *ctx, bool ok, const struct err *e) {
    if (!ok)
        log_err(LOG_WARN, "a token's last use could not be stored", e);
    free(ctx);
}

// Nobody waits for it.
static void note_use(struct tokens *t, const char *hash, uint64_t stored_ms) {
    uint64_t now = clock_wall_ms();
    struct err e;
    if (stored_ms + TOKEN_USED_MS > now)
        return;
    struct use *u = xcalloc(1, sizeof *u);
    *u = (struct use){.now_ms = now};
    memcpy(u->hash, hash, sizeof u->hash);
    const struct writer_job job = {store_use, stored_use, u};
    if (!writer_submit(t->writer, &job, &e))
        stored_use(u, false, &e);
}

static void read_row(struct db *db, struct db_stmt *s, struct known *k) {
    const char *worker = db_text(db, s, "worker_id");
    k->is = true;
    k->expires_ms = (uint64_t)db_int(db, s, "expires_ms");
    (void)!token_scopes_read(db_text(db, s, "scopes"), &k->token.scopes, NULL);
    // A name that was put there by SQL may be longer: what stands with a lease is its beginning.
    const char *name = db_text(db, s, "worker_name");
    size_t n = text_cut(name, TOKEN_NAME_MAX);
    memcpy(k->token.name, name, n);
    k->token.name[n] = 0;
    if (worker && !text_copy(k->token.worker_id, sizeof k->token.worker_id, slice_str(worker)))
        k->is = false; // no worker can have this id
}

static bool ask(struct tokens *t, struct known *k, struct err *e) {
    struct db_stmt *s;
    bool row = false;
    char hex[65];
    uint64_t used = 0;
    hash_hex(&k->hash, hex);
    k->read_ms = clock_mono_ms();
    pthread_mutex_lock(&t->asking);
    bool ok = db_query(t->db,
                       "SELECT worker_name, worker_id, scopes, expires_ms, last_used_ms FROM worker_auth_tokens "
                       "WHERE token_hash = :hash AND is_active",
                       &s, e);
    if (ok) {
        db_bind_text(t->db, s, ":hash", hex);
        ok = db_step(t->db, s, &row, e);
        if (ok && row) {
            read_row(t->db, s, k);
            used = (uint64_t)db_int(t->db, s, "last_used_ms");
        }
        db_done(t->db, s);
    }
    pthread_mutex_unlock(&t->asking);
    if (ok && k->is) {
        pthread_mutex_lock(&t->mutex);
        keep(t, k);
        pthread_mutex_unlock(&t->mutex);
        note_use(t, hex, used);
    }
    return ok;
}

bool tokens_check(struct tokens *t, const char *token, struct token *out, struct err *e) {
    struct known k = {.hash = sha256(slice_str(token))};
    struct hash h = k.hash;
    if (!is_known(t, &h, &k) && !ask(t, &k, e))
        return false;
    if (!k.is)
        err_set(e, ERR_UNAUTHORIZED, "this token is not known, or was revoked");
    else if (k.expires_ms && k.expires_ms <= clock_wall_ms())
        err_set(e, ERR_UNAUTHORIZED, "this token's time is over");
    else {
        *out = k.token;
        return true;
    }
    return err_hint(e, "`outlayer token create NAME` makes one");
}
