// SPDX-License-Identifier: Apache-2.0
// request_execution: what it takes, refuses, stores and tells.
#include "kit/kit.h"

#define MICRO (MILLI_NEAR / 1000)
#define PRICE (7000 * MICRO + MICRO / 10) // for the default limits
#define WITH(more) "{" SOURCE more "}"
#define LIMITS(inside) WITH(",\"resource_limits\":{" inside "}")

static void refused(const char *args, const char *sentence) {
    refuses("request_execution", ALICE, DEPOSIT, args, sentence);
    views("get_request", "{\"request_id\":0}", "null");
}

// The event is what workers read: each byte of it is their input.
static void event_is_exact(void **state) {
    (void)state;
    requests(",\"resource_limits\":{\"max_instructions\":2000000000,\"max_memory_mb\":64,\"max_execution_seconds\":5},"
             "\"input_data\":\"say \\\"hi\\\"\\n\",\"secrets_ref\":null,\"response_format\":\"Json\","
             "\"payer_account_id\":\"bob.near\"",
             DEPOSIT);
    assert_int_equal(mock.log_count, 1);
    const char *want =
        "EVENT_JSON:{\"standard\":\"near-outlayer\",\"version\":\"1.0.0\",\"event\":\"execution_requested\",\"data\":["
        "{\"request_data\":\"{\\\"request_id\\\":0,\\\"sender_id\\\":\\\"alice.near\\\",\\\"code_source\\\":"
        "{\\\"repo\\\":\\\"https://github.com/a/b\\\",\\\"commit\\\":\\\"main\\\",\\\"build_target\\\":"
        "\\\"wasm32-wasip1\\\"},\\\"resource_limits\\\":{\\\"max_instructions\\\":2000000000,\\\"max_memory_mb\\\":64,"
        "\\\"max_execution_seconds\\\":5},\\\"input_data\\\":\\\"say \\\\\\\"hi\\\\\\\"\\\\n\\\",\\\"secrets_ref\\\":"
        "null,\\\"response_format\\\":\\\"Json\\\",\\\"payment\\\":\\\"100000000000000000000000\\\",\\\"timestamp\\\":"
        "1767225600000000000}\",\"data_id\":[";
    assert_memory_equal(mock.logs[0], want, strlen(want));
    json_t *data = event("execution_requested"), *ids = json_object_get(data, "data_id");
    assert_int_equal(json_array_size(ids), 32);
    for (size_t i = 0; i < 32; i++)
        assert_int_equal(json_integer_value(json_array_get(ids, i)), mock.yields[0].data_id[i]);
    json_t *inner = json_loads(json_string_value(json_object_get(data, "request_data")), JSON_REJECT_DUPLICATES, NULL);
    assert_string_equal(json_string_value(json_object_get(inner, "input_data")), "say \"hi\"\n");
    json_decref(inner);
    json_decref(data);
}

// Null and missing limits take the defaults in the event, so that a worker always finds numbers.
static void w07_null_limits_take_defaults(void **state) {
    (void)state;
    static const char *const forms[] = {"", ",\"resource_limits\":null", ",\"resource_limits\":{}",
                                        (",\"resource_limits\":{\"max_instructions\":null,\"max_memory_mb\":null,"
                                         "\"max_execution_seconds\":null,\"later\":[{}]}")};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        requests(forms[i], PRICE);
        assert_non_null(strstr(mock.logs[0], "\\\"resource_limits\\\":{\\\"max_instructions\\\":1000000000,"
                                             "\\\"max_memory_mb\\\":128,\\\"max_execution_seconds\\\":60},"
                                             "\\\"input_data\\\":\\\"\\\",\\\"secrets_ref\\\":null,"
                                             "\\\"response_format\\\":\\\"Text\\\""));
    }
    requests(",\"resource_limits\":{\"max_memory_mb\":1024}", PRICE);
    assert_non_null(strstr(mock.logs[0], "1000000000,\\\"max_memory_mb\\\":1024,"));
}

// get_request shows the request under the names that clients know; the input only by hash and length.
static void request_is_stored(void **state) {
    (void)state;
    requests(",\"input_data\":\"abc\",\"payer_account_id\":\"bob.near\"", DEPOSIT);
    assert_true(mock_view("get_request", "{\"request_id\":0}"));
    json_t *r = parsed(mock.value);
    static const char *const members[][2] = {
        {"request_id", "0"},
        {"sender_id", "\"alice.near\""},
        {"code_source", "{\"repo\":\"https://github.com/a/b\",\"commit\":\"main\",\"build_target\":\"wasm32-wasip1\"}"},
        {"resource_limits", "{\"max_instructions\":1000000000,\"max_memory_mb\":128,\"max_execution_seconds\":60}"},
        {"timestamp", "1767225600000000000"},
        {"secrets_ref", "null"},
        {"response_format", "\"Text\""},
        {"input_data", "null"},
        {"payer_account_id", "\"bob.near\""},
        {"pending_output", "null"},
        {"output_submitted", "false"},
        {"input_hash", "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""},
        {"input_length", "3"},
        {"payment_yocto", "\"100000000000000000000000\""},
        {"timestamp_ns", "\"1767225600000000000\""},
        {"build_seconds", "300"},
        {"pricing", "[\"1000000000000000000000\",\"100000000000000\",\"100000000000000000\",\"100000000000000000\"]"},
        {"answered", "false"},
        {"extensions", "0"},
        {"extensions_left", "10"},
    };
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        char *text = json_dumps(json_object_get(r, members[i][0]), JSON_COMPACT | JSON_ENCODE_ANY);
        if (!text || strcmp(text, members[i][1]) != 0)
            fail_msg("%s: %s, want %s", members[i][0], text ? text : "nothing", members[i][1]);
        free(text);
    }
    assert_int_equal(json_object_size(r), ARRAY_LEN(members) + 2); // and data_id, payment
    assert_int_equal(json_array_size(json_object_get(r, "data_id")), 32);
    json_decref(r);
    // a bare number, as ever
    assert_true(mock_view("get_request", "{\"request_id\":0}"));
    assert_non_null(strstr(mock.value, "\"payment\":100000000000000000000000,"));
}

// The caller's call answers with what the callback answers, whose gas is at least 50 Tgas.
static void promise_is_the_yield(void **state) {
    (void)state;
    requests("", DEPOSIT);
    assert_int_equal(mock.receipt_count, 1);
    assert_int_equal(mock.receipts[0].kind, RECEIPT_YIELD);
    assert_int_equal(mock.returned, 0);
    assert_string_equal(mock.receipts[0].method, "on_execution_response");
    assert_string_equal(mock.receipts[0].args, "{\"request_id\":0}");
    assert_true(mock.receipts[0].gas == 50 * TGAS);
    requests("", DEPOSIT);
    assert_string_equal(mock.receipts[0].args, "{\"request_id\":1}");
}

static uint64_t build_seconds_with(const char *limits, u128 deposit) {
    uint64_t id = requests(limits, deposit);
    char args[64];
    snprintf(args, sizeof args, "{\"request_id\":%d}", (int)id);
    assert_true(mock_view("get_request", args));
    const char *at = strstr(mock.value, "\"build_seconds\":");
    assert_non_null(at);
    return strtoull(at + 16, NULL, 10);
}

static uint64_t build_seconds(u128 deposit) { return build_seconds_with("", deposit); }

// What is attached beyond the price of the limits buys build time: this is the builder's deadline.
static void deposit_buys_build_time(void **state) {
    (void)state;
    u128 second = MILLI_NEAR / 10;
    assert_int_equal(build_seconds(PRICE), 10);
    assert_int_equal(build_seconds(PRICE + 10 * second), 10);
    assert_int_equal(build_seconds(PRICE + 11 * second - 1), 10);
    assert_int_equal(build_seconds(PRICE + 11 * second), 11);
    assert_int_equal(build_seconds(PRICE + 64 * second), 64);
    assert_int_equal(build_seconds(PRICE + 99 * second), 99);
    assert_int_equal(build_seconds(PRICE + 299 * second), 299);
    assert_int_equal(build_seconds(PRICE + 1000 * second), 300);
    assert_int_equal(build_seconds(5 * NEAR * 1000), 300);
    calls("set_pricing", OWNER, 0, "{\"per_compile_ms_fee\":\"0\"}");
    assert_int_equal(build_seconds(PRICE), 300);
    calls("set_pricing", OWNER, 0, "{\"per_compile_ms_fee\":\"1000000000000000000000000000\"}");
    assert_int_equal(build_seconds(5 * NEAR * 1000), 10);
}

// What is sold fits: 200 blocks are 120 s, of which the run may need its own seconds and the answer some; each
// extension that the gas pays adds 140 blocks. More would end in a window that is over, and nothing would be charged.
static void build_time_fits_the_blocks_that_the_gas_pays(void **state) {
    (void)state;
    static const struct {
        const char *limits;
        unsigned tgas, seconds; // a Tgas is kept back, 3 go into each extension
    } cases[] = {
        {"", 52, 40},
        {",\"resource_limits\":{\"max_execution_seconds\":1}", 52, 99},
        {",\"resource_limits\":{\"max_execution_seconds\":60}", 53, 40},
        {",\"resource_limits\":{\"max_execution_seconds\":60}", 54, 120},
        {",\"resource_limits\":{\"max_execution_seconds\":20}", 57, 240},
        {"", 63, 300},
        {"", 300, 300},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        mock.prepaid_gas = cases[i].tgas * TGAS;
        assert_int_equal(build_seconds_with(cases[i].limits, NEAR), cases[i].seconds);
    }
}

// The required deposit to the yocto, and a sentence that says how much.
static void payment_is_checked(void **state) {
    (void)state;
    requests("", PRICE);
    refuses("request_execution", ALICE, PRICE - 1, WITH(""),
            "Insufficient payment: required 7000100000000000000000 yoctoNEAR for requested limits (max_instructions: "
            "1000000000, max_execution_seconds: 60), got 7000099999999999999999 yoctoNEAR");
    refuses("request_execution", ALICE, 0, LIMITS("\"max_instructions\":1999999,\"max_execution_seconds\":1"),
            "required 1100000100000000000000 yoctoNEAR");
}

// W13: a pending request's record binds the payer's money, not the contract's: cheap limits need more than their price,
// and the sentence says how much.
static void w13_payment_covers_the_requests_record(void **state) {
    (void)state;
    static const char cheap[] = LIMITS("\"max_instructions\":1,\"max_execution_seconds\":1");
    u128 price = 1100 * MICRO, needed;
    struct yocto y;
    uint64_t usage = usage_beside_state();
    refuses("request_execution", ALICE, price, cheap,
            "Insufficient payment: what is stored until the request ends needs ");
    const char *at = strstr(mock.error, "needs ") + 6;
    assert_true(yocto_parse(&y, (struct text){at, strspn(at, "0123456789")}));
    needed = y.v;
    refuses("request_execution", ALICE, needed - 1, cheap, " yoctoNEAR, got ");
    calls("request_execution", ALICE, needed, cheap);
    resolves(0, "{\"success\":true,\"output\":{\"Text\":\"x\"}," USED "}"); // the record grows
    assert_true((u128)(usage_beside_state() - usage) * BYTE_STAKE <= needed);
    ends(0);
    charged(1400 * MICRO, needed - 1400 * MICRO);
}

// Each cap, one beyond it, and zero, which could only fail.
static void w07_limits_have_caps(void **state) {
    (void)state;
    refused(LIMITS("\"max_instructions\":100000000001"),
            "Requested max_instructions 100000000001 exceeds hard limit of 100000000000");
    refused(LIMITS("\"max_instructions\":18446744073709551615"), "exceeds hard limit of 100000000000");
    refused(LIMITS("\"max_execution_seconds\":61"),
            "Requested max_execution_seconds 61 exceeds hard limit of 60 seconds");
    refused(LIMITS("\"max_memory_mb\":1025"), "Requested max_memory_mb 1025 exceeds hard limit of 1024 MB");
    refused(LIMITS("\"max_instructions\":0"), "A limit cannot be zero; leave it out for the default");
    refused(LIMITS("\"max_execution_seconds\":0"), "A limit cannot be zero; leave it out for the default");
    refused(LIMITS("\"max_memory_mb\":0"), "A limit cannot be zero; leave it out for the default");
    requests(
        ",\"resource_limits\":{\"max_instructions\":100000000000,\"max_memory_mb\":1024,\"max_execution_seconds\":60}",
        DEPOSIT);
}

#define BAD_JSON "Failed to deserialize input from JSON. "

// Wrong arguments are told apart, so that a developer sees which one it was.
static void w20_arguments_are_strict(void **state) {
    (void)state;
    refused("", BAD_JSON "missing field \"code_source\"");
    refused("[]", BAD_JSON "The arguments: expected '{' here");
    refused("{\"code_source\":{\"repo\":\"a\"}}", BAD_JSON "missing field \"commit\"");
    refused("{\"code_source\":null}", BAD_JSON "\"code_source\": expected '{' here");
    refused(WITH(",\"cod_source\":1"), BAD_JSON "unknown field \"cod_source\"");
    refused(WITH(",\"input_data\":\"a\",\"input_data\":\"a\""), BAD_JSON "duplicate field \"input_data\"");
    refused(WITH(",\"input_data\":5"), BAD_JSON "\"input_data\": expected a string");
    refused(WITH(",\"response_format\":\"text\""), BAD_JSON "unknown variant \"text\"");
    refused(WITH(",\"payer_account_id\":\"Bob\""), BAD_JSON "\"payer_account_id\": not an account id");
    refused(LIMITS("\"max_instructions\":\"5\""),
            BAD_JSON "\"max_instructions\": expected a whole number from 0 to 18446744073709551615");
    refused(LIMITS("\"max_instructions\":18446744073709551616"), "from 0 to 18446744073709551615");
    refused(LIMITS("\"max_instructions\":-1"), "\"max_instructions\": expected a whole number");
    refused(LIMITS("\"max_execution_seconds\":1.0"), "\"max_execution_seconds\": expected a whole number");
    refused(LIMITS("\"max_execution_seconds\":1e1"), "\"max_execution_seconds\": expected a whole number");
    refused(LIMITS("\"max_memory_mb\":4294967296"), "\"max_memory_mb\": expected a whole number from 0 to 4294967295");
    refused(WITH("") "x", BAD_JSON "The arguments: something follows the last brace");
}

// Unknown members inside known objects are passed over, and a variant may be written as an object, as older clients do.
static void lenient_where_clients_are(void **state) {
    (void)state;
    calls("request_execution", ALICE, DEPOSIT,
          " { \"code_source\" : "
          "{\"later\":{\"x\":[1,2,{\"repo\":\"y\"}]},\"commit\":\"v1\",\"repo\":\"github.com/a/b\"} ,"
          "\"response_format\":{\"Bytes\":null}, \"input_data\":null } \n");
    assert_non_null(strstr(mock.logs[0], "\\\"commit\\\":\\\"v1\\\",\\\"build_target\\\":null}"));
    assert_non_null(strstr(mock.logs[0], "\\\"response_format\\\":\\\"Bytes\\\""));
}

#define BY(repo, commit, target)                                                                                       \
    "{\"code_source\":{\"repo\":\"" repo "\",\"commit\":\"" commit "\",\"build_target\":" target "}}"

#define SOURCE_SENTENCE                                                                                                \
    "code_source: repo, commit and build_target must be an address, a git ref and a target of at most 256, 255"

// What names the code goes to a shell-less git and into events: nothing in it may be more than a name.
static void w19_source_is_checked(void **state) {
    (void)state;
    static const char *const repos[] = {"",      "-x", "a b",       "a\\\\b", "a\\\"b",
                                        "a\\nb", "ü",  "a\\u0000b", "a/b#c",  "a/b?c"};
    for (size_t i = 0; i < sizeof repos / sizeof repos[0]; i++) {
        char args[128];
        snprintf(args, sizeof args, "{\"code_source\":{\"repo\":\"%s\",\"commit\":\"c\"}}", repos[i]);
        refused(args, SOURCE_SENTENCE);
    }
    refused(BY("r", "", "null"), SOURCE_SENTENCE);
    refused(BY("r", "--upload-pack=x", "null"), SOURCE_SENTENCE);
    refused(BY("r", "a b", "null"), SOURCE_SENTENCE);
    refused(BY("r", "a\x7f", "null"), SOURCE_SENTENCE);
    refused(BY("r", "a\\u0000", "null"), SOURCE_SENTENCE);
    refused(BY("r", "c", "\"\""), SOURCE_SENTENCE);
    refused(BY("r", "c", "\"a b\""), SOURCE_SENTENCE);
    char args[1024], repo[258];
    memset(repo, 'r', 257);
    repo[257] = 0;
    snprintf(args, sizeof args, "{\"code_source\":{\"repo\":\"%s\",\"commit\":\"c\"}}", repo);
    refused(args, SOURCE_SENTENCE);
    snprintf(args, sizeof args, "{\"code_source\":{\"repo\":\"%s\",\"commit\":\"c\"}}", repo + 1);
    calls("request_execution", ALICE, DEPOSIT, args);
}

// Branches and tags as git and its hosts take them, up to 255 bytes of UTF-8; event and view show them as they are.
static void w19_refs_are_gits_own(void **state) {
    (void)state;
    static const char *const refs[] = {"@s/p@1.0.0", "feat(x),y=1", "#12-fix", "wip!", "_tmp", "\xc3\xa4", "a'b"};
    char args[1024];
    for (size_t i = 0; i < sizeof refs / sizeof refs[0]; i++) {
        snprintf(args, sizeof args, "{\"code_source\":{\"repo\":\"r\",\"commit\":\"%s\"}}", refs[i]);
        calls("request_execution", ALICE, DEPOSIT, args);
        assert_non_null(strstr(mock.logs[0], refs[i]));
    }
    char long_ref[257] = "";
    for (size_t i = 0; i < 127; i++)
        memcpy(long_ref + 2 * i, "\xc3\xa4", 2);
    long_ref[254] = 'x';
    snprintf(args, sizeof args, BY("r", "%s", "null"), long_ref);
    calls("request_execution", ALICE, DEPOSIT, args);
    assert_non_null(strstr(mock.logs[0], long_ref));
    long_ref[255] = 'x';
    snprintf(args, sizeof args, BY("r", "%s", "null"), long_ref);
    refuses("request_execution", ALICE, DEPOSIT, args, SOURCE_SENTENCE);
    for (size_t i = 0; i < sizeof refs / sizeof refs[0]; i++) {
        snprintf(args, sizeof args, "{\"request_id\":%zu}", i);
        assert_true(mock_view("get_request", args));
        assert_non_null(strstr(mock.value, refs[i]));
    }
}

// What the keystore will read from the chain: who asks for whose secrets. A name that no row can have is refused here,
// before anything is paid.
static void secrets_are_named_by_profile_and_owner(void **state) {
    (void)state;
    refused(WITH(",\"secrets_ref\":{\"profile\":\"a b\",\"account_id\":\"bob.near\"}"),
            "Profile name must contain only");
    refused(WITH(",\"secrets_ref\":{\"profile\":\"\",\"account_id\":\"bob.near\"}"), "Profile cannot be empty");
    refused(WITH(",\"secrets_ref\":{\"profile\":\"p\",\"account_id\":\"B\"}"), "not an account id");
    refused(WITH(",\"secrets_ref\":{\"profile\":\"p\"}"), "missing field");
    requests(",\"secrets_ref\":{\"profile\":\"p\",\"account_id\":\"bob.near\",\"more\":1}", DEPOSIT);
    assert_non_null(
        strstr(mock.logs[0], "\\\"secrets_ref\\\":{\\\"profile\\\":\\\"p\\\",\\\"account_id\\\":\\\"bob.near\\\"}"));
    assert_true(mock_view("get_request", "{\"request_id\":0}"));
    assert_non_null(strstr(mock.value, "\"secrets_ref\":{\"profile\":\"p\",\"account_id\":\"bob.near\"}"));
}

static void own_payer_is_refused(void **state) {
    (void)state;
    refused(WITH(",\"payer_account_id\":\"" SELF "\""), "payer_account_id cannot be this contract");
}

static void paused_contract_takes_no_requests(void **state) {
    (void)state;
    calls("set_paused", OWNER, 0, "{\"paused\":true}");
    refused(WITH(""), "Contract is paused");
    calls("set_paused", OWNER, 0, "{\"paused\":false}");
    requests("", DEPOSIT);
}

// The largest input of each kind that one event carries, and one byte more: a log of more than 16,384 bytes would fail.
static void input_is_as_long_as_an_event_carries(void **state) {
    (void)state;
    static const struct {
        const char *escaped;
        size_t cost; // bytes of it in the event
    } kinds[] = {{"x", 1}, {"\\\"", 4}, {"\\n", 3}, {"\\u0001", 7}, {"\xc3\xbc", 2}};
    requests(",\"input_data\":\"\"", DEPOSIT);
    size_t rest = strlen(mock.logs[0]);
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        // numbers in data_id vary in length, so the last few bytes are found by trying
        size_t n = (16384 - rest - 40) / kinds[k].cost;
        static char more[120000], args[121000];
        size_t at = (size_t)snprintf(more, sizeof more, ",\"input_data\":\"");
        for (size_t i = 0; i < n; i++)
            at += (size_t)snprintf(more + at, sizeof more - at, "%s", kinds[k].escaped);
        snprintf(more + at, sizeof more - at, "\"");
        snprintf(args, sizeof args, "{" SOURCE "%s}", more);
        calls("request_execution", ALICE, DEPOSIT, args);
        assert_true(mock.log_bytes <= 16384 && mock.log_bytes > 16384 - 100);
        for (size_t i = 0; i < 80; i++)
            at += (size_t)snprintf(more + at, sizeof more - at, "%s", kinds[k].escaped);
        snprintf(more + at, sizeof more - at, "\"");
        snprintf(args, sizeof args, "{" SOURCE "%s}", more);
        refuses("request_execution", ALICE, DEPOSIT, args, "bytes long; at most 16384 can be logged");
    }
}

static void huge_input_is_refused_with_a_sentence(void **state) {
    (void)state;
    static char args[1700000];
    size_t at = (size_t)snprintf(args, sizeof args, "{" SOURCE ",\"input_data\":\"");
    memset(args + at, 'x', 20000);
    snprintf(args + at + 20000, 8, "\"}");
    refused(args, "bytes long; at most 16384 can be logged");
    memset(args + at, 'x', 1600000);
    snprintf(args + at + 1600000, 8, "\"}");
    refused(args, "Longer than this contract can take");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(event_is_exact),
        TEST(w07_null_limits_take_defaults),
        TEST(request_is_stored),
        TEST(promise_is_the_yield),
        TEST(deposit_buys_build_time),
        TEST(build_time_fits_the_blocks_that_the_gas_pays),
        TEST(payment_is_checked),
        TEST(w13_payment_covers_the_requests_record),
        TEST(w07_limits_have_caps),
        TEST(w20_arguments_are_strict),
        TEST(lenient_where_clients_are),
        TEST(w19_source_is_checked),
        TEST(w19_refs_are_gits_own),
        TEST(secrets_are_named_by_profile_and_owner),
        TEST(own_payer_is_refused),
        TEST(paused_contract_takes_no_requests),
        TEST(input_is_as_long_as_an_event_carries),
        TEST(huge_input_is_refused_with_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
