// SPDX-License-Identifier: Apache-2.0
// Setting up, owning and upgrading; money: stake that is exact, refunds, and many keys in steps.
#include "register/kit/kit.h"

#define NEW "{\"owner_id\":\"" OWNER "\",\"outlayer_contract_id\":\"" MAIN "\",\"min_tcb_eval\":17,\"min_qe_eval\":17"

static void another_root_key_is_for_devnets(void **state) {
    (void)state;
    char args[600];
    snprintf(args, sizeof args, NEW ",\"root_public_key\":\"%s\"}", sample_root);
    static const char *const chains[] = {"mainnet", "testnet"};
    for (size_t i = 0; i < 2; i++) {
        mock_reset(SELF);
        snprintf(mock.chain_id, sizeof mock.chain_id, "%s", chains[i]);
        refuses("new", OWNER, 0, args, "on this chain only Intel's root key counts");
        calls("new", OWNER, 0, NEW "}");
        assert_true(mock_view("get_config", ""));
        assert_non_null(strstr(mock.value, "\"root_public_key\":\"0ba9c4c0c0c86193"));
    }
    mock_reset(SELF);
    args[strlen(args) - 3] ^= 1; // y of another point
    refuses("new", OWNER, 0, args, "root_public_key is no point of the curve");
    refuses("new", OWNER, 0, NEW ",\"root_public_key\":\"00\"}", "128 hexadecimal digits");
    refuses("new_challenge", OWNER, 0, "", "not initialized");
    calls("new", OWNER, 0, NEW "}");
    refuses("new", OWNER, 0, NEW "}", "already been initialized");
    refuses("new", OWNER, 0, NEW ",\"operator_id\":\"a.near\"}", "unknown field \"operator_id\"");
    refuses("new", OWNER, 0, NEW ",\"owner_i\":\"a.near\"}", "unknown field \"owner_i\"");
    refuses("new", OWNER, 0, NEW ",\"owner_id\":\"a.near\"}", "duplicate field owner_id");
    refuses("new", OWNER, 0, NEW ",\"root_public_key\":1}", "root_public_key: expected a string");
    refuses("new", OWNER, 0, NEW "}}", "the arguments: something follows the last brace");
    refuses("new", OWNER, 0, "{}", "missing field owner_id");
    refuses("new", OWNER, 0, "[]", "the arguments: expected {");
}

// What is no argument is taken for one, or stops the call without a sentence that says what is wrong.
static void arguments_are_strict(void **state) {
    (void)state;
#define DEEP "[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]"
#define ACCOUNT "{\"account_id\":"
    static const struct {
        const char *method, *args, *sentence;
    } wrong[] = {
        {"add_registrar", ACCOUNT "\"" ALICE "\"}\n{", "something follows the last brace"},
        {"add_registrar", ACCOUNT "\"" ALICE "\"", "the arguments: expected }"},
        {"add_registrar", ACCOUNT "\"" ALICE "\",}", "the arguments: expected a string"},
        {"add_registrar", ACCOUNT "\"" ALICE "\",\"account_\\u0069d\":\"" ALICE "\"}", "duplicate field account_id"},
        {"add_registrar", ACCOUNT "\"" ALICE, "account_id: expected a string"},
        {"add_registrar", ACCOUNT "\"\\ud800\"}", "account_id: expected a string"},
        {"add_registrar", ACCOUNT "\"a\\u0000b\"}", "account_id: not an account id"},
        {"add_registrar", ACCOUNT "null}", "account_id: expected a string"},
        {"add_registrar", ACCOUNT DEEP "}", "account_id: expected a string"},
        {"add_registrar", "{\"account_id\\u0000\":\"" ALICE "\"}", "A text has characters"},
        {"add_registrar", "{\"account_id2\":\"" ALICE "\"}", "unknown field \"account_id2\""},
        {"add_registrar", "{\"owner_id\":\"" ALICE "\"}", "unknown field \"owner_id\""}, // another method's
        {"add_registrar", "{\"\":\"" ALICE "\"}", "unknown field \"\""},
        {"add_registrar", "{account_id:1}", "the arguments: expected a string"},
        {"add_registrar", "\"", "the arguments: expected {"},
        {"set_policy", "{\"min_tcb_eval\":4294967296}", "min_tcb_eval: expected a whole number in range"},
        {"set_policy", "{\"grace_s\":18446744073709551617}", "grace_s: expected a whole number in range"},
        {"set_policy", "{\"grace_s\":-0}", "grace_s: expected a whole number in range"},
        {"set_policy", "{\"grace_s\":1.0}", "grace_s: expected a whole number in range"},
        {"set_policy", "{\"grace_s\":1e1}", "grace_s: expected a whole number in range"},
        {"set_policy", "{\"grace_s\":01}", "grace_s: not a JSON value"},
        {"set_policy", "{\"grace_s\":\"1\"}", "grace_s: expected a whole number in range"},
        {"set_policy", "{\"grace_s\":nul}", "grace_s: not a JSON value"},
        {"set_policy", "{\"allow_rtmr3_only\":\"true\"}", "allow_rtmr3_only: expected true or false"},
        {"set_policy", "{\"allow_rtmr3_only\":1}", "allow_rtmr3_only: expected true or false"},
        {"set_policy", "{\"allowance\":1}", "allowance: expected a string"},
        {"set_policy", "{\"allowance\":\"1x\"}", "allowance: expected yoctoNEAR"},
        {"set_policy", "{\"accept\":" DEEP "}", "accept: not a JSON value"},
        {"set_policy", "{\"accept\":[{\"a\":1,\"a\":2}]}", "accept: not a JSON value"},
        {"set_policy", "{\"accept\":[\"UpToDate\",1]}", "accept: expected a string"},
        {"set_policy", "{\"accept\":{}}", "accept: expected ["},
        {"set_policy", "{\"accept\":[\"UpToDat\"]}", "accept: not a TCB status"},
        {"remove_image", "{\"image_id\":4294967296}", "No such image"},
        {"add_approved_rtmr3", "{\"rtmr3\":\"00\"}", "Invalid RTMR3 format: expected 96 hex characters"},
        {"remove_approved_measurements", "{\"measurements\":[]}", "the arguments: expected {"},
        {"remove_approved_measurements", "{\"measurements\":{\"mrt\":1}}", "missing field mrtd"},
        {"remove_approved_measurements", "{\"measurements\":{\"rtmr0\":[]}}", "rtmr0: expected a string"},
        {"remove_approved_measurements", "{\"measurements\":{},\"role\":\"work\"}",
         "role: expected worker or keystore"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refuses(wrong[i].method, OWNER, 0, wrong[i].args, wrong[i].sentence);
    // Of a long name a part is repeated; a long text is no account.
    static char text[100100];
    memset(text, 'a', sizeof text - 1);
    memcpy(text, "{\"", 2);
    memcpy(text + sizeof text - 5, "\":1}", 5);
    refuses("add_registrar", OWNER, 0, text, "unknown field \"aaaaaaaa");
    assert_true(strlen(mock.error) < 200);
    memcpy(text, "{\"account_id\":\"", 15);
    memcpy(text + sizeof text - 3, "\"}", 3);
    refuses("add_registrar", OWNER, 0, text, "account_id: not an account id");
}

static void the_owner_changes_in_two_steps(void **state) {
    (void)state;
    refuses("set_owner", ALICE, 0, "{\"new_owner_id\":\"" ALICE "\"}", "Only owner");
    calls("transfer_ownership", OWNER, 0, "{\"new_owner\":\"" ALICE "\"}");
    refuses("accept_owner", REGISTRAR, 0, "", "Only the account that set_owner named");
    calls("set_owner", OWNER, 0, "{\"new_owner_id\":\"" OWNER "\"}"); // taken back
    refuses("accept_owner", ALICE, 0, "", "Only the account");
    calls("set_owner", OWNER, 0, "{\"new_owner_id\":\"" ALICE "\"}");
    calls("accept_owner", ALICE, 0, "");
    event_is("owner_set", "owner_id", "\"" ALICE "\"");
    refuses("set_policy", OWNER, 0, "{}", "Only owner");
    calls("set_policy", ALICE, 0, "{}");
}

static void registrars_are_named(void **state) {
    (void)state;
    approves();
    refuses("add_registrar", ALICE, 0, "{\"account_id\":\"" ALICE "\"}", "Only owner");
    calls("add_registrar", OWNER, 0, "{\"account_id\":\"" ALICE "\"}");
    refuses("add_registrar", OWNER, 0, "{\"account_id\":\"" ALICE "\"}", "registrar already");
    quotes(7, &(struct sample){0});
    calls("register_worker_key", ALICE, 0, registration(7, with_collateral()));
    views("get_init_worker_account", "", "\"" REGISTRAR "\"");
    calls("set_init_worker_account", OWNER, 0, "{\"init_worker_account\":null}");
    views("get_init_worker_account", "", "null");
    quotes(8, &(struct sample){0});
    refuses("register_worker_key", REGISTRAR, 0, registration(8, ""), "Only a registrar can call");
    calls("remove_registrar", OWNER, 0, "{\"account_id\":\"" ALICE "\"}");
    refuses("remove_registrar", OWNER, 0, "{\"account_id\":\"" ALICE "\"}", "Not an added registrar");
    refuses("register_worker_key", ALICE, 0, registration(8, ""), "Insufficient deposit"); // now anybody may, who pays
    for (int i = 0; i < 16; i++) {
        char args[64];
        snprintf(args, sizeof args, "{\"account_id\":\"r%d.near\"}", i);
        calls("add_registrar", OWNER, 0, args);
    }
    refuses("add_registrar", OWNER, 0, "{\"account_id\":\"one-more.near\"}", "16 registrars");
}

static void the_code_is_replaced(void **state) {
    (void)state;
    refuses("upgrade", ALICE, 0, "", "Only owner");
    refuses("upgrade", OWNER, 0, "no code at all", "the new contract's code");
    assert_true(mock_call_bytes("upgrade", OWNER, 0, "\0asm\1\0\0\0more", 12));
    assert_int_equal(mock.receipts[0].kind, RECEIPT_DEPLOY);
    assert_string_equal(mock.receipts[0].method, "migrate");
    refuses("migrate", OWNER, 0, "{}", "Method migrate is private");
    assert_true(mock_callback("migrate", "{}", ""));
    event_is("contract_upgraded", "code_hash", "null");
}

// --- stake

#define KEY_BYTES (40 + 33 + 8 + 1 + 1 + 16 + 4 + 13 + 4 + 117 - 4 + 5 * 4) // an access key of five methods for MAIN

static void whoever_registers_pays_exactly(void **state) {
    (void)state;
    approves();
    calls("set_init_worker_account", OWNER, 0, "{}");
    quotes(7, &(struct sample){0});
    uint64_t before = mock.usage;
    u128 balance = mock.balance;
    calls("register_worker_key", ALICE, NEAR, registration(7, with_collateral()));
    uint64_t collateral = mock.usage - before;
    assert_int_equal(mock.receipt_count, 2);
    const struct mock_receipt *back = &mock.receipts[0];
    assert_int_equal(back->kind, RECEIPT_TRANSFER);
    assert_string_equal(back->to, ALICE);
    u128 kept = NEAR - back->amount;
    assert_true(kept == (collateral + KEY_BYTES) * BYTE_STAKE);
    assert_true(mock.balance == balance + kept);
    // A second one stores the key alone.
    quotes(8, &(struct sample){0});
    before = mock.usage;
    refuses("register_worker_key", ALICE, 0, registration(8, ""), "Insufficient deposit: what a registration binds");
    calls("register_worker_key", ALICE, NEAR, registration(8, ""));
    uint64_t one = mock.usage - before + KEY_BYTES;
    assert_true(mock.receipts[0].amount == NEAR - one * BYTE_STAKE);
    // What its removal frees comes back to who paid: all but the tombstone.
    char args[200];
    snprintf(args, sizeof args, "{\"public_keys\":[\"%s\"]}", key_text(8));
    before = mock.usage;
    calls("remove_worker_keys", OWNER, 0, args);
    assert_int_equal(mock.receipt_count, 2);
    assert_int_equal(mock.receipts[0].kind, RECEIPT_DELETE_KEY);
    assert_int_equal(mock.receipts[1].kind, RECEIPT_TRANSFER);
    assert_string_equal(mock.receipts[1].to, ALICE);
    assert_true(mock.receipts[1].amount == (before - mock.usage + KEY_BYTES) * BYTE_STAKE);
    assert_true(one - (before - mock.usage + KEY_BYTES) == 40 + 34 + 8); // the tombstone
    // A renewal binds nothing and costs nothing.
    passes(DAY_S);
    quotes(7, &(struct sample){0});
    calls("register_worker_key", ALICE, 3, registration(7, ""));
    pays(ALICE, 3);
}

static void a_registrar_pays_nothing(void **state) {
    (void)state;
    approves();
    u128 balance = mock.balance;
    registers(7);
    char args[200];
    snprintf(args, sizeof args, "{\"public_keys\":[\"%s\"]}", key_text(7));
    calls("remove_worker_keys", OWNER, 0, args);
    assert_int_equal(mock.receipt_count, 1);
    assert_true(mock.balance == balance);
}

// A registration of these 32 bytes, whose text is `t`.
static void registers_bytes(const uint8_t *bytes, uint8_t *data, struct text t, bool collateral) {
    static char args[200000];
    uint8_t challenge[32];
    calls("new_challenge", ALICE, 0, "");
    for (int i = 0; i < 32; i++)
        sscanf(strstr(mock.value, ":\"") + 2 + 2 * i, "%2hhx", &challenge[i]);
    sample_claim(data, &(struct sample_claim){CHAIN, SELF, MAIN, bytes, challenge, NULL, NULL});
    sample_make(&(struct sample){.now = seconds(), .report_data = data});
    snprintf(args, sizeof args, "{\"public_key\":\"%.*s\",\"tdx_quote_hex\":\"%s\"%s}", (int)t.len, t.ptr, sample_quote,
             collateral ? with_collateral() : "");
    calls("register_worker_key", REGISTRAR, 0, args);
}

#define MANY 500
static void five_hundred_keys_go_in_steps(void **state) {
    (void)state;
    static char list[64 * MANY];
    approves();
    mock.balance = 10000 * NEAR;
    size_t n = (size_t)snprintf(list, sizeof list, "{\"public_keys\":[");
    for (int i = 0; i < MANY; i++) {
        uint8_t data[64] = {0}, bytes[32] = {0};
        struct public_key k = {{0}};
        char text[PUBLIC_KEY_TEXT_MAX + 1];
        bytes[0] = (uint8_t)i, bytes[1] = (uint8_t)(i >> 8), bytes[31] = 1;
        memcpy(k.b + 1, bytes, 32);
        struct text t = public_key_text(&k, text);
        n += (size_t)snprintf(list + n, sizeof list - n, "%s\"%.*s\"", i ? "," : "", (int)t.len, t.ptr);
        registers_bytes(bytes, data, (struct text){text, t.len}, i == 0);
    }
    snprintf(list + n, sizeof list - n, "]}");
    int left = MANY, calls_made = 0;
    while (left) {
        int removed;
        calls("remove_worker_keys", OWNER, 0, list);
        assert_int_equal(sscanf(mock.value, "{\"removed\":%d,\"left\":%d}", &removed, &left), 2);
        assert_true(removed > 20);
        calls_made++;
    }
    assert_true(calls_made > 1 && calls_made < 20);
    views("get_workers", "{}", "[]");
    calls("remove_worker_keys", OWNER, 0, list);
    answers("{\"removed\":0,\"left\":0}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(another_root_key_is_for_devnets),
        TEST(arguments_are_strict),
        TEST(the_owner_changes_in_two_steps),
        TEST(registrars_are_named),
        TEST(the_code_is_replaced),
        TEST(whoever_registers_pays_exactly),
        TEST(a_registrar_pays_nothing),
        TEST(five_hundred_keys_go_in_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
