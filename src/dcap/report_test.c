// SPDX-License-Identifier: Apache-2.0
// The report is what people and programs act on: a verdict that says more than was found, a status beside an error, or
// a claim that stands where facts stand, lets a false quote in.
#include "dcap/vectors_test.h"

#include "dcap/report.h"

#define GOOD "qvl_tdx_v4_b0c06f"
#define GOOD_AT 1751624191u

static _Alignas(8) uint8_t memory[256 << 10];

struct asked {
    struct arena *arena;
    uint8_t *quote;
    struct dcap_question q;
    struct dcap_policy policy;
    struct dcap_trust trust;
    struct dcap_checked checked;
};

static void ask(struct asked *k, struct arena *a, const char *name, uint64_t now) {
    struct bytes quote = vector_quote(a, arena_printf(a, "%s.quote.bin", name));
    *k = (struct asked){.arena = a, .quote = arena_alloc(a, quote.len)};
    memcpy(k->quote, quote.ptr, quote.len);
    dcap_policy_default(&k->policy);
    dcap_trust_intel(&k->trust);
    k->q = (struct dcap_question){.quote = {k->quote, quote.len},
                                  .collateral = vector_collateral(a, arena_printf(a, "%s.collateral.json", name)),
                                  .policy = &k->policy,
                                  .trust = &k->trust,
                                  .now = now};
}

static const char *answer(struct asked *k) {
    struct dcap_arena lent = {memory, sizeof memory, 0};
    dcap_check(&k->checked, &lent, &k->q);
    struct bytes text = dcap_report(&lent, &k->checked);
    assert_non_null(text.ptr);
    assert_int_equal(text.ptr[text.len - 1], '\n');
    return arena_printf(k->arena, "%.*s", (int)text.len, (const char *)text.ptr);
}

static void says(const char *report, const char *words) {
    if (!strstr(report, words))
        fail_msg("'%s' is not in %s", words, report);
}
static void is_silent(const char *report, const char *words) {
    if (strstr(report, words))
        fail_msg("'%s' is in %s", words, report);
}

static void accepted(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct asked k;
    ask(&k, a, GOOD, GOOD_AT);
    const char *r = answer(&k);
    assert_int_equal(dcap_outcome(&k.checked), 0);
    assert_ptr_equal(strstr(r, "{\"verdict\":\"accepted\",\"status\":\"UpToDate\",\"at\":\"2025-07-04T10:16:31Z\""), r);
    says(r, "\"refused\":[],\"advisory_ids\":[],\"tee\":\"TDX\",\"quote_version\":4,\"fmspc\":\"b0c06f000000\"");
    says(r, "\"report_data\":\"9a9d48e7f6799642");
    says(r, "\"measurements\":{\"mrtd\":\"91eb2b44d141d4ec");
    says(r, "\"expires\":\"2025-07-19T10:00:35Z\",\"expires_part\":\"the PCK revocation list\"");
    is_silent(r, "\"error\"");
    is_silent(r, "claimed");
    is_silent(r, "failed");
}

static void refused_with_what_is_too_low(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct asked k;
    ask(&k, a, "aut_tdx_v4_00806f_jun25", 1750325734);
    const char *r = answer(&k);
    assert_int_equal(dcap_outcome(&k.checked), 1);
    says(r, "{\"verdict\":\"refused\",\"status\":\"OutOfDate\"");
    says(r, "{\"code\":\"TCB_STATUS\",\"message\":\"The policy does not accept this TCB status (OutOfDate).\"}");
    says(r, "\"code\":\"TCB_ADVISORY\"");
    says(r, "\"advisory_ids\":[\"INTEL-SA-00960\",\"INTEL-SA-00982\",\"INTEL-SA-00986\"]");
    says(
        r,
        "{\"component\":\"SGX component 1 (BIOS: Early Microcode Update)\",\"raised_by\":\"an update of the BIOS, with "
        "newer microcode\",\"has\":6,\"needs\":7}");
    is_silent(r, "\"error\"");
    static const uint8_t pin[48] = {1};
    const struct dcap_pin pins[] = {{DCAP_FIELD_RTMR3, {pin, sizeof pin}}};
    ask(&k, a, GOOD, GOOD_AT);
    k.policy.pins = pins;
    k.policy.pin_count = 1;
    r = answer(&k);
    says(r, "{\"verdict\":\"refused\",\"status\":\"UpToDate\"");
    says(r, "\"code\":\"MEASUREMENT\",\"message\":\"A measurement is none of those that the policy names (rtmr3).\"");
}

// Every step, from the form to the signature; what has not been verified is a claim.
static void faults_name_their_step(void **state) {
    (void)state;
    static const struct {
        size_t at;
        const char *verdict, *code;
        unsigned step;
    } flips[] = {{0, "not_checkable", "QUOTE_VERSION", DCAP_STEP_FORM},
                 {200, "false", "QUOTE_SIGNATURE", DCAP_STEP_SIGNATURE},
                 {700, "false", "QE_REPORT_DATA", DCAP_STEP_ENCLAVE},
                 {780, "false", "QE_REPORT_SIGNATURE", DCAP_STEP_ENCLAVE}};
    SCOPED_ARENA(a);
    struct asked k;
    for (size_t i = 0; i < sizeof flips / sizeof flips[0]; i++) {
        ask(&k, a, GOOD, GOOD_AT);
        k.quote[flips[i].at] ^= 0x40;
        const char *r = answer(&k);
        says(r, arena_printf(a, "{\"verdict\":\"%s\",\"status\":null,\"error\":{\"code\":\"%s\"", flips[i].verdict,
                             flips[i].code));
        assert_int_equal(k.checked.step, flips[i].step);
        is_silent(r, "\"refused\"");
        is_silent(r, "advisory_ids");
        if (flips[i].step != DCAP_STEP_FORM)
            says(r, "\"claimed\":{\"tee\":\"TDX\",\"quote_version\":4,\"fmspc\":\"b0c06f000000\"");
    }
}

static void without_collateral_in_force(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct asked k;
    ask(&k, a, GOOD, 1752919236); // a second after the end
    const char *r = answer(&k);
    assert_int_equal(dcap_outcome(&k.checked), 3);
    says(r, "\"code\":\"CRL_EXPIRED\",\"message\":\"the PCK revocation list has expired (2025-07-19T10:00:35Z)\"");
    says(r, "\"hint\":\"fetch it anew: outlayer collateral fetch\"");
    says(r, "{\"state\":\"not_checkable\",\"step\":\"The platform authority's revocation list");
    says(r, "{\"state\":\"not_reached\",\"step\":\"The TCB info");
    ask(&k, a, GOOD, 1);
    says(answer(&k), "is the clock right?");
    ask(&k, a, GOOD, GOOD_AT);
    k.q.collateral = (struct dcap_collateral){.pck_crl = {NULL, 0}};
    says(answer(&k), "\"message\":\"the root CA's revocation list is missing\"");
    dcap_fail(&k.q.unread, DCAP_JSON_FORMAT, DCAP_PART_COLLATERAL);
    r = answer(&k);
    says(r, "\"message\":\"the collateral is not valid JSON\"");
    says(r, "{\"state\":\"not_checkable\",\"step\":\"The collateral is there");
}

static void our_report_data_is_named(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct asked k;
    ask(&k, a, GOOD, GOOD_AT);
    uint8_t *data = k.quote + 568;
    memset(data, 0, 32);
    memcpy(data, "outlayer-quote-\x01\x03", 17);
    says(answer(&k), "\"report_data_is\":\"a batch of answers (purpose 3)\"");
    data[31] = 1;
    is_silent(answer(&k), "report_data_is");
    data[31] = 0;
    data[16] = 6;
    is_silent(answer(&k), "report_data_is");
}

// A report that is cut off would lose its last words; there is none instead.
static void too_little_memory(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct asked k;
    ask(&k, a, GOOD, GOOD_AT);
    for (size_t size = 0; size < sizeof memory; size += 997) {
        struct dcap_arena lent = {memory, size, 0};
        dcap_check(&k.checked, &lent, &k.q);
        struct bytes text = dcap_report(&lent, &k.checked);
        if (!text.ptr)
            continue;
        assert_int_equal(text.ptr[text.len - 1], '\n');
        if (k.checked.good)
            return;
        assert_int_equal(k.checked.fault.code, DCAP_NO_MEMORY);
    }
    fail_msg("no memory was enough");
}

static const struct CMUnitTest report_tests[] = {
    cmocka_unit_test(accepted),
    cmocka_unit_test(refused_with_what_is_too_low),
    cmocka_unit_test(faults_name_their_step),
    cmocka_unit_test(without_collateral_in_force),
    cmocka_unit_test(our_report_data_is_named),
    cmocka_unit_test(too_little_memory),
};
RUN_TESTS(report_tests)
