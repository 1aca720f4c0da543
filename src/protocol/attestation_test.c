// SPDX-License-Identifier: Apache-2.0
#include "protocol/attestation.h"

#include "base/test.h"

static struct attestation one(void) {
    return (struct attestation){.network = "devnet",
                                .contract_id = "c.near",
                                .request_id = 5,
                                .data_id = sha256(SLICE_LIT("d")),
                                .sender_id = "s.near",
                                .repo = "https://h/o/n",
                                .commit = "0123456789012345678901234567890123456789",
                                .build_target = "wasm32-wasip1",
                                .build_key = sha256(SLICE_LIT("k")),
                                .wasm_hash = sha256(SLICE_LIT("w")),
                                .input_hash = sha256(SLICE_LIT("in")),
                                .output_hash = sha256(SLICE_LIT("out")),
                                .success = true,
                                .instructions = 4,
                                .max_instructions = 1,
                                .max_memory_mb = 2,
                                .max_execution_seconds = 3,
                                .price_list = "prices",
                                .secrets_profile = "p",
                                .secrets_account = "a.near",
                                .engine = "engine",
                                .measurement = "",
                                .block_height = 9};
}

// If this fails, what was attested before cannot be checked any more.
static void test_known(void **state) {
    (void)state;
    struct attestation x = one();
    char hex[65];
    struct hash h = attestation_hash(&x);
    assert_string_equal(hash_hex(&h, hex), "835dfe3e199ce0096bb1c21a34cb301198fc423eb505b8b763f414c2bb884d9b");
    x.secrets_profile = x.secrets_account = NULL;
    h = attestation_hash(&x);
    assert_string_equal(hash_hex(&h, hex), "a2151c3720f898a381cbdb568ffdd4ba88e3c2c9a2fddc20b49b93d5a61591dd");
}

// If this fails, nobody can make the hash again from what is told.
static void test_there_and_back(void **state) {
    (void)state;
    for (int with = 0; with < 2; with++) {
        struct attestation x = one(), y;
        struct err e;
        if (!with)
            x.secrets_profile = x.secrets_account = NULL;
        SCOPED_JSON(j) = attestation_json(&x);
        assert_ok(attestation_read(&y, j, &e), &e);
        y.contract_id = x.contract_id;
        y.request_id = x.request_id;
        struct hash a = attestation_hash(&x), b = attestation_hash(&y);
        assert_true(hash_eq(&a, &b));
    }
}

static void assert_refused(const char *name, json_t *value, const char *words) {
    struct attestation x = one(), y;
    struct err e;
    SCOPED_JSON(j) = attestation_json(&x);
    if (value)
        json_object_set_new(j, name, value);
    else
        json_object_del(j, name);
    assert_err(attestation_read(&y, j, &e), &e, ERR_INVALID, words);
}

// If this fails, parts are kept of which nobody can make the hash again, or what was never a part of it.
static void test_refused(void **state) {
    (void)state;
    const char *key;
    json_t *value;
    struct attestation x = one();
    SCOPED_JSON(all) = attestation_json(&x);
    SCOPED_ARENA(a);
    json_object_foreach(all, key, value)
        if (strcmp(key, "secrets_ref") != 0) // without: none
            assert_refused(key, NULL, key);
    assert_refused("more", json_true(), "more");
    assert_refused("engine", json_null(), "engine");
    assert_refused("wasm_hash", json_string("ab"), "wasm_hash");
    assert_refused("instructions", json_integer(-1), "instructions");
    assert_refused("success", json_integer(1), "success");
    assert_refused("resource_limits", json_object(), "max_instructions");
    assert_refused("secrets_ref", json_string("x"), "profile");
    assert_refused("secrets_ref", json_pack("{s:s}", "profile", "p"), "account_id");
    char *text = arena_calloc(a, 1, ATTESTATION_TEXT_MAX + 2);
    memset(text, 'x', ATTESTATION_TEXT_MAX + 1);
    assert_refused("repo", json_string(text), "repo");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
