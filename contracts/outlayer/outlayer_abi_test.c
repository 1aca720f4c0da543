// SPDX-License-Identifier: Apache-2.0
// The near-abi JSON against the contract: what it takes and answers is what the schemas say. Clients are generated from
// them; a schema without null makes one that cannot leave out what may be left out, or fails at an answer.
#include "kit/abi_check.h"
#include "kit/kit.h"

#define SECRET "\"repo\":\"github.com/a/b\",\"profile\":\"p\""
#define KEY "\"ed25519:DcA2MzgpJbrUATQLLceocVckhhAqrkingax4oJ9kZ847\""
#define NULLS_USED "\"resources_used\":{\"instructions\":1,\"time_ms\":2,\"compile_time_ms\":null}"
#define HASH "\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\""

static const struct use {
    const char *method, *caller, *args;
    u128 deposit;
} uses[] = {
    {"get_keystore_key", NULL, "", 0},
    {"set_keystore_key", OWNER, "{\"public_key\":" KEY "}", 0},
    {"get_keystore_key", NULL, "", 0},
    {"set_keystore_key", OWNER, "{\"public_key\":null}", 0},
    {"request_execution", ALICE, "{" SOURCE "}", DEPOSIT},
    {"request_execution", ALICE,
     "{\"code_source\":{\"repo\":\"r\",\"commit\":\"c\",\"build_target\":null},\"resource_limits\":{\"max_"
     "instructions\":"
     "null,\"max_memory_mb\":null,\"max_execution_seconds\":null},\"input_data\":null,\"secrets_ref\":null,"
     "\"response_format\":null,\"payer_account_id\":null,\"result_envelope\":null}",
     DEPOSIT},
    {"request_execution", ALICE,
     "{" SOURCE ",\"resource_limits\":{\"max_instructions\":5,\"max_memory_mb\":6,\"max_execution_seconds\":7},"
     "\"input_data\":\"x\",\"secrets_ref\":{\"profile\":\"p\",\"account_id\":\"alice.near\"},\"response_format\":"
     "\"Json\","
     "\"payer_account_id\":\"gone.near\",\"result_envelope\":true}",
     DEPOSIT},
    {"get_request", NULL, "{\"request_id\":0}", 0},
    {"get_request", NULL, "{\"request_id\":2}", 0},
    {"get_request", NULL, "{\"request_id\":9}", 0},
    {"get_pending_request_ids", NULL, "{\"from_index\":null,\"limit\":null}", 0},
    {"get_open_range", NULL, "", 0},
    {"get_pending_output", NULL, "{\"request_id\":0}", 0},
    {"submit_execution_output", OPERATOR, "{\"request_id\":0,\"output\":{\"Bytes\":[0,255]}}", 0},
    {"get_pending_output", NULL, "{\"request_id\":0}", 0},
    {"get_request", NULL, "{\"request_id\":0}", 0},
    {"has_pending_output", NULL, "{\"request_id\":0}", 0},
    {"extend_execution", OPERATOR, "{\"request_id\":0}", 0},
    {"submit_execution_output_and_resolve", OPERATOR,
     "{\"request_id\":1,\"output\":{\"Json\":{\"a\":[null]}},\"success\":true,\"error\":null," NULLS_USED
     ",\"compilation_note\":null,\"failure\":null,\"wasm_hash\":null,\"attestation_digest\":null}",
     0},
    {"get_pending_output", NULL, "{\"request_id\":1}", 0},
    {"resolve_execution", OPERATOR,
     "{\"request_id\":2,\"response\":{\"success\":false,\"error\":null," NULLS_USED
     ",\"compilation_note\":null,\"failure\":null,\"wasm_hash\":null,\"attestation_digest\":null,\"output\":null}}",
     0},
    {"request_execution", ALICE, "{" SOURCE "}", DEPOSIT},
    {"resolve_execution", OPERATOR,
     "{\"request_id\":3,\"response\":{\"success\":true,\"error\":\"e\"," USED ",\"compilation_note\":\"n\",\"failure\":"
     "\"guest\",\"wasm_hash\":" HASH ",\"attestation_digest\":" HASH ",\"output\":{\"Text\":\"t\"}}}",
     0},
    {"emergency_cancel_execution", OWNER, "{\"request_id\":0}", 0},
    {"clear_all_pending_requests", OWNER, "{\"limit\":null}", 0},
    {"get_claimable", NULL, "{\"account_id\":\"alice.near\"}", 0},
    {"get_stats", NULL, "", 0},
    {"get_pricing", NULL, "", 0},
    {"estimate_execution_cost", NULL, "{\"resource_limits\":null}", 0},
    {"get_max_limits", NULL, "", 0},
    {"get_memory_limit", NULL, "", 0},
    {"is_paused", NULL, "", 0},
    {"get_config", NULL, "", 0},
    {"add_operator", OWNER, "{\"account_id\":\"bob.near\"}", 0},
    {"get_operators", NULL, "{\"from_index\":0,\"limit\":5}", 0},
    {"is_operator", NULL, "{\"account_id\":\"bob.near\"}", 0},
    {"remove_operator", OWNER, "{\"account_id\":\"bob.near\"}", 0},
    {"set_operator", OWNER, "{\"new_operator_id\":\"bob.near\"}", 0},
    {"get_secrets", NULL, "{" SECRET ",\"branch\":null,\"owner\":\"alice.near\"}", 0},
    {"estimate_storage_cost", NULL,
     "{" SECRET
     ",\"branch\":null,\"owner\":\"alice.near\",\"encrypted_secrets_base64\":\"AAAA\",\"access\":\"AllowAll\"}",
     0},
    {"store_secrets", ALICE,
     "{" SECRET ",\"branch\":null,\"encrypted_secrets_base64\":\"AAAA\",\"access\":\"AllowAll\"}", NEAR},
    {"store_secrets", ALICE,
     "{" SECRET
     ",\"branch\":\"b\",\"encrypted_secrets_base64\":\"AAAA\",\"access\":{\"Whitelist\":{\"accounts\":[\"aa\"]}}}",
     NEAR},
    {"update_access", ALICE, "{" SECRET ",\"new_access\":{\"AllowAll\":null}}", NEAR},
    {"get_secrets", NULL, "{" SECRET ",\"branch\":\"b\",\"owner\":\"alice.near\"}", 0},
    {"get_secrets", NULL, "{" SECRET ",\"owner\":\"alice.near\"}", 0},
    {"secrets_exist", NULL, "{" SECRET ",\"owner\":\"alice.near\"}", 0},
    {"count_secret_branches", NULL, "{" SECRET ",\"owner\":\"alice.near\"}", 0},
    {"list_user_secrets", NULL, "{\"account_id\":\"alice.near\",\"from_index\":null,\"limit\":null}", 0},
    {"list_profiles", NULL, "{\"_repo\":\"github.com/a/b\",\"_branch\":null}", 0},
    {"delete_secrets", ALICE, "{" SECRET ",\"branch\":\"b\"}", 0},
    {"set_pricing", OWNER,
     "{\"base_fee\":null,\"per_million_instructions_fee\":\"1\",\"per_ms_fee\":null,\"per_compile_ms_fee\":null}", 0},
    {"set_paused", OWNER, "{\"paused\":true}", 0},
    {"get_version", NULL, "", 0},
    {"contract_source_metadata", NULL, "", 0},
    {"set_owner", OWNER, "{\"new_owner_id\":\"bob.near\"}", 0},
    {"accept_owner", "bob.near", "", 0},
};

static void values_are_those_of_the_schemas(void **state) {
    (void)state;
    json_t *abi = abi_new();
    for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
        const struct use *u = &uses[i];
        json_t *args = u->args[0] ? parsed(u->args) : json_object();
        if (!(u->caller ? mock_call(u->method, u->caller, u->deposit, u->args) : mock_view(u->method, u->args)))
            fail_msg("%s(%s): %s", u->method, u->args, mock.error);
        if (!arguments_fit(abi, u->method, args))
            fail_msg("%s takes %s, which the ABI does not describe", u->method, u->args);
        bool answered_later = strcmp(u->method, "request_execution") == 0;
        if (!answered_later && !answer_fits(abi, u->method))
            fail_msg("%s(%s) answers %s, which the ABI does not describe", u->method, u->args, mock.value);
        json_decref(args);
    }
    json_decref(abi);
}

// What the contract refuses for its type the schemas refuse, too: they do not just let everything through.
static void other_types_are_refused_by_both(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"get_request", "{\"request_id\":\"0\"}"},
        {"get_request", "{\"request_id\":null}"},
        {"get_request", "{\"request_id\":-1}"},
        {"get_request", "{}"},
        {"get_request", "{\"request_id\":0,\"id\":0}"},
        {"request_execution", "{\"code_source\":{\"repo\":\"r\"}}"},
        {"request_execution", "{\"code_source\":{\"repo\":\"r\",\"commit\":null}}"},
        {"request_execution", "{" SOURCE ",\"response_format\":\"Xml\"}"},
        {"request_execution", "{" SOURCE ",\"secrets_ref\":{\"profile\":\"p\"}}"},
        {"request_execution", "{" SOURCE ",\"resource_limits\":{\"max_memory_mb\":\"1\"}}"},
        {"set_pricing", "{\"base_fee\":1}"},
        {"set_pricing", "{\"base_fee\":\"1.5\"}"},
        {"set_paused", "{\"paused\":1}"},
        {"set_operator", "{\"new_operator_id\":\"a\"}"},
        {"submit_execution_output", "{\"request_id\":0,\"output\":{\"Bytes\":[256]}}"},
        {"submit_execution_output", "{\"request_id\":0,\"output\":{\"Xml\":\"\"}}"},
        {"submit_execution_output", "{\"request_id\":0,\"output\":null}"},
        {"store_secrets", "{" SECRET ",\"encrypted_secrets_base64\":\"AAAA\",\"access\":null}"},
    };
    json_t *abi = abi_new();
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        json_t *args = parsed(bad[i][1]);
        assert_false(mock_call(bad[i][0], OWNER, 0, bad[i][1]));
        if (!strstr(mock.error, "Failed to deserialize") || arguments_fit(abi, bad[i][0], args))
            fail_msg("%s(%s): %s", bad[i][0], bad[i][1], mock.error);
        json_decref(args);
    }
    json_decref(abi);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(values_are_those_of_the_schemas),
        TEST(other_types_are_refused_by_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
