// SPDX-License-Identifier: Apache-2.0
#include "redis/redis.h"

#include "redis/redis_internal.h"
#include "redis/test_redis.h"

#define NAME "0123456789abcdef"

struct answers {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t count, none;
    struct redis_answer last;
};

static void keep_answer(void *ctx, const struct redis_answer *a) {
    struct answers *x = ctx;
    pthread_mutex_lock(&x->mutex);
    x->count++;
    x->none += !a;
    if (a)
        x->last = *a;
    pthread_cond_signal(&x->changed);
    pthread_mutex_unlock(&x->mutex);
}

static void answers_init(struct answers *x) {
    *x = (struct answers){.mutex = PTHREAD_MUTEX_INITIALIZER};
    cond_init(&x->changed);
}

static void wait_for_answers(struct answers *x, size_t n) {
    uint64_t end = deadline_in(60000);
    pthread_mutex_lock(&x->mutex);
    while (x->count < n)
        assert_true(cond_wait_until(&x->changed, &x->mutex, end));
    assert_int_equal(x->count, n);
    pthread_mutex_unlock(&x->mutex);
}

static struct redis *open_on(const char *url) {
    struct redis *r;
    struct err e;
    assert_ok(redis_open(&r, &(struct redis_config){url, NAME}, &e), &e);
    return r;
}

// Whether a server that pauses is as good as absent before its one answer comes, and the answer comes all the same.
static bool goes_before_its_answer(struct redis *r, struct answers *x) {
    size_t count, none;
    bool gone = false;
    do {
        bool up = redis_up(r);
        pthread_mutex_lock(&x->mutex);
        count = x->count;
        none = x->none;
        pthread_mutex_unlock(&x->mutex);
        gone |= !count && !up;
    } while (!count);
    return gone && !none;
}

#define ASK(r, x, ...)                                                                                                 \
    redis_ask(r, (const struct slice[]){__VA_ARGS__}, ARRAY_LEN(((const struct slice[]){__VA_ARGS__})), keep_answer, x)

// If this fails, what is asked is not answered, or by another's answer.
static void answers_come_in_their_order(void **state) {
    (void)state;
    struct redis *r = open_on(test_redis_url());
    struct answers x;
    answers_init(&x);
    TEST_UNTIL(redis_up(r));
    for (size_t i = 1; i <= 500; i++)
        assert_true(ASK(r, &x, SLICE_LIT("INCR"), SLICE_LIT("counter")));
    wait_for_answers(&x, 500);
    assert_int_equal(x.none, 0);
    assert_int_equal(x.last.count, 1);
    assert_int_equal(x.last.numbers[0], 500);
    assert_true(ASK(r, &x, SLICE_LIT("LPUSH"), SLICE_LIT("counter"), SLICE_LIT("x")));
    wait_for_answers(&x, 501);
    assert_true(x.last.refused);
    assert_int_equal(x.last.count, 0);
    redis_free(r);
}

// If this fails, somebody waits for a server that is not there, or a server that came back is not used.
static void a_server_that_goes_and_comes(void **state) {
    (void)state;
    char said[200];
    struct redis *r = open_on(test_redis_url());
    struct answers x;
    answers_init(&x);
    bool was_missed = false;
    for (int i = 0; i < 20 && !was_missed; i++) { // a busy machine may see the pause's end before it has looked
        TEST_UNTIL(redis_up(r));
        TEST_REDIS_DO(said, "CLIENT", "PAUSE", "600", "ALL");
        answers_init(&x);
        was_missed = ASK(r, &x, SLICE_LIT("GET"), SLICE_LIT("x")) && goes_before_its_answer(r, &x);
    }
    assert_true(was_missed);
    TEST_UNTIL(redis_up(r));
    TEST_REDIS_DO(said, "CLIENT", "KILL", "TYPE", "normal");
    TEST_UNTIL(ASK(r, &x, SLICE_LIT("PING")));
    TEST_UNTIL(redis_up(r));
    redis_free(r);
}

static void nobody_is_there(void **state) {
    (void)state;
    struct test_liar s;
    struct answers x;
    answers_init(&x);
    test_liar_start(&s, "");
    char url[64];
    snprintf(url, sizeof url, "%s", s.url);
    test_liar_stop(&s);
    struct redis *r = open_on(url);
    for (int i = 0; i < 100; i++)
        assert_false(ASK(r, &x, SLICE_LIT("GET"), SLICE_LIT("x")));
    assert_false(redis_up(r));
    SCOPED_BUF(out, 10000);
    redis_figures(r, &out);
    assert_non_null(strstr(buf_str(&out), "outlayer_redis_up 0"));
    assert_non_null(strstr(buf_str(&out), "outlayer_redis_unasked_total 100"));
    redis_free(r);
    assert_int_equal(x.count, 0);
}

// If this fails, a server that is none, or one that was taken over, crashes a coordinator or makes it wait.
static void a_server_that_lies(void **state) {
    (void)state;
    static const char *const lies[] = {
        "",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "+OK\r\n",
        "-ERR no\r\n",
        ":1\r\n",
        "$-1\r\n",
        "*-1\r\n",
        "*0\r\n",
        "*1000000000\r\n",
        "*2\r\n*2\r\n*2\r\n*2\r\n*2\r\n*2\r\n*2\r\n*2\r\n*2\r\n*2\r\n",
        "$2000000000\r\nabc",
        "+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n",
        "*3\r\n:1\r\n$1\r\nx\r\n:2\r\n",
        "\377\376",
    };
    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        struct test_liar s;
        struct answers x;
        answers_init(&x);
        test_liar_start(&s, lies[i]);
        struct redis *r = open_on(s.url);
        TEST_UNTIL(atomic_load(&s.connections) > 0);
        size_t asked = 0;
        for (int k = 0; k < 50; k++)
            asked += ASK(r, &x, SLICE_LIT("INCR"), SLICE_LIT("x"));
        uint64_t before = clock_mono_ms();
        redis_free(r);
        assert_in_range(clock_mono_ms() - before, 0, 60000);
        assert_int_equal(x.count, asked); // each was told something
        test_liar_stop(&s);
    }
}

// If this fails, the log or a coordinator's answer has the password.
static void a_password_is_not_repeated(void **state) {
    (void)state;
    struct test_liar s;
    struct redis_url url = {0};
    struct redis_link l;
    struct err e;
    test_liar_start(&s, "-ERR unknown command `AUTH`, with args beginning with: `geheim`\r\n");
    char text[200];
    snprintf(text, sizeof text, "redis://:geheim@%s", s.url + strlen("redis://"));
    assert_ok(redis_url_parse(&url, text, &e), &e);
    assert_err(redis_link_open(&l, &url, -1, deadline_in(60000), &e), &e, ERR_UNAVAILABLE, "refuses the password");
    assert_null(strstr(e.msg, "geheim"));
    redis_url_release(&url);
    test_liar_stop(&s);
}

// If this fails, a server that sends without end takes all memory.
static void an_answer_is_bounded(void **state) {
    (void)state;
    struct test_liar s;
    struct redis_url url = {0};
    struct redis_link l;
    struct err e;
    static char much[200000];
    memset(much, 'x', sizeof much - 1);
    memcpy(much, "$190000\r\n", 9);
    test_liar_start(&s, much);
    assert_ok(redis_url_parse(&url, s.url, &e), &e);
    assert_err(redis_link_open(&l, &url, -1, deadline_in(60000), &e), &e, ERR_UNAVAILABLE, "too long");
    redis_url_release(&url);
    test_liar_stop(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_in_their_order),
        cmocka_unit_test(a_server_that_goes_and_comes),
        cmocka_unit_test(nobody_is_there),
        cmocka_unit_test(a_server_that_lies),
        cmocka_unit_test(a_password_is_not_repeated),
        cmocka_unit_test(an_answer_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
