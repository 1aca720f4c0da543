// SPDX-License-Identifier: Apache-2.0
#include "store/postgres_link.h"

#include "base/clock.h"
#include "base/patience.h"
#include "base/sync.h"
#include <inttypes.h>
#include <poll.h>

#define CONNECT_MS 10000
#define STATEMENT_MS 30000
#define CANCEL_LOOK_MS 100
#define OLDEST_SERVER 140000

static uint64_t or_default(uint64_t value, uint64_t otherwise) { return value ? value : otherwise; }

// The server ends a statement by itself when its time is up. One that says nothing a quarter later is taken for dead.
static uint64_t answer_ms(const struct pg_link *l) {
    uint64_t ms = or_default(l->keep.statement_ms, STATEMENT_MS);
    return ms + ms / 4;
}

// --- what went wrong

// libpq's texts have several lines; the first one says what happened. No text of libpq has a password in it.
static int first_line(const char *text) { return (int)strcspn(text, "\n"); }

static enum err_code code_of(const char *state) {
    static const struct {
        const char *begins;
        enum err_code code;
    } table[] = {
        {"08", ERR_UNAVAILABLE},    // the connection
        {"25006", ERR_UNAVAILABLE}, // a server that only reads
        {"25P", ERR_UNAVAILABLE},   // a transaction in which nothing happened for too long
        {"40", ERR_UNAVAILABLE},    // a deadlock
        {"53100", ERR_IO},          // its disk is full
        {"53", ERR_UNAVAILABLE},    // no memory, no connection left
        {"55P03", ERR_UNAVAILABLE}, // a lock was not to be had in time
        {"57", ERR_UNAVAILABLE},    // shutting down, or it took too long
        {"23", ERR_CONFLICT},       // a constraint
        {"XX001", ERR_CORRUPT},     {"XX002", ERR_CORRUPT},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (strncmp(state, table[i].begins, strlen(table[i].begins)) == 0)
            return table[i].code;
    return ERR_IO;
}

static const char *hint_of(const char *state) {
    if (strcmp(state, "53100") == 0)
        return "is the disk full?";
    if (strcmp(state, "25006") == 0)
        return "does DATABASE_URL name a server that is only a copy of another?";
    if (strcmp(state, "53300") == 0)
        return "a smaller DB_POOL_SIZE, or a larger max_connections of the server";
    return NULL;
}

// false, so that a failing function ends in one line.
static bool server_said(const PGresult *r, struct err *e) {
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE), *said = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    err_set(e, code_of(state ? state : ""), "database: statement: %s", said ? said : "an unknown error");
    const char *hint = hint_of(state ? state : "");
    return hint ? err_hint(e, "%s", hint) : false;
}

// The server ends the connection with this answer.
static bool is_fatal(const PGresult *r) {
    const char *severity = PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);
    return severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

static bool lost(struct err *e, const char *how) {
    err_set(e, ERR_UNAVAILABLE, "database: %s", how);
    return err_hint(e, "try again in a moment; is PostgreSQL running?");
}

// --- waiting

static struct patience patience_of(const struct pg_link *l, uint64_t ms) {
    return (struct patience){l->patient ? 0 : deadline_in(ms), l->keep.cancel};
}

static bool wait_for(const struct pg_link *l, short events, const struct patience *w, short *got) {
    struct pollfd fd = {.fd = PQsocket(l->conn), .events = events};
    *got = 0;
    while (!patience_over(w)) {
        uint64_t left = patience_left(w), most = w->cancel ? CANCEL_LOOK_MS : 60000;
        int n = poll(&fd, 1, (int)(left < most ? left + 1 : most));
        if (n > 0) {
            *got = fd.revents;
            return true;
        }
    }
    return false;
}

// Reads while it writes: a server that must get rid of answers before it takes more would never end otherwise.
static bool flush(struct pg_link *l, const struct patience *w) {
    for (int rc; (rc = PQflush(l->conn)) != 0;) {
        short got;
        if (rc < 0 || !wait_for(l, POLLIN | POLLOUT, w, &got) || (got & POLLIN && !PQconsumeInput(l->conn)))
            return false;
    }
    return true;
}

// *out NULL: no more of this statement.
static bool next_result(struct pg_link *l, const struct patience *w, PGresult **out) {
    while (PQisBusy(l->conn)) {
        short got;
        if (!wait_for(l, POLLIN, w, &got) || !PQconsumeInput(l->conn))
            return false;
    }
    *out = PQgetResult(l->conn);
    return true;
}

// --- connecting

// Notices are nobody's; but a server that ends a connection which nobody uses says so as one.
static void hear_notice(void *ctx, const PGresult *r) {
    struct pg_link *l = ctx;
    l->ended |= is_fatal(r);
}

static bool cannot_connect(const char *how, struct err *e) {
    err_set(e, ERR_UNAVAILABLE, "cannot reach the database: %.*s", first_line(how), how);
    return err_hint(e, "is PostgreSQL running there, and does DATABASE_URL name its host, user and database?");
}

static bool connect_within(struct pg_link *l, const struct patience *w, struct err *e) {
    for (PostgresPollingStatusType step = PGRES_POLLING_WRITING; step != PGRES_POLLING_OK;
         step = PQconnectPoll(l->conn)) {
        short got;
        if (step == PGRES_POLLING_FAILED)
            return cannot_connect(PQerrorMessage(l->conn), e);
        if (!wait_for(l, step == PGRES_POLLING_READING ? POLLIN : POLLOUT, w, &got))
            return cannot_connect("it did not answer in time", e);
    }
    return true;
}

static bool check_server(const struct pg_link *l, struct err *e) {
    const char *encoding = PQparameterStatus(l->conn, "server_encoding");
    if (PQserverVersion(l->conn) < OLDEST_SERVER) {
        err_set(e, ERR_SETTINGS, "the database server is PostgreSQL %d", PQserverVersion(l->conn) / 10000);
        return err_hint(e, "version %d or newer is needed", OLDEST_SERVER / 10000);
    }
    if (!encoding || strcmp(encoding, "UTF8") != 0) {
        err_set(e, ERR_SETTINGS, "the database keeps text as %s", encoding ? encoding : "something unknown");
        return err_hint(e, "make one with: createdb --encoding=UTF8 --template=template0 NAME");
    }
    return true;
}

// What a session needs is said after it was made, and not in its start-up packet: poolers let this through. Statements
// here are short: machine code for them (jit) would take longer than they do.
static bool say_settings(struct pg_link *l, struct err *e) {
    char sql[800];
    snprintf(sql, sizeof sql,
             "SET client_encoding = 'UTF8'; SET standard_conforming_strings = on; SET bytea_output = 'hex';"
             "SET default_transaction_isolation = 'read committed'; SET statement_timeout = %" PRIu64
             "; SET lock_timeout = %" PRIu64 "; SET idle_in_transaction_session_timeout = 60000; SET jit = off%s%s%s",
             or_default(l->keep.statement_ms, STATEMENT_MS), or_default(l->keep.statement_ms, STATEMENT_MS),
             l->keep.may_lack_last ? "; SET synchronous_commit = off" : "",
             l->keep.joins_by_keys || l->keep.pages_by_index
                 ? "; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; "
                   "SET plan_cache_mode = force_generic_plan"
                 : "",
             l->keep.pages_by_index ? "; SET enable_sort = off; SET enable_bitmapscan = off" : "");
    return pg_link_run(l, sql, NULL, 0, e) == PG_DONE;
}

static bool connect_anew(struct pg_link *l, struct err *e) {
    // What the URL says goes before what stands in front of it.
    static const char *const names[] = {"fallback_application_name",
                                        "keepalives_idle",
                                        "keepalives_interval",
                                        "keepalives_count",
                                        "tcp_user_timeout",
                                        "dbname",
                                        NULL};
    const char *const values[] = {"outlayer", "30", "10", "3", "60000", l->url, NULL};
    uint64_t ms = !l->made && l->keep.first_ms ? l->keep.first_ms : l->keep.connect_ms;
    const struct patience w = patience_of(l, or_default(ms, CONNECT_MS));
    l->conn = PQconnectStartParams(names, values, 1);
    if (!l->conn || PQstatus(l->conn) == CONNECTION_BAD) {
        (void)cannot_connect(l->conn ? PQerrorMessage(l->conn) : "no memory", e);
    } else if (connect_within(l, &w, e)) {
        PQsetNoticeReceiver(l->conn, hear_notice, l);
        l->ended = false;
        PQsetnonblocking(l->conn, 1);
        l->made++;
        if (check_server(l, e) && say_settings(l, e))
            return true;
    }
    PQfinish(l->conn);
    l->conn = NULL;
    return false;
}

bool pg_link_open(struct pg_link **out, const char *url, const struct db_keep *keep, struct err *e) {
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    if (!options) { // libpq's text quotes the part that it cannot read, and that may be the password
        err_set(e, ERR_SETTINGS, "the URL of the database cannot be read");
        return err_hint(e, "it is postgres://user:password@host/name; %%-encode what is special in a password");
    }
    PQconninfoFree(options);
    struct pg_link *l = xcalloc(1, sizeof *l);
    l->url = xstrdup(url);
    l->keep = *keep;
    *out = l;
    return true;
}

void pg_link_free(struct pg_link *l) {
    PQfinish(l->conn);
    explicit_bzero(l->url, strlen(l->url));
    free(l->url);
    free(l);
}

bool pg_link_in_transaction(const struct pg_link *l) {
    PGTransactionStatusType t = l->conn ? PQtransactionStatus(l->conn) : PQTRANS_IDLE;
    return l->begin_waits || t == PQTRANS_INTRANS || t == PQTRANS_INERROR || t == PQTRANS_ACTIVE;
}

void pg_link_drop(struct pg_link *l) {
    PQfinish(l->conn);
    l->conn = NULL;
}

bool pg_link_alive(struct pg_link *l) {
    bool heard = PQconsumeInput(l->conn);
    (void)PQisBusy(l->conn); // takes what was heard apart
    return heard && PQstatus(l->conn) == CONNECTION_OK && !l->ended;
}

bool pg_link_ready(struct pg_link *l, struct err *e) {
    if (l->lost)
        return lost(e, "the connection was lost in the midst of a transaction, which is undone");
    bool idle = l->conn && PQtransactionStatus(l->conn) == PQTRANS_IDLE;
    if (idle && !pg_link_alive(l))
        pg_link_drop(l); // it ended while nobody used it
    return l->conn || connect_anew(l, e);
}

// --- asking

// Closed, so that what the server may still say is nobody's answer.
static enum pg_end give_up(struct pg_link *l, const struct patience *w, struct err *e) {
    bool late = patience_over(w) && PQstatus(l->conn) == CONNECTION_OK;
    (void)lost(e, late ? "the server did not answer in time" : "the connection was lost");
    pg_link_drop(l);
    return PG_LOST;
}

static bool is_error(const PGresult *r) {
    return PQresultStatus(r) == PGRES_FATAL_ERROR || PQresultStatus(r) == PGRES_BAD_RESPONSE;
}

enum pg_end pg_link_run(struct pg_link *l, const char *sql, char *tag, size_t tag_size, struct err *e) {
    const struct patience w = patience_of(l, answer_ms(l));
    enum pg_end end = PG_DONE;
    PGresult *r;
    if (!PQsendQuery(l->conn, sql) || !flush(l, &w))
        return give_up(l, &w, e);
    for (;;) {
        if (!next_result(l, &w, &r))
            return give_up(l, &w, e);
        if (!r)
            return PQstatus(l->conn) == CONNECTION_OK ? end : give_up(l, &w, e);
        bool fatal = is_fatal(r);
        if (is_error(r)) {
            end = PG_REFUSED;
            (void)server_said(r, e);
        } else if (tag) {
            snprintf(tag, tag_size, "%s", PQcmdStatus(r));
        }
        PQclear(r);
        if (fatal) {
            pg_link_drop(l);
            return PG_LOST;
        }
    }
}

// What one answer of a pipeline means; it becomes the caller's, or goes.
static enum pg_end take(PGresult *r, PGresult **out, enum pg_end so_far, struct err *e) {
    if (is_error(r) && so_far == PG_DONE) {
        (void)server_said(r, e);
        so_far = is_fatal(r) ? PG_LOST : PG_REFUSED;
    }
    if (so_far == PG_DONE) {
        PQclear(*out);
        *out = r;
    } else {
        PQclear(r);
    }
    return so_far;
}

enum pg_end pg_link_pipeline(struct pg_link *l, PGresult **out, size_t *good, struct err *e) {
    const struct patience w = patience_of(l, answer_ms(l));
    enum pg_end end = PG_DONE;
    PGresult *r = NULL;
    *out = NULL;
    *good = 0;
    bool alive = PQpipelineSync(l->conn) && flush(l, &w);
    while (alive && end != PG_LOST && (alive = next_result(l, &w, &r))) {
        if (!r) {
            alive = PQstatus(l->conn) == CONNECTION_OK;
        } else if (PQresultStatus(r) == PGRES_PIPELINE_SYNC) {
            PQclear(r);
            break;
        } else {
            end = take(r, out, end, e);
            *good += end == PG_DONE;
        }
    }
    if (end != PG_DONE || !alive) {
        PQclear(*out);
        *out = NULL;
    }
    if (!alive)
        return give_up(l, &w, e);
    if (end == PG_LOST)
        pg_link_drop(l);
    return end;
}
