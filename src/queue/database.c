// SPDX-License-Identifier: Apache-2.0
#include "queue/database.h"

#include "base/file.h"

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
            "CREATE INDEX builds_source ON builds (repo, commit_hash, target);"},
    {.version = 2,
     .what = "branches that commits are on",
     .sql = "CREATE TABLE branches (repo TEXT NOT NULL, ref TEXT NOT NULL, branch TEXT NOT NULL, found_ms INTEGER NOT "
            "NULL,"
            " PRIMARY KEY (repo, ref));"
            "CREATE INDEX branches_age ON branches (found_ms);"},
};

bool database_open(struct db **out, const char *home, const char *url, struct err *e) {
    SCOPED_ARENA(a);
    if (!url) {
        if (!file_make_dirs(home, 0700, e))
            return false;
        url = arena_printf(a, "%s/coordinator.db", home);
    }
    if (strncmp(url, "postgres", 8) == 0) {
        err_set(e, ERR_SETTINGS, "a coordinator does not keep its queue in postgres databases");
        return err_hint(e, "DATABASE_URL is sqlite:///path/to/file, or left out");
    }
    if (!db_open(out, url, e))
        return false;
    if (db_migrate(*out, migrations, ARRAY_LEN(migrations), e))
        return true;
    db_close(*out);
    *out = NULL;
    return false;
}
