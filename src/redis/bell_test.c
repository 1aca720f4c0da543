// SPDX-License-Identifier: Apache-2.0
#include "redis/bell.h"

#include "redis/redis_internal.h"
#include "redis/test_redis.h"

struct ear {
    _Atomic unsigned heard, missed;
    _Atomic uint64_t at_us;
    char text[BELL_TEXT_MAX + 1];
};
struct ringer {
    struct redis *redis;
    struct bell *bell;
    struct ear ear;
};

static void keep_text(void *ctx, struct slice text) {
    struct ear *x = ctx;
    if (!text.ptr) {
        atomic_fetch_add(&x->missed, 1);
        return;
    }
    memcpy(x->text, text.ptr, text.len);
    x->text[text.len] = 0;
    atomic_store(&x->at_us, clock_mono_us());
    atomic_fetch_add(&x->heard, 1);
}

static void ringer_open(struct ringer *x, const char *name) {
    struct err e;
    *x = (struct ringer){0};
    assert_ok(redis_open(&x->redis, &(struct redis_config){test_redis_url(), name}, &e), &e);
    assert_ok(bell_new(&x->bell, x->redis, keep_text, &x->ear, &e), &e);
    TEST_UNTIL(redis_up(x->redis) && x->ear.missed);
}

static void ringer_close(struct ringer *x) {
    bell_free(x->bell);
    redis_free(x->redis);
}

// If this fails, a coordinator does not hear of what another one has, or is woken by itself, or by another database's.
static void all_others_hear(void **state) {
    (void)state;
    struct ringer a, b, c;
    ringer_open(&a, "aaaaaaaaaaaaaaaa");
    ringer_open(&b, "aaaaaaaaaaaaaaaa");
    ringer_open(&c, "cccccccccccccccc");
    bell_ring(a.bell, SLICE_LIT("a.near wasm32-wasip1"));
    TEST_UNTIL(b.ear.heard == 1);
    assert_string_equal(b.ear.text, "a.near wasm32-wasip1");
    bell_ring(c.bell, SLICE_LIT("another")); // whoever heard a's hears it before this
    bell_ring(b.bell, SLICE_LIT(""));
    TEST_UNTIL(a.ear.heard == 1);
    assert_string_equal(a.ear.text, "");
    assert_int_equal(c.ear.heard, 0);
    assert_int_equal(b.ear.heard, 1);
    SCOPED_BUF(out, 10000);
    bell_figures(a.bell, &out);
    assert_non_null(strstr(buf_str(&out), "outlayer_wakes_sent_total 1\n"));
    assert_non_null(strstr(buf_str(&out), "outlayer_wakes_received_total 1\n"));
    ringer_close(&a);
    ringer_close(&b);
    ringer_close(&c);
}

// If this fails, who was cut off hears nothing any more, or does not look what it has missed.
static void a_bell_that_was_cut_off(void **state) {
    (void)state;
    char said[200];
    struct ringer a, b;
    ringer_open(&a, "aaaaaaaaaaaaaaaa");
    ringer_open(&b, "aaaaaaaaaaaaaaaa");
    TEST_REDIS_DO(said, "CLIENT", "KILL", "TYPE", "pubsub");
    TEST_UNTIL(b.ear.missed == 2 && a.ear.missed == 2);
    bell_ring(a.bell, SLICE_LIT("x"));
    TEST_UNTIL(b.ear.heard == 1);
    ringer_close(&a);
    ringer_close(&b);
}

// If this fails, what only looks like a word is read beyond its end.
static void what_is_no_word(void **state) {
    (void)state;
    static const char *const replies[] = {
        "+message\r\n",
        ":3\r\n",
        "*0\r\n",
        "*-1\r\n",
        "*2\r\n$7\r\nmessage\r\n$1\r\nc\r\n",
        "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n:1\r\n",
        "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$-1\r\n",
        "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$15\r\n0123456789abcde\r\n",
        "*3\r\n$-1\r\n$1\r\nc\r\n$16\r\n0123456789abcdef\r\n",
        "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n$16\r\n0123456789abcdef\r\n",
        "*3\r\n*1\r\n$7\r\nmessage\r\n$1\r\nc\r\n$16\r\n0123456789abcdef\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        redisReader *reader = redisReaderCreate();
        void *reply = NULL;
        struct slice text;
        redisReaderFeed(reader, replies[i], strlen(replies[i]));
        assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
        assert_non_null(reply);
        assert_false(bell_text(reply, &text));
        freeReplyObject(reply);
        redisReaderFree(reader);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_others_hear), cmocka_unit_test(a_bell_that_was_cut_off),
                                       cmocka_unit_test(what_is_no_word)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
