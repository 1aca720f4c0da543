// SPDX-License-Identifier: Apache-2.0
// Which TCB set is in force, by Intel's own list.
#include "base/test.h"

#include "base/file.h"
#include "collateral/forms.h"
#include "collateral/sets.h"

#define BODY "tests/vectors/dcap/pcs_tdx_tcbevaluationdatanumbers.body.json"
// Seconds of 2025-03-11T23:59:59Z and 2025-11-11T23:59:59Z: one before the events of 17 and 18 are a year old.
#define BEFORE_17 1741737599u
#define BEFORE_18 1762905599u

static void intels_list(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct slice body;
    struct signed_text text;
    struct tcb_sets s;
    assert_ok(file_read(a, BODY, 1u << 20, &body, &e), &e);
    assert_ok(signed_text_read(&text, body, "tcbEvaluationDataNumbers", &e), &e);
    assert_ok(tcb_sets_read(&s, text.text, true, &e), &e);
    assert_int_equal(s.count, 3);
    assert_int_equal(tcb_sets_early(&s)->number, 19);
    assert_null(tcb_sets_standard(&s, BEFORE_17));
    assert_int_equal(tcb_sets_standard(&s, BEFORE_17 + 1)->number, 17);
    assert_int_equal(tcb_sets_standard(&s, BEFORE_18)->number, 17);
    assert_int_equal(tcb_sets_standard(&s, BEFORE_18 + 1)->number, 18);
    assert_int_equal(tcb_sets_standard_until(&s, 17), BEFORE_18 + 1);
    assert_int_equal(tcb_sets_standard_until(&s, 19), 0);
    assert_err(tcb_sets_read(&s, text.text, false, &e), &e, ERR_INVALID, "of another kind");
}

#define HEAD                                                                                                           \
    "{\"id\":\"TDX\",\"version\":1,\"issueDate\":\"2025-05-27T18:50:21Z\",\"nextUpdate\":\"2025-06-26T18:50:21Z\","
#define SET(n, date)                                                                                                   \
    "{\"tcbEvaluationDataNumber\":" n ",\"tcbRecoveryEventDate\":\"" date "\",\"tcbDate\":\"2024-03-13T00:00:00Z\"}"

static void lists_that_are_none(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"[]", "list of TCB sets"},
        {HEAD "\"tcbEvalNumbers\":[]}", "lists no set"},
        {HEAD "\"tcbEvalNumbers\":[" SET("1", "2024-02-30T00:00:00Z") "]}", "is no date"},
        {HEAD "\"tcbEvalNumbers\":[" SET("-1", "2024-02-03T00:00:00Z") "]}", "must be a whole number"},
        {HEAD "\"tcbEvalNumbers\":[" SET("1", "2024-02-03T00:00:00Z") "," SET("1", "2024-02-03T00:00:00Z") "]}",
         "there twice"},
    };
    struct err e;
    struct tcb_sets s;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_err(tcb_sets_read(&s, slice_str(bad[i].text), true, &e), &e, ERR_INVALID, bad[i].says);
    assert_ok(tcb_sets_read(&s, SLICE_LIT(HEAD "\"tcbEvalNumbers\":[" SET("3", "2024-02-29T00:00:00Z") "]}"), true, &e),
              &e);
    assert_null(tcb_sets_standard(&s, 1740787199)); // 2025-02-28T23:59:59Z
    assert_int_equal(tcb_sets_standard(&s, 1740787200)->number, 3);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(intels_list),
    cmocka_unit_test(lists_that_are_none),
};
RUN_TESTS(tests)
