// SPDX-License-Identifier: Apache-2.0
#include "devnet/config_view.h"

#include "base/test.h"
#include "codec/json.h"

static const struct config_facts facts = {
    "devnet", 0, 1767225600123456789ull, 43200, (u128)1000000000 * NEAR_ONE, {"test.near"}, {KEY_ED25519, {1}}};

// Clients size storage and seats from these; a missing one is an exception in their code, not in ours.
static void test_protocol(void **state) {
    (void)state;
    SCOPED_JSON(j) = config_protocol_json(&facts, json_pack("{s:i}", "given", 1));
    assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "runtime_config"), "given")), 1);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(j, "minimum_stake_ratio"), 1)), 6250);
    assert_int_equal(json_integer_value(json_object_get(j, "epoch_length")), 43200);
    assert_string_equal(json_string_value(json_object_get(j, "genesis_time")), "2026-01-01T00:00:00.123456789Z");
}

// near-cli reads these three for its list of validators.
static void test_genesis(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    SCOPED_JSON(j) = config_genesis_json(&facts, a);
    assert_string_equal(json_string_value(json_object_get(j, "total_supply")), "1000000000000000000000000000000000");
    assert_int_equal(json_array_size(json_object_get(j, "avg_hidden_validator_seats_per_shard")), 1);
    assert_int_equal(json_integer_value(json_object_get(j, "num_block_producer_seats")), 1);
    assert_null(json_object_get(j, "runtime_config"));
    json_t *validator = json_array_get(json_object_get(j, "validators"), 0);
    assert_string_equal(json_string_value(json_object_get(validator, "account_id")), "test.near");
}

static const struct CMUnitTest group[] = {cmocka_unit_test(test_protocol), cmocka_unit_test(test_genesis)};
RUN_TESTS(group)
