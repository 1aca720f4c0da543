// SPDX-License-Identifier: Apache-2.0
#include "call.h"

int released(void **state) {
    (void)state;
    mock_release();
    return 0;
}

void calls(const char *method, const char *caller, u128 deposit, const char *args) {
    if (!mock_call(method, caller, deposit, args))
        fail_msg("%s(%s): %s", method, args, mock.error);
}

void answers(const char *value) {
    if (!mock.value || strcmp(mock.value, value) != 0)
        fail_msg("answered %s, not %s", mock.value ? mock.value : "nothing", value);
}

void views(const char *method, const char *args, const char *value) {
    if (!mock_view(method, args))
        fail_msg("%s(%s): %s", method, args, mock.error);
    answers(value);
}

void refuses(const char *method, const char *caller, u128 deposit, const char *args, const char *sentence) {
    u128 balance = mock.balance;
    uint64_t usage = mock.usage;
    if (mock_call(method, caller, deposit, args))
        fail_msg("%s(%s) should have been refused", method, args);
    if (!strstr(mock.error, sentence))
        fail_msg("%s(%s): refused with '%s', not with '%s'", method, args, mock.error, sentence);
    assert_true(balance == mock.balance && usage == mock.usage);
}
