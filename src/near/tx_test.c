// SPDX-License-Identifier: Apache-2.0
// Account ids, amounts, keys and transactions, against vectors of nearcore and near-api-js.
#include "base/test.h"

#include "codec/hex.h"
#include "near/tx.h"
#include <secp256k1.h>
#include <secp256k1_recovery.h>

static struct account_id id(const char *s) {
    struct account_id out;
    assert_ok(account_id_parse(&out, slice_str(s), NULL), &(struct err){0});
    return out;
}

static struct account_id raw_id(const char *s) {
    struct account_id out = {0};
    memcpy(out.s, s, strlen(s));
    return out;
}

// A valid account is refused or a bad one reaches the chain.
static void account_ids(void **state) {
    (void)state;
    static const char *const good[] = {"aa", "a.b", "a-b_c.d", "0x00", "system", "100", "a1.near"};
    static const char *const bad[] = {"",
                                      "a",
                                      "A.near",
                                      "a..b",
                                      ".a",
                                      "a.",
                                      "a-_b",
                                      "a b",
                                      "a\n",
                                      "ä.near",
                                      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(account_id_valid(slice_str(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(account_id_valid(slice_str(bad[i])));
    assert_true(account_id_is_near_implicit("98793cd91a3f870fb126f66285808c7e094afcfc4eda8a970f6648cdf0dbd6de"));
    assert_false(account_id_is_near_implicit("98793CD91a3f870fb126f66285808c7e094afcfc4eda8a970f6648cdf0dbd6de"));
    assert_true(account_id_is_eth_implicit("0xb794f5ea0ba39494ce839613fffba74279579268"));
}

// Money is read or shown wrongly.
static void amounts(void **state) {
    (void)state;
    struct yocto v;
    struct err e;
    char text[64];
    assert_ok(yocto_parse(&v, "0.1 NEAR", &e), &e);
    assert_true(v.v == NEAR_ONE / 10);
    assert_string_equal(yocto_text(v, text), "0.1 NEAR");
    assert_ok(yocto_parse(&v, "1000000000000000000000000", &e), &e);
    assert_string_equal(yocto_text(v, text), "1 NEAR");
    assert_ok(yocto_parse(&v, "5 yocto", &e), &e);
    assert_string_equal(yocto_text(v, text), "0.000000000000000000000005 NEAR");
    assert_ok(yocto_parse(&v, "12.000000000000000000000001NEAR", &e), &e);
    assert_true(v.v == 12 * NEAR_ONE + 1);
    static const char *const bad[] = {"",
                                      "-1",
                                      "0.1",
                                      "NEAR",
                                      "1. NEAR",
                                      "1 near2",
                                      "1.1 yocto",
                                      "1,5 NEAR",
                                      ".. NEAR",
                                      "1 Tgas",
                                      "0.0000000000000000000000001 NEAR",
                                      "999999999999999 NEAR"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_err(yocto_parse(&v, bad[i], &e), &e, ERR_USAGE, "is not an amount");
}

// A key written by another program is not understood, or a broken one is taken.
static void keys(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    uint8_t seed[32];
    for (int i = 0; i < 32; i++)
        seed[i] = (uint8_t)i;
    struct secret_key k, back;
    secret_key_from_seed(&k, seed);
    struct public_key p = secret_key_public(&k), q;
    assert_string_equal(public_key_text(a, &p), "ed25519:FAe4sisG95oZ42w7buUn5qEE4TAnfTTFPiguZUHmhiF");
    assert_ok(public_key_parse(&q, SLICE_LIT("ed25519:FAe4sisG95oZ42w7buUn5qEE4TAnfTTFPiguZUHmhiF"), &e), &e);
    assert_true(public_key_eq(&p, &q));
    assert_ok(secret_key_parse(&back, slice_str(secret_key_text(a, &k)), &e), &e);
    assert_memory_equal(k.bytes, back.bytes, 64);
    char *torn = secret_key_text(a, &k);
    torn[60] = torn[60] == 'a' ? 'b' : 'a';
    assert_err(secret_key_parse(&back, slice_str(torn), &e), &e, ERR_INVALID, "not a secret key");
    struct signature s = secret_key_sign(&k, SLICE_LIT("message"));
    assert_true(signature_verify(&s, &p, SLICE_LIT("message")));
    assert_false(signature_verify(&s, &p, SLICE_LIT("messagf")));
}

// The transfer of docs/near.md: bytes, hash and signature differ from near-api-js.
// If this fails, a key of an Ethereum wallet signs nothing, or signs what it has not signed.
static void recoverable_signatures(void **state) {
    (void)state;
    secp256k1_context *ctx = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    secp256k1_ecdsa_recoverable_signature made;
    secp256k1_pubkey point;
    struct hash message = sha256(SLICE_LIT("message")), other = sha256(SLICE_LIT("other"));
    const uint8_t secret[32] = {1, 2, 3};
    uint8_t encoded[65];
    size_t n = sizeof encoded;
    int id;
    assert_int_equal(secp256k1_ec_pubkey_create(ctx, &point, secret), 1);
    assert_int_equal(secp256k1_ec_pubkey_serialize(ctx, encoded, &n, &point, SECP256K1_EC_UNCOMPRESSED), 1);
    assert_int_equal(secp256k1_ecdsa_sign_recoverable(ctx, &made, message.b, secret, NULL, NULL), 1);
    struct public_key key = {.type = KEY_SECP256K1}, wrong;
    struct signature s = {.type = KEY_SECP256K1}, changed;
    memcpy(key.bytes, encoded + 1, 64);
    secp256k1_ecdsa_recoverable_signature_serialize_compact(ctx, s.bytes, &id, &made);
    s.bytes[64] = (uint8_t)id;
    assert_true(signature_verify(&s, &key, hash_slice(&message)));
    assert_false(signature_verify(&s, &key, hash_slice(&other)));
    assert_false(signature_verify(&s, &key, SLICE_LIT("message"))); // it is the hash that is signed
    changed = s;
    changed.bytes[64] = 4;
    assert_false(signature_verify(&changed, &key, hash_slice(&message)));
    changed = s;
    changed.bytes[5] ^= 1;
    assert_false(signature_verify(&changed, &key, hash_slice(&message)));
    wrong = key;
    wrong.bytes[3] ^= 1; // no point of the curve
    assert_false(signature_verify(&s, &wrong, hash_slice(&message)));
    wrong.type = KEY_ED25519;
    assert_false(signature_verify(&s, &wrong, hash_slice(&message)));
    secp256k1_context_destroy(ctx);
    char text[32];
    assert_string_equal(gas_text((struct gas){1230 * (TGAS / 100)}, text), "12.30 Tgas");
}

static void known_transfer(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    uint8_t seed[32];
    for (int i = 0; i < 32; i++)
        seed[i] = (uint8_t)i;
    struct secret_key k;
    secret_key_from_seed(&k, seed);
    struct action act = {.kind = ACTION_TRANSFER, .deposit = {NEAR_ONE}};
    struct transaction tx = {.signer = id("alice.test.near"),
                             .key = secret_key_public(&k),
                             .nonce = 5,
                             .receiver = id("bob.test.near"),
                             .actions = &act,
                             .action_count = 1};
    memset(tx.block_hash.b, 9, 32);
    SCOPED_BUF(b, 10000);
    struct hash hash;
    transaction_sign(&b, &hash, &tx, &k);
    assert_string_equal(hash_base58(a, &hash), "7JJbmYRnEGwGvEAbrbeiFH3xFHygsXnDzADNPjci2bqB");
    const char *hex = hex_text(a, buf_slice(&b));
    assert_non_null(
        strstr(hex, "0f000000616c6963652e746573742e6e6561720003a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f"));
    assert_non_null(strstr(hex, "192b355b41c03a92390cf7390c0f040a7c1a0bd30d848f427351890a4b787e6f681e379e4b5ddf1fe36c09"
                                "afc1862de6ac249e8902f1d2c467f6e955e8d5b005"));
    struct signed_transaction out;
    struct err e;
    assert_ok(signed_transaction_decode(&out, a, buf_slice(&b), &e), &e);
    assert_true(hash_eq(&out.hash, &hash));
    assert_true(signature_verify(&out.signature, &out.tx.key, hash_slice(&out.hash)));
    for (size_t n = 0; n < b.len; n++)
        assert_false(signed_transaction_decode(&out, a, slice_of(b.ptr, n), &e));
}

// One of the actions is encoded differently from nearcore's own test vector, or does not survive decoding.
static void known_actions(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct public_key k;
    assert_ok(public_key_parse(&k, SLICE_LIT("ed25519:22skMptHjFWNyuEWY22ftn2AbLPSYpmYwGJRGwpNHbTV"), &e), &e);
    static const char *const methods[] = {"www"};
    struct action acts[] = {
        {.kind = ACTION_CREATE_ACCOUNT},
        {.kind = ACTION_DEPLOY_CONTRACT, .code = SLICE_LIT("\1\2\3")},
        {.kind = ACTION_FUNCTION_CALL,
         .method = "qqq",
         .args = SLICE_LIT("\1\2\3"),
         .gas = {1000},
         .deposit = {1000000}},
        {.kind = ACTION_TRANSFER, .deposit = {123}},
        {.kind = ACTION_STAKE, .deposit = {1000000}, .key = k},
        {.kind = ACTION_ADD_KEY, .key = k, .access = {.receiver = id("zzz"), .methods = methods, .method_count = 1}},
        {.kind = ACTION_DELETE_KEY, .key = k},
        {.kind = ACTION_DELETE_ACCOUNT, .account = raw_id("123")},
    };
    struct transaction tx = {.signer = id("test.near"),
                             .key = k,
                             .nonce = 1,
                             .receiver = raw_id("123"),
                             .actions = acts,
                             .action_count = ARRAY_LEN(acts)};
    SCOPED_BUF(b, 10000);
    transaction_encode(&b, &tx);
    struct hash h = sha256(buf_slice(&b));
    assert_int_equal(b.len, 316);
    assert_string_equal(hash_base58(a, &h), "4GXvjMFN6wSxnU9jEVT8HbXP5Yk6yELX9faRSKp6n9fX");
    uint8_t zeros[65] = {0};
    SCOPED_BUF(again, 10000);
    buf_add(&b, zeros, 65);
    struct signed_transaction out;
    assert_ok(signed_transaction_decode(&out, a, buf_slice(&b), &e), &e);
    assert_int_equal(out.tx.action_count, ARRAY_LEN(acts));
    transaction_encode(&again, &out.tx);
    assert_int_equal(again.len, 316);
    assert_memory_equal(again.ptr, b.ptr, 316);
}

// A relayed action is signed over other bytes than wallets sign.
static void known_delegate(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    uint8_t seed[32];
    for (int i = 0; i < 32; i++)
        seed[i] = (uint8_t)i;
    struct secret_key k;
    secret_key_from_seed(&k, seed);
    struct action inner = {.kind = ACTION_TRANSFER, .deposit = {1}};
    struct delegate_action d = {.sender = id("alice.test.near"),
                                .receiver = id("bob.test.near"),
                                .actions = &inner,
                                .action_count = 1,
                                .nonce = 6,
                                .max_block_height = 1000,
                                .key = secret_key_public(&k)};
    struct action act = {.kind = ACTION_DELEGATE, .delegate = &d};
    struct transaction tx = {.signer = id("relay.near"),
                             .key = d.key,
                             .receiver = id("alice.test.near"),
                             .actions = &act,
                             .action_count = 1};
    SCOPED_BUF(b, 10000);
    struct hash h;
    struct signed_transaction out;
    struct err e;
    transaction_sign(&b, &h, &tx, &k);
    assert_ok(signed_transaction_decode(&out, a, buf_slice(&b), &e), &e);
    char hex[65];
    assert_string_equal(hash_hex(&out.tx.actions[0].delegate->signed_hash, hex),
                        "f7110185fb898deeaca512e3172d21efc13a2e3b5a081bbae2ca11c09b09e8ed");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(account_ids),    cmocka_unit_test(amounts),
    cmocka_unit_test(keys),           cmocka_unit_test(recoverable_signatures),
    cmocka_unit_test(known_transfer), cmocka_unit_test(known_actions),
    cmocka_unit_test(known_delegate),
};
RUN_TESTS(tests)
