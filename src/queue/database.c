// SPDX-License-Identifier: Apache-2.0
#include "queue/database.h"

#include "base/file.h"
#include "base/text.h"
#include "crypto/hash.h"

#define TOKENS_TAKEN_OVER                                                                                              \
    "INSERT INTO worker_auth_tokens (token_hash, worker_name, created_ms) SELECT hash, name, created_ms FROM tokens;"  \
    "CREATE INDEX worker_auth_tokens_name ON worker_auth_tokens (worker_name);"                                        \
    "DROP TABLE tokens;"                                                                                               \
    "CREATE VIEW tokens AS SELECT worker_name AS name, token_hash AS hash, created_ms FROM worker_auth_tokens"         \
    " WHERE is_active AND expires_ms = 0 AND worker_id IS NULL AND scopes = 'worker';"                                 \
    "ALTER TABLE executions ADD COLUMN token_name TEXT;"

#define BUILD_RECORDS                                                                                                  \
    "CREATE TABLE build_records (build_key TEXT NOT NULL, public_key TEXT NOT NULL, wasm_hash TEXT NOT NULL,"          \
    " repo TEXT NOT NULL, commit_hash TEXT NOT NULL, target TEXT NOT NULL, record TEXT NOT NULL,"                      \
    " built_at BIGINT NOT NULL, created_ms BIGINT NOT NULL, token_name TEXT NOT NULL,"                                 \
    " PRIMARY KEY (build_key, public_key));"                                                                           \
    "CREATE INDEX build_records_source ON build_records (repo, commit_hash, target);"

// Outcomes are counted in several rows, so that no two connections of a server wait for each other.
#define COUNT_IF(outcome) "coalesce(sum(CASE WHEN outcome = '" outcome "' THEN 1 ELSE 0 END), 0)"
#define TOTALS                                                                                                         \
    "CREATE TABLE totals (shard INTEGER PRIMARY KEY, created BIGINT NOT NULL DEFAULT 0,"                               \
    " succeeded BIGINT NOT NULL DEFAULT 0, guest_failed BIGINT NOT NULL DEFAULT 0, refused BIGINT NOT NULL DEFAULT 0," \
    " expired BIGINT NOT NULL DEFAULT 0, instructions BIGINT NOT NULL DEFAULT 0);"                                     \
    "INSERT INTO totals (shard, created, succeeded, guest_failed, refused, expired, instructions) "                    \
    "SELECT 0, count(*), " COUNT_IF("success") ", " COUNT_IF("guest_failed") ", " COUNT_IF("refused") ", " COUNT_IF(   \
        "expired") ", "                                                                                                \
                   "CASE WHEN coalesce(sum(CAST(instructions AS DOUBLE PRECISION)), 0) > " INSTRUCTIONS_MAX            \
                   " THEN " INSTRUCTIONS_MAX " ELSE CAST(coalesce(sum(CAST(instructions AS DOUBLE PRECISION)), 0) AS " \
                   "BIGINT) END FROM executions;"                                                                      \
                   "CREATE INDEX executions_age ON executions (ended_ms) WHERE ended_ms IS NOT NULL;"                  \
                   "CREATE INDEX build_records_age ON build_records (created_ms);"
#define COUNT_ONE(column, outcome) column " = " column " + CASE WHEN NEW.outcome = '" outcome "' THEN 1 ELSE 0 END, "
#define COUNT_OUTCOMES                                                                                                 \
    COUNT_ONE("succeeded", "success")                                                                                  \
    COUNT_ONE("guest_failed", "guest_failed")                                                                          \
    COUNT_ONE("refused", "refused")                                                                                    \
    COUNT_ONE("expired", "expired")                                                                                    \
    "instructions = min(instructions, " INSTRUCTIONS_MAX " - coalesce(NEW.instructions, 0)) + "                        \
    "coalesce(NEW.instructions, 0)"

// Workers that do not get an execution any more, until it is over.
#define BENCHES                                                                                                        \
    "CREATE TABLE queue_benches (execution_id BIGINT NOT NULL, worker_id TEXT NOT NULL,"                               \
    " PRIMARY KEY (execution_id, worker_id));"

// seen_ms: the database's clock. form: the queue's, 'scaled'.
#define SHARED_TABLES                                                                                                  \
    "CREATE TABLE build_locks (lock_key TEXT PRIMARY KEY, worker_id TEXT NOT NULL, token_name TEXT NOT NULL,"          \
    " until_ms BIGINT NOT NULL);"                                                                                      \
    "CREATE TABLE workers_seen (worker_id TEXT PRIMARY KEY, said TEXT NOT NULL, seen_ms BIGINT NOT NULL);"             \
    "CREATE TABLE worker_benches (worker_id TEXT PRIMARY KEY, until_ms BIGINT NOT NULL);"                              \
    "CREATE TABLE coordinators (id TEXT PRIMARY KEY, form TEXT NOT NULL, version TEXT NOT NULL,"                       \
    " started_ms BIGINT NOT NULL, seen_ms BIGINT NOT NULL);"

// What lists ask for of the texts that are stored as they are shown. Each index ends with the row's number, by which
// lists go; SQLite's do by themselves.
#define LISTED_BY(expression, end)                                                                                     \
    "CREATE INDEX executions_sender ON executions (" expression("about", "sender_id") end                              \
        ");"                                                                                                           \
        "CREATE INDEX executions_payer ON executions (" expression("about", "payer_id") end                            \
        ");"                                                                                                           \
        "CREATE INDEX executions_repo ON executions (" expression("about", "repo") end                                 \
        ");"                                                                                                           \
        "CREATE INDEX executions_failure ON executions (" expression("report", "failure") end ") WHERE " expression(   \
            "report", "failure") " IS NOT NULL;"                                                                       \
                                 "CREATE INDEX executions_module ON executions (" expression("report", "wasm_hash")    \
                                     end                                                                               \
        ") WHERE " expression("report", "wasm_hash") " IS NOT NULL;"                                                   \
                                                     "CREATE INDEX executions_outcome ON executions (outcome" end      \
                                                     ") WHERE outcome IS NOT NULL;"                                    \
                                                     "CREATE INDEX executions_worker ON executions (worker_id" end     \
                                                     ") WHERE worker_id IS NOT NULL;"                                  \
                                                     "CREATE INDEX executions_time ON executions (created_ms" end ");"
// What happened to an execution, step by step: objects as JSON with a comma behind each (timeline.h).
#define TIMELINES                                                                                                      \
    "ALTER TABLE queue_items ADD COLUMN timeline TEXT NOT NULL DEFAULT '';"                                            \
    "ALTER TABLE executions ADD COLUMN timeline TEXT;"

// rollups.h. One row is no sum: `n` of the kind 'until' is the moment before which all that has ended was added up.
#define ROLLUPS                                                                                                        \
    "CREATE TABLE rollups (kind TEXT NOT NULL, name TEXT NOT NULL, at_ms BIGINT NOT NULL, n BIGINT NOT NULL,"          \
    " figures TEXT NOT NULL, PRIMARY KEY (kind, name, at_ms));"                                                        \
    "CREATE INDEX rollups_most ON rollups (kind, n);"                                                                  \
    "INSERT INTO rollups (kind, name, at_ms, n, figures) VALUES ('until', '', 0, 0, '{}');"

// changed: the transaction that changed last what lists show of a row; of one that is not over it stands beside its
// place in the queue. The form for one process knows it by itself.
#define CHANGED                                                                                                        \
    "ALTER TABLE queue_items ADD COLUMN changed BIGINT;"                                                               \
    "ALTER TABLE executions ADD COLUMN changed BIGINT;"

// Keys of accounts, and the words by which they were made, until they could not be shown any more (account_keys.h).
#define ACCOUNT_KEYS                                                                                                   \
    "CREATE TABLE account_keys (id TEXT PRIMARY KEY, key_hash TEXT NOT NULL UNIQUE, account_id TEXT NOT NULL,"         \
    " name TEXT NOT NULL, prefix TEXT NOT NULL, created_ms BIGINT NOT NULL, last_used_ms BIGINT NOT NULL DEFAULT 0);"  \
    "CREATE INDEX account_keys_account ON account_keys (account_id);"                                                  \
    "CREATE INDEX account_keys_age ON account_keys ((CASE WHEN last_used_ms > 0 THEN last_used_ms ELSE created_ms"     \
    " END));"                                                                                                          \
    "CREATE TABLE account_words (word_hash TEXT PRIMARY KEY, until_ms BIGINT NOT NULL);"                               \
    "CREATE INDEX account_words_age ON account_words (until_ms);"

// Of ends that were added up before each worker's were.
#define WORKERS_ENDED(object)                                                                                          \
    "INSERT INTO rollups (kind, name, at_ms, n, figures) SELECT 'worker', worker_id, 0, count(*), CAST(" object        \
    "('executions', count(*), 'success', count(*) FILTER (WHERE outcome = 'success'), 'guest_failed',"                 \
    " count(*) FILTER (WHERE outcome = 'guest_failed'), 'refused', count(*) FILTER (WHERE outcome = 'refused'),"       \
    " 'expired', count(*) FILTER (WHERE outcome = 'expired')) AS TEXT) FROM executions WHERE worker_id IS NOT NULL"    \
    " AND ended_ms < (SELECT n FROM rollups WHERE kind = 'until') GROUP BY worker_id;"

// What a build and a guest said of an execution (execution_logs.h): it goes with it, whoever removes it, and when
// another request takes its place.
#define EXECUTION_LOGS                                                                                                 \
    "CREATE TABLE execution_logs (execution_id BIGINT PRIMARY KEY, build_log TEXT, guest_stderr TEXT);"
// Whose word an execution is: the name of the token by which it was told. Of what is not over it stands beside its
// place in the queue, too, where it is counted.
#define CREATORS                                                                                                       \
    "ALTER TABLE executions ADD COLUMN created_by TEXT;"                                                               \
    "ALTER TABLE queue_items ADD COLUMN created_by TEXT;"
#define FORGET_LOGS "DELETE FROM execution_logs WHERE execution_id = OLD.id;"
#define OPEN_AGAIN "OLD.state IS NOT NULL AND NEW.state IS NULL"

// Where the engines want different words, both stand side by side; database_test holds what they make equal. SQLite's
// INTEGER is PostgreSQL's BIGINT.
static const struct db_migration migrations[] = {
    {.version = 1,
     .what = "tokens, executions, builds",
     .sql = "CREATE TABLE tokens (name TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL);"
            // state NULL: it is not over. lease: the SHA-256 of the token that ended it. about, report: what public
            // lists show of the task and of its end, as they show it. task: what /tasks/create took; the large one, so
            // it stands last. Lists go by id, newest first; every index ends with it.
            "CREATE TABLE executions (id INTEGER PRIMARY KEY, contract_id TEXT NOT NULL, request_id INTEGER NOT NULL, "
            "transaction_hash TEXT,"
            " created_ms INTEGER NOT NULL, ended_ms INTEGER, state TEXT, outcome TEXT, worker_id TEXT, lease TEXT,"
            " instructions INTEGER, about TEXT NOT NULL, report TEXT, task TEXT NOT NULL,"
            " UNIQUE (request_id, contract_id));"
            "CREATE INDEX executions_open ON executions (id) WHERE state IS NULL;"
            "CREATE INDEX executions_transaction ON executions (transaction_hash);"
            "CREATE INDEX executions_contract ON executions (contract_id);"
            "CREATE TABLE builds (build_key TEXT PRIMARY KEY, wasm_hash TEXT NOT NULL, repo TEXT NOT NULL,"
            " commit_hash TEXT NOT NULL, target TEXT NOT NULL, record TEXT NOT NULL, created_ms INTEGER NOT NULL);"
            "CREATE INDEX builds_source ON builds (repo, commit_hash, target);",
     .postgres =
         "CREATE TABLE tokens (name TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, created_ms BIGINT NOT NULL);"
         "CREATE TABLE executions (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, contract_id TEXT NOT NULL,"
         " request_id BIGINT NOT NULL, transaction_hash TEXT,"
         " created_ms BIGINT NOT NULL, ended_ms BIGINT, state TEXT, outcome TEXT, worker_id TEXT, lease TEXT,"
         " instructions BIGINT, about TEXT NOT NULL, report TEXT, task TEXT NOT NULL,"
         " UNIQUE (request_id, contract_id));"
         // PostgreSQL's indexes do not end with the row's number by themselves.
         "CREATE INDEX executions_open ON executions (id) WHERE state IS NULL;"
         "CREATE INDEX executions_transaction ON executions (transaction_hash, id);"
         "CREATE INDEX executions_contract ON executions (contract_id, id);"
         "CREATE TABLE builds (build_key TEXT PRIMARY KEY, wasm_hash TEXT NOT NULL, repo TEXT NOT NULL,"
         " commit_hash TEXT NOT NULL, target TEXT NOT NULL, record TEXT NOT NULL, created_ms BIGINT NOT NULL);"
         "CREATE INDEX builds_source ON builds (repo, commit_hash, target);"},
    {.version = 2,
     .what = "branches that commits are on",
     .sql = "CREATE TABLE branches (repo TEXT NOT NULL, ref TEXT NOT NULL, branch TEXT NOT NULL, found_ms INTEGER NOT "
            "NULL,"
            " PRIMARY KEY (repo, ref));"
            "CREATE INDEX branches_age ON branches (found_ms);",
     .postgres = "CREATE TABLE branches (repo TEXT NOT NULL, ref TEXT NOT NULL, branch TEXT NOT NULL,"
                 " found_ms BIGINT NOT NULL, PRIMARY KEY (repo, ref));"
                 "CREATE INDEX branches_age ON branches (found_ms);"},
    // `tokens` is what the program before this one reads: of those that it may not take for more than they are.
    {.version = 3,
     .what = "tokens have scopes, an end and a worker, and their name stands with an execution's end",
     .sql = "CREATE TABLE worker_auth_tokens (token_hash TEXT PRIMARY KEY, worker_name TEXT NOT NULL,"
            " is_active BOOLEAN NOT NULL DEFAULT true, scopes TEXT NOT NULL DEFAULT 'worker', worker_id TEXT,"
            " created_ms BIGINT NOT NULL DEFAULT (unixepoch() * 1000), expires_ms BIGINT NOT NULL DEFAULT 0,"
            " last_used_ms BIGINT NOT NULL DEFAULT 0);" TOKENS_TAKEN_OVER,
     .postgres = "CREATE TABLE worker_auth_tokens (token_hash TEXT PRIMARY KEY, worker_name TEXT NOT NULL,"
                 " is_active BOOLEAN NOT NULL DEFAULT true, scopes TEXT NOT NULL DEFAULT 'worker', worker_id TEXT,"
                 " created_ms BIGINT NOT NULL DEFAULT (extract(epoch FROM now()) * 1000)::bigint,"
                 " expires_ms BIGINT NOT NULL DEFAULT 0, last_used_ms BIGINT NOT NULL DEFAULT 0);" TOKENS_TAKEN_OVER,
     .least = 2},
    // One row for each execution that is not over. lease_hash: the SHA-256 of the lease's token. stage: NULL while
    // nobody holds it. An older program neither makes nor deletes these rows; a start makes up for both.
    {.version = 4,
     .what = "who waits for a worker, and who holds what",
     .sql = "CREATE TABLE queue_items (execution_id INTEGER PRIMARY KEY, contract_id TEXT NOT NULL,"
            " request_id BIGINT NOT NULL, build_target TEXT NOT NULL, payer TEXT NOT NULL, turn BIGINT NOT NULL,"
            " dead_at_ms BIGINT NOT NULL, not_before_ms BIGINT NOT NULL DEFAULT 0, attempt BIGINT NOT NULL DEFAULT 0,"
            " stage TEXT, worker_id TEXT, token_name TEXT, lease_hash TEXT, until_ms BIGINT);",
     .postgres =
         "CREATE TABLE queue_items (execution_id BIGINT PRIMARY KEY, contract_id TEXT NOT NULL,"
         " request_id BIGINT NOT NULL, build_target TEXT NOT NULL, payer TEXT NOT NULL, turn BIGINT NOT NULL,"
         " dead_at_ms BIGINT NOT NULL, not_before_ms BIGINT NOT NULL DEFAULT 0, attempt BIGINT NOT NULL DEFAULT 0,"
         " stage TEXT, worker_id TEXT, token_name TEXT, lease_hash TEXT, until_ms BIGINT);",
     .least = 3},
    // What the program before this one keeps in `builds` is looked at by it alone.
    {.version = 5,
     .what = "records of builds by whoever signed them",
     .sql = BUILD_RECORDS "INSERT INTO build_records SELECT build_key, json_extract(record, '$.public_key'), wasm_hash,"
                          " repo, commit_hash, target, record, json_extract(record, '$.built_at'), created_ms, ''"
                          " FROM builds;",
     .postgres =
         BUILD_RECORDS "INSERT INTO build_records SELECT build_key, record::json ->> 'public_key', wasm_hash,"
                       " repo, commit_hash, target, record, (record::json ->> 'built_at')::bigint, created_ms, ''"
                       " FROM builds;",
     .least = 4},
    // Counted by the database itself: in the transaction of what is counted, also where an older program writes. The
    // instructions stop at a bound, so that no report can make an end fail.
    {.version = 6,
     .what = "counts since the beginning, and what is removed when it is old",
     .sql = TOTALS "CREATE TRIGGER executions_created AFTER INSERT ON executions BEGIN"
                   " UPDATE totals SET created = created + 1 WHERE shard = 0; END;"
                   "CREATE TRIGGER executions_ended AFTER UPDATE OF state ON executions"
                   " WHEN OLD.state IS NULL AND NEW.state IS NOT NULL BEGIN"
                   " UPDATE totals SET " COUNT_OUTCOMES " WHERE shard = 0; END;",
     // By statement: a row that one transaction changes thousands of times is slow in PostgreSQL.
     .postgres = TOTALS
     "INSERT INTO totals (shard) SELECT generate_series(1, 63);"
     "CREATE FUNCTION count_created() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
     " IF EXISTS (SELECT FROM added) THEN"
     " UPDATE totals SET created = created + (SELECT count(*) FROM added)"
     " WHERE shard = pg_backend_pid() % 64; END IF; RETURN NULL; END $$;"
     "CREATE FUNCTION count_ended() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE n record; BEGIN"
     " SELECT count(*) AS ended, " COUNT_IF("success") " AS good, " COUNT_IF("guest_failed") " AS failed, " COUNT_IF(
         "refused") " AS refused, " COUNT_IF("expired") " AS expired,"
                                                        " coalesce(sum(instructions), 0) AS used INTO n FROM (SELECT "
                                                        "is_now.* FROM was JOIN is_now"
                                                        " ON is_now.id = was.id WHERE was.state IS NULL AND "
                                                        "is_now.state IS NOT NULL) AS rows_ended;"
                                                        " IF n.ended > 0 THEN UPDATE totals SET succeeded = succeeded "
                                                        "+ n.good,"
                                                        " guest_failed = guest_failed + n.failed, refused = "
                                                        "totals.refused + n.refused,"
                                                        " expired = totals.expired + n.expired,"
                                                        " instructions = least(instructions + n.used, " INSTRUCTIONS_MAX
                                                        ")"
                                                        " WHERE shard = pg_backend_pid() % 64; END IF; RETURN NULL; "
                                                        "END $$;"
                                                        "CREATE TRIGGER executions_created AFTER INSERT ON executions "
                                                        "REFERENCING NEW TABLE AS added"
                                                        " FOR EACH STATEMENT EXECUTE FUNCTION count_created();"
                                                        "CREATE TRIGGER executions_ended AFTER UPDATE ON executions "
                                                        "REFERENCING OLD TABLE AS was"
                                                        " NEW TABLE AS is_now FOR EACH STATEMENT EXECUTE FUNCTION "
                                                        "count_ended();",
     .least = 5},
    // What the form for one process keeps in memory.
    {.version = 7,
     .what = "what several coordinators share",
     .sql = BENCHES,
     .postgres = BENCHES "CREATE UNIQUE INDEX queue_items_key ON queue_items (contract_id, request_id);"
                         "CREATE INDEX queue_items_turn ON queue_items (turn, execution_id) WHERE stage IS NULL;"
                         "CREATE INDEX queue_items_payer ON queue_items (payer, turn) WHERE stage IS NULL;"
                         "CREATE INDEX queue_items_death ON queue_items (dead_at_ms) WHERE stage IS NULL;"
                         "CREATE INDEX queue_items_held ON queue_items (turn) WHERE stage IS NOT NULL;",
     .least = 6},
    // The program before this one keeps locks and benches in its memory: beside it a thing may be built twice. The one
    // before that keeps there who holds which execution, and cannot share a database. SQLite's tables stay empty.
    {.version = 8, .what = "what several coordinators share beside the executions", .sql = SHARED_TABLES, .least = 7},
    // An older program hands nothing over, and leases what waits to be built to anybody.
    {.version = 9,
     .what = "hand-overs between workers that build and workers that run",
     .sql = "ALTER TABLE queue_items ADD COLUMN handed BIGINT NOT NULL DEFAULT 0;",
     .least = 8},
    // An older program leaves the steps out that it makes.
    {.version = 10,
     .what = "what lists are asked for, and what happened to each execution",
     .sql = LISTED_BY(SQLITE_MEMBER, "") TIMELINES,
     // PostgreSQL believes of no cast from a text that it is the same tomorrow; this one is.
     .postgres =
         // Nor does it take an object apart in which some text has the character U+0000, as what a guest wrote may.
     "CREATE FUNCTION json_member(of TEXT, name TEXT) RETURNS TEXT LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL"
     " SAFE AS $$ BEGIN IF position('\\u0000' IN of) = 0 THEN RETURN of::json ->> name; END IF;"
     " RETURN regexp_replace(of, '(?<!\\\\)((?:\\\\\\\\)*)\\\\u0000', '\\1\\\\ufffd', 'g')::json ->> name; END "
     "$$;" LISTED_BY(POSTGRES_MEMBER, ", id") TIMELINES,
     .least = 9},
    // An older program adds nothing up, and what it ends is added up later: by the moments of the ends.
    {.version = 11, .what = "what has ended, added up", .sql = ROLLUPS, .least = 10},
    // An older program says of what it creates that it is new, and nothing of what it changes.
    {.version = 12,
     .what = "what has changed since somebody looked",
     .sql = CHANGED,
     .postgres = CHANGED "ALTER TABLE queue_items ALTER COLUMN changed SET DEFAULT " THIS_TRANSACTION ";"
                         "CREATE INDEX queue_items_changed ON queue_items (changed);"
                         "CREATE INDEX executions_changed ON executions (changed) WHERE changed IS NOT NULL;",
     .least = 11},
    {.version = 13, .what = "keys of accounts", .sql = ACCOUNT_KEYS, .least = 12},
    // Of what an older program makes it is not known, and no worker is preferred for it.
    {.version = 14,
     .what = "marks of what waiting executions run",
     .sql = "ALTER TABLE queue_items ADD COLUMN source BIGINT NOT NULL DEFAULT 0;",
     .least = 13},
    // An older program stores none, and lets stand what a false execution that is replaced has left.
    {.version = 15,
     .what = "what the digest of an execution's end is made of",
     .sql = "ALTER TABLE executions ADD COLUMN evidence TEXT;",
     .least = 14},
    {.version = 16,
     .what = "what builds and guests said",
     .sql =
         EXECUTION_LOGS "CREATE TRIGGER executions_logs_gone AFTER DELETE ON executions BEGIN " FORGET_LOGS " END;"
                        "CREATE TRIGGER executions_logs_replaced AFTER UPDATE OF state ON executions WHEN " OPEN_AGAIN
                        " BEGIN " FORGET_LOGS " END;",
     .postgres = EXECUTION_LOGS
     "CREATE FUNCTION forget_logs() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " FORGET_LOGS " RETURN NULL; END $$;"
     "CREATE TRIGGER executions_logs_gone AFTER DELETE ON executions FOR EACH ROW EXECUTE FUNCTION forget_logs();"
     "CREATE TRIGGER executions_logs_replaced AFTER UPDATE ON executions FOR EACH ROW WHEN (" OPEN_AGAIN
     ") EXECUTE FUNCTION forget_logs();",
     .least = 15},
    // What an older program records is nobody's, and one that it lets replace a false one is its creator's still.
    {.version = 17, .what = "by which token executions were created", .sql = CREATORS, .least = 16},
    // An older program adds up nothing of workers.
    {.version = 18,
     .what = "what each worker has ended, added up",
     .sql = WORKERS_ENDED("json_object"),
     .postgres = WORKERS_ENDED("json_build_object"),
     .least = 17},
    {.version = 19,
     .what = "the order of what waits for one contract",
     .sql = "",
     .postgres = "CREATE INDEX queue_items_contract ON queue_items (contract_id, turn, execution_id) "
                 "WHERE coalesce(stage, '') = '';",
     .least = 17},
};

const char *database_text(struct arena *a, const char *text) {
    if (!text || text_is_utf8(slice_str(text)))
        return text;
    char *copy = arena_strdup(a, text);
    text_make_printable(copy, true);
    return copy;
}

#define CLOCK(now) "SELECT " now " AS now_ms"
bool database_now_ms(struct db *db, uint64_t *out, struct err *e) {
    struct db_stmt *s;
    bool row = false;
    if (!db_query(db, BY_ITS_CLOCK(db, CLOCK), &s, e))
        return false;
    bool ok = db_step(db, s, &row, e);
    *out = ok && row ? (uint64_t)db_int(db, s, "now_ms") : 0;
    db_done(db, s);
    return ok;
}

bool database_migrate(struct db *db, struct err *e) { return db_migrate(db, migrations, ARRAY_LEN(migrations), e); }

bool database_migrate_to(struct db *db, int version, struct err *e) {
    return db_migrate(db, migrations, (size_t)version, e);
}

int database_version(void) { return ARRAY_LEN(migrations); }

// A server keeps its number over restarts, and its copies have the same one.
bool database_id(struct db *db, char out[static DATABASE_ID_LEN + 1], struct err *e) {
    struct db_stmt *q;
    bool row = false;
    char hex[65];
    if (!db_query(db, "SELECT system_identifier || ' ' || current_database() AS id FROM pg_control_system()", &q, e))
        return false;
    bool ok = db_step(db, q, &row, e);
    if (ok) {
        struct hash h = sha256(slice_str(db_text(db, q, "id")));
        snprintf(out, DATABASE_ID_LEN + 1, "%.*s", DATABASE_ID_LEN, hash_hex(&h, hex));
    }
    db_done(db, q);
    return ok;
}

bool database_lock(struct db *db, const char *who, int *fd, struct err *e) {
    SCOPED_ARENA(a);
    struct db_stmt *q;
    bool row = false;
    if (!db_query(db, "PRAGMA database_list", &q, e))
        return false;
    bool ok = db_step(db, q, &row, e);
    const char *file = ok && row ? arena_printf(a, "%s.lock", db_text(db, q, "file")) : NULL;
    db_done(db, q);
    return ok && (!file || file_lock(file, who, fd, e));
}

bool database_open(struct db **out, const char *home, const char *url, struct err *e) {
    return database_open_as(out, home, url, &(const struct db_keep){0}, e);
}

bool database_open_as(struct db **out, const char *home, const char *url, const struct db_keep *keep, struct err *e) {
    SCOPED_ARENA(a);
    if (!url) {
        if (!file_make_dirs(home, 0700, e))
            return false;
        url = arena_printf(a, "%s/coordinator.db", home);
    }
    if (!db_open_as(out, url, keep, e))
        return false;
    if (database_migrate(*out, e))
        return true;
    db_close(*out);
    *out = NULL;
    return false;
}
