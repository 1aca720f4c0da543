// SPDX-License-Identifier: Apache-2.0
// Maps: each entry comes back under its own key, and no two maps of a contract share one: else one account's balance
// would be another's.
#include "base/test.h"
#include "map.h"
#include "sdk/mock/mock.h"

static void (*body)(void);
METHOD(CALL, run) { body(); }

static void runs(void (*f)(void)) {
    body = f;
    if (!mock_call("run", "alice.near", 0, ""))
        fail_msg("%s", mock.error);
}

static void stops(void (*f)(void), const char *sentence) {
    body = f;
    assert_false(mock_call("run", "alice.near", 0, ""));
    assert_non_null(strstr(mock.error, sentence));
}

static const struct map plain = {'m', {0}};
static char buf[16];
static struct rec_in r;

static bool holds(struct map m, const char *key, const char *value) {
    bool found = map_get(m, text_of(key), buf, sizeof buf, &r);
    return found && text_eq((struct text){(const char *)r.p, (size_t)(r.end - r.p)}, text_of(value));
}

static void put_get_remove(void) {
    uint64_t before = store_usage();
    assert_false(map_has(plain, TEXT("a")) || map_get(plain, TEXT("a"), buf, sizeof buf, &r));
    assert_ptr_equal(r.p, r.end);
    map_put(plain, TEXT("a"), TEXT("one"));
    assert_int_equal(store_usage() - before, 42 + 1 + 3); // as map.h says
    map_put(plain, TEXT("b"), TEXT(""));
    assert_true(holds(plain, "a", "one") && holds(plain, "b", ""));
    map_put(plain, TEXT("a"), TEXT("two"));
    assert_true(holds(plain, "a", "two"));
    assert_true(map_remove(plain, TEXT("a")) && !map_remove(plain, TEXT("a")) && !map_has(plain, TEXT("a")));
    assert_true(map_remove(plain, TEXT("b")));
    assert_int_equal(store_usage(), before);
}

static void entries_come_back(void **state) {
    (void)state;
    runs(put_get_remove);
}

static void put_neighbours(void) {
    map_put((struct map){'m', TEXT("al")}, TEXT("ice.near"), TEXT("1"));
    map_put((struct map){'m', TEXT("alice")}, TEXT(".near"), TEXT("2"));
    map_put((struct map){'m', {0}}, TEXT("alice.near"), TEXT("3"));
    map_put((struct map){'n', {0}}, TEXT("alice.near"), TEXT("4"));
    assert_true(holds((struct map){'m', TEXT("al")}, "ice.near", "1"));
    assert_true(holds((struct map){'m', TEXT("alice")}, ".near", "2"));
    assert_true(holds((struct map){'m', {0}}, "alice.near", "3"));
    assert_true(holds((struct map){'n', {0}}, "alice.near", "4"));
}

static void maps_share_no_key(void **state) {
    (void)state;
    runs(put_neighbours);
}

static void move_values(void) {
    static char large[20000], got[20000];
    memset(large, 'x', sizeof large);
    map_put(plain, TEXT("from"), (struct text){large, sizeof large});
    map_put(plain, TEXT("to"), TEXT("old"));
    map_move(plain, TEXT("from"), TEXT("to"));
    assert_false(map_has(plain, TEXT("from")));
    assert_true(map_get(plain, TEXT("to"), got, sizeof got, &r));
    assert_int_equal(r.end - r.p, sizeof large);
    assert_memory_equal(got, large, sizeof large);
}

static void move_nothing(void) { map_move(plain, TEXT("none"), TEXT("to")); }

static void values_move_whole(void **state) {
    (void)state;
    runs(move_values);
    stops(move_nothing, "There is no value to be moved");
}

static void amounts(void) {
    struct yocto a = YOCTO(5);
    assert_false(map_get_yocto(plain, TEXT("a"), &a));
    assert_true(a.v == 0);
    map_put_yocto(plain, TEXT("a"), YOCTO_MAX);
    assert_true(map_get_yocto(plain, TEXT("a"), &a) && a.v == YOCTO_MAX.v);
    map_put_yocto(plain, TEXT("a"), YOCTO(0)); // an entry of nothing is still an entry
    assert_true(map_get_yocto(plain, TEXT("a"), &a) && a.v == 0);
}

static void amounts_come_back(void **state) {
    (void)state;
    runs(amounts);
}

static char long_text[MAP_KEY_MAX + 1];
static size_t of_len, key_len;
static void put_long(void) {
    memset(long_text, 'k', sizeof long_text);
    map_put((struct map){'m', {long_text, of_len}}, (struct text){long_text, key_len}, TEXT("v"));
}

static void get_long(void) {
    map_put(plain, TEXT("a"), TEXT("seventeen letters"));
    map_get(plain, TEXT("a"), buf, sizeof buf, &r);
}

// Too long is a sentence, never a key that is cut off and so another's.
static void lengths_are_checked(void **state) {
    (void)state;
    key_len = MAP_KEY_MAX;
    runs(put_long);
    key_len++;
    stops(put_long, "A key is too long for this contract");
    of_len = 255, key_len = MAP_KEY_MAX - 255;
    runs(put_long);
    key_len++;
    stops(put_long, "A key is too long for this contract");
    of_len = 256, key_len = 1;
    stops(put_long, "A key is too long for this contract");
    of_len = MAP_KEY_MAX + 1, key_len = 1;
    stops(put_long, "A key is too long for this contract");
    stops(get_long, "Longer than this contract can take");
}

static int world(void **state) {
    (void)state;
    mock_reset("sdk.near");
    return 0;
}

static int gone(void **state) {
    (void)state;
    mock_release();
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world, gone)
static const struct CMUnitTest tests[] = {
    TEST(entries_come_back), TEST(maps_share_no_key),   TEST(values_move_whole),
    TEST(amounts_come_back), TEST(lengths_are_checked),
};
RUN_TESTS(tests)
