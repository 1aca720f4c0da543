// SPDX-License-Identifier: Apache-2.0
// What was built, for everybody to look at: the signed records of builds, the newest first.
#include "coordinator/api.h"
#include "coordinator/routes.h"

#include "base/clock.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "queue/database.h"
#include "repo/repo.h"

#define LIST_DEFAULT 20
#define INFO_MOST 100

struct wanted {
    const char *repo, *commit, *target; // NULL: any
    uint64_t limit;
};

// What has an index leads: a statement of its own where no repository is named.
static bool find(struct db *db, const struct wanted *w, json_t *list, uint64_t *newest_ms, struct err *e) {
    struct db_stmt *s;
    bool row = false, ok;
    if (!db_query(db,
                  w->repo
                      ? "SELECT record, created_ms FROM build_records WHERE repo = :repo AND (CAST(:commit AS TEXT) "
                        "IS NULL OR commit_hash = :commit) AND (CAST(:target AS TEXT) IS NULL OR target = :target) "
                        "ORDER BY created_ms DESC, build_key, public_key LIMIT :limit"
                      : "SELECT record, created_ms FROM build_records ORDER BY created_ms DESC LIMIT :limit",
                  &s, e))
        return false;
    if (w->repo) {
        db_bind_text(db, s, ":repo", w->repo);
        db_bind_text(db, s, ":commit", w->commit);
        db_bind_text(db, s, ":target", w->target);
    }
    db_bind_int(db, s, ":limit", (int64_t)w->limit);
    while ((ok = db_step(db, s, &row, e)) && row) {
        if (!json_array_size(list))
            *newest_ms = (uint64_t)db_int(db, s, "created_ms");
        json_array_append_new(list, json_loads(db_text(db, s, "record"), 0, NULL));
    }
    db_done(db, s);
    return ok;
}

static json_t *found(struct coordinator *c, const struct wanted *w, uint64_t *newest_ms, struct err *e) {
    json_t *list = json_array();
    struct db *db = readers_take(c->readers);
    bool ok = find(db, w, list, newest_ms, e);
    readers_put(c->readers, db);
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

// As builders write it, in any spelling.
static bool read_repo(struct http_request *r, const char *asked, struct wanted *out, struct err *e) {
    struct repo repo;
    if (!repo_read(&repo, http_arena(r), asked, e))
        return false;
    out->repo = repo.place;
    return true;
}

void public_builds(struct http_request *r, void *ctx) {
    struct wanted w = {.limit = api_number(r, "limit", LIST_DEFAULT)};
    struct err e;
    uint64_t newest;
    const char *repo = http_query(r, "repo");
    json_t *list = !repo || read_repo(r, repo, &w, &e) ? found(ctx, &w, &newest, &e) : NULL;
    SCOPED_JSON(answer) = list ? json_pack("{s:o}", "builds", list) : NULL;
    if (answer)
        public_reply(r, slice_str(json_text(http_arena(r), answer)));
    else
        http_reply_err(r, &e);
}

// The reference's words for the newest of them. Its module may have had to make room for others.
static void add_reference(struct coordinator *c, json_t *o, const json_t *newest, uint64_t at_ms) {
    const char *hex = json_string_value(json_object_get(newest, "wasm_hash"));
    char when[32];
    struct hash hash;
    uint64_t size;
    bool kept = hex && hash_from_hex(&hash, slice_str(hex), NULL) && blobs_has(c->blobs, &hash, &size);
    json_set_text(o, "checksum", hex);
    json_object_set_new(o, "file_size", kept ? json_integer((json_int_t)size) : json_null());
    json_set_text(o, "created_at", hex ? clock_iso8601(at_ms, when) : NULL);
}

static const char *either(struct http_request *r, const char *name, const char *other) {
    const char *text = http_query(r, name);
    return text ? text : http_query(r, other);
}

void public_wasm_info(struct http_request *r, void *ctx) {
    const char *repo = either(r, "repo", "repo_url");
    struct wanted w = {.commit = either(r, "commit", "commit_hash"),
                       .target = either(r, "target", "build_target"),
                       .limit = INFO_MOST};
    struct err e;
    uint64_t newest_ms = 0;
    if (!repo) {
        err_set(&e, ERR_INVALID, "'repo' is missing");
        err_hint(&e, "name the repository: ?repo=…&commit=…&target=…, or ?repo_url=…&commit_hash=…&build_target=…");
    }
    json_t *list = repo && read_repo(r, repo, &w, &e) ? found(ctx, &w, &newest_ms, &e) : NULL;
    if (!list) {
        http_reply_err(r, &e);
        return;
    }
    json_t *o = json_pack("{s:b, s:o}", "exists", json_array_size(list) > 0, "builds", list);
    add_reference(ctx, o, json_array_get(list, 0), newest_ms);
    http_reply_json(r, 200, o);
}
