// SPDX-License-Identifier: Apache-2.0
// What a coordinator knows of the tokens that it was shown lately. No request waits for the database but the one that
// asks for a token the first time, or again after TOKEN_KNOWN_MS; and none writes: the last use is stored when what is
// stored of it is TOKEN_USED_MS old. A thread of its own asks the database, since requests come on the threads of event
// loops: they wait for it for TOKEN_ASK_MS at most, and not at all while the database does not answer.
#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include "base/text.h"
#include "coordinator/tokens.h"
#include "crypto/hash.h"
#include "queue/database.h"
#include <pthread.h>

#define SETS 1024
#define WAYS 4
#define UNKNOWN_MAX 1024 // apart from the others, so that no stranger drives those out
#define QUESTIONS_MAX 64

struct known {
    bool is;
    struct hash hash;
    uint64_t read_ms;  // by the clock of `struct tokens`, before the database was asked
    uint64_t until_ms; // by the same; NO_DEADLINE: without end
    struct token token;
};

struct kind;
struct tokens {
    const struct kind *kind;
    struct db *db; // the thread's
    struct writer *writer;
    uint64_t (*now_ms)(void);
    pthread_t thread;
    pthread_mutex_t mutex; // over all below
    pthread_cond_t asked, answered;
    struct known known[SETS][WAYS], unknown[UNKNOWN_MAX];
    struct hash questions[QUESTIONS_MAX];
    size_t first, count;
    uint64_t failures;
    bool away; // the database did not answer the last one, or not in time
    bool stop;
};

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

static struct known *unknown_place(struct tokens *t, const struct hash *h) {
    return &t->unknown[(h->b[0] | h->b[1] << 8) % UNKNOWN_MAX];
}

// Whether what was read of it is not too old; out->is says whether there is such a token.
static bool is_read(struct tokens *t, const struct hash *h, struct known *out) {
    const struct known *k = find(t, h), *no = unknown_place(t, h);
    uint64_t now = t->now_ms();
    if (no->read_ms && hash_eq(&no->hash, h) && no->read_ms + TOKEN_UNKNOWN_MS > now)
        *out = *no;
    else if (k && k->read_ms + TOKEN_KNOWN_MS > now)
        *out = *k;
    else
        return false;
    return true;
}

// --- what is stored

#define USED(table, hash, now)                                                                                         \
    "UPDATE " table " SET last_used_ms = " now " WHERE " hash " = :hash AND last_used_ms < " now
#define ASK_TOKEN(now)                                                                                                 \
    "SELECT worker_name, worker_id, scopes, expires_ms, last_used_ms, " now " AS now_ms FROM worker_auth_tokens "      \
    "WHERE token_hash = :hash AND is_active"
#define ASK_KEY(now) "SELECT id, account_id, last_used_ms, " now " AS now_ms FROM account_keys WHERE key_hash = :hash"
#define TOKEN_USED(now) USED("worker_auth_tokens", "token_hash", now)
#define KEY_USED(now) USED("account_keys", "key_hash", now)

static void read_token(struct db *db, struct db_stmt *s, struct known *k) {
    const char *worker = db_text(db, s, "worker_id");
    int64_t expires = db_int(db, s, "expires_ms"), left = expires - db_int(db, s, "now_ms");
    k->is = true;
    k->until_ms = expires ? k->read_ms + (uint64_t)(left > 0 ? left : 0) : NO_DEADLINE;
    (void)!token_scopes_read(db_text(db, s, "scopes"), &k->token.scopes, NULL);
    // A name that was put there by SQL may be longer: what stands with a lease is its beginning.
    const char *name = db_text(db, s, "worker_name");
    size_t n = text_cut(name, TOKEN_NAME_MAX);
    memcpy(k->token.name, name, n);
    k->token.name[n] = 0;
    if (worker && !text_copy(k->token.worker_id, sizeof k->token.worker_id, slice_str(worker)))
        k->is = false; // no worker can have this id
}

static void read_key(struct db *db, struct db_stmt *s, struct known *k) {
    k->until_ms = NO_DEADLINE;
    k->is = text_copy(k->token.name, sizeof k->token.name, slice_str(db_text(db, s, "id"))) &&
            text_copy(k->token.account_id, sizeof k->token.account_id, slice_str(db_text(db, s, "account_id")));
}

struct kind {
    const char *what, *hint;
    const char *ask[2], *used[2]; // by engine
    void (*read)(struct db *db, struct db_stmt *s, struct known *k);
};
#define OF_BOTH(SQL)                                                                                                   \
    { [DB_SQLITE] = SQL(NOW_MS_SQLITE), [DB_POSTGRES] = SQL(NOW_MS_POSTGRES) }
static const struct kind kinds[] = {
    [TOKENS_OF_PROGRAMS] = {"token", "`outlayer token create NAME` makes one", OF_BOTH(ASK_TOKEN), OF_BOTH(TOKEN_USED),
                            read_token},
    [KEYS_OF_ACCOUNTS] = {"API key", "POST /public/api-keys makes one, by the account's own word", OF_BOTH(ASK_KEY),
                          OF_BOTH(KEY_USED), read_key},
};

struct use {
    const struct kind *kind;
    char hash[65];
};

static bool store_use(struct db *db, void *ctx, struct err *e) {
    const struct use *u = ctx;
    struct db_stmt *s;
    if (!db_query(db, u->kind->used[db_engine(db)], &s, e))
        return false;
    db_bind_text(db, s, ":hash", u->hash);
    return db_run(db, s, e);
}

static void stored_use(void *ctx, bool ok, const struct err *e) {
    if (!ok)
        log_err(LOG_WARN, "the last use of a token or key could not be stored", e);
    free(ctx);
}

// Nobody waits for it.
static void note_use(struct tokens *t, const char *hash) {
    struct err e;
    struct use *u = xcalloc(1, sizeof *u);
    u->kind = t->kind;
    memcpy(u->hash, hash, sizeof u->hash);
    const struct writer_job job = {store_use, stored_use, u};
    if (!writer_submit(t->writer, &job, &e))
        stored_use(u, false, &e);
}

static bool ask(struct tokens *t, struct known *k, struct err *e) {
    struct db_stmt *s;
    bool row = false, old = false;
    char hex[65];
    hash_hex(&k->hash, hex);
    k->read_ms = t->now_ms();
    if (!db_query(t->db, t->kind->ask[db_engine(t->db)], &s, e))
        return false;
    db_bind_text(t->db, s, ":hash", hex);
    bool ok = db_step(t->db, s, &row, e);
    if (ok && row) {
        t->kind->read(t->db, s, k);
        old = db_int(t->db, s, "last_used_ms") + TOKEN_USED_MS <= db_int(t->db, s, "now_ms");
    }
    db_done(t->db, s);
    if (ok && k->is && old)
        note_use(t, hex);
    return ok;
}

// With the mutex held.
static void take_answer(struct tokens *t, const struct known *k) {
    struct known *was = find(t, &k->hash);
    if (k->is) {
        keep(t, k);
    } else {
        *unknown_place(t, &k->hash) = *k;
        if (was)
            was->is = false;
    }
}

// A database that cannot be asked is said once, and so is its return.
static void say(const struct kind *kind, bool ok, bool *fails, const struct err *e) {
    SCOPED_ARENA(a);
    if (!ok && !*fails)
        log_err(LOG_ERROR, arena_printf(a, "%ss cannot be looked up", kind->what), e);
    if (ok && *fails)
        log_info("%ss are looked up again", kind->what);
    *fails = !ok;
}

static void *answer_questions(void *arg) {
    struct tokens *t = arg;
    struct err e;
    bool fails = false;
    pthread_mutex_lock(&t->mutex);
    for (;;) {
        while (!t->stop && !t->count)
            cond_wait_until(&t->asked, &t->mutex, NO_DEADLINE);
        if (t->stop)
            break;
        struct known k = {.hash = t->questions[t->first]}, there;
        t->first = (t->first + 1) % QUESTIONS_MAX;
        t->count--;
        if (is_read(t, &k.hash, &there)) // somebody asked the same
            continue;
        pthread_mutex_unlock(&t->mutex);
        bool ok = ask(t, &k, &e);
        say(t->kind, ok, &fails, &e);
        pthread_mutex_lock(&t->mutex);
        if (ok)
            take_answer(t, &k);
        t->failures += !ok;
        t->away = !ok;
        pthread_cond_broadcast(&t->answered);
    }
    pthread_mutex_unlock(&t->mutex);
    return NULL;
}

struct tokens *tokens_new(struct db *db, struct writer *writer, enum token_kind kind, uint64_t (*now_ms)(void)) {
    struct tokens *t = xcalloc(1, sizeof *t);
    t->now_ms = now_ms;
    t->kind = &kinds[kind];
    t->db = db;
    t->writer = writer;
    pthread_mutex_init(&t->mutex, NULL);
    cond_init(&t->asked);
    cond_init(&t->answered);
    BUG_ON(pthread_create(&t->thread, NULL, answer_questions, t) != 0);
    return t;
}

void tokens_free(struct tokens *t) {
    if (!t)
        return;
    pthread_mutex_lock(&t->mutex);
    t->stop = true;
    pthread_cond_signal(&t->asked);
    pthread_mutex_unlock(&t->mutex);
    pthread_join(t->thread, NULL);
    pthread_cond_destroy(&t->asked);
    pthread_cond_destroy(&t->answered);
    pthread_mutex_destroy(&t->mutex);
    free(t);
}

// --- questions

// With the mutex held. Also while the database is away: so it is seen to be back.
static bool put_question(struct tokens *t, const struct hash *h) {
    if (t->count == QUESTIONS_MAX)
        return false;
    t->questions[(t->first + t->count++) % QUESTIONS_MAX] = *h;
    pthread_cond_signal(&t->asked);
    return true;
}

static bool look_up(struct tokens *t, const struct hash *h, struct known *out) {
    uint64_t end = deadline_in(TOKEN_ASK_MS);
    pthread_mutex_lock(&t->mutex);
    bool there = is_read(t, h, out);
    uint64_t failures = t->failures;
    bool waits = !there && put_question(t, h) && !t->away;
    while (waits && !(there = is_read(t, h, out)) && failures == t->failures)
        if (!cond_wait_until(&t->answered, &t->mutex, end)) {
            t->away = true;
            break;
        }
    pthread_mutex_unlock(&t->mutex);
    return there;
}

bool tokens_seen(struct tokens *t, const char *token) {
    struct hash h = sha256(slice_str(token));
    pthread_mutex_lock(&t->mutex);
    bool seen = find(t, &h) != NULL;
    pthread_mutex_unlock(&t->mutex);
    return seen;
}

void tokens_forget(struct tokens *t, const char *hash) {
    struct hash h;
    if (!hash_from_hex(&h, slice_str(hash), NULL))
        return;
    pthread_mutex_lock(&t->mutex);
    struct known *k = find(t, &h);
    if (k)
        k->is = false;
    pthread_mutex_unlock(&t->mutex);
}

bool tokens_check(struct tokens *t, const char *token, struct token *out, struct err *e) {
    struct hash h = sha256(slice_str(token));
    struct known k;
    if (!look_up(t, &h, &k)) {
        err_set(e, ERR_UNAVAILABLE, "the database does not say now whether this %s is good", t->kind->what);
        return err_hint(e, "try again in a moment");
    }
    if (!k.is)
        err_set(e, ERR_UNAUTHORIZED, "this %s is not known, or was revoked", t->kind->what);
    else if (k.until_ms <= t->now_ms())
        err_set(e, ERR_UNAUTHORIZED, "this %s's time is over", t->kind->what);
    else {
        *out = k.token;
        return true;
    }
    return err_hint(e, "%s", t->kind->hint);
}
