// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "codec/hex.h"
#include "secrets/record.h"
#include "secrets/values.h"

static const struct scope alice = {.network = "devnet",
                                   .contract = "outlayer.near",
                                   .owner = "alice.near",
                                   .repo = "github.com/alice/project",
                                   .branch = "main",
                                   .profile = "prod"};

static void opens_for_its_scope_and_no_other(void **state) {
    // what one owner sealed could otherwise be stored under another's name, branch or profile, and be used there
    (void)state;
    SCOPED_ARENA(a);
    struct hpke_pair p;
    struct slice blob, plain;
    uint32_t generation;
    struct err e;
    hpke_pair_new(&p);
    assert_true(blob_seal(a, &alice, 7, p.public, SLICE_LIT("{}"), &blob, &e));
    assert_true(blob_generation(blob, &generation, &e));
    assert_int_equal(generation, 7);
    assert_true(blob_open(a, &alice, &p, blob, &plain, &e));
    assert_true(slice_eq_str(plain, "{}"));
    struct scope others[] = {alice, alice, alice, alice, alice, alice, alice};
    others[0].network = "testnet";
    others[1].contract = "outlayer.testnet";
    others[2].owner = "bob.near";
    others[3].repo = "github.com/alice/projects";
    others[4].branch = "dev";
    others[5].branch = NULL;
    others[6].profile = "test";
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_false(blob_open(a, &others[i], &p, blob, &plain, &e));
    for (size_t i = 0; i < blob.len; i++) { // the head too: the generation is bound
        struct slice copy = arena_copy(a, blob);
        ((uint8_t *)copy.ptr)[i] ^= 1;
        assert_false(blob_open(a, &alice, &p, copy, &plain, &e));
        assert_false(blob_open(a, &alice, &p, slice_of(blob.ptr, i), &plain, &e));
    }
}

static void scopes_that_could_be_mistaken_are_refused(void **state) {
    // a name in two spellings would be two keys, and secrets would not be found
    (void)state;
    struct err e;
    struct scope s = alice;
    assert_true(scope_check(&s, &e));
    s.profile = NULL;
    s.branch = NULL;
    assert_true(scope_check(&s, &e));
    static const char *const repos[] = {"", "alice/project", "https://github.com/alice/project",
                                        "github.com/alice/project.git", "github.com/alice/project/"};
    for (size_t i = 0; i < ARRAY_LEN(repos); i++) {
        s = alice;
        s.repo = repos[i];
        assert_false(scope_check(&s, &e));
    }
    s = alice;
    s.owner = "Alice";
    assert_false(scope_check(&s, &e));
    s = alice;
    s.branch = "";
    assert_false(scope_check(&s, &e));
    s = alice;
    s.profile = "a b";
    assert_false(scope_check(&s, &e));
}

static void every_part_of_a_record_counts(void **state) {
    // two different promises with one signature: whoever holds one could show it as the other
    (void)state;
    uint8_t key[32] = {1}, key2[32] = {2};
    struct hash base = pubkey_record(&alice, 1, key), h;
    struct scope s = alice;
    h = pubkey_record(&alice, 2, key);
    assert_false(hash_eq(&base, &h));
    h = pubkey_record(&alice, 1, key2);
    assert_false(hash_eq(&base, &h));
    static const uint8_t nonce[NONCE_SIZE] = {1}, other[NONCE_SIZE] = {2};
    struct hash now = fresh_pubkey_record(&alice, 1, key, nonce);
    h = fresh_pubkey_record(&alice, 1, key, other);
    assert_false(hash_eq(&now, &h) || hash_eq(&now, &base));
    h = fresh_pubkey_record(&alice, 2, key, nonce);
    assert_false(hash_eq(&now, &h));
    s.branch = NULL;
    h = pubkey_record(&s, 1, key);
    assert_false(hash_eq(&base, &h));
    s = alice; // moving a letter from one part to the next
    s.contract = "outlayer.neara";
    s.owner = "lice.near";
    h = pubkey_record(&s, 1, key);
    assert_false(hash_eq(&base, &h));
    struct decrypt_terms t = {.network = "devnet", .contract = "c.near", .counter = 1, .request_id = 2}, u = t;
    u.counter = 2;
    u.request_id = 1;
    struct hash x = decrypt_record(&t), y = decrypt_record(&u);
    assert_false(hash_eq(&x, &y));
    x = answer_record(&t, SLICE_LIT("a"));
    y = refusal_record(&t, "", "a");
    assert_false(hash_eq(&x, &y));
}

static void every_part_of_a_sealed_answer_counts(void **state) {
    // a weaker type, another name or an earlier answer could otherwise be passed off as the one that was asked for
    (void)state;
    static const char *const names[] = {"PROTECTED_A", "PROTECTED_B"}, *const others[] = {"PROTECTED_A", "PROTECTED_C"};
    static const char *const types[] = {"hex32", "hex16"}, *const weaker[] = {"password:8", "hex16"};
    static const uint8_t nonce[NONCE_SIZE] = {1}, other[NONCE_SIZE] = {2}, zeros[NONCE_SIZE];
    const struct sealed_terms good = {
        .nonce = nonce, .made = {names, types, 2}, .names = names, .count = 2, .before = sha256(SLICE_LIT("old"))};
    struct sealed_terms t[] = {good, good, good, good, good, good, good, good, good};
    t[0].made.types = weaker;
    t[1].made.names = others;
    t[2].made.count = 1;
    t[3].names = others;
    t[4].count = 1;
    t[5].nonce = other;
    t[6].nonce = NULL;
    t[7].nonce = zeros; // not the same as none, below
    t[8].before = (struct hash){0};
    struct hash base = sealed_record(&alice, &good, SLICE_LIT("blob")), h[ARRAY_LEN(t) + 1];
    h[ARRAY_LEN(t)] = sealed_record(&alice, &good, SLICE_LIT("other"));
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        h[i] = sealed_record(&alice, &t[i], SLICE_LIT("blob"));
    for (size_t i = 0; i < ARRAY_LEN(h); i++)
        assert_false(hash_eq(&base, &h[i]));
    assert_false(hash_eq(&h[6], &h[7]));
}

static void the_owner_reads_what_is_made_and_how(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const char *const names[] = {"PROTECTED_A", "PROTECTED_B"}, *const types[] = {"hex32", "password:12"};
    struct hash before = {0};
    const char *text = generate_message(a, &alice, &before, &(struct made_list){names, types, 2});
    assert_non_null(strstr(text, "\nNew: PROTECTED_A (hex32), PROTECTED_B (password:12)"));
    text = generate_message(a, &alice, &before, &(struct made_list){0});
    assert_non_null(strstr(text, "\nNew: none, only sealed anew"));
}

// What near-api-js and the wallets sign (NEP-413): message "hi", nonce of zeros, recipient "x.near", no callback.
static void nep413_as_wallets_sign_it(void **state) {
    (void)state;
    static const uint8_t nonce[32];
    uint8_t bytes[4 + 4 + 2 + 32 + 4 + 6 + 1] = {0x9d, 0x01, 0x00, 0x80, 2, 0, 0, 0, 'h', 'i'};
    bytes[42] = 6;
    for (size_t i = 0; i < 6; i++)
        bytes[46 + i] = (uint8_t) "x.near"[i];
    struct hash want = sha256(slice_of(bytes, sizeof bytes)), got = nep413_hash("hi", nonce, "x.near", NULL);
    assert_true(hash_eq(&want, &got));
}

static void refuses(const char *json, const char *sentence) {
    SCOPED_ARENA(a);
    struct secrets s;
    struct err e = {0};
    assert_false(secrets_parse(&s, a, slice_str(json), &e));
    if (!strstr(e.msg, sentence))
        fail_msg("'%s' does not say '%s'", e.msg, sentence);
}

static void names_and_values(void **state) {
    // a secret that replaces NEAR_SENDER_ID would let its owner forge who calls the guest
    (void)state;
    SCOPED_ARENA(a);
    struct secrets s;
    struct slice json;
    struct err e;
    assert_true(secrets_parse(&s, a, SLICE_LIT("{\"A\":\"1\",\"_b2\":\"\",\"PROTECTED_K\":\"\\u00e4\"}"), &e));
    assert_int_equal(s.count, 3);
    assert_string_equal(s.items[2].value, "ä");
    assert_true(secrets_print(a, &s, &json, &e));
    assert_true(slice_eq_str(json, "{\"A\":\"1\",\"_b2\":\"\",\"PROTECTED_K\":\"ä\"}"));
    refuses("{\"NEAR_SENDER_ID\":\"x\"}", "NEAR_SENDER_ID");
    refuses("{\"ATTACHED_USD\":\"x\"}", "reserved");
    refuses("{\"1A\":\"x\"}", "not a name");
    refuses("{\"\":\"x\"}", "not a name");
    refuses("{\"A=B\":\"x\"}", "not a name");
    refuses("{\"A\":1}", "not a text");
    refuses("{\"A\":\"x\",\"A\":\"y\"}", "not a JSON object");
    refuses("[]", "not a JSON object");
    refuses("", "not a JSON object");
    refuses("{\"A\":\"geheim", "not a JSON object");
    assert_false(secret_name_check(SLICE_LIT("PROTECTED_X"), GIVEN_BY_USER, &e));
    assert_true(secret_name_check(SLICE_LIT("PROTECTED_X"), MADE_BY_KEYSTORE, &e));
    assert_false(secret_value_check(SLICE_LIT("A"), slice_of("a\0b", 3), &e));
    assert_null(strstr(e.msg, "b'"));
}

static void sizes_are_bounded(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct secrets s;
    struct err e;
    char *big = arena_alloc(a, SECRETS_JSON_MAX + 100);
    memset(big, 'x', SECRETS_JSON_MAX + 99);
    big[SECRETS_JSON_MAX + 99] = 0;
    assert_false(secret_value_check(SLICE_LIT("A"), slice_of(big, SECRET_VALUE_MAX + 1), &e));
    assert_true(secret_value_check(SLICE_LIT("A"), slice_of(big, SECRET_VALUE_MAX), &e));
    assert_false(secrets_parse(&s, a, slice_str(arena_printf(a, "{\"A\":\"%s\"}", big)), &e));
    assert_int_equal(e.code, ERR_TOO_LARGE);
    SCOPED_BUF(b, 1 << 16);
    for (int i = 0; i <= SECRETS_MAX; i++)
        buf_printf(&b, "%c\"N%d\":\"\"", i ? ',' : '{', i);
    buf_add_str(&b, "}");
    assert_false(secrets_parse(&s, a, buf_slice(&b), &e));
    assert_int_equal(e.code, ERR_TOO_LARGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_for_its_scope_and_no_other),
        cmocka_unit_test(scopes_that_could_be_mistaken_are_refused),
        cmocka_unit_test(every_part_of_a_record_counts),
        cmocka_unit_test(every_part_of_a_sealed_answer_counts),
        cmocka_unit_test(the_owner_reads_what_is_made_and_how),
        cmocka_unit_test(nep413_as_wallets_sign_it),
        cmocka_unit_test(names_and_values),
        cmocka_unit_test(sizes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
