// SPDX-License-Identifier: Apache-2.0
// How often somebody may ask holds over all coordinators: with Redis, without it, and with one that is not well.
#include "queue/database.h"
#include "queue/shared.h"
#include "queue/windows.h"
#include "redis/test_redis.h"
#include "store/test_database.h"

#define NAME "0123456789abcdef"
#define KIND "test"
#define BURST 100u
#define PER_MINUTE 2u // so few that none comes back while a test runs

struct place { // one coordinator's
    struct redis *redis;
    struct shared *shared;
    struct limiter *limiter;
};
struct places {
    struct place at[2];
    uint64_t passed, refused, retry_s;
};

static void place_open(struct place *p, const char *database, const char *redis) {
    struct err e;
    *p = (struct place){0};
    assert_ok(redis_open(&p->redis, &(struct redis_config){redis, NAME}, &e), &e);
    assert_ok(shared_open_scaled(&p->shared, database, p->redis, &e), &e);
    p->limiter = limiter_new(p->shared, KIND, BURST, PER_MINUTE);
}

static void place_close(struct place *p) {
    limiter_free(p->limiter);
    shared_free(p->shared);
    redis_free(p->redis);
}

static void open_by(struct places *x, void **state, const char *redis) {
    const struct test_database *d = *state;
    struct db *db;
    struct err e;
    assert_ok(database_open(&db, NULL, d->url, &e), &e); // migrated
    db_close(db);
    *x = (struct places){0};
    for (int i = 0; i < 2; i++)
        place_open(&x->at[i], d->url, redis);
    TEST_UNTIL(shared_coordinators(x->at[0].shared) == 2 && shared_coordinators(x->at[1].shared) == 2);
}

static void open_all(struct places *x, void **state) {
    char said[200];
    TEST_REDIS_DO(said, "FLUSHALL");
    open_by(x, state, test_redis_url());
    TEST_UNTIL(redis_up(x->at[0].redis) && redis_up(x->at[1].redis));
}

static void close_all(struct places *x) {
    place_close(&x->at[0]);
    place_close(&x->at[1]);
}

static bool take(struct places *x, size_t at, const char *name) {
    struct err e;
    bool ok = limiter_take(x->at[at % 2].limiter, name, clock_mono_ms(), &x->retry_s, &e);
    x->passed += ok;
    x->refused += !ok;
    return ok;
}

// How many tokens of the name Redis knows to be taken.
static int64_t known(const char *name) {
    char said[200], key[200];
    snprintf(key, sizeof key, "outlayer:" NAME ":limit:" KIND ":%s", name);
    TEST_REDIS_DO(said, "GET", key);
    return said[0] ? ((int64_t)BURST * 1000 - strtoll(said, NULL, 10) + 999) / 1000 : 0;
}

static uint64_t alone(const struct place *p) {
    SCOPED_BUF(out, 10000);
    shared_figures(p->shared, &out);
    const char *at = strstr(buf_str(&out), "\noutlayer_limits_alone_total ");
    assert_non_null(at);
    return strtoull(at + strlen("\noutlayer_limits_alone_total "), NULL, 10);
}

// If this fails, whoever asks several coordinators may ask as often as all of them together allow.
static void test_one_limit_for_all(void **state) {
    struct places x;
    open_all(&x, state);
    for (size_t i = 0; x.refused < 4; i++) {
        if (take(&x, i, "alice"))
            TEST_UNTIL(known("alice") >= (int64_t)x.passed);
        assert_in_range(i, 0, 3 * BURST);
    }
    assert_in_range(x.passed, BURST, BURST + 4); // one at each, before it has heard
    assert_in_range(x.retry_s, 1, 60 / PER_MINUTE * 5);
    assert_true(take(&x, 0, "bob"));
    close_all(&x);
}

// If this fails, questions that come at once at all coordinators are free.
static void test_too_many_at_once_are_paid_back(void **state) {
    struct places x;
    open_all(&x, state);
    for (size_t i = 0; i < 4 * BURST; i++)
        (void)take(&x, i, "alice");
    assert_in_range(x.passed, BURST, 2 * BURST); // what each knows by itself
    TEST_UNTIL(known("alice") >= (int64_t)x.passed);
    assert_in_range(known("alice"), x.passed, x.passed);
    uint64_t debt_s = (x.passed - BURST) * 60 / PER_MINUTE; // whoever was told last knows all of it
    TEST_UNTIL((!take(&x, 0, "alice") && x.retry_s >= debt_s) || (!take(&x, 1, "alice") && x.retry_s >= debt_s));
    TEST_UNTIL(!take(&x, 0, "alice") && !take(&x, 1, "alice"));
    close_all(&x);
}

// If this fails, a coordinator whose Redis is away refuses nobody, or everybody.
static void test_without_redis_each_has_its_part(void **state) {
    struct places x;
    struct test_liar s;
    test_liar_start(&s, "");
    test_liar_stop(&s);
    open_by(&x, state, s.url);
    for (size_t i = 0; i < 4 * BURST; i++)
        (void)take(&x, i, "alice");
    assert_in_range(x.passed, BURST, BURST + 2);
    assert_true(alone(&x.at[0]) == 2 * BURST);
    assert_false(take(&x, 0, "alice"));
    assert_in_range(x.retry_s, 1, 2 * 60 / PER_MINUTE); // a token of its part
    close_all(&x);
}

static void take_until_alone(struct places *x, const char *name) {
    uint64_t before = alone(&x->at[0]);
    TEST_UNTIL((take(x, 0, name), alone(&x->at[0]) > before));
}

// By names that nobody has had, since what was taken from a part of the limit is taken.
static bool is_counted(struct places *x, const char *what, unsigned number) {
    char name[40];
    snprintf(name, sizeof name, "%s %u", what, number);
    uint64_t before = alone(&x->at[0]);
    assert_true(take(x, 0, name));
    for (unsigned i = 0; alone(&x->at[0]) == before && i < 100; i++)
        if (known(name) > 0)
            return true;
    return false;
}

static void take_until_counted(struct places *x, const char *what) {
    unsigned number = 0;
    TEST_UNTIL(is_counted(x, what, number++));
}

// If this fails, a Redis that cannot count lets everybody ask without end, or is never asked to count again.
static void test_a_redis_that_is_not_well(void **state) {
    struct places x;
    char said[200];
    open_all(&x, state);
    take_until_counted(&x, "emptied");
    TEST_REDIS_DO(said, "FLUSHALL");
    take_until_counted(&x, "emptied");
    TEST_REDIS_DO(said, "CONFIG", "SET", "min-replicas-to-write", "3");
    take_until_alone(&x, "unwilling");
    TEST_REDIS_DO(said, "CONFIG", "SET", "min-replicas-to-write", "0");
    take_until_counted(&x, "willing");
    TEST_REDIS_DO(said, "LPUSH", "outlayer:" NAME ":limit:" KIND ":list", "x");
    take_until_alone(&x, "list");
    take_until_counted(&x, "after the list");
    TEST_REDIS_DO(said, "SET", "outlayer:" NAME ":limit:" KIND ":nonsense 0", "-9e999 x");
    take_until_counted(&x, "nonsense");
    TEST_REDIS_DO(said, "CLIENT", "PAUSE", "4000", "ALL");
    take_until_alone(&x, "paused");
    take_until_counted(&x, "again");
    close_all(&x);
}

// If this fails, a coordinator that ends while Redis is asked crashes, or does not end.
static void test_an_end_while_it_is_asked(void **state) {
    struct places x;
    char said[200], name[20];
    open_all(&x, state);
    TEST_REDIS_DO(said, "CLIENT", "PAUSE", "5000", "ALL");
    for (size_t i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, "n%zu", i);
        (void)take(&x, i, name);
    }
    uint64_t before = clock_mono_ms();
    close_all(&x);
    assert_in_range(clock_mono_ms() - before, 0, 60000);
    TEST_REDIS_DO(said, "CLIENT", "UNPAUSE");
}

// If this fails, Redis' user needs more than docs/operate.md says.
static void test_what_its_user_may(void **state) {
    struct places x;
    char said[200], url[300];
    TEST_REDIS_DO(said, "ACL", "SETUSER", "few", "on", ">geheim", "~outlayer:*", "&outlayer:*", "+ping", "+select",
                  "+subscribe", "+publish", "+eval", "+get", "+set", "+time");
    assert_string_equal(said, "OK");
    snprintf(url, sizeof url, "redis://few:geheim@%s", strchr(test_redis_url(), '@') + 1);
    open_by(&x, state, url);
    take_until_counted(&x, "few");
    TEST_REDIS_DO(said, "ACL", "SETUSER", "few", "-set");
    take_until_alone(&x, "fewer");
    close_all(&x);
}

static void told_of(void *ctx, uint64_t wait_ms) { atomic_store((_Atomic uint64_t *)ctx, wait_ms); }

// If this fails, an answer of whatever kind crashes a coordinator or keeps an asker out for ever.
static void test_a_liar(void **state) {
    static const char *const lies[] = {"+OK\r\n", ":-1\r\n", ":9223372036854775807\r\n", "*2\r\n:1\r\n:2\r\n",
                                       "$-1\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        struct test_liar s;
        struct redis *r;
        struct err e;
        test_liar_start(&s, "+OK\r\n");
        assert_ok(redis_open(&r, &(struct redis_config){s.url, NAME}, &e), &e);
        TEST_UNTIL(redis_up(r));
        atomic_store(&s.says, lies[i]);
        struct windows *w = windows_new(r);
        _Atomic uint64_t told = 7;
        struct window_call c = {w, told_of, &told};
        const struct asker_window of = {KIND, "alice", 1, 1};
        assert_true(windows_take(&c, &of, 1));
        TEST_UNTIL(told != 7);
        assert_true(told == UINT64_MAX || told <= 3600000);
        redis_free(r);
        windows_free(w);
        test_liar_stop(&s);
        (void)state;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_POSTGRES(test_one_limit_for_all),
        ON_POSTGRES(test_too_many_at_once_are_paid_back),
        ON_POSTGRES(test_without_redis_each_has_its_part),
        ON_POSTGRES(test_a_redis_that_is_not_well),
        ON_POSTGRES(test_an_end_while_it_is_asked),
        ON_POSTGRES(test_what_its_user_may),
        cmocka_unit_test(test_a_liar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
