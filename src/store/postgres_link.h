// SPDX-License-Identifier: Apache-2.0
// A connection to PostgreSQL that is made when it is needed, and anew when it was lost. Every wait for the server has
// an end. For the driver (postgres.c).
#pragma once
#include "store/db.h"
#include <postgresql/libpq-fe.h>

struct pg_link {
    PGconn *conn; // NULL: there is none at the moment
    char *url;
    struct db_keep keep;
    uint64_t made;    // grows with each connection, and when the server forgot all statements: who knows which one
    bool ended;       // the server said that it ends the connection
    bool patient;     // a migration may take as long as it takes
    bool lost;        // the connection broke inside a transaction; nothing is sent until somebody has ended that
    bool begin_waits; // a transaction has begun of which the server does not know yet
};

// The URL is looked at; nothing is connected.
[[nodiscard]] bool pg_link_open(struct pg_link **out, const char *url, const struct db_keep *keep, struct err *e);
void pg_link_free(struct pg_link *l);
// Connects unless a connection is there that works.
[[nodiscard]] bool pg_link_ready(struct pg_link *l, struct err *e);
// As far as can be told without asking the server.
bool pg_link_alive(struct pg_link *l);
// Closes the connection, if there is one.
void pg_link_drop(struct pg_link *l);
bool pg_link_in_transaction(const struct pg_link *l);

enum pg_end {
    PG_DONE,
    PG_REFUSED, // the server said so
    PG_LOST,    // the connection broke, or the answer did not come in time: it was carried out, or not
};
// One or several statements without parameters. The tag of the last one ("COMMIT", "INSERT 0 1") is in `tag`.
enum pg_end pg_link_run(struct pg_link *l, const char *sql, char *tag, size_t tag_size, struct err *e);
// Sends what was queued in pipeline mode, up to its one sync, and reads all answers. *out: the last statement's result,
// which the caller clears; *good: how many were carried out before one was refused.
enum pg_end pg_link_pipeline(struct pg_link *l, PGresult **out, size_t *good, struct err *e);
