// SPDX-License-Identifier: Apache-2.0
// Words of accounts: what a wallet signs, and that a word for one act, coordinator, network or time is none for
// another.
#include "secrets/word.h"

#include "base/test.h"
#include "codec/hex.h"
#include "codec/json.h"

#define ACT "make an API key named \"laptop\""
#define UNTIL 1764511200123ull // 2025-11-30T14:00:00.123Z
#define NOW (UNTIL - 60000)

static const uint8_t seed[32] = {7};

static struct word word_of(struct arena *a, const char *network, const char *act, const char *callback_url) {
    struct secret_key key;
    secret_key_from_seed(&key, seed);
    struct word w = {.account = "alice.near",
                     .coordinator = "https://c.example",
                     .callback_url = callback_url,
                     .key = secret_key_public(&key),
                     .nonce = {1, 2, 3},
                     .valid_until_ms = UNTIL};
    struct hash h = nep413_hash(word_message(a, &w, network, act), w.nonce, w.coordinator, callback_url);
    w.signature = secret_key_sign(&key, hash_slice(&h));
    return w;
}

static void what_a_wallet_shows(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct word w = word_of(a, "devnet", ACT, NULL);
    assert_string_equal(word_message(a, &w, "devnet", ACT),
                        "OutLayer: make an API key named \"laptop\"\nCoordinator: https://c.example\nNetwork: devnet\n"
                        "Account: alice.near\nValid until: 2025-11-30T14:00:00.123Z");
}

static void refused(const struct word *w, const char *network, const char *act, uint64_t now_ms, const char *sentence) {
    struct err e = {0};
    assert_false(word_check(w, network, act, now_ms, &e));
    assert_int_equal(e.code, ERR_UNAUTHORIZED);
    if (!strstr(e.msg, sentence))
        fail_msg("'%s' does not say '%s'", e.msg, sentence);
}

// A word that was signed to list keys must not make one, nor one for another deployment be good here.
static void for_one_act_alone(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct word w = word_of(a, "devnet", ACT, NULL);
    static const char other[] = "not that of this key";
    assert_ok(word_check(&w, "devnet", ACT, NOW, &e), &e);
    assert_ok(word_check(&w, "devnet", ACT, UNTIL - WORD_AHEAD_MS, &e), &e);
    refused(&w, "devnet", "list API keys", NOW, other);
    refused(&w, "mainnet", ACT, NOW, other);
    refused(&w, "devnet", ACT, UNTIL, "is over");
    refused(&w, "devnet", ACT, UNTIL - WORD_AHEAD_MS - 1, "for more than 15 minutes");
    struct word changed = w;
    changed.account = "bob.near";
    refused(&changed, "devnet", ACT, NOW, other);
    changed = w;
    changed.coordinator = "https://d.example";
    refused(&changed, "devnet", ACT, NOW, other);
    changed = w;
    changed.valid_until_ms++;
    refused(&changed, "devnet", ACT, NOW, other);
    changed = w;
    changed.nonce[31] ^= 1;
    refused(&changed, "devnet", ACT, NOW, other);
    changed = w;
    changed.callback_url = "https://wallet.example";
    refused(&changed, "devnet", ACT, NOW, other);
    w = word_of(a, "devnet", ACT, "https://wallet.example");
    assert_ok(word_check(&w, "devnet", ACT, NOW, &e), &e);
}

static json_t *json_of(struct arena *a, const struct word *w) {
    json_t *o = json_object();
    json_set_text(o, "account_id", w->account);
    json_set_text(o, "public_key", public_key_text(a, &w->key));
    json_set_text(o, "nonce", base64_text(a, slice_of(w->nonce, NONCE_SIZE)));
    json_set_text(o, "signature", base64_text(a, slice_of(w->signature.bytes, 64)));
    json_set_text(o, "coordinator", w->coordinator);
    json_set_u64(o, "valid_until_ms", w->valid_until_ms);
    return o;
}

static bool read_back(struct word *out, struct arena *a, const json_t *o, struct err *e) {
    return word_read(out, a, base64_text(a, slice_str(json_text(a, o))), e);
}

static void as_it_is_carried(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct word w = word_of(a, "devnet", ACT, NULL), got;
    SCOPED_JSON(o) = json_of(a, &w);
    assert_ok(read_back(&got, a, o, &e), &e);
    assert_ok(word_check(&got, "devnet", ACT, NOW, &e), &e);
    json_set_text(o, "signature", signature_text(a, &w.signature));
    assert_ok(read_back(&got, a, o, &e) && word_check(&got, "devnet", ACT, NOW, &e), &e);
    assert_false(word_read(&got, a, "no base64!", &e));
    assert_false(word_read(&got, a, base64_text(a, SLICE_LIT("[]")), &e));
    assert_non_null(strstr(e.msg, "no JSON object"));
}

// What the command line signs is what a coordinator takes, each time with another nonce.
static void signed_here(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct secret_key key;
    struct word got, again;
    secret_key_from_seed(&key, seed);
    struct word w = {.account = "alice.near", .coordinator = "https://c.example", .valid_until_ms = UNTIL};
    const char *text = word_sign(a, &w, &key, "devnet", ACT);
    assert_memory_equal(text, WORD_SCHEME, strlen(WORD_SCHEME));
    assert_ok(word_read(&got, a, text + strlen(WORD_SCHEME), &e) && word_check(&got, "devnet", ACT, NOW, &e), &e);
    assert_string_equal(got.account, "alice.near");
    assert_ok(word_read(&again, a, word_sign(a, &w, &key, "devnet", ACT) + strlen(WORD_SCHEME), &e), &e);
    assert_memory_not_equal(got.nonce, again.nonce, sizeof got.nonce);
    refused(&got, "devnet", "list API keys", NOW, "not that of this key");
}

static void what_is_no_word(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const struct {
        const char *member, *value, *says;
    } rows[] = {
        {"account_id", "Alice", "not an account id"},
        {"account_id", NULL, "account_id"},
        {"coordinator", "https://c\nAccount: eve.near", "an address"},
        {"coordinator", NULL, "coordinator"},
        {"nonce", "AAAA", "base64 of 32 bytes"},
        {"signature", "AAAA", "base64 of 64 bytes"},
        {"signature", "ed25519:x", "signature"},
        {"public_key", "ed25519:x", "key"},
        {"valid_until_ms", "253402300800000", "year 9999"},
        {"more", "x", "more"},
    };
    struct word w = word_of(a, "devnet", ACT, NULL), got;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = {0};
        SCOPED_JSON(o) = json_of(a, &w);
        json_set_text(o, rows[i].member, rows[i].value);
        if (read_back(&got, a, o, &e) || !strstr(e.msg, rows[i].says))
            fail_msg("%s: '%s' does not say '%s'", rows[i].member, e.msg, rows[i].says);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_wallet_shows), cmocka_unit_test(for_one_act_alone), cmocka_unit_test(as_it_is_carried),
        cmocka_unit_test(signed_here),         cmocka_unit_test(what_is_no_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
