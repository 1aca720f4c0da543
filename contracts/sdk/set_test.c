// SPDX-License-Identifier: Apache-2.0
// Sets: against a plain table after each of many random steps. An element that is enumerated but not found, or found
// but not enumerated, would be a token that its owner cannot see or that somebody else still seems to own.
#include "base/test.h"
#include "sdk/mock/mock.h"
#include "set.h"
#include <stdlib.h>

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

#define KINDS 30
static const struct set set = {'s', {"bob.near", 8}}, other = {'s', {"bob", 3}};
static bool in[KINDS];
static uint64_t empty_usage;

// "", "a", "ab", …: each is the beginning of the next one.
static struct text element(size_t i) { return (struct text){"abcdefghijklmnopqrstuvwxyz0123456789", i}; }

static void compare(void) {
    char buf[SET_ELEMENT_MAX];
    bool seen[KINDS] = {0};
    struct text got;
    uint64_t bytes = 0;
    uint32_t count = 0;
    for (size_t i = 0; i < KINDS; i++) {
        assert_true(set_has(set, element(i)) == in[i]);
        assert_false(set_has(other, element(i)));
        count += in[i];
        bytes += in[i] ? 94 + 2 * 8 + 2 * i : 0; // as set.h says
    }
    assert_int_equal(set_count(set), count);
    for (uint32_t n = 0; n < count; n++) {
        assert_true(list_get(set_elements(set), n, buf, sizeof buf, &got));
        assert_true(text_eq(got, element(got.len)) && in[got.len] && !seen[got.len]);
        seen[got.len] = true;
    }
    assert_false(list_get(set_elements(set), count, buf, sizeof buf, &got));
    assert_int_equal(store_usage() - empty_usage, bytes + (count ? 47 + 8 : 0));
}

static void random_step(void) {
    size_t i = (size_t)rand() % KINDS;
    bool add = rand() % 2;
    assert_true((add ? set_add : set_remove)(set, element(i)) == (in[i] != add));
    in[i] = add;
    compare();
}

static void empty(void) {
    for (size_t i = 0; i < KINDS; i++) {
        set_remove(set, element(i));
        in[i] = false;
        compare();
    }
    assert_int_equal(store_usage(), empty_usage);
}

static void keeps_what_a_table_keeps(void **state) {
    (void)state;
    srand(7);
    empty_usage = host_storage_usage();
    for (int i = 0; i < 600; i++)
        runs(random_step);
    runs(empty);
}

static char long_text[SET_ELEMENT_MAX + 1];
static void add_long(void) { set_add(set, (struct text){long_text, sizeof long_text}); }
static void has_long(void) { set_has(set, (struct text){long_text, sizeof long_text}); }
static void add_longest(void) {
    assert_true(set_add(set, (struct text){long_text, SET_ELEMENT_MAX}) && set_add(set, TEXT("x")));
    assert_true(set_remove(set, TEXT("x")) && set_remove(set, (struct text){long_text, SET_ELEMENT_MAX}));
}

static void lengths_are_checked(void **state) {
    (void)state;
    stops(add_long, "The element is too long for a set of this contract");
    stops(has_long, "The element is too long for a set of this contract");
    runs(add_longest);
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
    TEST(keeps_what_a_table_keeps),
    TEST(lengths_are_checked),
};
RUN_TESTS(tests)
