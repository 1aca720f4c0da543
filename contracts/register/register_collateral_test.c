// SPDX-License-Identifier: Apache-2.0
// Collateral on chain: who may push what, what is in force, and what is refused.
#include "register/kit/kit.h"

#define TCB "tcb_info,tcb_info_signature,tcb_info_issuer_chain"
#define QE "qe_identity,qe_identity_signature,qe_identity_issuer_chain"
#define CRL "pck_crl,pck_crl_issuer_chain"
#define ROOT "root_ca_crl,pck_crl_issuer_chain"

static const char *push(const char *members) {
    static char args[100000];
    snprintf(args, sizeof args, "{\"collateral\":%s}", members ? sample_only(members) : sample_collateral);
    return args;
}

static json_t *kept(const char *part) {
    assert_true(mock_view("get_collateral", "{}"));
    json_t *all = parsed(mock.value), *found = json_array();
    size_t i;
    json_t *one;
    json_array_foreach(all, i, one) {
        if (strcmp(json_string_value(json_object_get(one, "part")), part) == 0)
            json_array_append(found, one);
    }
    json_decref(all);
    return found;
}

// The evaluation number of the TCB info in force, 0: none; and how many are kept.
static unsigned in_force(size_t *count) {
    json_t *all = kept("tcb_info"), *one;
    size_t i;
    unsigned number = 0;
    *count = json_array_size(all);
    json_array_foreach(all, i, one) {
        if (json_is_true(json_object_get(one, "in_force")))
            number = (unsigned)json_integer_value(json_object_get(one, "eval"));
    }
    json_decref(all);
    return number;
}

static void parts_come_one_at_a_time(void **state) {
    (void)state;
    sample_make(&(struct sample){.now = seconds()});
    refuses("update_collateral", OWNER, 0, push(CRL), "ROOT_CRL: PART_MISSING");
    calls("update_collateral", OWNER, 0, push(ROOT));
    event_is("collateral_updated", "id", "\"root\"");
    calls("update_collateral", OWNER, 0, push(CRL));
    event_is("collateral_updated", "id", "\"platform\"");
    calls("update_collateral", OWNER, 0, push(TCB));
    event_is("collateral_updated", "id", "\"0a1b2c3d4e5f\"");
    calls("update_collateral", OWNER, 0, push(QE));
    event_is("collateral_updated", "part", "\"qe_identity\"");
    uint64_t usage = mock.usage;
    calls("update_collateral", OWNER, 0, push(NULL)); // the same again changes nothing
    assert_int_equal(mock.log_count, 0);
    assert_true(mock.usage == usage);
    refuses("update_collateral", OWNER, 0, "{\"collateral\":{}}", "it has none of");
    refuses("update_collateral", OWNER, 0, "{\"collateral\":\"[1]\"}", "JSON_FORMAT");
    approves();
    quotes(7, &(struct sample){.report_data = NULL});
    calls("register_worker_key", REGISTRAR, 0, registration(7, ""));
}

static void a_text_of_the_object_serves_too(void **state) {
    (void)state;
    sample_make(&(struct sample){.now = seconds()});
    json_t *args = json_pack("{s:s}", "collateral", sample_collateral);
    char *text = json_dumps(args, JSON_COMPACT);
    calls("update_collateral", OWNER, 0, text);
    assert_int_equal(mock.log_count, 4);
    for (size_t i = 0; i < mock.log_count; i++)
        assert_true(strlen(mock.logs[i]) <= 700);
    free(text);
    json_decref(args);
}

// A quote of a platform that nothing is kept of is looked at by the two parts that come with it and the two that are
// kept.
static void kept_parts_serve_beside_those_of_the_call(void **state) {
    (void)state;
    char more[100000];
    approves();
    sample_make(&(struct sample){.now = seconds()});
    calls("update_collateral", OWNER, 0, push(ROOT));
    calls("update_collateral", OWNER, 0, push(QE));
    quotes(7, &(struct sample){0});
    snprintf(more, sizeof more, ",\"collateral\":%s", sample_only(CRL "," TCB));
    assert_true(mock_view("check_quote", registration(7, more)));
    assert_non_null(strstr(mock.value, "\"verdict\":\"accepted\""));
}

static void older_parts_are_refused(void **state) {
    (void)state;
    sample_make(&(struct sample){.now = seconds(), .younger = 3600, .crl_number = 5});
    calls("update_collateral", OWNER, 0, push(NULL));
    static const char *const each[] = {ROOT, CRL, TCB, QE};
    for (size_t i = 0; i < 4; i++) {
        sample_make(&(struct sample){.now = seconds(), .crl_number = 5});
        refuses("update_collateral", OWNER, 0, push(each[i]), "ROLLED_BACK");
        // issued later, yet with a lower number of the list
        sample_make(&(struct sample){.now = seconds(), .younger = 7200, .crl_number = 4});
        if (i < 2)
            refuses("update_collateral", OWNER, 0, push(each[i]), "ROLLED_BACK");
        sample_make(&(struct sample){.now = seconds(), .younger = 7200, .crl_number = 6});
        calls("update_collateral", OWNER, 0, push(each[i]));
    }
    // A registration with old collateral uses what is known.
    approves();
    quotes(7, &(struct sample){.crl_number = 5});
    calls("register_worker_key", REGISTRAR, 0, registration(7, with_collateral()));
    assert_null(
        mock_log("EVENT_JSON:{\"standard\":\"near-outlayer\",\"version\":\"1.0.0\",\"event\":\"collateral_updated\""));
}

// Else whoever has a signer's key that Intel revoked brings the list from before that, and has false TCB infos of other
// platforms kept in the place of Intel's by a registration that succeeds.
static void an_older_list_keeps_nothing_of_a_revoked_signer(void **state) {
    (void)state;
    char more[100000];
    size_t count;
    sample_make(&(struct sample){
        .now = seconds(), .younger = 3600, .crl_number = 5, .other_signer = true, .signer_revoked = true});
    calls("update_collateral", OWNER, 0, push(ROOT));
    sample_make(&(struct sample){.now = seconds(), .younger = 3600, .crl_number = 5});
    calls("update_collateral", OWNER, 0, push(CRL "," TCB "," QE));
    approves();
    sample_make(&(struct sample){.now = seconds(), .other_signer = true, .fmspc = 1, .evaluation = 18});
    refuses("update_collateral", OWNER, 0, push(NULL), "ROLLED_BACK");
    snprintf(more, sizeof more, ",\"collateral\":%s", sample_only("root_ca_crl," CRL "," TCB "," QE));
    quotes(7, &(struct sample){0});
    calls("register_worker_key", REGISTRAR, 0, registration(7, more));
    assert_int_equal(in_force(&count), 17);
    assert_int_equal(count, 1);
    json_t *identities = kept("qe_identity");
    assert_int_equal(json_array_size(identities), 1);
    json_decref(identities);
}

static void pushes(unsigned evaluation) {
    sample_make(&(struct sample){.now = seconds(), .evaluation = evaluation});
    calls("update_collateral", OWNER, 0, push(TCB));
}

static void the_lowest_set_from_the_minimum_on_is_in_force(void **state) {
    (void)state;
    size_t count;
    sample_make(&(struct sample){.now = seconds()});
    calls("update_collateral", OWNER, 0, push(ROOT));
    pushes(19);
    assert_int_equal(in_force(&count), 19);
    pushes(20); // early: kept, not in force
    assert_int_equal(in_force(&count), 19);
    assert_int_equal(count, 2);
    sample_make(&(struct sample){.now = seconds(), .evaluation = 21});
    refuses("update_collateral", OWNER, 0, push(TCB), "two sets are kept");
    sample_make(&(struct sample){.now = seconds(), .evaluation = 16});
    refuses("update_collateral", OWNER, 0, push(TCB), "TCB_EVAL_TOO_OLD");
    pushes(18); // the owner allows it: it takes the place of the highest
    assert_int_equal(in_force(&count), 18);
    assert_int_equal(count, 2);
    calls("set_policy", OWNER, 0, "{\"min_tcb_eval\":19}");
    assert_int_equal(in_force(&count), 19);
    pushes(21); // what is below the minimum makes room
    assert_int_equal(in_force(&count), 19);
    assert_int_equal(count, 2);
    calls("set_policy", OWNER, 0, "{\"min_tcb_eval\":22}");
    assert_int_equal(in_force(&count), 0);
    approves();
    quotes(7, &(struct sample){0});
    calls("update_collateral", OWNER, 0, push(CRL));
    refuses("register_worker_key", REGISTRAR, 0, registration(7, ""), REFUSED_COLLATERAL ": TCB_INFO: PART_MISSING");
}

// Else whoever pushes the lowest set on the last day that Intel serves it switches the fleet off a month later.
static void a_set_that_has_expired_makes_room(void **state) {
    (void)state;
    size_t count;
    sample_make(&(struct sample){.now = seconds()});
    calls("update_collateral", OWNER, 0, push(ROOT));
    pushes(17);
    pushes(18);
    passes(10 * DAY_S);
    sample_make(&(struct sample){.now = seconds(), .evaluation = 19});
    refuses("update_collateral", OWNER, 0, push(TCB), "two sets are kept");
    sample_make(&(struct sample){.now = seconds(), .evaluation = 18});
    calls("update_collateral", OWNER, 0, push(TCB));
    assert_int_equal(in_force(&count), 17);
    passes(20 * DAY_S);
    assert_int_equal(in_force(&count), 18);
    pushes(19);
    assert_int_equal(in_force(&count), 18);
    assert_int_equal(count, 2);
    passes(60 * DAY_S); // all have expired: the lowest is named
    assert_int_equal(in_force(&count), 18);
    pushes(20);
    assert_int_equal(in_force(&count), 20);
    assert_int_equal(count, 1);
}

static void what_has_expired_is_refused_with_its_date(void **state) {
    (void)state;
    sample_make(&(struct sample){.now = seconds()});
    passes(26 * DAY_S + 1);
    refuses("update_collateral", OWNER, 0, push(NULL), "PCK_CRL: CRL_EXPIRED, 2026-01-26T00:00:00Z");
    sample_make(&(struct sample){.now = seconds() + 40 * DAY_S});
    refuses("update_collateral", OWNER, 0, push(NULL), "; `outlayer collateral push` brings today's");
}

static void strangers_pay_for_what_they_store(void **state) {
    (void)state;
    char sentence[200];
    sample_make(&(struct sample){.now = seconds()});
    uint64_t before = mock.usage;
    calls("update_collateral", OWNER, 0, push(NULL));
    uint64_t bytes = mock.usage - before;
    assert_int_equal(mock.receipt_count, 0);
    deployed(NULL);
    sample_make(&(struct sample){.now = seconds()});
    snprintf(sentence, sizeof sentence, "costs %s yoctoNEAR, got %s", amount_text(bytes * BYTE_STAKE),
             amount_text(bytes * BYTE_STAKE - 1));
    refuses("update_collateral", ALICE, bytes * BYTE_STAKE - 1, push(NULL), sentence);
    sample_make(&(struct sample){.now = seconds()});
    calls("update_collateral", ALICE, bytes * BYTE_STAKE + 5, push(NULL));
    pays(ALICE, 5);
    assert_true(mock.usage - before == bytes);
    sample_make(&(struct sample){.now = seconds(), .younger = 60, .crl_number = 2});
    calls("update_collateral", ALICE, 0, push(NULL)); // it grows nothing
}

static void collateral_of_sgx_is_not_kept(void **state) {
    (void)state;
    sample_make(&(struct sample){.now = seconds(), .sgx = true});
    refuses("update_collateral", OWNER, 0, push(NULL), "it is of SGX");
}

static void another_root_is_refused(void **state) {
    (void)state;
    mock_reset(SELF);
    calls("new", OWNER, 0,
          "{\"owner_id\":\"" OWNER "\",\"outlayer_contract_id\":\"" MAIN "\",\"min_tcb_eval\":1,\"min_qe_eval\":1}");
    sample_make(&(struct sample){.now = seconds()});
    refuses("update_collateral", OWNER, 0, push(NULL), "UNTRUSTED_ROOT");
}

static void days_are_counted(void **state) {
    (void)state;
    sample_make(&(struct sample){.now = seconds()});
    calls("update_collateral", OWNER, 0, push(NULL));
    passes(20 * DAY_S);
    assert_true(mock_view("get_collateral_status", ""));
    json_t *all = parsed(mock.value), *one;
    size_t i;
    int least = 999;
    json_array_foreach(all, i, one) {
        int days = (int)json_integer_value(json_object_get(one, "days_left"));
        least = days < least ? days : least;
        assert_true(json_is_false(json_object_get(one, "expired")));
    }
    assert_int_equal(json_array_size(all), 4);
    assert_int_equal(least, 5);
    json_decref(all);
    assert_true(mock_view("get_collateral", "{\"fmspc\":\"0a1b2c3d4e5e\"}"));
    assert_null(strstr(mock.value, "tcb_info"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(parts_come_one_at_a_time),
        TEST(a_text_of_the_object_serves_too),
        TEST(kept_parts_serve_beside_those_of_the_call),
        TEST(older_parts_are_refused),
        TEST(an_older_list_keeps_nothing_of_a_revoked_signer),
        TEST(the_lowest_set_from_the_minimum_on_is_in_force),
        TEST(a_set_that_has_expired_makes_room),
        TEST(what_has_expired_is_refused_with_its_date),
        TEST(strangers_pay_for_what_they_store),
        TEST(collateral_of_sgx_is_not_kept),
        TEST(another_root_is_refused),
        TEST(days_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
