// SPDX-License-Identifier: Apache-2.0
// The bytes that a register contract, a worker and whoever verifies an answer must agree on. If one of them changes,
// no quote that was ever made is believed any more.
#include "base/test.h"

#include "codec/hex.h"
#include "tee/report_data.h"

static const struct quote_place place = {"testnet", "worker.outlayer.testnet", "outlayer.testnet"};

static struct hash filled(uint8_t b) {
    struct hash h;
    memset(h.b, b, sizeof h.b);
    return h;
}

static struct public_key counting_key(void) {
    struct public_key k = {.type = KEY_ED25519};
    for (uint8_t i = 0; i < 32; i++)
        k.bytes[i] = i;
    return k;
}

static void is(struct report_data got, const char *want) {
    char hex[2 * REPORT_DATA_SIZE + 1];
    assert_string_equal(hex_encode(hex, slice_of(got.b, sizeof got.b)), want);
}

static void worker_and_batch(void **state) {
    (void)state;
    struct public_key key = counting_key();
    struct hash challenge = filled(0x11);
    is(report_data_worker(&place, &key, &challenge), "6f75746c617965722d71756f74652d0101000000000000000000000000000000c"
                                                     "66f144f3b2711cd60f0800b2099802871db2c5f0fc4aac1"
                                                     "efc1428abf0cc2ed");
    struct batch_statement batch = {.key = key, .leaves = 3, .height = 1000, .block_hash = filled(0x22)};
    struct err e;
    assert_ok(
        hash_from_hex(&batch.root, SLICE_LIT("cac3d448d4e20a2ad5eae1f500e63c2a7f9217cd14572ba7fd22e26dc1ec2648"), &e),
        &e);
    is(report_data_batch(&place, &batch), "6f75746c617965722d71756f74652d01030000000000000000000000000000007867137f3174"
                                          "e15b70df3cd7862f8068bde93e7810e22e96"
                                          "8b9892c554e9e3f4");
}

// These were computed by another program from the descriptions in report_data.h.
static void keystore_session_and_handover(void **state) {
    (void)state;
    struct keystore_statement keystore = {
        .identity = counting_key(), .master_check = filled(0x55), .challenge = filled(0x11)};
    memset(keystore.transport_key, 0x44, 32);
    is(report_data_keystore(&place, &keystore), "6f75746c617965722d71756f74652d0102000000000000000000000000000000237fcb"
                                                "c53b308a621913c7e394691e65caad9dcc9710b489"
                                                "16a8dfb7c334ca73");
    struct hash session = filled(0x66);
    is(report_data_session(&session), "6f75746c617965722d71756f74652d0104000000000000000000000000000000eb26a0cb4513834f"
                                      "55fc6595fde61b034aa8074c4b83cb80"
                                      "50f1a510cfa345d9");
    struct handover_statement handover = {.giver = counting_key(), .taker = {.type = KEY_ED25519}};
    memset(handover.taker.bytes, 0x33, 32);
    memset(handover.taker_key, 0x44, 32);
    memset(handover.nonce, 0x77, 32);
    is(report_data_handover(&place, &handover), "6f75746c617965722d71756f74652d0105000000000000000000000000000000ab936d"
                                                "b252c472a3507ee8f819dfd0b0f6551c485d28aca4"
                                                "f4a5c253ab2abbef");
}

// A quote of one network, contract, key or challenge says nothing about another.
static void every_part_counts(void **state) {
    (void)state;
    struct public_key key = counting_key(), other_key = key;
    struct hash challenge = filled(0x11), other_challenge = filled(0x12);
    other_key.bytes[31] ^= 1;
    struct report_data good = report_data_worker(&place, &key, &challenge);
    struct quote_place others[] = {{"mainnet", place.register_contract, place.main_contract},
                                   {place.network, "worker.outlayer.near", place.main_contract},
                                   {place.network, place.register_contract, "outlayer.near"},
                                   // the same letters, cut elsewhere
                                   {"testnetw", "orker.outlayer.testnet", place.main_contract}};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct report_data other = report_data_worker(&others[i], &key, &challenge);
        assert_memory_not_equal(good.b, other.b, sizeof good.b);
    }
    struct report_data by_key = report_data_worker(&place, &other_key, &challenge);
    struct report_data by_challenge = report_data_worker(&place, &key, &other_challenge);
    assert_memory_not_equal(good.b, by_key.b, sizeof good.b);
    assert_memory_not_equal(good.b, by_challenge.b, sizeof good.b);
}

static void challenges(void **state) {
    (void)state;
    uint8_t seed[32];
    char hex[65];
    memset(seed, 7, sizeof seed);
    struct hash h = quote_challenge(slice_of(seed, sizeof seed));
    assert_string_equal(hash_hex(&h, hex), "7e3910d6c18acbcb584f6aaca9fb82bdb799733c7a978f6f310b7101b2680921");
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(worker_and_batch),
                                          cmocka_unit_test(keystore_session_and_handover),
                                          cmocka_unit_test(every_part_counts), cmocka_unit_test(challenges)};
RUN_TESTS(tests)
