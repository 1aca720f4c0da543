// SPDX-License-Identifier: Apache-2.0
// The coordinator's tables: tokens, executions, builds. SQLite in the home unless a URL says otherwise.
#pragma once
#include "store/db.h"

// A look-up of one execution. PostgreSQL's planner takes any index of a young table for as good, and would read all
// executions of the contract: compared like this, the contract can only be a filter behind the unique index, which
// begins with the request.
#define IS_KEY(contract, request) "request_id = " request " AND contract_id || '' = " contract
// A member of a stored object, as the indexes of lists have it.
#define SQLITE_MEMBER(column, name) "json_extract(" column ", '$." name "')"
#define POSTGRES_MEMBER(column, name) "json_member(" column ", '" name "')"
// The database's own clock, in ms since 1970: the only one of what several coordinators share, whose machines' may be
// apart. SQL(now) is a macro that gives a statement.
#define NOW_MS_SQLITE "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
#define NOW_MS_POSTGRES "CAST(extract(epoch FROM now()) * 1000 AS BIGINT)"
// PostgreSQL's number of the transaction that this stands in.
#define THIS_TRANSACTION "CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT)"
#define BY_ITS_CLOCK(db, SQL) (db_engine(db) == DB_POSTGRES ? SQL(NOW_MS_POSTGRES) : SQL(NOW_MS_SQLITE))
#define INSTRUCTIONS_MAX "9000000000000000000" // at which their sum stops, in SQL

// Opens <home>/coordinator.db (or `url` where it is not NULL) and brings it to this program's version.
[[nodiscard]] bool database_open(struct db **out, const char *home, const char *url, struct err *e);
[[nodiscard]] bool database_open_as(struct db **out, const char *home, const char *url, const struct db_keep *keep,
                                    struct err *e);
// Takes the lock beside the file of a SQLite database, which the descriptor holds until it is closed. ERR_CONFLICT:
// somebody uses it.
[[nodiscard]] bool database_lock(struct db *db, const char *who, int *fd, struct err *e);
// What tells this database from all others, DATABASE_ID_LEN letters and digits. PostgreSQL's alone have one.
#define DATABASE_ID_LEN 16
[[nodiscard]] bool database_id(struct db *db, char out[static DATABASE_ID_LEN + 1], struct err *e);
[[nodiscard]] bool database_now_ms(struct db *db, uint64_t *out, struct err *e); // by its own clock
int database_version(void); // of the tables, as this program makes them
// Brings a database of either engine to this program's version.
[[nodiscard]] bool database_migrate(struct db *db, struct err *e);
// For tests: to that of an earlier program, as far as it is not there yet.
[[nodiscard]] bool database_migrate_to(struct db *db, int version, struct err *e);
// What a query string or a path says may be no text for PostgreSQL: then its printable part, in `a`. NULL stays NULL.
const char *database_text(struct arena *a, const char *text);
