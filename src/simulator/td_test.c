// SPDX-License-Identifier: Apache-2.0
// The log's digests and registers are dstack's, by its published values: else what is tested with the simulator is
// wrong on a real machine.
#include "simulator/td.h"

#include "base/test.h"
#include "codec/hex.h"
#include "simulator/k256.h"

static const struct td_config good = {.seed = "a seed",
                                      .platform = "a machine",
                                      .image = "an image",
                                      .version = "0.5.8",
                                      .compose = {(const uint8_t *)"{\"name\":\"x\"}", 12},
                                      .key_provider = "{\"name\":\"none\",\"id\":\"\"}",
                                      .quote_format = "v4",
                                      .now = 1790000000};
static struct td td, other;

static const char *hex48(struct arena *a, const uint8_t *b) { return hex_text(a, slice_of(b, 48)); }

// dstack's values: a digest without payload, and RTMR3 after it.
static void digests_are_dstacks(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    assert_ok(td_start(&td, &good, &e), &e);
    size_t i = 0;
    while (td.events[i].imr != 3)
        i++;
    assert_string_equal(td.events[i].name, "system-preparing");
    assert_string_equal(
        hex48(a, td.events[i].digest),
        "f9974020ef507068183313d0ca808e0d1ca9b2d1ad0c61f5784e7157c362c06536f5ddacdad4451693f48fcc72fff624");
    memset(td.rtmr[3], 0, 48);
    td.event_count = 0;
    static const uint8_t zeros[20];
    assert_ok(td_emit(&td, "system-preparing", slice_of(NULL, 0), &e), &e);
    assert_string_equal(
        hex48(a, td.rtmr[3]),
        "6a9a63f48733aba50d6892c873d838f97351040ddb0b497dcbdb0571ad78d0c1f1b8b3e87a9719706604b6cc5faedee0");
    assert_ok(td_emit(&td, "app-id", slice_of(zeros, 20), &e), &e);
    assert_string_equal(
        hex48(a, td.rtmr[3]),
        "6f5d4054da4f28c38e6ef090dac633f8befd97a63d89c2807cbd2556e30ababd869ca3a5abf581bc8d3b3d4c0c93a186");
    td_end(&td);
}

static void events_are_bounded(void **state) {
    (void)state;
    struct err e;
    static uint8_t large[TD_EVENT_PAYLOAD_MAX + 1];
    assert_ok(td_start(&td, &good, &e), &e);
    assert_err(td_emit(&td, "", slice_of("x", 1), &e), &e, ERR_INVALID, "name has 1 to");
    assert_err(td_emit(&td, "x", slice_of(large, sizeof large), &e), &e, ERR_INVALID, "payload is longer");
    assert_ok(td_emit(&td, "x", slice_of(large, sizeof large - 1), &e), &e);
    while (td_emit(&td, "more", slice_of("y", 1), &e))
        ;
    assert_int_equal(e.code, ERR_LIMIT);
    assert_int_equal(td.event_count, TD_EVENTS_MAX);
    td_end(&td);
}

// What differs between two machines, and what does not.
static void machines_differ(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    uint8_t data[64] = {7};
    struct td_config c = good;
    assert_ok(td_start(&td, &good, &e), &e);
    struct slice first = td_quote(&td, a, data), again = td_quote(&td, a, data);
    assert_true(slice_eq(first, again));
    c.platform = "another machine";
    assert_ok(td_start(&other, &c, &e), &e);
    struct slice second = td_quote(&other, a, data);
    // Header and body but for RTMR3, which has the instance, are the same; the keys are not.
    assert_memory_equal(first.ptr, second.ptr, 520);
    assert_memory_not_equal(first.ptr + 520, second.ptr + 520, 48);
    assert_memory_equal(first.ptr + 568, second.ptr + 568, 64);
    assert_memory_not_equal(first.ptr + 700, second.ptr + 700, 64);
    assert_memory_equal(td.app_key, other.app_key, 32);
    td_end(&other);
    c = good;
    c.image = "another image";
    assert_ok(td_start(&other, &c, &e), &e);
    second = td_quote(&other, a, data);
    assert_memory_not_equal(first.ptr + 184, second.ptr + 184, 48);
    assert_memory_not_equal(first.ptr + 376, second.ptr + 376, 48);
    td_end(&other);
    td_end(&td);
}

static void wrong_settings(void **state) {
    (void)state;
    struct err e;
    struct td_config c = good;
    c.version = "five";
    assert_err(td_start(&td, &c, &e), &e, ERR_SETTINGS, "is no version of dstack");
    td_end(&td);
    c = good;
    c.compose = SLICE_LIT("services:");
    assert_err(td_start(&td, &c, &e), &e, ERR_INVALID, "APP_COMPOSE");
    td_end(&td);
    c = good;
    c.key_provider = "kms";
    assert_err(td_start(&td, &c, &e), &e, ERR_INVALID, "KEY_PROVIDER");
    td_end(&td);
    c = good;
    c.quote_format = "v6";
    assert_err(td_start(&td, &c, &e), &e, ERR_SETTINGS, "QUOTE_FORMAT");
    td_end(&td);
}

static void k256(void **state) {
    (void)state;
    uint8_t secret[32] = {0}, digest[32] = {1}, key[33], signature[65];
    assert_false(k256_public(key, secret));
    assert_false(k256_sign(signature, secret, digest));
    secret[31] = 1; // the generator itself
    SCOPED_ARENA(a);
    assert_true(k256_public(key, secret));
    assert_string_equal(hex_text(a, slice_of(key, 33)),
                        "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
    assert_true(k256_sign(signature, secret, digest));
    assert_true(k256_verify(slice_of(key, 33), digest, signature));
    digest[0] = 2;
    assert_false(k256_verify(slice_of(key, 33), digest, signature));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(digests_are_dstacks),
    cmocka_unit_test(events_are_bounded),
    cmocka_unit_test(machines_differ),
    cmocka_unit_test(wrong_settings),
    cmocka_unit_test(k256),
};
RUN_TESTS(tests)
