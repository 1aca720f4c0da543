// SPDX-License-Identifier: Apache-2.0
#include "kit.h"

void comes_back(const char *method, const char *args, const char *result) {
    if (!mock_callback(method, args, result))
        fail_msg("%s(%s): %s", method, args, mock.error);
}

void logs(size_t i, const char *line) {
    if (i >= mock.log_count || strcmp(mock.logs[i], line) != 0)
        fail_msg("logged %s, not %s", i < mock.log_count ? mock.logs[i] : "nothing", line);
}

static const struct mock_receipt *receipt(size_t i) {
    if (i >= mock.receipt_count)
        fail_msg("there are %zu receipts", mock.receipt_count);
    return &mock.receipts[i];
}

void transfers(size_t i, const char *to, u128 amount) {
    const struct mock_receipt *r = receipt(i);
    assert_int_equal(r->kind, RECEIPT_TRANSFER);
    assert_string_equal(r->to, to);
    assert_true(r->amount == amount);
}

void goes_to(size_t i, const char *to, const char *method, const char *args, u128 deposit, int after) {
    const struct mock_receipt *r = receipt(i);
    assert_int_equal(r->kind, RECEIPT_CALL);
    assert_string_equal(r->to, to);
    assert_string_equal(r->method, method);
    assert_string_equal(r->args, args);
    assert_true(r->amount == deposit);
    assert_int_equal(r->after, after);
}
