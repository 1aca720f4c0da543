// SPDX-License-Identifier: Apache-2.0
#include "store/postgres.h"

#include "base/buf.h"
#include "base/text.h"
#include "codec/hex.h"
#include "store/postgres_link.h"
#include <inttypes.h>

#define VALUE_MAX (64 << 20)
#define PARAMS_MAX 32
#define NAME_MAX_LEN 32
#define SQL_MAX 8192
#define TAG_MAX 64
#define SCHEMA_LOCK "7815268" // any number will do that nobody else locks

// Types by their number, which is the same in every PostgreSQL (pg_type.dat).
enum { TYPE_LEARNT = 0, TYPE_BYTEA = 17, TYPE_INT8 = 20, TYPE_TEXT = 25 };

struct param {
    char name[NAME_MAX_LEN];
    char *text; // what it was bound to, ours
    const char *value;
    int length, binary;
    Oid type;
};

struct db_stmt {
    struct pg *pg;
    struct pg_link *link; // its
    char *sql, name[24];
    uint64_t prepared_on; // the connection's number; 0: on none
    struct param params[PARAMS_MAX];
    int count;
    bool too_long;    // a value that was bound
    PGresult *result; // NULL: it has not been carried out
    int row;
    struct arena *bytes; // what db_blob gave
};

struct pg {
    struct pg_link *link;
    uint64_t names;
    size_t left; // at the server, of statements that are gone here
    int64_t changes;
};

static struct pg *pg_of(struct db *db) { return db->handle; }

static size_t value_max(const struct pg_link *l) { return l->keep.value_max ? l->keep.value_max : VALUE_MAX; }

// --- the connection

static bool pg_open(struct db *db, const char *url, const struct db_keep *keep, struct err *e) {
    struct pg *p = xcalloc(1, sizeof *p);
    if (!pg_link_open(&p->link, url, keep, e)) {
        free(p);
        return false;
    }
    db->handle = p;
    if (pg_link_ready(p->link, e))
        return true;
    pg_link_free(p->link);
    free(p);
    return false;
}

static void pg_close(struct db *db) {
    pg_link_free(pg_of(db)->link);
    free(db->handle);
}

static bool pg_in_transaction(struct db *db) {
    const struct pg_link *l = pg_of(db)->link;
    return !l->lost && pg_link_in_transaction(l);
}

// Nobody knows whether it was carried out. What only asks has changed nothing, in either case.
static bool in_doubt(struct err *e) {
    if (!e)
        return false;
    char how[sizeof e->msg];
    snprintf(how, sizeof how, "%s", e->msg);
    err_set(e, ERR_IN_DOUBT, "%s before it was known whether a change is stored", how);
    return err_hint(e, "look at what is stored, or do it again where that is safe");
}

static bool only_asks(const char *sql) { return strncmp(sql, "SELECT", 6) == 0; }

// --- transactions

static bool pg_begin(struct db *db, struct err *e) {
    struct pg_link *l = pg_of(db)->link;
    l->lost = false;
    if (pg_link_in_transaction(l))
        return err_set(e, ERR_IO, "database: cannot begin a transaction within a transaction");
    if (!pg_link_ready(l, e))
        return false;
    l->begin_waits = true;
    return true;
}

static void pg_rollback(struct db *db) {
    struct pg_link *l = pg_of(db)->link;
    bool at_server = l->conn && PQtransactionStatus(l->conn) != PQTRANS_IDLE;
    l->lost = l->begin_waits = l->patient = false;
    // If this is not heard, the connection is gone, and with it the transaction.
    if (at_server && pg_link_run(l, "ROLLBACK", NULL, 0, NULL) == PG_REFUSED)
        pg_link_drop(l);
}

static bool pg_commit(struct db *db, struct err *e) {
    struct pg_link *l = pg_of(db)->link;
    char tag[TAG_MAX] = "";
    bool nothing = l->begin_waits;
    l->begin_waits = l->patient = false;
    if (nothing)
        return true;
    if (!pg_link_ready(l, e)) { // it had been lost before
        l->lost = false;
        return false;
    }
    if (!pg_link_alive(l)) {
        pg_link_drop(l);
        err_set(e, ERR_UNAVAILABLE, "database: the connection was lost before the commit; nothing is stored");
        return err_hint(e, "try again in a moment");
    }
    switch (pg_link_run(l, "COMMIT", tag, sizeof tag, e)) {
    case PG_DONE: break;
    case PG_REFUSED: pg_rollback(db); return false;
    case PG_LOST: return in_doubt(e);
    }
    // The server answers COMMIT with ROLLBACK where a statement of the transaction had failed.
    return strcmp(tag, "COMMIT") == 0 ||
           err_set(e, ERR_IO, "database: a statement of the transaction had failed; nothing is stored");
}

// What happened inside a transaction is undone with the connection.
static bool after_loss(struct pg_link *l, bool inside, bool asks, struct err *e) {
    l->lost = inside;
    return inside || asks ? false : in_doubt(e);
}

static bool run_text(struct pg_link *l, const char *sql, struct err *e) {
    if (!pg_link_ready(l, e))
        return false;
    bool inside = pg_link_in_transaction(l);
    enum pg_end end = PG_DONE;
    if (l->begin_waits) {
        l->begin_waits = false;
        end = pg_link_run(l, "BEGIN", NULL, 0, e);
    }
    if (end == PG_DONE)
        end = pg_link_run(l, sql, NULL, 0, e);
    return end == PG_DONE || (end == PG_LOST && after_loss(l, inside, only_asks(sql), e));
}

static bool pg_exec(struct db *db, const char *sql, struct err *e) { return run_text(pg_of(db)->link, sql, e); }

static bool pg_lock_schema(struct db *db, struct err *e) {
    struct pg_link *l = pg_of(db)->link;
    l->patient = true;
    return run_text(l,
                    "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;"
                    "SELECT pg_advisory_xact_lock(" SCHEMA_LOCK ")",
                    e);
}

// --- statements

static int param_number(struct db_stmt *s, const char *name, size_t n) {
    for (int i = 0; i < s->count; i++)
        if (strlen(s->params[i].name) == n && memcmp(s->params[i].name, name, n) == 0)
            return i;
    BUG_ON(s->count == PARAMS_MAX || n >= NAME_MAX_LEN);
    memcpy(s->params[s->count].name, name, n);
    return s->count++;
}

static bool is_name(char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// ":name" becomes "$1". What stands in quotes stays, and so does a "::type".
static char *to_numbers(struct db_stmt *s, const char *sql) {
    SCOPED_BUF(out, SQL_MAX);
    bool quoted = false;
    for (const char *at = sql; *at;) {
        size_t n = 0;
        quoted ^= *at == '\'';
        while (*at == ':' && !quoted && is_name(at[1 + n]))
            n++;
        if (n) {
            buf_printf(&out, "$%d", param_number(s, at, n + 1) + 1);
            at += n + 1;
        } else if (at[0] == ':' && at[1] == ':') {
            buf_add_str(&out, "::");
            at += 2;
        } else {
            buf_add_byte(&out, (uint8_t)*at++);
        }
    }
    BUG_ON(out.full);
    return xstrdup(buf_str(&out));
}

// At the server it is prepared when it is carried out for the first time.
static bool pg_prepare(struct db *db, const char *sql, struct db_stmt **out, struct err *) {
    struct pg *p = pg_of(db);
    struct db_stmt *s = xcalloc(1, sizeof *s);
    s->pg = p;
    s->link = p->link;
    s->sql = to_numbers(s, sql);
    snprintf(s->name, sizeof s->name, "s%" PRIu64, ++p->names);
    s->bytes = arena_new();
    *out = s;
    return true;
}

static void pg_reset(struct db_stmt *s) {
    for (int i = 0; i < s->count; i++) {
        struct param *x = &s->params[i];
        free(x->text);
        x->text = NULL;
        x->value = NULL;
        x->length = x->binary = 0;
    }
    PQclear(s->result);
    s->result = NULL;
    s->too_long = false;
    arena_reset(s->bytes);
}

static void pg_finalize(struct db_stmt *s) {
    pg_reset(s);
    s->pg->left += s->prepared_on == s->link->made;
    arena_free(s->bytes);
    free(s->sql);
    free(s);
}

static struct param *bind(struct db_stmt *s, const char *name, Oid type, size_t length) {
    int i = 0;
    while (i < s->count && strcmp(s->params[i].name, name) != 0)
        i++;
    BUG_ON(i == s->count);
    s->params[i].type = type;
    s->too_long |= length > value_max(s->link);
    return &s->params[i];
}

static void bind_own(struct db_stmt *s, const char *name, Oid type, const char *value) {
    struct param *x = bind(s, name, type, value ? strlen(value) : 0);
    free(x->text);
    x->text = value ? xstrdup(value) : NULL;
    x->value = x->text;
}

static void pg_bind_text(struct db_stmt *s, const char *name, const char *value) {
    bind_own(s, name, TYPE_TEXT, value);
}

static void pg_bind_int(struct db_stmt *s, const char *name, int64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    bind_own(s, name, TYPE_INT8, text);
}

static void pg_bind_blob(struct db_stmt *s, const char *name, struct slice value) {
    struct param *x = bind(s, name, TYPE_BYTEA, value.len);
    x->value = value.len ? (const char *)value.ptr : "";
    x->length = (int)value.len;
    x->binary = 1;
}

// --- carrying out

static bool queue_plain(struct pg_link *l, const char *sql) {
    return PQsendQueryParams(l->conn, sql, 0, NULL, NULL, NULL, NULL, 0);
}

static bool queue_prepare(struct db_stmt *s) {
    Oid types[PARAMS_MAX];
    for (int i = 0; i < s->count; i++)
        types[i] = s->params[i].type;
    return PQsendPrepare(s->link->conn, s->name, s->sql, s->count, types);
}

static bool queue_run(struct db_stmt *s) {
    const char *values[PARAMS_MAX];
    int lengths[PARAMS_MAX], formats[PARAMS_MAX];
    for (int i = 0; i < s->count; i++) {
        values[i] = s->params[i].value;
        lengths[i] = s->params[i].length;
        formats[i] = s->params[i].binary;
    }
    return PQsendQueryPrepared(s->link->conn, s->name, s->count, values, lengths, formats, 0);
}

// Statements that are gone here are forgotten at the server all together, with those that are not gone, and seldom.
static enum pg_end run_once(struct db_stmt *s, struct err *e) {
    struct pg_link *l = s->link;
    bool begins = l->begin_waits, forgets = s->pg->left >= DB_STATEMENTS_MAX;
    bool prepares = forgets || s->prepared_on != l->made;
    l->begin_waits = false;
    bool queued = PQenterPipelineMode(l->conn) && (!begins || queue_plain(l, "BEGIN")) &&
                  (!forgets || queue_plain(l, "DEALLOCATE ALL")) && (!prepares || queue_prepare(s)) && queue_run(s);
    BUG_ON(!queued && PQstatus(l->conn) == CONNECTION_OK);
    size_t good;
    enum pg_end end = pg_link_pipeline(l, &s->result, &good, e);
    BUG_ON(end != PG_LOST && !PQexitPipelineMode(l->conn));
    if (end == PG_LOST) {
        s->pg->left = 0;
        return end;
    }
    if (forgets && good > begins) {
        s->pg->left = 0;
        l->made++;
    }
    if (good > (size_t)begins + forgets)
        s->prepared_on = l->made;
    return end;
}

// A connection may have died without a word while nobody used it. What has changed nothing is asked once more: a
// question, and the first statement of a transaction, which was never committed.
static bool carry_out(struct db_stmt *s, struct err *e) {
    struct pg_link *l = s->link;
    if (s->too_long)
        return err_set(e, ERR_TOO_LARGE, "database: a value is longer than %zu bytes", value_max(l));
    if (!pg_link_ready(l, e))
        return false;
    bool begins = l->begin_waits, inside = pg_link_in_transaction(l), asks = only_asks(s->sql);
    enum pg_end end = run_once(s, e);
    if (end == PG_LOST && (begins || (asks && !inside)) && pg_link_ready(l, e)) {
        l->begin_waits = begins;
        end = run_once(s, e);
    }
    if (end == PG_LOST)
        return after_loss(l, inside, asks, e);
    if (end == PG_REFUSED)
        return false;
    const char *changed = PQcmdTuples(s->result);
    s->pg->changes = changed[0] ? strtoll(changed, NULL, 10) : 0;
    s->row = -1;
    return true;
}

static bool pg_step(struct db_stmt *s, bool *row, struct err *e) {
    *row = false;
    if (!s->result && !carry_out(s, e))
        return false;
    arena_reset(s->bytes);
    *row = s->row + 1 < PQntuples(s->result);
    s->row += *row;
    return true;
}

// --- rows

static int column(struct db_stmt *s, const char *name) {
    int i = PQfnumber(s->result, name);
    BUG_ON(i < 0 || s->row < 0);
    return i;
}

static const char *pg_text(struct db_stmt *s, const char *name) {
    int i = column(s, name);
    return PQgetisnull(s->result, s->row, i) ? NULL : PQgetvalue(s->result, s->row, i);
}

static int64_t pg_int(struct db_stmt *s, const char *name) {
    const char *text = pg_text(s, name);
    return !text ? 0 : text[0] == 't' ? 1 : strtoll(text, NULL, 10);
}

static struct slice pg_blob(struct db_stmt *s, const char *name) {
    int i = column(s, name);
    struct err e;
    struct slice text = slice_of(PQgetvalue(s->result, s->row, i), (size_t)PQgetlength(s->result, s->row, i)), out;
    if (PQftype(s->result, i) != TYPE_BYTEA)
        return text;
    BUG_ON(text.len < 2 || !hex_decode(&out, s->bytes, slice_of(text.ptr + 2, text.len - 2), &e));
    return out;
}

static int64_t pg_changes(struct db *db) { return pg_of(db)->changes; }

const struct db_driver db_postgres = {
    .engine = DB_POSTGRES,
    .open = pg_open,
    .close = pg_close,
    .exec = pg_exec,
    .prepare = pg_prepare,
    .finalize = pg_finalize,
    .reset = pg_reset,
    .bind_text = pg_bind_text,
    .bind_int = pg_bind_int,
    .bind_blob = pg_bind_blob,
    .step = pg_step,
    .text = pg_text,
    .integer = pg_int,
    .blob = pg_blob,
    .changes = pg_changes,
    .in_transaction = pg_in_transaction,
    .begin = pg_begin,
    .commit = pg_commit,
    .rollback = pg_rollback,
    .lock_schema = pg_lock_schema,
};
