// SPDX-License-Identifier: Apache-2.0
// /builds/…: which module a build gave, signed by the worker that made it. The coordinator checks that the record is
// whole and that its signature is its key's; whether that key is to be trusted, every reader asks the chain.
#include "coordinator/routes.h"

#include "codec/hex.h"
#include "protocol/build_record.h"
#include "queue/database.h"
#include "repo/repo.h"

#define RECORD_BYTES (16u << 10) // of one as JSON
#define OF_TOKEN_MAX 4           // records of one build key that came by one token; the oldest of them makes room

struct build {
    struct http_request *request;
    struct build_record record; // texts in the request's arena, as all of this
    const char *key, *signer, *token_name, *json;
};

static bool read_build(struct arena *a, const json_t *j, const struct hash *named, struct build_record *out,
                       struct err *e) {
    if (!record_parse(out, a, j, e))
        return false;
    if (!hash_eq(&out->build_key, named))
        return err_set(e, ERR_INVALID, "the record is of another build key than the path names");
    return record_signature_good(out) || err_set(e, ERR_INVALID, "the record's signature is not that of its key");
}

// How many others there are of its build key: in all, and by its token.
static bool count_others(struct db *db, const struct build *b, int64_t *all, int64_t *own, struct err *e) {
    struct db_stmt *s;
    bool row;
    if (!db_query(
            db,
            "SELECT count(*) AS \"all\", coalesce(sum(CASE WHEN token_name = :token THEN 1 ELSE 0 END), 0) AS own "
            "FROM build_records WHERE build_key = :key AND public_key <> :signer",
            &s, e))
        return false;
    db_bind_text(db, s, ":token", b->token_name);
    db_bind_text(db, s, ":key", b->key);
    db_bind_text(db, s, ":signer", b->signer);
    bool ok = db_step(db, s, &row, e);
    if (ok) {
        *all = db_int(db, s, "all");
        *own = db_int(db, s, "own");
    }
    db_done(db, s);
    return ok;
}

static bool forget_oldest_own(struct db *db, const struct build *b, struct err *e) {
    struct db_stmt *s;
    if (!db_query(db,
                  "DELETE FROM build_records WHERE build_key = :key AND public_key = (SELECT public_key FROM "
                  "build_records WHERE build_key = :key AND token_name = :token AND public_key <> :signer "
                  "ORDER BY created_ms, public_key LIMIT 1)",
                  &s, e))
        return false;
    db_bind_text(db, s, ":key", b->key);
    db_bind_text(db, s, ":token", b->token_name);
    db_bind_text(db, s, ":signer", b->signer);
    return db_run(db, s, e);
}

// Each token has a few places of each build key, so that none takes those of others; nobody's record becomes another's.
static bool make_room(struct db *db, const struct build *b, struct err *e) {
    int64_t all, own;
    if (!count_others(db, b, &all, &own, e))
        return false;
    if (own >= OF_TOKEN_MAX)
        return forget_oldest_own(db, b, e);
    if (all < RECORDS_MAX)
        return true;
    err_set(e, ERR_CONFLICT, "%d records of this build are there already", RECORDS_MAX);
    return err_hint(e, "ask for them with ?all=true: one of a signer that you trust may be among them");
}

#define STORE(now)                                                                                                     \
    "INSERT INTO build_records (build_key, public_key, wasm_hash, repo, commit_hash, target, record, built_at, "       \
    "created_ms, token_name) VALUES (:key, :signer, :wasm, :repo, :commit, :target, :record, :built, " now ", "        \
    ":token) ON CONFLICT (build_key, public_key) DO UPDATE SET wasm_hash = excluded.wasm_hash, repo = "                \
    "excluded.repo, commit_hash = excluded.commit_hash, target = excluded.target, record = excluded.record, "          \
    "built_at = excluded.built_at, created_ms = excluded.created_ms WHERE excluded.built_at > build_records.built_at"

// A signer's later record takes the place of its earlier one; an earlier one, shown again by anybody, changes nothing.
static bool store(struct db *db, void *ctx, struct err *e) {
    struct build *b = ctx;
    struct db_stmt *s;
    char hex[65];
    if (!make_room(db, b, e) || !db_query(db, BY_ITS_CLOCK(db, STORE), &s, e))
        return false;
    db_bind_text(db, s, ":key", b->key);
    db_bind_text(db, s, ":signer", b->signer);
    db_bind_text(db, s, ":wasm", hash_hex(&b->record.wasm_hash, hex));
    db_bind_text(db, s, ":repo", b->record.repo);
    db_bind_text(db, s, ":commit", b->record.commit);
    db_bind_text(db, s, ":target", b->record.target);
    db_bind_text(db, s, ":record", b->json);
    db_bind_int(db, s, ":built", (int64_t)b->record.built_at);
    db_bind_text(db, s, ":token", b->token_name);
    return db_run(db, s, e);
}

static void stored(void *ctx, bool ok, const struct err *e) {
    struct build *b = ctx;
    if (ok)
        http_reply_json(b->request, 200, json_pack("{s:s}", "build_key", b->key));
    else if (e->code == ERR_CONFLICT)
        http_reply_err(b->request, e);
    else
        task_reply_later(b->request, e, "a build record could not be stored");
}

// In the one form in which keys are stored.
static bool key_param(struct http_request *r, struct hash *out, struct err *e) {
    return hash_from_hex(out, slice_str(http_param(r, "build_key")), e) ||
           err_set(e, ERR_INVALID, "a build key is 64 hex digits");
}

void builds_put(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct arena *a = http_arena(r);
    struct err e;
    struct hash key;
    struct build *b = arena_calloc(a, 1, sizeof *b);
    SCOPED_JSON(j) = http_take_json(r);
    bool ok = key_param(r, &key, &e) && read_build(a, j, &key, &b->record, &e);
    if (ok) {
        b->request = r;
        b->json = json_text(a, j);
        ok = strlen(b->json) <= RECORD_BYTES ||
             err_set(&e, ERR_TOO_LARGE, "a record has at most %u bytes", RECORD_BYTES);
    }
    if (ok) {
        b->key = hex_text(a, hash_slice(&key));
        b->signer = public_key_text(a, &b->record.key);
        b->token_name = coordinator_token_name(r);
        struct writer_job job = {store, stored, b};
        ok = writer_submit(c->writer, &job, &e);
    }
    if (!ok)
        http_reply_err(r, &e);
}

// The newest record, or all of them as a list, in `out`.
static bool find(struct coordinator *c, const char *key, bool all, struct buf *out, struct err *e) {
    struct db_stmt *s;
    bool row = false, ok;
    size_t count = 0;
    struct db *db = readers_take(c->readers);
    ok = db_query(db, "SELECT record FROM build_records WHERE build_key = :key ORDER BY created_ms DESC, public_key",
                  &s, e);
    if (ok) {
        db_bind_text(db, s, ":key", key);
        buf_add_str(out, all ? "{\"records\":[" : "");
        while ((ok = db_step(db, s, &row, e)) && row && (all || !count)) {
            buf_add_str(out, count++ ? "," : "");
            buf_add_str(out, db_text(db, s, "record"));
        }
        buf_add_str(out, all ? "]}" : "");
        db_done(db, s);
    }
    readers_put(c->readers, db);
    if (ok && out->full)
        return err_set(e, ERR_TOO_LARGE, "the records of build %.64s are too long for one answer", key);
    return ok && (count || err_set(e, ERR_NOT_FOUND, "nobody has built %.64s yet", key));
}

// Those of every signer, for everybody.
void public_build(struct http_request *r, void *ctx) {
    struct err e;
    struct hash key;
    SCOPED_BUF(out, RECORDS_MAX * (RECORD_BYTES + 1) + 64);
    if (key_param(r, &key, &e) && find(ctx, hex_text(http_arena(r), hash_slice(&key)), true, &out, &e))
        public_reply(r, buf_slice(&out));
    else
        http_reply_err(r, &e);
}

// `all`: those of every signer. Without it the newest one, as programs want it that know of one alone.
void builds_get(struct http_request *r, void *ctx) {
    struct err e;
    struct hash key;
    const char *all = http_query(r, "all");
    SCOPED_BUF(out, RECORDS_MAX * (RECORD_BYTES + 1) + 64);
    if (key_param(r, &key, &e) &&
        find(ctx, hex_text(http_arena(r), hash_slice(&key)), all && strcmp(all, "true") == 0, &out, &e))
        http_reply(r, 200, "application/json", buf_slice(&out));
    else
        http_reply_err(r, &e);
}
