// SPDX-License-Identifier: Apache-2.0
#include "kit.h"

int deployed(void **state) {
    (void)state;
    mock_reset(SELF);
    calls("new", OWNER, 0, "{\"owner_id\":\"" OWNER "\",\"operator_id\":\"" OPERATOR "\"}");
    return 0;
}

uint64_t requests(const char *more, u128 deposit) {
    char args[40000];
    snprintf(args, sizeof args, "{" SOURCE "%s}", more);
    calls("request_execution", ALICE, deposit, args);
    return mock.yield_count - 1;
}

void resolves(uint64_t id, const char *response) {
    char args[8192];
    snprintf(args, sizeof args, "{\"request_id\":%llu,\"response\":%s}", (unsigned long long)id, response);
    calls("resolve_execution", OPERATOR, 0, args);
}

void ends(uint64_t id) {
    if (!mock_yield_end(id))
        fail_msg("callback: %s", mock.error);
}

uint64_t usage_beside_state(void) {
    size_t len;
    assert_non_null(mock_stored("STATE", 5, &len));
    return mock.usage - len;
}

void charged(u128 charge, u128 refund) {
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\"", amount_text(charge));
    event_is("execution_completed", "payment_charged", quoted);
    snprintf(quoted, sizeof quoted, "\"%s\"", amount_text(refund));
    event_is("execution_completed", "payment_refunded", quoted);
    snprintf(quoted, sizeof quoted, "[[yNEAR charged: \"%s\"]]", amount_text(charge));
    const char *line = mock_log("[[yNEAR charged: ");
    assert_non_null(line);
    assert_string_equal(line, quoted);
}
