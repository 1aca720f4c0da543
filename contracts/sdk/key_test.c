// SPDX-License-Identifier: Apache-2.0
// Public keys as text and as the node wants them, the promises that change an account's keys, and P-256 by the host.
#include "base/test.h"
#include "mock/mock.h"

#define GIVEN "ed25519:DcA2MzgpJbrUATQLLceocVckhhAqrkingax4oJ9kZ847"
static const struct text given = TEXT(GIVEN);

static const char *shown(const struct public_key *k) {
    static char text[PUBLIC_KEY_TEXT_MAX + 1];
    struct text t = public_key_text(k, text);
    text[t.len] = 0;
    return text;
}

static void keys_are_read_and_written(void **state) {
    (void)state;
    struct public_key k, zero = {{0}}, one = {{0}}, all;
    assert_true(public_key_parse(&k, given));
    assert_int_equal(k.b[0], 0);
    assert_string_equal(shown(&k), GIVEN);
    assert_string_equal(shown(&zero), "ed25519:11111111111111111111111111111111");
    one.b[PUBLIC_KEY_SIZE - 1] = 1;
    assert_string_equal(shown(&one), "ed25519:11111111111111111111111111111112");
    memset(all.b + 1, 0xff, HASH_SIZE);
    all.b[0] = 0;
    assert_string_equal(shown(&all), "ed25519:JEKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFG");
    const struct public_key *each[] = {&zero, &one, &all};
    for (size_t i = 0; i < 3; i++) {
        assert_true(public_key_parse(&k, text_of(shown(each[i]))));
        assert_true(public_key_eq(&k, each[i]));
    }
    // 2^256 and one more digit of zero, other curves, characters that base58 does not have.
    static const char *const bad[] = {"",
                                      "ed25519:",
                                      "ed25519:1",
                                      "secp256k1:11111111111111111111111111111111",
                                      "ed25519:JEKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFH",
                                      "ed25519:111111111111111111111111111111111",
                                      "ed25519:0cA2MzgpJbrUATQLLceocVckhhAqrkingax4oJ9kZ847",
                                      (GIVEN "1"),
                                      (" " GIVEN)};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(public_key_parse(&k, text_of(bad[i])));
}

METHOD(CALL, add) {
    struct public_key k;
    public_key_parse(&k, given);
    struct call_key key = {&k, account_of(TEXT("main.near")), "one,two", YOCTO(7)};
    promise_return(promise_add_call_key(&key));
    answer_number(call_key_bytes(&key));
}

METHOD(CALL, drop) {
    struct public_key k;
    public_key_parse(&k, given);
    promise_delete_key(&k);
}

static void keys_of_the_account_are_changed(void **state) {
    (void)state;
    mock_reset("here.near");
    struct public_key k;
    public_key_parse(&k, given);
    assert_true(mock_call("add", "a.near", 0, ""));
    const struct mock_receipt *r = mock.receipts;
    assert_int_equal(mock.receipt_count, 1);
    assert_int_equal(mock.returned, 0);
    assert_int_equal(r->kind, RECEIPT_ADD_KEY);
    assert_string_equal(r->to, "here.near");
    assert_string_equal(r->receiver, "main.near");
    assert_string_equal(r->args, "one,two");
    assert_true(r->amount == 7);
    assert_memory_equal(r->key, k.b, sizeof k.b);
    // 40 + 33 for the record and its key; nonce 8, permission 1, allowance 17, receiver 4 + 9, methods 4 + 2 * (4 + 3)
    assert_string_equal(mock.value, "130");
    assert_true(mock_call("drop", "a.near", 0, ""));
    assert_int_equal(mock.receipt_count, 1);
    assert_int_equal(mock.receipts[0].kind, RECEIPT_DELETE_KEY);
    assert_memory_equal(mock.receipts[0].key, k.b, sizeof k.b);
    mock_release();
}

static void unhex(uint8_t *out, const char *hex) {
    for (; *hex; hex += 2)
        sscanf(hex, "%2hhx", out++);
}

// RFC 6979, A.2.5: P-256 with SHA-256, message "sample".
#define KEY_X "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
#define SIG_R "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
#define SIG_S "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
static uint8_t signature[64], key[33];
static struct hash digest;
METHOD(VIEW, check) {
    char buf[CHAIN_ID_MAX];
    answer_bool(p256_verify(signature, &digest, key) && text_eq(chain_id(buf), TEXT("mock")));
}

static void p256_is_the_hosts(void **state) {
    (void)state;
    mock_reset("here.near");
    unhex(signature, SIG_R SIG_S);
    unhex(key, "03" KEY_X);
    digest = sha256_of(TEXT("sample"));
    assert_true(mock_view("check", "") && strcmp(mock.value, "true") == 0);
    assert_int_equal(mock.p256_count, 1);
    for (size_t i = 0; i < 3; i++) {
        uint8_t *one[] = {&signature[63], &digest.b[0], &key[0]};
        *one[i] ^= 1;
        assert_true(mock_view("check", "") && strcmp(mock.value, "false") == 0);
        *one[i] ^= 1;
    }
    key[0] = 5; // no point
    assert_true(mock_view("check", "") && strcmp(mock.value, "false") == 0);
    mock_release();
}

METHOD(CALL, seed) {
    struct hash h = random_seed();
    struct out o = OUT((char[80]){0});
    put_hex(&o, &h);
    answer_json(&o);
}

static void each_block_has_a_seed(void **state) {
    (void)state;
    mock_reset("here.near");
    mock.random_seed[0] = 0xab;
    assert_true(mock_call("seed", "a.near", 0, "") && strncmp(mock.value, "\"ab00", 5) == 0);
    mock_release();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_read_and_written),
        cmocka_unit_test(keys_of_the_account_are_changed),
        cmocka_unit_test(p256_is_the_hosts),
        cmocka_unit_test(each_block_has_a_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
