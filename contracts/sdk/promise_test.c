// SPDX-License-Identifier: Apache-2.0
// Promises that are joined: their callback begins when all have ended, and finds what each has answered by its number.
#include "base/test.h"
#include "sdk/mock/mock.h"

#define GAS (10 * TGAS)

static struct promise asks(const char *account) {
    return promise_call(&(struct promise_call){
        .account = account_of(text_of(account)), .method = "price", .args = TEXT("{}"), .gas = GAS});
}

METHOD(CALL, compare) {
    const struct promise asked[] = {asks("one.near"), asks("two.near"), asks("three.near")};
    struct promise all = promise_join(asked, sizeof asked / sizeof asked[0]);
    promise_return(promise_then(
        all, &(struct promise_call){.account = self(), .method = "on_prices", .args = TEXT("{}"), .gas = GAS}));
}

// The prices that came, those that did not as null.
METHOD(CALLBACK, on_prices) {
    char buffer[128], one[32];
    struct out o = OUT(buffer);
    put_open(&o, '[');
    for (uint64_t n = 0; n < promise_count(); n++) {
        if (promise_nth_succeeded(n))
            put_value(&o, (struct text){one, register_copy(PROMISE_REGISTER, one, sizeof one)});
        else
            put_null(&o);
    }
    put_close(&o, ']');
    answer_json(&o);
}

static int begins(void **state) {
    (void)state;
    mock_reset("here.near");
    return 0;
}

static int released(void **state) {
    (void)state;
    mock_release();
    return 0;
}

static void joined_promises_are_awaited_together(void **state) {
    (void)state;
    assert_true(mock_call("compare", "alice.near", 0, "{}"));
    assert_int_equal(mock.receipt_count, 5);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(mock.receipts[i].kind, RECEIPT_CALL);
        assert_int_equal(mock.receipts[i].after, -1);
    }
    assert_int_equal(mock.receipts[3].kind, RECEIPT_JOIN);
    assert_int_equal(mock.receipts[3].joined_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(mock.receipts[3].joined[i], i);
    assert_string_equal(mock.receipts[4].method, "on_prices");
    assert_int_equal(mock.receipts[4].after, 3);
    assert_int_equal(mock.returned, 4);
}

static void each_result_is_found_by_its_number(void **state) {
    (void)state;
    static const char *const results[] = {"7", NULL, "\"9\""};
    assert_true(mock_callback_of("on_prices", "{}", results, 3));
    assert_string_equal(mock.value, "[7,null,\"9\"]");
    assert_true(mock_callback_of("on_prices", "{}", results, 0));
    assert_string_equal(mock.value, "[]");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(joined_promises_are_awaited_together, begins, released),
        cmocka_unit_test_setup_teardown(each_result_is_found_by_its_number, begins, released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
