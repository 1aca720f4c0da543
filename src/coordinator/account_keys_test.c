// SPDX-License-Identifier: Apache-2.0
// Keys of accounts in either database: how many there may be, what one word makes, and that a key's end is known.
#include "coordinator/account_keys.h"

#include "base/clock.h"
#include "queue/database.h"
#include "store/test_database.h"

struct world {
    struct arena *arena;
    struct db *writing, *reading;
    struct writer *writer;
    struct tokens *known;
    uint8_t words;
};

static void world_open(struct world *w, void **state) {
    const struct test_database *at = *state;
    struct err e;
    *w = (struct world){.arena = arena_new()};
    assert_ok(database_open(&w->writing, NULL, at->url, &e) && database_open(&w->reading, NULL, at->url, &e), &e);
    assert_ok(writer_new(&w->writer, w->writing, &e), &e);
    w->known = tokens_new(w->reading, w->writer, KEYS_OF_ACCOUNTS, clock_mono_ms);
}

static void world_close(struct world *w) {
    tokens_free(w->known);
    writer_free(w->writer);
    db_close(w->reading);
    db_close(w->writing);
    arena_free(w->arena);
}

static struct word word_of(struct world *w, const char *account) {
    return (struct word){.account = account, .nonce = {++w->words}, .valid_until_ms = clock_wall_ms() + 60000};
}

static const char *make(struct world *w, const char *account, struct account_key *out) {
    struct word word = word_of(w, account);
    struct err e;
    const char *key;
    assert_ok(account_key_create(w->writer, &word, "k", w->arena, out, &key, &e), &e);
    assert_true(account_key_is_one(key));
    return key;
}

static size_t count(struct world *w, const char *account) {
    struct account_key keys[ACCOUNT_KEYS_MAX];
    struct err e;
    size_t n;
    assert_ok(account_key_list(w->reading, w->arena, account, keys, &n, &e), &e);
    return n;
}

// Asks until the database has answered, for which each question waits only so long.
static bool check(struct tokens *known, const char *key, struct token *out, struct err *e) {
    bool good;
    while (!(good = tokens_check(known, key, out, e)) && e->code == ERR_UNAVAILABLE)
        sched_yield();
    return good;
}

// If this fails, somebody's key opens another's things, or one that was ended goes on.
static void a_key_is_its_accounts(void **state) {
    struct world w;
    struct account_key a, b;
    struct token t;
    struct err e;
    world_open(&w, state);
    const char *alices = make(&w, "alice.near", &a), *bobs = make(&w, "bob.near", &b);
    assert_ok(check(w.known, alices, &t, &e), &e);
    assert_string_equal(t.account_id, "alice.near");
    assert_int_equal(t.scopes, 0);
    assert_err(account_key_revoke(w.writer, w.known, "bob.near", a.id, &e), &e, ERR_NOT_FOUND, a.id);
    assert_ok(account_key_revoke(w.writer, w.known, "alice.near", a.id, &e), &e);
    assert_err(check(w.known, alices, &t, &e), &e, ERR_UNAUTHORIZED, "this API key is not known");
    assert_ok(check(w.known, bobs, &t, &e), &e);
    world_close(&w);
}

static void one_word_makes_one_key(void **state) {
    struct world w;
    struct account_key k;
    struct err e;
    const char *key;
    world_open(&w, state);
    struct word word = word_of(&w, "alice.near"), over = word_of(&w, "alice.near");
    assert_ok(account_key_create(w.writer, &word, "k", w.arena, &k, &key, &e), &e);
    assert_err(account_key_create(w.writer, &word, "k", w.arena, &k, &key, &e), &e, ERR_CONFLICT, "by this word");
    word.account = "bob.near"; // whose word it is not, has its own
    assert_ok(account_key_create(w.writer, &word, "k", w.arena, &k, &key, &e), &e);
    over.valid_until_ms = clock_wall_ms() - 1; // it came in time, and the database says that it is over
    assert_err(account_key_create(w.writer, &over, "k", w.arena, &k, &key, &e), &e, ERR_UNAUTHORIZED, "is over");
    while (count(&w, "alice.near") < ACCOUNT_KEYS_MAX)
        make(&w, "alice.near", &k);
    word = word_of(&w, "alice.near");
    assert_err(account_key_create(w.writer, &word, "k", w.arena, &k, &key, &e), &e, ERR_CONFLICT,
               "10 API keys already");
    assert_ok(account_key_revoke(w.writer, w.known, "alice.near", k.id, &e), &e);
    assert_ok(account_key_create(w.writer, &word, "k", w.arena, &k, &key, &e), &e); // the refusal used no word up
    world_close(&w);
}

#define FILL(series)                                                                                                   \
    "INSERT INTO account_keys (id, key_hash, account_id, name, prefix, created_ms, last_used_ms) SELECT 'i' || n, "    \
    "'h' || n, 'a' || n, 'k', 'p', 1, CASE WHEN n = 2 THEN 1 ELSE 4000000000000 END FROM " series
static bool fill(struct db *db, void *ctx, struct err *e) {
    (void)ctx;
    return db_exec(db,
                   db_engine(db) == DB_POSTGRES
                       ? FILL("generate_series(1, 100000) AS n")
                       : FILL("(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100000) "
                              "SELECT n FROM s) AS t"),
                   e);
}

// If this fails, strangers fill the database, or whoever has many accounts ends the keys of all others.
static void only_those_that_nobody_uses_make_room(void **state) {
    struct world w;
    struct account_key k;
    struct err e;
    const char *key;
    world_open(&w, state);
    assert_ok(writer_do(w.writer, fill, NULL, &e), &e);
    make(&w, "alice.near", &k); // in the place of the second
    assert_int_equal(count(&w, "alice.near") + count(&w, "a1") + count(&w, "a3"), 3);
    assert_int_equal(count(&w, "a2"), 0);
    struct word word = word_of(&w, "bob.near");
    assert_err(account_key_create(w.writer, &word, "k", w.arena, &k, &key, &e), &e, ERR_UNAVAILABLE,
               "no more API keys");
    assert_int_equal(count(&w, "alice.near") + count(&w, "a1") + count(&w, "a3"), 3);
    world_close(&w);
}

static void names_and_forms(void **state) {
    (void)state;
    struct err e;
    assert_true(account_key_name_check("my laptop, ärger", &e));
    assert_false(account_key_name_check("", &e) || account_key_name_check("a\nb", &e) ||
                 account_key_name_check("a\x1b[0m", &e) || account_key_name_check("\xff", &e));
    assert_false(account_key_is_one("olk_") || account_key_id_is_one("0123456789abcdeF") || account_key_id_is_one(""));
}

int main(void) {
    const struct CMUnitTest tests[] = {ON_BOTH(a_key_is_its_accounts), ON_BOTH(one_word_makes_one_key),
                                       ON_BOTH(only_those_that_nobody_uses_make_room),
                                       cmocka_unit_test(names_and_forms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
