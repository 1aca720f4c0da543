// SPDX-License-Identifier: Apache-2.0
// Locks, and workers that were seen.
#include "queue/shared.h"

#include "base/test.h"

#define NOT_FAILED ERR_INTERNAL

struct told {
    bool acquired, released;
    enum err_code failed; // NOT_FAILED
};

static void tell(void *ctx, const struct err *e) {
    struct told *t = ctx;
    t->failed = e ? e->code : NOT_FAILED;
}

static struct told lock_by(struct shared *s, void (*what)(struct shared *s, struct shared_lock *x), struct arena *a,
                           const char *key, const char *worker, const char *token) {
    struct told t;
    struct shared_lock x = {
        .done = tell, .ctx = &t, .arena = a, .key = key, .worker = worker, .token_name = token, .ttl_s = 60};
    what(s, &x);
    t.acquired = x.acquired;
    t.released = x.released;
    return t;
}

static struct told lock(struct shared *s, void (*what)(struct shared *s, struct shared_lock *x), struct arena *a,
                        const char *key, const char *worker) {
    return lock_by(s, what, a, key, worker, NULL);
}

// If this fails, whoever calls itself as the holder does, by another token, takes its lock or lets it go.
static void a_lock_is_its_tokens(void **state) {
    (void)state;
    struct shared *s = shared_open_local();
    SCOPED_ARENA(a);
    assert_true(lock_by(s, shared_acquire, a, "k", "w", "one").acquired);
    assert_false(lock_by(s, shared_acquire, a, "k", "w", "two").acquired);
    assert_int_equal(lock_by(s, shared_release, a, "k", "w", "two").failed, ERR_FORBIDDEN);
    assert_int_equal(lock_by(s, shared_release, a, "k", "w", NULL).failed, ERR_FORBIDDEN);
    assert_true(lock_by(s, shared_release, a, "k", "w", "one").released);
    shared_free(s);
}

// If this fails, two workers build the same thing at once, or whoever names a lock takes it from its holder.
static void a_lock_has_one_holder(void **state) {
    (void)state;
    struct shared *s = shared_open_local();
    SCOPED_ARENA(a);
    assert_true(lock(s, shared_acquire, a, "k", "one").acquired);
    assert_true(lock(s, shared_acquire, a, "k", "one").acquired);
    assert_false(lock(s, shared_acquire, a, "k", "two").acquired);
    assert_int_equal(lock(s, shared_release, a, "k", "two").failed, ERR_FORBIDDEN);
    assert_false(lock(s, shared_acquire, a, "k", "two").acquired);
    assert_true(lock(s, shared_release, a, "k", "one").released);
    assert_false(lock(s, shared_release, a, "k", "one").released);
    assert_true(lock(s, shared_acquire, a, "k", "two").acquired);
    shared_free(s);
}

// The tables are bounded: nobody fills the memory by asking for ever more locks.
static void the_tables_are_bounded(void **state) {
    (void)state;
    struct shared *s = shared_open_local();
    struct err e;
    SCOPED_ARENA(a);
    for (int i = 0; i < LOCKS_MAX; i++)
        assert_true(lock(s, shared_acquire, a, arena_printf(a, "k%d", i), "w").acquired);
    assert_int_equal(lock(s, shared_acquire, a, "one more", "w").failed, ERR_UNAVAILABLE);
    assert_true(lock(s, shared_acquire, a, "k5", "w").acquired);
    assert_true(lock(s, shared_release, a, "k5", "w").released);
    assert_true(lock(s, shared_acquire, a, "one more", "w").acquired);
    for (int i = 0; i < WORKERS_MAX; i++)
        assert_ok(shared_seen(s, arena_printf(a, "w%d", i), "{}", &e), &e);
    assert_err(shared_seen(s, "one more", "{}", &e), &e, ERR_UNAVAILABLE, "workers");
    assert_int_equal(shared_alive(s), WORKERS_MAX);
    shared_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_lock_has_one_holder), cmocka_unit_test(a_lock_is_its_tokens),
                                       cmocka_unit_test(the_tables_are_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
