// SPDX-License-Identifier: Apache-2.0
// What a register contract says that it keeps, and what is worth a transaction then.
#include "base/test.h"

#include "collateral/kept.h"
#include "collateral/moment.h"

#define NOW 1800000000u
#define ROW(part, id, issued, eval, more)                                                                              \
    "{\"part\":\"" part "\",\"id\":\"" id "\",\"issued\":" issued ",\"next_update\":1801000000,\"eval\":" eval         \
    ",\"sha256\":\"00\"" more "}"
#define FORCE ",\"until\":1801000000,\"days_left\":11,\"expired\":false"

static void reads(struct kept_parts *k, const char *all, const char *in_force) {
    struct err e;
    SCOPED_JSON(one) = json_parse(slice_str(all), 1u << 20, &e);
    SCOPED_JSON(two) = json_parse(slice_str(in_force), 1u << 20, &e);
    assert_ok(kept_read(k, one, two, &e), &e);
}

static struct collateral_facts facts(const char *id, uint64_t issued, uint64_t number) {
    struct collateral_facts f = {.good = true, .issued = issued, .expires = issued + 30 * DAY_S, .number = number};
    snprintf(f.id, sizeof f.id, "%s", id);
    return f;
}

static void compares(const struct kept_parts *k, enum collateral_part p, struct collateral_facts f,
                     enum kept_answer want) {
    assert_int_equal(kept_compare(k, p, &f), want);
}

static void what_is_newer_is_wanted(void **state) {
    (void)state;
    struct kept_parts k;
    reads(&k,
          "[" ROW("root_crl", "root", "1799000000", "7",
                  "") "," ROW("pck_crl", "platform", "1799000000", "61",
                              "") "," ROW("tcb_info", "b0c06f000000", "1799000000", "19",
                                          "") "," ROW("tcb_info", "b0c06f000000", "1799000000", "20", "") "]",
          "[" ROW("root_crl", "root", "1799000000", "7", FORCE) "," ROW("tcb_info", "b0c06f000000", "1799000000", "19",
                                                                        FORCE) "]");
    compares(&k, COLLATERAL_ROOT_CRL, facts("root", 1799000001, 0), KEPT_WANTED); // its own number is none of a set
    compares(&k, COLLATERAL_ROOT_CRL, facts("root", 1799000000, 0), KEPT_KNOWN);
    compares(&k, COLLATERAL_ROOT_CRL, facts("root", 1798999999, 0), KEPT_NEWER);
    compares(&k, COLLATERAL_PCK_CRL, facts("processor", 1, 0), KEPT_WANTED);
    compares(&k, COLLATERAL_TCB_INFO, facts("b0c06f000000", 1799000001, 19), KEPT_WANTED);
    compares(&k, COLLATERAL_TCB_INFO, facts("b0c06f000000", 1799000001, 21), KEPT_ASIDE);
    compares(&k, COLLATERAL_TCB_INFO, facts("b0c06f000000", 1801000000, 21), KEPT_ASIDE);
    compares(&k, COLLATERAL_TCB_INFO, facts("b0c06f000000", 1801000001, 21), KEPT_WANTED); // both have expired
    compares(&k, COLLATERAL_TCB_INFO, facts("b0c06f000000", 1, 18),
             KEPT_WANTED); // a lower set may take the place of one
    compares(&k, COLLATERAL_TCB_INFO, facts("00806f050000", 1, 17), KEPT_WANTED);
    compares(&k, COLLATERAL_QE_IDENTITY, facts("TD_QE", 1, 19), KEPT_WANTED);
    assert_int_equal(kept_in_force(&k, COLLATERAL_TCB_INFO, "b0c06f000000")->number, 19);
    assert_null(kept_in_force(&k, COLLATERAL_PCK_CRL, "platform"));
}

static bool due(const struct kept_parts *k, uint64_t issued, uint64_t now) {
    struct collateral_facts f = facts("root", issued, 0);
    return kept_is_due(k, COLLATERAL_ROOT_CRL, &f, now, 3, 10);
}

static void a_transaction_is_worth_it(void **state) {
    (void)state;
    struct kept_parts k;
    reads(&k, "[" ROW("root_crl", "root", "1799000000", "7", "") "]",
          "[" ROW("root_crl", "root", "1799000000", "7", FORCE) "]");
    uint64_t early = 1801000000 - 10 * DAY_S;
    assert_false(due(&k, 1799000001, early));    // newer by a second, and there is time
    assert_true(due(&k, 1799000001, early + 1)); // under ten days are left
    assert_false(due(&k, 1799000000 + 3 * DAY_S - 1, early));
    assert_true(due(&k, 1799000000 + 3 * DAY_S, early)); // three days newer
    assert_false(due(&k, 1799000000, early + 1));        // it is the same
    reads(&k, "[]", "[]");
    assert_true(due(&k, 1, NOW));
}

static void words_that_are_none(void **state) {
    (void)state;
    static const char *const bad[] = {"{}",
                                      "[{}]",
                                      "[" ROW("other", "root", "1", "7", "") "]",
                                      "[" ROW("root_crl", "much too long to be an id", "1", "7", "") "]",
                                      "[" ROW("root_crl", "\\u001b[2J", "1", "7", "") "]",
                                      "[" ROW("root_crl", "", "1", "7", "") "]",
                                      "[" ROW("root_crl", "root", "-1", "7", "") "]"};
    struct kept_parts k;
    struct err e;
    SCOPED_JSON(none) = json_array();
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        SCOPED_JSON(j) = json_parse(slice_str(bad[i]), 1u << 20, &e);
        assert_false(kept_read(&k, j, none, &e));
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_newer_is_wanted),
    cmocka_unit_test(a_transaction_is_worth_it),
    cmocka_unit_test(words_that_are_none),
};
RUN_TESTS(tests)
