// SPDX-License-Identifier: Apache-2.0
// /builds/…: which module a build gave, signed by the worker that made it. The coordinator checks that the record is
// whole and that its signature is its key's; whether that key is to be trusted, every reader asks the chain.
#include "coordinator/routes.h"

#include "base/clock.h"
#include "codec/hex.h"
#include "protocol/build_record.h"
#include "repo/repo.h"

struct build {
    struct http_request *request;
    struct build_record record; // texts in the request's arena, as all of this
    const char *key, *json;
};

static bool read_build(struct arena *a, const json_t *j, const struct hash *named, struct build_record *out,
                       struct err *e) {
    if (!json_only_keys(j, record_keys, e) || !record_parse(out, a, j, e))
        return false;
    if (!hash_eq(&out->build_key, named))
        return err_set(e, ERR_INVALID, "the record is of another build key than the path names");
    return record_signature_good(out) || err_set(e, ERR_INVALID, "the record's signature is not that of its key");
}

static bool store(struct db *db, void *ctx, struct err *e) {
    struct build *b = ctx;
    struct db_stmt *s;
    char hex[65];
    if (!db_query(db,
                  "INSERT OR REPLACE INTO builds (build_key, wasm_hash, repo, commit_hash, target, record, created_ms) "
                  "VALUES (:key, :wasm, :repo, :commit, :target, :record, :now)",
                  &s, e))
        return false;
    db_bind_text(db, s, ":key", b->key);
    db_bind_text(db, s, ":wasm", hash_hex(&b->record.wasm_hash, hex));
    db_bind_text(db, s, ":repo", b->record.repo);
    db_bind_text(db, s, ":commit", b->record.commit);
    db_bind_text(db, s, ":target", b->record.target);
    db_bind_text(db, s, ":record", b->json);
    db_bind_int(db, s, ":now", (int64_t)clock_wall_ms());
    return db_run(db, s, e);
}

static void stored(void *ctx, bool ok, const struct err *e) {
    struct build *b = ctx;
    if (ok)
        http_reply_json(b->request, 200, json_pack("{s:s}", "build_key", b->key));
    else
        http_reply_err(b->request, e);
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
    json_t *j = task_body(r, SMALL_BODY_MAX, &e);
    bool ok = j && key_param(r, &key, &e) && read_build(a, j, &key, &b->record, &e);
    if (ok) {
        b->request = r;
        b->json = json_text(a, j);
        b->key = hex_text(a, hash_slice(&key));
        struct writer_job job = {store, stored, b};
        ok = writer_submit(c->writer, &job, &e);
    }
    json_decref(j);
    if (!ok)
        http_reply_err(r, &e);
}

// The record as text in the arena; NULL with *e.
static const char *find(struct coordinator *c, struct arena *a, const char *key, struct err *e) {
    struct db_stmt *s;
    bool row = false;
    const char *out = NULL;
    pthread_mutex_lock(&c->reading_mutex);
    if (db_query(c->reading, "SELECT record FROM builds WHERE build_key = :key", &s, e)) {
        db_bind_text(c->reading, s, ":key", key);
        if (db_step(c->reading, s, &row, e)) {
            if (row)
                out = arena_strdup(a, db_text(c->reading, s, "record"));
            else
                err_set(e, ERR_NOT_FOUND, "nobody has built %.64s yet", key);
        }
        db_done(c->reading, s);
    }
    pthread_mutex_unlock(&c->reading_mutex);
    return out;
}

void builds_get(struct http_request *r, void *ctx) {
    struct err e;
    struct hash key;
    const char *record = NULL;
    if (key_param(r, &key, &e))
        record = find(ctx, http_arena(r), hex_text(http_arena(r), hash_slice(&key)), &e);
    if (record)
        http_reply(r, 200, "application/json", slice_str(record));
    else
        http_reply_err(r, &e);
}

void public_wasm_info(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct err e;
    struct db_stmt *s;
    bool row = false, ok;
    struct repo repo;
    const char *asked = http_query(r, "repo"), *commit = http_query(r, "commit"), *target = http_query(r, "target");
    if (!asked)
        err_set(&e, ERR_INVALID, "name the repository: ?repo=…&commit=…&target=…");
    if (!asked || !repo_read(&repo, http_arena(r), asked, &e)) {
        http_reply_err(r, &e);
        return;
    }
    json_t *list = json_array();
    pthread_mutex_lock(&c->reading_mutex);
    ok = db_query(c->reading,
                  "SELECT record FROM builds WHERE repo = :repo AND (:commit IS NULL OR commit_hash = :commit) AND "
                  "(:target IS NULL OR target = :target) ORDER BY created_ms DESC LIMIT 100",
                  &s, &e);
    if (ok) {
        db_bind_text(c->reading, s, ":repo", repo.place); // as builders write it
        db_bind_text(c->reading, s, ":commit", commit);
        db_bind_text(c->reading, s, ":target", target);
        while ((ok = db_step(c->reading, s, &row, &e)) && row)
            json_array_append_new(list, json_loads(db_text(c->reading, s, "record"), 0, NULL));
        db_done(c->reading, s);
    }
    pthread_mutex_unlock(&c->reading_mutex);
    if (ok) {
        http_reply_json(r, 200, json_pack("{s:b, s:o}", "exists", json_array_size(list) > 0, "builds", list));
        return;
    }
    json_decref(list);
    http_reply_err(r, &e);
}
