// SPDX-License-Identifier: Apache-2.0
// Tokens: what they open, for how long, and what of them is stored.
#include "coordinator/tokens.h"

#include "base/clock.h"
#include "base/file.h"
#include "crypto/hash.h"
#include "queue/database.h"
#include "store/test_proxy.h"
#include <poll.h>

#define ROUNDED_MS 1000  // of a database's clock
#define SILENT_MS 10000u // for so long a silent database is waited for

struct fixture {
    struct arena *arena;
    struct token_place at;
    struct db *db, *writing;
    struct writer *writer;
    struct tokens *tokens;
};

static void open_all(struct fixture *f) {
    struct err e;
    assert_ok(database_open(&f->db, f->at.home, f->at.url, &e), &e);
    assert_ok(database_open(&f->writing, f->at.home, f->at.url, &e), &e);
    assert_ok(writer_new(&f->writer, f->writing, &e), &e);
    f->tokens = tokens_new(f->db, f->writer, TOKENS_OF_PROGRAMS, clock_mono_ms);
}

static void close_all(struct fixture *f) {
    tokens_free(f->tokens);
    writer_free(f->writer);
    db_close(f->db);
    db_close(f->writing);
}

static int setup(void **state) {
    struct arena *a = arena_new();
    struct fixture *f = arena_calloc(a, 1, sizeof *f);
    f->arena = a;
    f->at.home = mkdtemp(arena_strdup(a, "/tmp/outlayer-tokens-XXXXXX"));
    assert_non_null(f->at.home);
    open_all(f);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    close_all(f);
    (void)!file_remove_tree(f->at.home, NULL);
    arena_free(f->arena);
    return 0;
}

static const char *make(struct fixture *f, const struct token_terms *terms) {
    const char *token;
    struct err e;
    assert_ok(token_create(&f->at, terms, f->arena, &token, &e), &e);
    return token;
}

// Asks until the database has answered, for which each question waits only so long: a busy machine may take longer.
static bool check(struct tokens *t, const char *token, struct token *out, struct err *e) {
    bool good;
    while (!(good = tokens_check(t, token, out, e)) && e->code == ERR_UNAVAILABLE)
        poll(NULL, 0, 20);
    return good;
}

// As a coordinator sees it that knew nothing of it.
static bool is_good(struct fixture *f, const char *token, struct token *out) {
    struct err e;
    struct tokens *fresh = tokens_new(f->db, f->writer, TOKENS_OF_PROGRAMS, clock_mono_ms);
    bool good = check(fresh, token, out, &e);
    if (!good)
        assert_int_equal(e.code, ERR_UNAUTHORIZED);
    tokens_free(fresh);
    return good;
}

static bool nothing(struct db *db, void *ctx, struct err *e) {
    (void)db, (void)ctx, (void)e;
    return true;
}

static void flush(struct fixture *f) {
    struct err e;
    assert_ok(writer_do(f->writer, nothing, NULL, &e), &e);
}

static struct token_entry entry_of(struct fixture *f, const char *name) {
    struct token_entry *list;
    size_t n;
    struct err e;
    assert_ok(token_list(&f->at, f->arena, &list, &n, &e), &e);
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].name, name) == 0)
            return list[i];
    fail_msg("no token %s", name);
    return (struct token_entry){0};
}

// If this fails, a token opens what it is not for, or another token of its name goes on opening it.
static void a_token_is_what_was_asked_for(void **state) {
    struct fixture *f = *state;
    struct token t;
    const char *first = make(f, &(struct token_terms){.name = "a"});
    assert_true(is_good(f, first, &t));
    assert_int_equal(t.scopes, TOKEN_WORKER);
    assert_string_equal(t.name, "a");
    assert_string_equal(t.worker_id, "");
    const char *second = make(f, &(struct token_terms){.name = "a", .scopes = "run, read", .worker_id = "w7"});
    assert_false(is_good(f, first, &t)); // replaced by the second of its name
    assert_true(is_good(f, second, &t));
    assert_int_equal(t.scopes, TOKEN_RUN | TOKEN_READ);
    assert_string_equal(t.worker_id, "w7");
    assert_false(is_good(f, "", &t));
    const char *day = make(f, &(struct token_terms){.name = "day", .lasts_ms = 86400000});
    assert_true(is_good(f, day, &t));
    struct err e;
    assert_ok(db_exec(f->db, "UPDATE worker_auth_tokens SET expires_ms = 1 WHERE worker_name = 'day'", &e), &e);
    assert_false(is_good(f, day, &t));
    assert_ok(token_revoke(&f->at, "a", &e), &e);
    assert_false(is_good(f, second, &t));
    assert_false(entry_of(f, "a").is_active);
    assert_err(token_revoke(&f->at, "a", &e), &e, ERR_NOT_FOUND, "'a'");
}

static void what_no_token_can_be(void **state) {
    struct fixture *f = *state;
    struct err e;
    const char *token;
    char long_name[TOKEN_NAME_MAX + 2] = {0};
    memset(long_name, 'n', sizeof long_name - 1);
    const char *const names[] = {"", "a b", "a\n", "\x7f", long_name};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_err(token_create(&f->at, &(struct token_terms){.name = names[i]}, f->arena, &token, &e), &e, ERR_INVALID,
                   "name");
    const char *const scopes[] = {"", ",", "all", "run,all", "Worker", "worker;run"};
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
        assert_err(token_create(&f->at, &(struct token_terms){.name = "n", .scopes = scopes[i]}, f->arena, &token, &e),
                   &e, ERR_INVALID, "scope");
    assert_err(token_create(&f->at, &(struct token_terms){.name = "n", .worker_id = ""}, f->arena, &token, &e), &e,
               ERR_INVALID, "worker id");
}

// If this fails, what the public documents say does not work: a token is put there by SQL.
static void a_token_by_sql(void **state) {
    struct fixture *f = *state;
    struct err e;
    struct token t;
    char hex[65];
    struct hash h = sha256(slice_str("any text"));
    const char *insert = arena_printf(f->arena,
                                      "INSERT INTO worker_auth_tokens (token_hash, worker_name, is_active) "
                                      "VALUES ('%s', 'my worker', true)",
                                      hash_hex(&h, hex));
    assert_false(is_good(f, "any text", &t));
    uint64_t began = clock_wall_ms();
    assert_ok(db_exec(f->db, insert, &e), &e);
    assert_true(is_good(f, "any text", &t));
    assert_int_equal(t.scopes, TOKEN_WORKER);
    assert_string_equal(t.name, "my worker");
    struct token_entry x = entry_of(f, "my worker");
    assert_true(x.is_active && !x.expires_ms && !x.worker_id);
    assert_in_range(x.created_ms, began - ROUNDED_MS, clock_wall_ms());
    assert_ok(db_exec(f->db, "UPDATE worker_auth_tokens SET is_active = false WHERE worker_name = 'my worker'", &e),
              &e);
    assert_false(is_good(f, "any text", &t));
}

// The same in PostgreSQL, with its last use.
static void a_token_by_sql_in_postgres(void **state) {
    struct fixture *f = *state, pg = {.arena = f->arena};
    struct test_database at;
    struct err e;
    struct token t;
    char hex[65];
    struct hash h = sha256(slice_str("any text"));
    test_database_new(&at, DB_POSTGRES);
    assert_ok(db_open(&pg.db, at.url, &e) && db_open(&pg.writing, at.url, &e), &e);
    assert_ok(database_migrate(pg.db, &e) && writer_new(&pg.writer, pg.writing, &e), &e);
    assert_false(is_good(&pg, "any text", &t));
    const char *insert = arena_printf(f->arena,
                                      "INSERT INTO worker_auth_tokens (token_hash, worker_name, is_active) "
                                      "VALUES ('%s', 'my worker', true)",
                                      hash_hex(&h, hex));
    uint64_t began = clock_wall_ms();
    assert_ok(db_exec(pg.db, insert, &e), &e);
    assert_true(is_good(&pg, "any text", &t));
    assert_int_equal(t.scopes, TOKEN_WORKER);
    flush(&pg);
    struct db_stmt *s;
    bool row;
    assert_ok(db_query(pg.db, "SELECT last_used_ms, created_ms FROM worker_auth_tokens", &s, &e), &e);
    assert_ok(db_step(pg.db, s, &row, &e), &e);
    assert_in_range(db_int(pg.db, s, "last_used_ms"), began - ROUNDED_MS, clock_wall_ms());
    assert_in_range(db_int(pg.db, s, "created_ms"), began - ROUNDED_MS, clock_wall_ms());
    db_done(pg.db, s);
    assert_ok(db_exec(pg.db, "UPDATE worker_auth_tokens SET is_active = false", &e), &e);
    assert_false(is_good(&pg, "any text", &t));
    close_all(&pg);
    test_database_drop(&at);
}

static _Atomic uint64_t test_ms; // the cache's thread reads it, too
static uint64_t test_clock(void) { return test_ms; }

static void known_ends_in(struct fixture *f) {
    struct token t;
    struct err e;
    test_ms = 1000;
    struct tokens *known = tokens_new(f->db, f->writer, TOKENS_OF_PROGRAMS, test_clock);
    const char *token = make(f, &(struct token_terms){.name = "a"});
    assert_ok(check(known, token, &t, &e), &e);
    assert_ok(token_revoke(&f->at, "a", &e), &e);
    test_ms += TOKEN_KNOWN_MS - 1;
    assert_ok(check(known, token, &t, &e), &e); // the database is not asked
    test_ms++;
    assert_err(check(known, token, &t, &e), &e, ERR_UNAUTHORIZED, "was revoked");
    tokens_free(known);
}

// If this fails, a revoked token opens a running coordinator for longer than the 5 s that are promised, or each request
// asks the database.
static void what_is_known_ends(void **state) {
    struct fixture *f = *state, pg = {.arena = f->arena, .at.home = f->at.home};
    struct test_database at;
    assert_int_equal(TOKEN_KNOWN_MS, 5000);
    known_ends_in(f);
    test_database_new(&at, DB_POSTGRES);
    pg.at.url = at.url;
    open_all(&pg);
    known_ends_in(&pg);
    close_all(&pg);
    test_database_drop(&at);
}

// If this fails, whoever makes tokens up asks the database with each request, or a token shown too early stays unknown.
static void what_is_unknown_is_kept_briefly(void **state) {
    struct fixture *f = *state;
    struct token t;
    struct err e;
    test_ms = 1000;
    struct tokens *known = tokens_new(f->db, f->writer, TOKENS_OF_PROGRAMS, test_clock);
    assert_false(check(known, "any text", &t, &e));
    assert_false(tokens_seen(known, "any text"));
    struct hash h = sha256(slice_str("any text"));
    char hex[65];
    const char *insert = arena_printf(
        f->arena, "INSERT INTO worker_auth_tokens (token_hash, worker_name) VALUES ('%s', 'w')", hash_hex(&h, hex));
    assert_ok(db_exec(f->writing, insert, &e), &e); // the writer rests
    test_ms += TOKEN_UNKNOWN_MS - 1;
    assert_err(check(known, "any text", &t, &e), &e, ERR_UNAUTHORIZED, "not known");
    test_ms++;
    assert_ok(check(known, "any text", &t, &e), &e);
    assert_true(tokens_seen(known, "any text"));
    tokens_free(known);
}

static uint64_t check_unavailable(struct fixture *f, const char *token) {
    struct token t;
    struct err e;
    uint64_t began = clock_mono_ms();
    assert_false(tokens_check(f->tokens, token, &t, &e));
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    return clock_mono_ms() - began;
}

// If this fails, a database that is away or silent stops the event loops, and with them every route.
static void a_silent_database(void **state) {
    struct fixture *f = *state, pg = {.arena = f->arena};
    struct test_database at;
    struct test_proxy proxy;
    struct err e;
    struct token t;
    const struct db_keep brief = {.connect_ms = SILENT_MS, .statement_ms = SILENT_MS};
    test_database_new(&at, DB_POSTGRES);
    test_proxy_start(&proxy, &at);
    assert_ok(database_open_as(&pg.db, NULL, proxy.url, &brief, &e) && db_open(&pg.writing, at.url, &e), &e);
    assert_ok(writer_new(&pg.writer, pg.writing, &e), &e);
    pg.tokens = tokens_new(pg.db, pg.writer, TOKENS_OF_PROGRAMS, clock_mono_ms);
    assert_false(check(pg.tokens, "one", &t, &e));
    assert_int_equal(e.code, ERR_UNAUTHORIZED);
    test_proxy_break(&proxy, PROXY_SILENT, "");
    assert_in_range(check_unavailable(&pg, "two"), 0, SILENT_MS - 1);
    unsigned waited = 0;
    for (unsigned i = 0; i < 30; i++)
        waited += check_unavailable(&pg, "three") >= TOKEN_ASK_MS;
    assert_in_range(waited, 0, 15); // none does, but a busy machine may stop us meanwhile
    test_proxy_break(&proxy, PROXY_PASS, "");
    assert_false(check(pg.tokens, "three", &t, &e));
    assert_int_equal(e.code, ERR_UNAUTHORIZED);
    close_all(&pg);
    test_proxy_stop(&proxy);
    test_database_drop(&at);
}

// If this fails, each request writes to the token's row, which does not scale, or nobody can see which one is unused.
static void the_last_use_is_stored_coarsely(void **state) {
    struct fixture *f = *state;
    struct token t;
    struct err e;
    const char *token = make(f, &(struct token_terms){.name = "a"});
    assert_int_equal(entry_of(f, "a").used_ms, 0);
    uint64_t began = clock_wall_ms();
    assert_true(is_good(f, token, &t));
    flush(f);
    uint64_t used = entry_of(f, "a").used_ms;
    assert_in_range(used, began - ROUNDED_MS, clock_wall_ms());
    for (int i = 0; i < 3; i++)
        assert_true(is_good(f, token, &t)); // each asks the database
    flush(f);
    assert_int_equal(entry_of(f, "a").used_ms, used);
    uint64_t old = used - TOKEN_USED_MS;
    const char *age =
        arena_printf(f->arena, "UPDATE worker_auth_tokens SET last_used_ms = %llu", (unsigned long long)old);
    assert_ok(db_exec(f->db, age, &e), &e);
    assert_true(is_good(f, token, &t));
    flush(f);
    assert_true(entry_of(f, "a").used_ms >= used);
}

// If this fails, an upgrade locks all workers out.
static void tokens_of_an_earlier_program(void **state) {
    struct fixture *f = *state;
    struct err e;
    struct token t;
    char hex[65];
    struct hash h = sha256(slice_str("ol_old"));
    close_all(f);
    const char *path = arena_printf(f->arena, "%s/coordinator.db", f->at.home);
    assert_ok(file_remove_tree(f->at.home, &e) && file_make_dirs(f->at.home, 0700, &e), &e);
    struct db *old;
    assert_ok(db_open(&old, path, &e), &e);
    const char *was = arena_printf(
        f->arena,
        "CREATE TABLE schema_version (version INTEGER NOT NULL);"
        "INSERT INTO schema_version VALUES (1), (2);"
        "CREATE TABLE tokens (name TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL);"
        "CREATE TABLE executions (id INTEGER PRIMARY KEY, contract_id TEXT NOT NULL, request_id INTEGER NOT NULL, "
        "transaction_hash TEXT, created_ms INTEGER NOT NULL, ended_ms INTEGER, state TEXT, outcome TEXT, worker_id "
        "TEXT, lease TEXT, instructions INTEGER, about TEXT NOT NULL, report TEXT, task TEXT NOT NULL, UNIQUE "
        "(request_id, contract_id));"
        "CREATE TABLE builds (build_key TEXT PRIMARY KEY, wasm_hash TEXT NOT NULL, repo TEXT NOT NULL,"
        " commit_hash TEXT NOT NULL, target TEXT NOT NULL, record TEXT NOT NULL, created_ms INTEGER NOT NULL);"
        "INSERT INTO builds VALUES ('k', 'w', 'r', 'c', 't', '{\"public_key\":\"ed25519:x\",\"built_at\":5}', 7);"
        "INSERT INTO tokens VALUES ('old', '%s', 1700000000000)",
        hash_hex(&h, hex));
    assert_ok(db_exec(old, was, &e), &e);
    db_close(old);
    open_all(f);
    assert_true(is_good(f, "ol_old", &t));
    assert_int_equal(t.scopes, TOKEN_WORKER);
    assert_int_equal(entry_of(f, "old").created_ms, 1700000000000);
    // What the program before this one asks, while it still runs.
    struct db_stmt *s;
    bool row;
    assert_ok(db_query(f->db, "SELECT name FROM tokens WHERE hash = :hash", &s, &e), &e);
    db_bind_text(f->db, s, ":hash", hex);
    assert_ok(db_step(f->db, s, &row, &e), &e);
    assert_true(row);
    db_done(f->db, s);
    assert_ok(
        db_query(f->db, "SELECT wasm_hash FROM build_records WHERE public_key = 'ed25519:x' AND built_at = 5", &s, &e),
        &e);
    assert_ok(db_step(f->db, s, &row, &e), &e);
    assert_true(row && strcmp(db_text(f->db, s, "wasm_hash"), "w") == 0);
    db_done(f->db, s);
}

// If this fails, tokens of a home whose executions are elsewhere are lost, or come back after they were revoked.
static void tokens_move_to_the_database(void **state) {
    struct fixture *f = *state;
    struct err e;
    struct token t;
    const char *one = make(f, &(struct token_terms){.name = "one"}),
               *two = make(f, &(struct token_terms){.name = "two"});
    assert_ok(token_revoke(&f->at, "two", &e), &e);
    close_all(f);
    f->at.url = arena_printf(f->arena, "sqlite://%s/other.db", f->at.home);
    open_all(f);
    assert_ok(tokens_move(f->at.home, f->at.url, f->db, &e), &e);
    assert_true(is_good(f, one, &t));
    assert_false(is_good(f, two, &t));
    assert_ok(token_revoke(&f->at, "one", &e), &e);
    assert_ok(db_exec(f->db, "DELETE FROM worker_auth_tokens", &e), &e);
    assert_ok(tokens_move(f->at.home, f->at.url, f->db, &e), &e);
    assert_false(is_good(f, one, &t));
    // The home's own database under another spelling is not emptied.
    close_all(f);
    f->at.url = arena_printf(f->arena, "sqlite://%s/../%s/coordinator.db", f->at.home, strrchr(f->at.home, '/') + 1);
    open_all(f);
    const char *three = make(f, &(struct token_terms){.name = "three"});
    assert_ok(tokens_move(f->at.home, f->at.url, f->db, &e), &e);
    assert_true(is_good(f, three, &t));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void) {
    const struct CMUnitTest tests[] = {TEST(a_token_is_what_was_asked_for),
                                       TEST(what_no_token_can_be),
                                       TEST(a_token_by_sql),
                                       TEST(a_token_by_sql_in_postgres),
                                       TEST(what_is_known_ends),
                                       TEST(the_last_use_is_stored_coarsely),
                                       TEST(tokens_of_an_earlier_program),
                                       TEST(tokens_move_to_the_database),
                                       TEST(what_is_unknown_is_kept_briefly),
                                       TEST(a_silent_database)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
