// SPDX-License-Identifier: Apache-2.0
// Registrations from beginning to end, and what refuses them.
#include "register/kit/kit.h"

#define METHODS                                                                                                        \
    "resolve_execution,submit_execution_output,submit_execution_output_and_resolve,extend_execution,cancel_stale_"     \
    "execution"

static void a_worker_registers_in_one_call(void **state) {
    (void)state;
    approves();
    registers(7);
    assert_int_equal(mock.receipt_count, 1);
    const struct mock_receipt *r = mock.receipts;
    assert_int_equal(r->kind, RECEIPT_ADD_KEY);
    assert_int_equal(mock.returned, 0);
    assert_string_equal(r->to, SELF);
    assert_string_equal(r->receiver, MAIN);
    assert_string_equal(r->args, METHODS);
    assert_true(r->amount == 10 * NEAR);
    assert_int_equal(r->key[0], 0);
    for (int i = 1; i < 33; i++)
        assert_int_equal(r->key[i], 7);
    char text[200];
    snprintf(text, sizeof text, "\"%s\"", key_text(7));
    event_is("worker_registered", "public_key", text);
    event_is("worker_registered", "image_id", "0");
    event_is("worker_registered", "tcb_status", "\"UpToDate\"");
    event_is("worker_registered", "tcb_eval", "17");
    event_is("worker_registered", "fmspc", "\"0a1b2c3d4e5f\"");
    snprintf(text, sizeof text, "\"%s\"", register_hex(4));
    event_is("worker_registered", "rtmr3", text);
    snprintf(text, sizeof text, "%lld", (long long)(seconds() + 14 * DAY_S));
    event_is("worker_registered", "valid_until", text);
    size_t longest = 0;
    for (size_t i = 0; i < mock.log_count; i++)
        longest = strlen(mock.logs[i]) > longest ? strlen(mock.logs[i]) : longest;
    assert_true(longest <= 700);
    // P-256: the root's own, its two authorities, leaf, report, quote, two texts, two lists; Intel's root is known
    assert_int_equal(mock.p256_count, 10);
    snprintf(text, sizeof text, "{\"public_key\":\"%s\"}", key_text(7));
    assert_true(mock_view("get_worker", text));
    assert_non_null(strstr(mock.value, "\"state\":\"active\""));
}

static void collateral_that_is_known_is_not_looked_at_again(void **state) {
    (void)state;
    approves();
    registers(7);
    quotes(8, &(struct sample){0});
    calls("register_worker_key", REGISTRAR, 0, registration(8, ""));
    assert_int_equal(mock.p256_count, 3); // leaf, report, quote
}

static void without_collateral_nothing_is_registered(void **state) {
    (void)state;
    approves();
    quotes(7, &(struct sample){0});
    refuses("register_worker_key", REGISTRAR, 0, registration(7, ""), REFUSED_COLLATERAL);
}

static void only_registrars_register(void **state) {
    (void)state;
    approves();
    quotes(7, &(struct sample){0});
    refuses("register_worker_key", ALICE, NEAR, registration(7, with_collateral()),
            "Only " REGISTRAR " can call register_worker_key");
}

// --- what a quote binds

// A registration of the key by a quote that binds this.
static void refuses_claim(uint8_t key, const struct sample_claim *c, const char *sentence) {
    uint8_t data[64];
    sample_claim(data, c);
    quotes(key, &(struct sample){.report_data = data});
    refuses("register_worker_key", REGISTRAR, 0, registration(key, with_collateral()), sentence);
}

static void a_quote_counts_for_one_purpose_key_contract_and_network(void **state) {
    (void)state;
    uint8_t key[32], other[32] = {1}, challenge[32];
    approves();
    calls("new_challenge", ALICE, 0, "");
    sample_challenge(challenge, mock.random_seed);
    memset(key, 7, sizeof key);
    struct sample_claim good = {CHAIN, SELF, MAIN, key, challenge, NULL, NULL}, c = good;
    c.transport_key = c.master_check = other;
    refuses_claim(7, &c, "The quote was made for another purpose");
    c = good, c.network = "testnet";
    refuses_claim(7, &c, REFUSED_REPORT_DATA);
    c = good, c.register_contract = "another.near";
    refuses_claim(7, &c, REFUSED_REPORT_DATA);
    c = good, c.main_contract = "another.near";
    refuses_claim(7, &c, REFUSED_REPORT_DATA);
    c = good, c.key = other;
    refuses_claim(7, &c, REFUSED_REPORT_DATA);
    c = good, c.challenge = other;
    refuses_claim(7, &c, REFUSED_REPORT_DATA);
    uint8_t data[64];
    for (int i = 0; i < 64; i++) { // every byte of the 64 is looked at
        sample_claim(data, &good);
        data[i] ^= 1;
        quotes(7, &(struct sample){.report_data = data});
        refuses("register_worker_key", REGISTRAR, 0, registration(7, with_collateral()), "");
    }
    sample_claim(data, &good);
    quotes(7, &(struct sample){.report_data = data});
    calls("register_worker_key", REGISTRAR, 0, registration(7, with_collateral()));
}

static void a_challenge_ages(void **state) {
    (void)state;
    approves();
    quotes(7, &(struct sample){0});
    passes(299);
    char *first;
    calls("new_challenge", ALICE, 0, "");
    first = strdup(mock.value);
    passes(1); // 300 s: another one, and the one before still counts
    calls("new_challenge", ALICE, 0, "");
    assert_string_not_equal(first, mock.value);
    calls("register_worker_key", REGISTRAR, 0, registration(7, with_collateral()));
    passes(601); // 901 s since the quote's challenge
    refuses("register_worker_key", REGISTRAR, 0, registration(7, ""), REFUSED_CHALLENGE);
    calls("new_challenge", ALICE, 0, "");
    refuses("register_worker_key", REGISTRAR, 0, registration(7, ""), REFUSED_REPORT_DATA); // it was forgotten
    free(first);
}

static void the_bare_key_counts_where_the_owner_allowed_it(void **state) {
    (void)state;
    uint8_t data[64] = {0};
    approves();
    memset(data, 7, 32);
    quotes(7, &(struct sample){.report_data = data});
    refuses("register_worker_key", REGISTRAR, 0, registration(7, with_collateral()), "The quote binds the bare key");
    calls("set_policy", OWNER, 0, "{\"allow_plain_report_data\":true}");
    refuses("register_worker_key", REGISTRAR, 0, registration(8, with_collateral()), REFUSED_REPORT_DATA);
    calls("register_worker_key", REGISTRAR, 0, registration(7, with_collateral()));
}

// --- what a platform is worth

static void the_policy_decides(void **state) {
    (void)state;
    approves();
    quotes(7, &(struct sample){.out_of_date = true});
    refuses("register_worker_key", REGISTRAR, 0, registration(7, with_collateral()), "TCB status: OutOfDate");
    calls("set_policy", OWNER, 0, "{\"accept\":[\"UpToDate\",\"OutOfDate\"]}");
    refuses("register_worker_key", REGISTRAR, 0, registration(7, with_collateral()), "OUTLAYER-SA-00001");
    calls("set_policy", OWNER, 0, "{\"advisories\":[\"OUTLAYER-SA-00001\"]}");
    calls("register_worker_key", REGISTRAR, 0, registration(7, with_collateral()));
    refuses("set_policy", OWNER, 0, "{\"accept\":[\"Revoked\"]}", "not a TCB status that can be accepted");
    refuses("set_policy", OWNER, 0, "{\"accept\":[]}", "at least one");
    refuses("set_policy", ALICE, 0, "{\"accept\":[\"UpToDate\"]}", "Only owner");
}

static void what_is_forged_debugged_or_of_sgx_is_refused(void **state) {
    (void)state;
    approves();
    quotes(7, &(struct sample){.debug = true});
    refuses("register_worker_key", REGISTRAR, 0, registration(7, with_collateral()), "TD_DEBUG");
    quotes(7, &(struct sample){.revoked = true});
    refuses("register_worker_key", REGISTRAR, 0, registration(7, with_collateral()), "CERT_REVOKED");
    quotes(7, &(struct sample){.not_up_to_date_at_all = true});
    refuses("register_worker_key", REGISTRAR, 0, registration(7, with_collateral()), "TCB_NOT_SUPPORTED");
    quotes(7, &(struct sample){.sgx = true});
    refuses("register_worker_key", REGISTRAR, 0, registration(7, with_collateral()), "SGX");
    quotes(7, &(struct sample){0});
    char *args = strdup(registration(7, with_collateral()));
    char *at = strstr(args, "tdx_quote_hex\":\"") + 16 + 2 * 600; // in the report data
    *at = *at == '0' ? '1' : '0';
    refuses("register_worker_key", REGISTRAR, 0, args, REFUSED_QUOTE "QUOTE: QUOTE_SIGNATURE");
    free(args);
    refuses("register_worker_key", REGISTRAR, 0, "{\"public_key\":\"x\",\"tdx_quote_hex\":\"04\"}", "base58");
    char more[200];
    snprintf(more, sizeof more, "{\"public_key\":\"%s\",\"tdx_quote_hex\":\"04zz\"}", key_text(7));
    refuses("register_worker_key", REGISTRAR, 0, more, "Invalid quote hex encoding");
}

static void a_list_of_platforms_is_kept_to(void **state) {
    (void)state;
    char args[300], id[65];
    approves();
    registers(7);
    json_t *e = event("worker_registered");
    snprintf(id, sizeof id, "%s", json_string_value(json_object_get(e, "platform_id")));
    json_decref(e);
    snprintf(args, sizeof args, "{\"platforms\":[\"%s\"]}", id);
    calls("set_policy", OWNER, 0, args);
    registers(8);
    quotes(9, &(struct sample){.platform = "another machine"});
    refuses("register_worker_key", REGISTRAR, 0, registration(9, with_collateral()),
            "This platform is not among those");
    calls("recheck_keys", ALICE, 0, "{}");
    assert_int_equal(mock.log_count, 0);
    id[0] = id[0] == '0' ? '1' : '0'; // the owner strikes it off: its keys have their grace
    snprintf(args, sizeof args, "{\"platforms\":[\"%s\"],\"grace_s\":60}", id);
    calls("set_policy", OWNER, 0, args);
    calls("recheck_keys", ALICE, 0, "{}");
    assert_int_equal(mock.log_count, 2);
    passes(61);
    calls("recheck_keys", ALICE, 0, "{}");
    answers("{\"checked\":2,\"removed\":2,\"next\":null}");
    calls("set_policy", OWNER, 0, "{\"platforms\":[]}");
    calls("register_worker_key", REGISTRAR, 0, registration(9, with_collateral()));
}

// --- a key's life

static void a_key_is_renewed_by_a_fresh_quote(void **state) {
    (void)state;
    approves();
    registers(7);
    uint64_t usage = mock.usage;
    passes(10 * DAY_S);
    quotes(7, &(struct sample){0});
    calls("register_worker_key", REGISTRAR, 0, registration(7, with_collateral()));
    assert_int_equal(mock.receipt_count, 0); // its rights are there already
    char text[64];
    snprintf(text, sizeof text, "%lld", (long long)(seconds() + 14 * DAY_S));
    event_is("worker_renewed", "valid_until", text);
    calls("get_workers", NULL, 0, "{}");
    json_t *all = parsed(mock.value);
    assert_int_equal(json_array_size(all), 1);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(all, 0), "registered_at")),
                     seconds() - 10 * DAY_S);
    json_decref(all);
    assert_true(mock.usage == usage);
}

static void a_removed_key_never_comes_back(void **state) {
    (void)state;
    char args[200];
    approves();
    registers(7);
    snprintf(args, sizeof args, "{\"public_keys\":[\"%s\",\"%s\"]}", key_text(7), key_text(8));
    refuses("remove_worker_keys", ALICE, 0, args, "Only the owner or a registrar");
    calls("remove_worker_keys", REGISTRAR, 0, args);
    answers("{\"removed\":1,\"left\":0}");
    event_is("key_removed", "reason", "\"retired\"");
    assert_int_equal(mock.receipt_count, 1);
    assert_int_equal(mock.receipts[0].kind, RECEIPT_DELETE_KEY);
    quotes(7, &(struct sample){0});
    refuses("register_worker_key", REGISTRAR, 0, registration(7, with_collateral()), REFUSED_REMOVED);
    refuses("register_worker", REGISTRAR, 0, registration(7, ""), "tdx_quote");
    assert_true(mock_view("check_quote", registration(7, "")));
    assert_non_null(strstr(mock.value, "\"refused\":[{\"code\":\"KEY_REMOVED\"}],\"verdict\":\"refused\""));
    snprintf(args, sizeof args, "{\"public_key\":\"%s\"}", key_text(7));
    views("get_worker", args, "null");
}

static void keys_expire(void **state) {
    (void)state;
    approves();
    registers(7);
    passes(7 * DAY_S);
    registers(8);
    calls("remove_expired", ALICE, 0, "{}");
    answers("{\"checked\":2,\"removed\":0,\"next\":null}");
    passes(7 * DAY_S + 1);
    calls("remove_expired", ALICE, 0, "{}");
    answers("{\"checked\":2,\"removed\":1,\"next\":null}");
    event_is("key_removed", "reason", "\"expired\"");
}

static void a_new_list_removes_a_revoked_platform_at_once(void **state) {
    (void)state;
    char args[20000];
    approves();
    registers(7);
    calls("recheck_keys", ALICE, 0, "{}");
    answers("{\"checked\":1,\"removed\":0,\"next\":null}");
    passes(DAY_S);
    sample_make(&(struct sample){.now = seconds(), .revoked = true, .crl_number = 2});
    snprintf(args, sizeof args, "{\"collateral\":%s}", sample_only("pck_crl,pck_crl_issuer_chain"));
    calls("update_collateral", OWNER, 0, args);
    // also one that the owner has struck off
    calls("set_policy", OWNER, 0,
          "{\"platforms\":[\"0000000000000000000000000000000000000000000000000000000000000000\"]}");
    calls("recheck_keys", ALICE, 0, "{}");
    answers("{\"checked\":1,\"removed\":1,\"next\":null}");
    event_is("key_removed", "reason", "\"tcb\"");
}

// A revoked signer of TCB infos makes these worth nothing, not the platforms: a key would be gone for ever.
static void a_revoked_signer_of_collateral_removes_no_key(void **state) {
    (void)state;
    char args[20000];
    approves();
    registers(7);
    passes(DAY_S);
    sample_make(&(struct sample){.now = seconds(), .signer_revoked = true, .crl_number = 2});
    snprintf(args, sizeof args, "{\"collateral\":%s}", sample_only("root_ca_crl,pck_crl_issuer_chain"));
    calls("update_collateral", OWNER, 0, args);
    calls("recheck_keys", ALICE, 0, "{}");
    answers("{\"checked\":1,\"removed\":0,\"next\":null}");
    quotes(8, &(struct sample){.signer_revoked = true});
    refuses("register_worker_key", REGISTRAR, 0, registration(8, ""), "CERT_REVOKED");
}

static void a_platform_that_falls_behind_has_its_grace(void **state) {
    (void)state;
    char args[40000];
    approves();
    registers(7);
    passes(DAY_S);
    sample_make(&(struct sample){.now = seconds(), .out_of_date = true});
    snprintf(args, sizeof args, "{\"collateral\":%s}",
             sample_only("tcb_info,tcb_info_signature,tcb_info_issuer_chain"));
    calls("update_collateral", OWNER, 0, args);
    calls("recheck_keys", ALICE, 0, "{}");
    answers("{\"checked\":1,\"removed\":0,\"next\":null}");
    event_is("key_failing", "status", "\"OutOfDate\"");
    passes(3 * DAY_S);
    calls("recheck_keys", ALICE, 0, "{}");
    answers("{\"checked\":1,\"removed\":0,\"next\":null}");
    passes(1);
    calls("recheck_keys", ALICE, 0, "{}");
    answers("{\"checked\":1,\"removed\":1,\"next\":null}");
}

// The parts of one kind of platform make room for those of the next one: a mixed fleet is judged whole.
static void a_mixed_fleet_is_judged(void **state) {
    (void)state;
    approves();
    for (uint8_t i = 0; i < 90; i++) {
        quotes(100 + i, &(struct sample){.fmspc = i % 2});
        calls("register_worker_key", REGISTRAR, 0, registration(100 + i, i < 2 ? with_collateral() : ""));
    }
    for (int i = 0; i < 3; i++) {
        calls("recheck_keys", ALICE, 0, "{}");
        answers("{\"checked\":90,\"removed\":0,\"next\":null}");
    }
}

// While collateral has expired nothing is judged, neither for a key nor against it.
static void a_grace_does_not_begin_anew(void **state) {
    (void)state;
    char args[40000];
    approves();
    calls("set_policy", OWNER, 0, "{\"key_age_s\":7776000,\"grace_s\":2592000}");
    registers(7);
    passes(DAY_S);
    sample_make(&(struct sample){.now = seconds(), .out_of_date = true});
    snprintf(args, sizeof args, "{\"collateral\":%s}",
             sample_only("tcb_info,tcb_info_signature,tcb_info_issuer_chain"));
    calls("update_collateral", OWNER, 0, args);
    calls("recheck_keys", ALICE, 0, "{}");
    event_is("key_failing", "status", "\"OutOfDate\"");
    passes(28 * DAY_S);
    calls("recheck_keys", ALICE, 0, "{}"); // the lists have expired
    assert_int_equal(mock.log_count, 0);
    sample_make(&(struct sample){.now = seconds(), .out_of_date = true, .crl_number = 2});
    snprintf(args, sizeof args, "{\"collateral\":%s}", sample_collateral);
    calls("update_collateral", OWNER, 0, args);
    calls("recheck_keys", ALICE, 0, "{}");
    assert_int_equal(mock.log_count, 0); // it has been failing for 28 days
    passes(2 * DAY_S + 1);
    calls("recheck_keys", ALICE, 0, "{}");
    answers("{\"checked\":1,\"removed\":1,\"next\":null}");
}

static void keys_of_a_removed_image_go(void **state) {
    (void)state;
    approves();
    registers(7);
    registers(8);
    calls("remove_image", OWNER, 0, "{\"image_id\":0}");
    assert_true(mock_view("get_workers", "{\"limit\":1}"));
    assert_non_null(strstr(mock.value, "\"state\":\"unapproved\""));
    calls("recheck_keys", ALICE, 0, "{\"limit\":1}");
    answers("{\"checked\":1,\"removed\":1,\"next\":0}");
    event_is("key_removed", "reason", "\"image\"");
}

// Whoever has to stop everything can, however many keys there are: what one call cannot remove goes by the next ones.
static void all_images_go_at_once(void **state) {
    (void)state;
    approves();
    calls("new_challenge", ALICE, 0, "");
    for (uint8_t i = 0; i < 110; i++) {
        quotes(100 + i, &(struct sample){0});
        calls("register_worker_key", REGISTRAR, 0, registration(100 + i, i ? "" : with_collateral()));
    }
    sample_registers[4][0] ^= 1;
    approves();
    calls("clear_all_approved_measurements", OWNER, 0, "{\"remove_keys\":true}");
    assert_true(mock.receipt_count > 80);
    views("get_images", "{}", "[]");
    calls("recheck_keys", ALICE, 0, "{}");
    views("get_workers", "{}", "[]");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_worker_registers_in_one_call),
        TEST(collateral_that_is_known_is_not_looked_at_again),
        TEST(without_collateral_nothing_is_registered),
        TEST(only_registrars_register),
        TEST(a_quote_counts_for_one_purpose_key_contract_and_network),
        TEST(a_challenge_ages),
        TEST(the_bare_key_counts_where_the_owner_allowed_it),
        TEST(the_policy_decides),
        TEST(what_is_forged_debugged_or_of_sgx_is_refused),
        TEST(a_list_of_platforms_is_kept_to),
        TEST(a_key_is_renewed_by_a_fresh_quote),
        TEST(a_removed_key_never_comes_back),
        TEST(keys_expire),
        TEST(a_new_list_removes_a_revoked_platform_at_once),
        TEST(a_revoked_signer_of_collateral_removes_no_key),
        TEST(a_platform_that_falls_behind_has_its_grace),
        TEST(a_mixed_fleet_is_judged),
        TEST(a_grace_does_not_begin_anew),
        TEST(keys_of_a_removed_image_go),
        TEST(all_images_go_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
