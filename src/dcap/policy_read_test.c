// SPDX-License-Identifier: Apache-2.0
// A policy that is read as something else than its author wrote accepts what he wanted refused.
#include "base/test.h"

#include <stdio.h>
#include <string.h>

#include "dcap/policy_read.h"

static _Alignas(8) uint8_t memory[16384];
static struct dcap_policy policy;
static const char *why;

static bool reads(const char *json) {
    struct dcap_arena a = {memory, sizeof memory, 0};
    why = "";
    return dcap_policy_read(&policy, &a, (struct bytes){(const uint8_t *)json, strlen(json)}, &why);
}

static void refuses(const char *json, const char *sentence) {
    assert_false(reads(json));
    if (!strstr(why, sentence))
        fail_msg("%s: '%s' does not say '%s'", json, why, sentence);
}

static void empty_is_the_default(void **state) {
    (void)state;
    static const char *const empty[] = {"", "{}", " { } "};
    for (size_t i = 0; i < 3; i++) {
        assert_true(reads(empty[i]));
        assert_int_equal(policy.accept, 1u << DCAP_UP_TO_DATE);
        assert_int_equal(policy.advisory_count + policy.pin_count + policy.min_tcb_eval, 0);
        assert_int_equal(policy.td_attributes, DCAP_TD_SEPT_VE_DISABLE);
        assert_false(policy.any_advisory || policy.without_sept_ve || policy.service_td || policy.sgx_debug);
    }
}

static void each_member_counts(void **state) {
    (void)state;
    assert_true(
        reads("{\"accept\":[\"UpToDate\",\"SWHardeningNeeded\"],\"advisories\":[\"INTEL-SA-00960\"],"
              "\"any_advisory\":false,\"min_tcb_eval\":17,\"min_qe_eval\":18,\"td_attributes\":[\"PKS\",\"PERFMON\"],"
              "\"without_sept_ve\":true,\"service_td\":true,\"sgx_debug\":true}"));
    assert_int_equal(policy.accept, 1u << DCAP_UP_TO_DATE | 1u << DCAP_SW_HARDENING);
    assert_int_equal(policy.advisory_count, 1);
    assert_true(dcap_bytes_eq(policy.advisories[0], DCAP_LIT("INTEL-SA-00960")));
    assert_int_equal(policy.min_tcb_eval, 17);
    assert_int_equal(policy.min_qe_eval, 18);
    assert_int_equal(policy.td_attributes, DCAP_TD_SEPT_VE_DISABLE | DCAP_TD_PKS | DCAP_TD_PERFMON);
    assert_true(policy.without_sept_ve && policy.service_td && policy.sgx_debug && !policy.any_advisory);
    assert_true(reads("{\"accept\":\"OutOfDate\",\"any_advisory\":true}"));
    assert_int_equal(policy.accept, 1u << DCAP_OUT_OF_DATE);
    assert_true(policy.any_advisory);
    assert_true(reads("{\"accept\":[]}"));
    assert_int_equal(policy.accept, 0);
}

static void measurements_are_pins(void **state) {
    (void)state;
    char json[1024], a[97], b[97];
    memset(a, 'a', 96);
    memset(b, 'B', 96);
    a[96] = b[96] = 0;
    snprintf(json, sizeof json, "{\"measurements\":{\"rtmr3\":[\"%s\",\"%s\"],\"mrtd\":\"%s\"}}", a, b, b);
    assert_true(reads(json));
    assert_int_equal(policy.pin_count, 3);
    assert_int_equal(policy.pins[0].field, DCAP_FIELD_MRTD);
    assert_int_equal(policy.pins[1].field, DCAP_FIELD_RTMR3);
    assert_int_equal(policy.pins[1].value.len, 48);
    assert_int_equal(policy.pins[1].value.ptr[47], 0xaa);
    assert_int_equal(policy.pins[2].value.ptr[0], 0xbb);
    snprintf(json, sizeof json, "{\"measurements\":{\"rtmr3\":\"%.95s\"}}", a);
    refuses(json, "of the right length");
    refuses("{\"measurements\":{\"rtmr3\":1}}", "of the right length");
    // A list that was left empty is no leave for any value.
    refuses("{\"measurements\":{\"mrtd\":[]}}", "of the right length");
    refuses("{\"measurements\":{\"rtmr4\":\"00\"}}", "no measurement");
    refuses("{\"measurements\":[]}", "must be an object");
}

// A word that is misspelled, or a value of another type, must not be passed over.
static void mistakes_are_refused(void **state) {
    (void)state;
    refuses("[]", "one JSON object");
    refuses("{\"accept\":[]", "one JSON object");
    refuses("{\"accept\":[],\"accept\":[]}", "without a member twice");
    refuses("{\"acept\":[]}", "not known");
    refuses("{\"min_tcb_eval\":17,\"x\":{\"a\":1,\"b\":2}}", "not known");
    refuses("{\"a\\u0063cept\":[]}", "one JSON object");
    refuses("{\"accept\":[\"Revoked\"]}", "without Revoked");
    refuses("{\"accept\":[\"uptodate\"]}", "as Intel spells them");
    refuses("{\"accept\":[1]}", "as Intel spells them");
    refuses("{\"accept\":{}}", "as Intel spells them");
    refuses("{\"accept\":null}", "as Intel spells them");
    refuses("{\"advisories\":[\"\"]}", "list of ids");
    refuses("{\"td_attributes\":[\"SEPT_VE_DISABLE\"]}", "DEBUG, MIGRATABLE");
    refuses("{\"any_advisory\":1}", "true or false");
    refuses("{\"sgx_debug\":\"true\"}", "true or false");
    refuses("{\"min_tcb_eval\":\"17\"}", "whole number");
    refuses("{\"min_qe_eval\":-1}", "whole number");
    refuses("{\"min_qe_eval\":1e3}", "whole number");
    refuses("{\"min_qe_eval\":4294967296}", "whole number");
}

static void lists_end(void **state) {
    (void)state;
    char json[2048];
    size_t n = 0;
    n += (size_t)snprintf(json, sizeof json, "{\"advisories\":[\"a\"");
    for (unsigned i = 1; i < 64; i++)
        n += (size_t)snprintf(json + n, sizeof json - n, ",\"a\"");
    snprintf(json + n, sizeof json - n, "]}");
    assert_true(reads(json));
    assert_int_equal(policy.advisory_count, 64);
    snprintf(json + n, sizeof json - n, ",\"a\"]}");
    refuses(json, "more than 64");
    struct dcap_arena a = {memory, 100, 0};
    assert_false(dcap_policy_read(&policy, &a, DCAP_LIT("{\"advisories\":[\"a\"]}"), &why));
    assert_non_null(strstr(why, "larger than the memory"));
}

static const struct CMUnitTest policy_read_tests[] = {
    cmocka_unit_test(empty_is_the_default),
    cmocka_unit_test(each_member_counts),
    cmocka_unit_test(measurements_are_pins),
    cmocka_unit_test(mistakes_are_refused),
    cmocka_unit_test(lists_end),
};
RUN_TESTS(policy_read_tests)
