// SPDX-License-Identifier: Apache-2.0
#include "kit/kit.h"

#define COST (1800 * (MILLI_NEAR / 1000) + MILLI_NEAR / 1000000) // of USED at the default prices
#define RESPONSE(rest) "{" rest "," USED "}"

// A successful execution is charged for what was used, the rest goes back, and the caller gets the output: a wrong
// amount here is somebody's money.
static void success_pays_what_was_used(void **state) {
    (void)state;
    uint64_t id = requests("", DEPOSIT);
    resolves(id, RESPONSE("\"success\":true,\"output\":{\"Json\":{\"n\": 42}}"));
    ends(id);
    answers("{\"n\": 42}");
    charged(COST, DEPOSIT - COST);
    pays(ALICE, DEPOSIT - COST);
}

int main(void) {
    const struct CMUnitTest tests[] = {TEST(success_pays_what_was_used)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
