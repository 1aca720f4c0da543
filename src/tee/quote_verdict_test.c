// SPDX-License-Identifier: Apache-2.0
// The contract's codes in words. Without them an operator would have to read a table to know what is wrong.
#include "base/test.h"

#include "codec/json.h"
#include "tee/quote_verdict.h"

static const struct {
    const char *verdict, *words;
    bool collateral;
} rows[] = {
    {"{\"status\":\"UpToDate\",\"refused\":[]}", NULL, false},
    {"{\"status\":\"UpToDate\",\"refused\":[{\"code\":\"IMAGE\"}]}", "No approved image has these measurements.",
     false},
    {"{\"status\":\"OutOfDate\",\"refused\":[{\"code\":\"TCB_STATUS\"},{\"code\":\"IMAGE_EXPIRED\"}]}",
     "The policy does not accept this TCB status. The image's approval has expired.", false},
    {"{\"status\":null,\"error\":{\"code\":\"PART_MISSING\",\"part\":\"ROOT_CRL\",\"detail\":0}}",
     "the root CA's revocation list is missing (PART_MISSING)", true},
    {"{\"error\":{\"code\":\"CRL_EXPIRED\",\"part\":\"PCK_CRL\",\"detail\":1750000000}}",
     "the PCK revocation list has expired (CRL_EXPIRED, 2025-06-15T15:06:40Z)", true},
    {"{\"error\":{\"code\":\"QUOTE_SIGNATURE\",\"part\":\"QUOTE\",\"detail\":0}}",
     "the quote is not signed by its attestation key (QUOTE_SIGNATURE)", false},
    // A newer contract may know more.
    {"{\"error\":{\"code\":\"NEW\",\"part\":\"A_PART\"}}", "A_PART does not hold (NEW)", false},
    {"{\"refused\":[{\"code\":\"NEW\"}]}", "NEW", false},
    {"{\"refused\":[7]}", "", false},
    {"[]", NULL, false},
};

static void words(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e;
        SCOPED_JSON(j) = json_parse(slice_str(rows[i].verdict), 1000, &e);
        const char *got = verdict_refusal(j, a);
        assert_int_equal(!got, !rows[i].words);
        if (got)
            assert_string_equal(got, rows[i].words);
        assert_int_equal(verdict_wants_collateral(j), rows[i].collateral);
    }
}

static void kinds(void **state) {
    (void)state;
    SCOPED_JSON(j) = json_parse(
        SLICE_LIT("[{\"code\":\"EVENT_LOG\"},{\"code\":\"REPORT_DATA\"},{\"code\":\"TD_DEBUG\"}]"), 1000, NULL);
    static const bool image[] = {true, false, false}, purpose[] = {false, true, false};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(refusal_of_image(json_array_get(j, i)), image[i]);
        assert_int_equal(refusal_of_purpose(json_array_get(j, i)), purpose[i]);
    }
}

// If it fails, a machine is told to bring collateral that it does not have, or pays for what is not needed.
static void parts_of_a_platform(void **state) {
    (void)state;
    SCOPED_JSON(v) = json_pack("{s:s,s:s}", "fmspc", "0a1b2c3d4e5f", "ca", "platform");
    static const struct {
        const char *part, *id;
        bool ours;
    } kept[] = {{"root_crl", "root", true},         {"qe_identity", "TD_QE", true},
                {"pck_crl", "platform", true},      {"pck_crl", "processor", false},
                {"tcb_info", "0a1b2c3d4e5f", true}, {"tcb_info", "00906ed50000", false}};
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        SCOPED_JSON(row) = json_pack("{s:s,s:s}", "part", kept[i].part, "id", kept[i].id);
        assert_int_equal(verdict_of_part(v, row), kept[i].ours);
    }
}

static void refusals_but_the_purpose(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    SCOPED_JSON(both) = json_pack("{s:[{s:s},{s:s}]}", "refused", "code", "REPORT_DATA", "code", "KEY_REMOVED");
    SCOPED_JSON(one) = json_pack("{s:[{s:s}]}", "refused", "code", "REPORT_DATA");
    assert_null(verdict_refusal_of_machine(one, a));
    assert_non_null(verdict_refusal(one, a));
    assert_non_null(strstr(verdict_refusal_of_machine(both, a), "never registered again"));
    assert_true(verdict_of_removed(both));
    assert_false(verdict_of_removed(one));
    assert_false(verdict_of_removed(NULL));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(words), cmocka_unit_test(kinds),
                                          cmocka_unit_test(parts_of_a_platform),
                                          cmocka_unit_test(refusals_but_the_purpose)};
RUN_TESTS(tests)
