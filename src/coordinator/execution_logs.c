// SPDX-License-Identifier: Apache-2.0
#include "coordinator/execution_logs.h"

#include "codec/json.h"
#include "queue/database.h"
#include <inttypes.h>

#define ABOUT_MAX (1u << 20)

// --- storing

struct storing {
    struct execution_logs *logs;
    void (*done)(void *ctx, bool ok, const struct err *e);
    void *ctx;
};

static void bind_key(struct db *db, struct db_stmt *s, const struct execution_key *key) {
    db_bind_text(db, s, ":contract", key->contract_id);
    db_bind_int(db, s, ":request", (int64_t)key->request_id);
}

static bool store(struct db *db, void *ctx, struct err *e) {
    const struct storing *x = ctx;
    struct db_stmt *s;
    if (!db_query(
            db,
            "INSERT INTO execution_logs (execution_id, build_log, guest_stderr) SELECT id, CAST(:build AS TEXT), "
            "CAST(:guest AS TEXT) FROM executions WHERE " IS_KEY(":contract", ":request") " ON CONFLICT "
                                                                                          "(execution_id) DO NOTHING",
            &s, e))
        return false;
    bind_key(db, s, &x->logs->key);
    db_bind_text(db, s, ":build", x->logs->build_log);
    db_bind_text(db, s, ":guest", x->logs->guest_stderr);
    return db_run(db, s, e);
}

static void stored(void *ctx, bool ok, const struct err *e) {
    struct storing x = *(struct storing *)ctx;
    free(ctx);
    x.done(x.ctx, ok, e);
}

bool execution_logs_store(struct writer *writer, struct execution_logs *logs,
                          void (*done)(void *ctx, bool ok, const struct err *e), void *ctx, struct err *e) {
    struct storing *x = xcalloc(1, sizeof *x);
    *x = (struct storing){logs, done, ctx};
    const struct writer_job job = {store, stored, x};
    if (writer_submit(writer, &job, e))
        return true;
    free(x);
    return false;
}

// --- reading

static const char *copy(struct arena *a, const char *text) { return text ? arena_strdup(a, text) : NULL; }

static const char *sender_of(struct arena *a, const char *about) {
    SCOPED_JSON(j) = json_parse_big(slice_str(about), ABOUT_MAX, NULL);
    return copy(a, json_string_value(json_object_get(j, "sender_id")));
}

static bool not_known(const struct execution_key *key, struct err *e) {
    err_set(e, ERR_NOT_FOUND, "request %" PRIu64 " of %s is not known here", key->request_id, key->contract_id);
    return err_hint(e, "it is older than what is kept, or no worker has told of it yet");
}

bool execution_logs_read(struct db *db, struct arena *a, struct execution_logs *x, const char **sender, struct err *e) {
    struct db_stmt *s;
    bool row = false;
    if (!db_query(db,
                  "SELECT about, build_log, guest_stderr FROM executions LEFT JOIN execution_logs ON execution_id = id "
                  "WHERE " IS_KEY(":contract", ":request"),
                  &s, e))
        return false;
    bind_key(db, s, &x->key);
    bool ok = db_step(db, s, &row, e);
    if (ok && row) {
        *sender = sender_of(a, db_text(db, s, "about"));
        x->build_log = copy(a, db_text(db, s, "build_log"));
        x->guest_stderr = copy(a, db_text(db, s, "guest_stderr"));
    }
    db_done(db, s);
    return ok && (row || not_known(&x->key, e));
}
