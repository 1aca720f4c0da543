// SPDX-License-Identifier: Apache-2.0
// When a key is renewed. Too early costs gas for nothing, too late costs the key; all at once costs the fleet.
#include "base/test.h"

#include "tee/registration.h"

#define DAY 86400u

static void due(void **state) {
    (void)state;
    const struct registry_key record = {
        .there = true, .registered_at = 5, .renewed_at = 100 * DAY, .valid_until = 115 * DAY};
    struct public_key last = {.type = KEY_ED25519}, first = last;
    first.bytes[0] = 255;
    // Two thirds of 15 days are 10, and a tenth of them is 1.5.
    assert_false(registration_due(&record, &last, 110 * DAY - 1));
    assert_true(registration_due(&record, &last, 110 * DAY));
    assert_false(registration_due(&record, &first, 108 * DAY));
    assert_true(registration_due(&record, &first, 109 * DAY));
    assert_true(registration_due(&record, &last, 200 * DAY)); // expired
}

// Whatever a chain says of times is no reason to wait for ever.
static void odd_times(void **state) {
    (void)state;
    struct public_key key = {.type = KEY_ED25519};
    const struct registry_key backwards = {.there = true, .renewed_at = 10, .valid_until = 5};
    assert_true(registration_due(&backwards, &key, 10));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(due), cmocka_unit_test(odd_times)};
RUN_TESTS(tests)
