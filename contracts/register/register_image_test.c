// SPDX-License-Identifier: Apache-2.0
// Images: what is approved by whom, from when on, by which registers or events; and keystores, whose images wait.
#include "register/kit/kit.h"

#define PROVIDER "{\"name\":\"kms\",\"id\":\"1234\"}"
// SHA-256 of PROVIDER, filled by provider_hash.
static const char *provider_hash(void) {
    static char hex[65];
    struct hash h = sha256_of(TEXT(PROVIDER));
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", h.b[i]);
    return hex;
}

static const uint8_t compose[32] = {0xc0, 0xff, 0xee};
#define COMPOSE "c0ffee0000000000000000000000000000000000000000000000000000000000"

static const char *image(const char *role, const char *more) {
    static char args[1400];
    snprintf(args, sizeof args,
             "{\"name\":\"first\",\"role\":\"%s\",\"mrtd\":\"%s\",\"rtmr0\":[\"%096d\",\"%s\"],\"rtmr1\":\"%s\","
             "\"rtmr2\":\"%s\",\"compose_hash\":\"" COMPOSE "\"%s}",
             role, register_hex(0), 5, register_hex(1), register_hex(2), register_hex(3), more);
    return args;
}

// A registration by an event log that ends in the quote's RTMR3.
static const char *by_log(uint8_t key, const uint8_t *hash, int flaw) {
    static char more[100000];
    uint8_t rtmr3[48];
    char *log = strdup(sample_log(rtmr3, hash, PROVIDER, flaw));
    quotes(key, &(struct sample){.rtmr3 = rtmr3});
    snprintf(more, sizeof more, ",\"event_log\":%s,\"collateral\":%s", log, sample_collateral);
    free(log);
    return registration(key, more);
}

static void an_image_is_known_by_its_events(void **state) {
    (void)state;
    char provider[100];
    uint8_t other[32] = {1};
    snprintf(provider, sizeof provider, ",\"key_provider\":\"%s\"", provider_hash());
    calls("add_image", OWNER, 0, image("worker", provider));
    answers("0");
    refuses("register_worker_key", REGISTRAR, 0, by_log(7, other, 0), "not approved for registration");
    refuses("register_worker_key", REGISTRAR, 0, by_log(7, compose, 1), "EVENT_LOG: LOG_DUPLICATE");
    refuses("register_worker_key", REGISTRAR, 0, by_log(7, compose, 2), "EVENT_LOG: LOG_");
    refuses("register_worker_key", REGISTRAR, 0, by_log(7, compose, 3), "EVENT_LOG: LOG_EVENT_MISSING");
    refuses("register_worker_key", REGISTRAR, 0, by_log(7, compose, 4), "EVENT_LOG: LOG_");
    calls("register_worker_key", REGISTRAR, 0, by_log(7, compose, 0));
    event_is("worker_registered", "image_id", "0");
    calls("remove_image", OWNER, 0, "{\"image_id\":0}");
    snprintf(provider, sizeof provider, ",\"key_provider\":\"" COMPOSE "\"");
    calls("add_image", OWNER, 0, image("worker", provider));
    refuses("register_worker_key", REGISTRAR, 0, by_log(8, compose, 0), "asks for another key provider");
}

static void each_register_counts(void **state) {
    (void)state;
    approves();
    for (unsigned i = 0; i < 5; i++) {
        char args[800];
        sample_registers[i][47] ^= 1; // another image is approved than the quote's
        calls("clear_all_approved_measurements", OWNER, 0, "{}");
        snprintf(args, sizeof args, "{\"measurements\":%s}", measurements());
        calls("add_approved_measurements", OWNER, 0, args);
        quotes(7, &(struct sample){0});
        refuses("register_worker_key", REGISTRAR, 0, registration(7, with_collateral()), "not approved");
        assert_non_null(strstr(mock.error, register_hex(4)));
    }
}

static void images_expire_and_begin(void **state) {
    (void)state;
    char more[64];
    snprintf(more, sizeof more, ",\"expires_at\":%lld", (long long)seconds() + 100);
    calls("add_image", OWNER, 0, image("worker", more));
    passes(101);
    refuses("register_worker_key", REGISTRAR, 0, by_log(7, compose, 0), "Image 0 has expired at 2026-01-01T00:01:40Z");
    refuses("add_image", OWNER, 0, image("worker", more), "expires_at is in the past");
    refuses("add_image", ALICE, 0, image("worker", ""), "Only owner");
    static const char *const names[] = {"\\u0001", "\\\"", "\xc3\xa4",
                                        "12345678901234567890123456789012345678901234567890123456789012345"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char args[900];
        snprintf(args, sizeof args, "{\"measurements\":%s,\"name\":\"%s\"}", measurements(), names[i]);
        refuses("add_approved_measurements", OWNER, 0, args, "name must be at most 64 ASCII characters");
    }
    refuses("add_image", OWNER, 0, image("worker", ""), "is approved already");
}

static const char *keystore(uint8_t key, const char *more) {
    static char args[200000];
    snprintf(
        args, sizeof args,
        "{\"public_key\":\"%s\",\"transport_key\":\"%064d\",\"master_check\":\"%064d\",\"tdx_quote_hex\":\"%s\"%s}",
        key_text(key), 1, 2, sample_quote, more);
    return args;
}

static void quotes_keystore_of(uint8_t number, const uint8_t *rtmr3) {
    uint8_t data[64], key[32], challenge[32], transport[32] = {0}, master[32] = {0};
    memset(key, number, sizeof key);
    transport[31] = 1;
    master[31] = 2;
    calls("new_challenge", ALICE, 0, "");
    for (int i = 0; i < 32; i++)
        sscanf(strstr(mock.value, ":\"") + 2 + 2 * i, "%2hhx", &challenge[i]);
    struct sample_claim c = {CHAIN, SELF, MAIN, key, challenge, transport, master};
    sample_claim(data, &c);
    quotes(number, &(struct sample){.report_data = data, .rtmr3 = rtmr3});
}

static void quotes_keystore(uint8_t number) { quotes_keystore_of(number, NULL); }

static void approves_keystore(void) {
    char args[800];
    snprintf(args, sizeof args, "{\"measurements\":%s,\"role\":\"keystore\"}", measurements());
    calls("add_approved_measurements", OWNER, 0, args);
}

static void a_keystore_waits_for_its_image(void **state) {
    (void)state;
    calls("set_policy", OWNER, 0, "{\"image_delay_s\":259200}");
    approves();
    quotes_keystore(7);
    refuses("register_keystore", REGISTRAR, 0, keystore(7, with_collateral()), "not approved"); // a worker's image
    approves_keystore();
    quotes_keystore(7);
    refuses("register_keystore", REGISTRAR, 0, keystore(7, with_collateral()),
            "Image 1 is not active before 2026-01-04T00:00:00Z");
    calls("set_policy", OWNER, 0, "{\"image_delay_s\":0}"); // begins after the old one
    assert_true(mock_view("get_policy", ""));
    assert_non_null(strstr(mock.value, "\"image_delay_s\":259200,\"next_image_delay_s\":0"));
    passes(3 * DAY_S - 1);
    quotes_keystore(7);
    refuses("register_keystore", REGISTRAR, 0, keystore(7, with_collateral()), "is not active before");
    passes(1);
    quotes_keystore(7);
    calls("register_keystore", REGISTRAR, 0, keystore(7, with_collateral()));
    assert_int_equal(mock.receipt_count, 0); // no rights
    event_is("keystore_registered", "image_id", "1");
    char args[200];
    snprintf(args, sizeof args, "{\"public_key\":\"%s\"}", key_text(7));
    assert_true(mock_view("get_keystore", args));
    assert_non_null(
        strstr(mock.value, "\"transport_key\":\"0000000000000000000000000000000000000000000000000000000000000001\""));
    views("get_worker", args, "null");
    quotes(7, &(struct sample){0});
    refuses("register_worker_key", REGISTRAR, 0, registration(7, ""), "in another role");
    assert_true(mock_view("check_quote", registration(7, "")));
    assert_non_null(strstr(mock.value, "\"refused\":[{\"code\":\"KEY_ROLE\"}]"));
    quotes_keystore(8);
    char *wrong = strdup(keystore(8, ""));
    memcpy(strstr(wrong, "master_check\":\"") + 15, "11", 2);
    refuses("register_keystore", REGISTRAR, 0, wrong, REFUSED_REPORT_DATA);
    free(wrong);
}

// An approval that waits takes nothing away from one that counts already.
static void a_waiting_image_hides_no_other(void **state) {
    (void)state;
    static char more[100000];
    uint8_t rtmr3[48];
    char log[4000];
    snprintf(log, sizeof log, ",\"event_log\":%s", sample_log(rtmr3, compose, PROVIDER, 0));
    calls("add_image", OWNER, 0, image("keystore", ""));
    calls("set_policy", OWNER, 0, "{\"image_delay_s\":259200}");
    quotes_keystore_of(7, rtmr3);
    snprintf(more, sizeof more, "%s%s", log, with_collateral());
    calls("register_keystore", REGISTRAR, 0, keystore(7, more));
    event_is("keystore_registered", "image_id", "0");
    approves_keystore();
    calls("register_keystore", REGISTRAR, 0, keystore(7, log));
    refuses("register_keystore", REGISTRAR, 0, keystore(7, ""), "Image 1 is not active before");
}

static void rtmr3_alone_is_the_owners_choice(void **state) {
    (void)state;
    char args[200];
    snprintf(args, sizeof args, "{\"rtmr3\":\"%s\"}", register_hex(4));
    refuses("add_approved_rtmr3", OWNER, 0, args, "RTMR3 alone says nothing");
    refuses("add_approved_rtmr3", OWNER, 0, "{\"rtmr3\":\"00\"}", "Invalid RTMR3 format: expected 96 hex characters");
    char bad[200];
    snprintf(bad, sizeof bad, "{\"rtmr3\":\"%095dx\"}", 0);
    refuses("add_approved_rtmr3", OWNER, 0, bad, "Invalid RTMR3 format: must be hex string");
    calls("set_policy", OWNER, 0, "{\"allow_rtmr3_only\":true}");
    for (char *p = args + 10; *p; p++) // either case is the same value
        *p = *p >= 'a' && *p <= 'f' ? (char)(*p - 32) : *p;
    calls("add_approved_rtmr3", OWNER, 0, args);
    calls("add_approved_rtmr3", OWNER, 0, args);
    views("is_rtmr3_approved", args, "true");
    snprintf(bad, sizeof bad, "[\"%s\"]", register_hex(4));
    views("get_approved_rtmr3", "", bad);
    registers(7);
    quotes_keystore(8);
    refuses("register_keystore", REGISTRAR, 0, keystore(8, ""), "not approved"); // never for keystores
    calls("set_policy", OWNER, 0, "{\"allow_rtmr3_only\":false}");
    quotes(9, &(struct sample){0});
    refuses("register_worker_key", REGISTRAR, 0, registration(9, ""), "not approved");
    views("is_rtmr3_approved", args, "false");
    calls("remove_approved_rtmr3", OWNER, 0, args);
    calls("remove_approved_rtmr3", OWNER, 0, args);
    views("get_approved_rtmr3", "", "[]");
}

// Programs send the log of their guest with each quote; of what nobody approved it changes nothing.
static void a_log_is_no_hindrance_to_rtmr3_alone(void **state) {
    (void)state;
    char args[200];
    uint8_t rtmr3[48];
    (void)sample_log(rtmr3, compose, PROVIDER, 0);
    calls("set_policy", OWNER, 0, "{\"allow_rtmr3_only\":true}");
    refuses("register_worker_key", REGISTRAR, 0, by_log(7, compose, 0), "not approved");
    quotes(7, &(struct sample){.rtmr3 = rtmr3});
    snprintf(args, sizeof args, "{\"rtmr3\":\"%s\"}", register_hex(4));
    calls("add_approved_rtmr3", OWNER, 0, args);
    calls("register_worker_key", REGISTRAR, 0, by_log(7, compose, 0));
    event_is("worker_registered", "image_id", "0");
    calls("add_image", OWNER, 0, image("worker", "")); // which is known by more, and goes first
    calls("register_worker_key", REGISTRAR, 0, by_log(7, compose, 0));
    event_is("worker_renewed", "image_id", "1");
}

static void approvals_are_listed_and_taken_back(void **state) {
    (void)state;
    char args[900], list[800];
    approves();
    approves(); // the same again changes nothing
    snprintf(list, sizeof list, "[%s]", measurements());
    views("get_approved_measurements", "{}", list);
    snprintf(args, sizeof args, "{\"measurements\":%s}", measurements());
    views("is_measurements_approved", args, "true");
    calls("add_image", OWNER, 0, image("worker", ""));
    for (size_t i = 0; i < mock.log_count; i++)
        assert_true(strlen(mock.logs[i]) <= 700);
    assert_true(mock_view("get_images", "{}"));
    json_t *all = parsed(mock.value);
    assert_int_equal(json_array_size(all), 2);
    json_decref(all);
    sample_registers[4][0] ^= 1;
    snprintf(args, sizeof args, "{\"measurements\":%s,\"clear_others\":true}", measurements());
    calls("add_approved_measurements", OWNER, 0, args);
    assert_true(mock_view("get_images", "{}"));
    all = parsed(mock.value);
    assert_int_equal(json_array_size(all), 1);
    json_decref(all);
    snprintf(args, sizeof args, "{\"measurements\":%s}", measurements());
    calls("remove_approved_measurements", OWNER, 0, args);
    refuses("remove_approved_measurements", OWNER, 0, args, "not approved");
    refuses("remove_image", OWNER, 0, "{\"image_id\":0}", "No such image");
    views("is_measurements_approved", args, "false");
    views("get_images", "{}", "[]");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_image_is_known_by_its_events),
        TEST(each_register_counts),
        TEST(images_expire_and_begin),
        TEST(a_keystore_waits_for_its_image),
        TEST(a_waiting_image_hides_no_other),
        TEST(rtmr3_alone_is_the_owners_choice),
        TEST(a_log_is_no_hindrance_to_rtmr3_alone),
        TEST(approvals_are_listed_and_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
