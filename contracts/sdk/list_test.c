// SPDX-License-Identifier: Apache-2.0
// Lists: against a plain array after each of many random steps, so that no element is lost, doubled or left behind
// where its storage would stay paid for; and pages never reach past the end.
#include "base/test.h"
#include "list.h"
#include "sdk/mock/mock.h"
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

#define MOST 40
static const struct list list = {'l', {"alice.near", 10}};
static uint32_t model[MOST]; // the elements: numbers as bytes, cut to 1 to 4 of them
static uint32_t model_count;
static uint64_t empty_usage;

static struct text element(const uint32_t *n) { return (struct text){(const char *)n, 1 + *n % 4}; }

static void compare(void) {
    char buf[8];
    struct text got;
    uint64_t bytes = model_count ? 47 + 10 : 0; // as list.h says
    assert_int_equal(list_count(list), model_count);
    for (uint32_t i = 0; i < model_count; i++) {
        assert_true(list_get(list, i, buf, sizeof buf, &got));
        assert_true(text_eq(got, element(&model[i])));
        bytes += 47 + 10 + element(&model[i]).len;
    }
    assert_false(list_get(list, model_count, buf, sizeof buf, &got));
    assert_int_equal(got.len, 0);
    assert_int_equal(store_usage() - empty_usage, bytes);
}

static void random_step(void) {
    uint32_t n = (uint32_t)rand(), at = model_count ? (uint32_t)rand() % model_count : 0;
    switch (model_count == 0 ? 0 : model_count == MOST ? 1 : rand() % 3) {
    case 0:
        model[model_count] = n;
        assert_int_equal(list_append(list, element(&n)), model_count++);
        break;
    case 1:
        list_swap_remove(list, at);
        model[at] = model[--model_count];
        break;
    default: list_set(list, at, element(&n)); model[at] = n;
    }
    compare();
}

static void empty(void) {
    while (model_count) {
        list_swap_remove(list, 0);
        model[0] = model[--model_count];
        compare();
    }
    assert_int_equal(store_usage(), empty_usage);
}

static void keeps_what_an_array_keeps(void **state) {
    (void)state;
    srand(7);
    empty_usage = host_storage_usage();
    for (int i = 0; i < 600; i++)
        runs(random_step);
    runs(empty);
}

static void remove_none(void) { list_swap_remove(list, 0); }
static void set_none(void) { list_set(list, 0, TEXT("x")); }
static void get_small(void) {
    char buf[2];
    struct text got;
    list_append(list, TEXT("abc"));
    list_get(list, 0, buf, sizeof buf, &got);
}

static void what_is_not_there_is_refused(void **state) {
    (void)state;
    stops(remove_none, "The list has no such element");
    stops(set_none, "The list has no such element");
    stops(get_small, "Longer than this contract can take");
}

static void pages_stay_inside(void **state) {
    (void)state;
    static const struct {
        uint32_t count;
        struct maybe_u64 from, limit;
        uint32_t most, want_from, want_to;
    } cases[] = {
        {0, {0}, {0}, 100, 0, 0},
        {5, {0}, {0}, 100, 0, 5},
        {500, {0}, {0}, 100, 0, 100},
        {500, {true, 450}, {0}, 100, 450, 500},
        {500, {true, 10}, {true, 5}, 100, 10, 15},
        {500, {true, 10}, {true, 1000}, 100, 10, 110},
        {500, {true, 10}, {true, 0}, 100, 10, 10},
        {500, {true, 500}, {true, 5}, 100, 500, 500},
        {500, {true, UINT64_MAX}, {true, UINT64_MAX}, 100, 500, 500},
        {UINT32_MAX, {true, UINT32_MAX - 1}, {true, UINT64_MAX}, UINT32_MAX, UINT32_MAX - 1, UINT32_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct page p = page_of(cases[i].count, cases[i].from, cases[i].limit, cases[i].most);
        assert_int_equal(p.from, cases[i].want_from);
        assert_int_equal(p.to, cases[i].want_to);
    }
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
    TEST(keeps_what_an_array_keeps),
    TEST(what_is_not_there_is_refused),
    TEST(pages_stay_inside),
};
RUN_TESTS(tests)
