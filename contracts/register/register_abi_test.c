// SPDX-License-Identifier: Apache-2.0
// The near-abi JSON against the contract: what it takes and answers is what the schemas say, nulls included.
#include "kit/abi_check.h"
#include "register/kit/kit.h"

static json_t *abi;

static void takes_and_answers(const char *method, const char *caller, u128 deposit, const char *text) {
    json_t *args = text[0] ? parsed(text) : json_object();
    char *copy = strdup(text);
    if (!(caller ? mock_call(method, caller, deposit, copy) : mock_view(method, copy)))
        fail_msg("%s: %s", method, mock.error);
    if (!arguments_fit(abi, method, args))
        fail_msg("%s takes arguments that the ABI does not describe", method);
    bool promised = mock.receipt_count && mock.returned >= 0;
    if (!promised && !answer_fits(abi, method))
        fail_msg("%s answers %s, which the ABI does not describe", method, mock.value);
    free(copy);
    json_decref(args);
}

static void values_are_those_of_the_schemas(void **state) {
    (void)state;
    static char text[200000];
    abi = abi_new();
    takes_and_answers("get_challenge", NULL, 0, "");
    takes_and_answers("new_challenge", ALICE, 0, "");
    takes_and_answers("get_challenge", NULL, 0, "");
    snprintf(text, sizeof text, "{\"measurements\":%s,\"clear_others\":true,\"role\":null,\"name\":null}",
             measurements());
    takes_and_answers("add_approved_measurements", OWNER, 0, text);
    quotes(7, &(struct sample){0});
    snprintf(text, sizeof text, ",\"event_log\":null,\"collateral\":%s", sample_collateral);
    takes_and_answers("register_worker_key", REGISTRAR, 0, registration(7, text));
    takes_and_answers("check_quote", NULL, 0, registration(7, ",\"event_log\":null,\"at\":null"));
    snprintf(text, sizeof text, "{\"collateral\":%s}", sample_collateral);
    takes_and_answers("update_collateral", ALICE, NEAR, text);
    takes_and_answers("get_collateral", NULL, 0, "{\"fmspc\":null}");
    takes_and_answers("get_collateral_status", NULL, 0, "");
    snprintf(text, sizeof text, "{\"public_key\":\"%s\",\"rtmr3\":null}", key_text(7));
    takes_and_answers("get_worker", NULL, 0, text);
    snprintf(text, sizeof text, "{\"public_key\":null,\"rtmr3\":\"%s\"}", register_hex(4));
    takes_and_answers("get_worker", NULL, 0, text);
    snprintf(text, sizeof text, "{\"public_key\":\"%s\"}", key_text(7));
    takes_and_answers("get_keystore", NULL, 0, text);
    static const struct {
        const char *method, *caller, *args;
    } uses[] = {
        {"get_workers", NULL, "{\"from_index\":null,\"limit\":5}"},
        {"get_keystores", NULL, "{}"},
        {"recheck_keys", ALICE, "{\"from_index\":0,\"limit\":null}"},
        {"remove_expired", ALICE, "{}"},
        {"get_images", NULL, "{}"},
        {"get_approved_measurements", NULL, "{}"},
        {"get_approved_rtmr3", NULL, ""},
        {"set_policy", OWNER,
         "{\"accept\":[\"UpToDate\"],\"advisories\":[\"INTEL-SA-1\"],\"min_tcb_eval\":1,\"min_qe_eval\":null,\"key_age_"
         "s\":"
         "100,\"grace_s\":1,\"image_delay_s\":10,\"platforms\":null,\"allowance\":\"1\",\"allow_plain_report_data\":"
         "true,"
         "\"allow_rtmr3_only\":true}"},
        {"set_policy", OWNER, "{\"image_delay_s\":1}"},
        {"get_policy", NULL, ""},
        {"add_registrar", OWNER, "{\"account_id\":\"bob.near\"}"},
        {"set_owner", OWNER, "{\"new_owner_id\":\"bob.near\"}"},
        {"get_config", NULL, ""},
        {"remove_registrar", OWNER, "{\"account_id\":\"bob.near\"}"},
        {"transfer_ownership", OWNER, "{\"new_owner\":\"" OWNER "\"}"},
        {"set_outlayer_contract", OWNER, "{\"outlayer_contract_id\":\"bob.near\"}"},
        {"set_init_worker_account", OWNER, "{\"init_worker_account\":null}"},
        {"get_init_worker_account", NULL, ""},
        {"get_version", NULL, ""},
        {"contract_source_metadata", NULL, ""},
        {"remove_image", OWNER, "{\"image_id\":0,\"remove_keys\":true}"},
        {"remove_worker_keys", OWNER, "{\"public_keys\":[]}"},
        {"clear_all_approved_measurements", OWNER, "{\"remove_keys\":null}"},
    };
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++)
        takes_and_answers(uses[i].method, uses[i].caller, 0, uses[i].args);
    json_decref(abi);
}

static void other_types_are_refused_by_both(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"set_policy", "{\"accept\":1,\"x\":2}"},
        {"set_policy", "{\"key_age_s\":\"1\"}"},
        {"set_policy", "{\"allow_rtmr3_only\":1}"},
        {"set_policy", "{\"allowance\":1}"},
        {"remove_image", "{\"image_id\":-1}"},
        {"remove_image", "{}"},
        {"register_worker_key", "{\"public_key\":\"k\"}"},
        {"register_keystore",
         "{\"public_key\":\"k\",\"transport_key\":\"00\",\"master_check\":\"00\",\"tdx_quote_hex\":\"\"}"},
        {"get_workers", "{\"from_index\":1.5}"},
        {"set_owner", "{\"new_owner_id\":\"a\"}"},
    };
    abi = abi_new();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        json_t *args = parsed(bad[i][1]);
        assert_false(mock_call(bad[i][0], OWNER, 0, bad[i][1]));
        if (!strstr(mock.error, "Failed to deserialize") || arguments_fit(abi, bad[i][0], args))
            fail_msg("%s(%s): %s", bad[i][0], bad[i][1], mock.error);
        json_decref(args);
    }
    json_decref(abi);
}

int main(void) {
    const struct CMUnitTest tests[] = {TEST(values_are_those_of_the_schemas), TEST(other_types_are_refused_by_both)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
