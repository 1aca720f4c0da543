// SPDX-License-Identifier: Apache-2.0
// What a keystore is asked: everything that is taken is bounded, whatever is refused gets a sentence.
#include "base/buf.h"
#include "base/test.h"
#include "keystore/question.h"
#include "repo/spellings.h"

static const struct question_place at = {.network = "devnet", .contract = "c.near"};
static const struct hash zeros;

#define REQUIRED "\"repo\":\"a/b\",\"owner\":\"a.near\",\"profile\":\"p\""
#define NEW "\"new_secrets\":[{\"name\":\"PROTECTED_A\",\"generation_type\":\"hex32\"}]"
#define KEY "\"public_key\":\"ed25519:11111111111111111111111111111111\""
#define SIGNATURE "\"signature\":\"ed25519:1111111111111111111111111111111111111111111111111111111111111111\""
#define HEX64 "0000000000000000000000000000000000000000000000000000000000000000"

static char *of_letters(struct arena *a, size_t n) {
    char *text = arena_calloc(a, n + 1, 1);
    memset(text, 'a', n);
    return text;
}

// What its owner signs.
static struct hash message_of(struct arena *a, const struct generate_question *q) {
    struct made_list made = {q->names, q->types, q->count};
    return nep413_hash(generate_message(a, &q->scope, &zeros, &made), q->nonce, at.contract, q->callback_url);
}

// A text without a bound reaches a record with one: whoever has the token, or nobody's key, ends the process.
static void every_text_is_bounded(void **state) {
    (void)state;
    static const struct {
        const char *field, *format;
        size_t taken_to, refused_from; // lengths; taken_to 0: no length of these letters need be right
    } table[] = {
        {"callback_url", "{" REQUIRED "," NEW ",\"callback_url\":\"%s\"}", 2048, 2049},
        {"repo", "{\"repo\":\"b/%s\",\"owner\":\"a.near\",\"profile\":\"p\"," NEW "}", 128, 256},
        {"owner", "{\"repo\":\"a/b\",\"owner\":\"%s\",\"profile\":\"p\"," NEW "}", 64, 65},
        {"profile", "{\"repo\":\"a/b\",\"owner\":\"a.near\",\"profile\":\"%s\"," NEW "}", 64, 65},
        {"branch", "{" REQUIRED "," NEW ",\"branch\":\"%s\"}", 255, 256},
        {"name", "{" REQUIRED ",\"new_secrets\":[{\"name\":\"%s\",\"generation_type\":\"hex32\"}]}", 128, 129},
        {"generation_type", "{" REQUIRED ",\"new_secrets\":[{\"name\":\"A\",\"generation_type\":\"%s\"}]}", 0, 65},
        {"encrypted_secrets_base64", "{" REQUIRED "," NEW ",\"encrypted_secrets_base64\":\"%s\"}", 0, 250000},
        {"nonce", "{" REQUIRED "," NEW "," KEY "," SIGNATURE ",\"nonce\":\"%s\"}", 0, 129},
        {"signature",
         "{" REQUIRED "," NEW "," KEY
         ",\"nonce\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"signature\":\"%s\"}",
         0, 129},
        {"public_key",
         "{" REQUIRED "," NEW "," SIGNATURE
         ",\"nonce\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"public_key\":\"%s\"}",
         0, 129},
    };
    static const size_t lengths[] = {2, 64, 65, 128, 129, 255, 256, 2048, 2049, 70000, 250000};
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        for (size_t k = 0; k < ARRAY_LEN(lengths); k++) {
            SCOPED_ARENA(a);
            struct generate_question q;
            struct err e = {0};
            SCOPED_BUF(body, QUESTION_MAX);
            const char *text = of_letters(a, lengths[k]), *hole = strstr(table[i].format, "%s");
            buf_add(&body, table[i].format, (size_t)(hole - table[i].format));
            buf_add_str(&body, text);
            buf_add_str(&body, hole + 2);
            bool ok = generate_question_read(&q, a, buf_slice(&body), &at, &e);
            if (ok ? lengths[k] >= table[i].refused_from : lengths[k] <= table[i].taken_to)
                fail_msg("%s of %zu bytes: %s", table[i].field, lengths[k], ok ? "taken" : e.msg);
            assert_true(ok || e.msg[0]);
            if (ok) // what the handler makes of it, at its longest
                message_of(a, &q);
        }
    }
}

// If this fails, a key is derived for another repository than the one whose secrets are asked for.
static void repositories_have_one_name(void **state) {
    (void)state;
    for (size_t i = 0; i < SPELLINGS; i++) {
        SCOPED_ARENA(a);
        struct scope s = {0};
        struct err e;
        bool ok = scope_of_texts(&s, a, &at, spellings[i].text, "a.near", NULL, &e);
        if (ok != (spellings[i].name != NULL) || (ok && strcmp(s.repo, spellings[i].name) != 0))
            fail_msg("'%s': %s", spellings[i].text, ok ? s.repo : e.msg);
    }
}

// All at its longest at once still fits into the message that its owner signs.
static void the_longest_question_can_be_hashed(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    SCOPED_BUF(body, QUESTION_MAX);
    struct generate_question q;
    struct err e;
    buf_printf(
        &body,
        "{\"repo\":\"host.x/a/%s\",\"owner\":\"%s\",\"profile\":\"%s\",\"branch\":\"%s\",\"callback_url\":\"%s\",",
        of_letters(a, 200), of_letters(a, 64), of_letters(a, 64), of_letters(a, 255), of_letters(a, 2048));
    buf_add_str(&body, "\"new_secrets\":[");
    for (int i = 0; i < SECRETS_MAX; i++)
        buf_printf(&body, "%s{\"name\":\"%s\",\"generation_type\":\"hex64\"}", i ? "," : "",
                   of_letters(a, SECRET_NAME_MAX));
    buf_add_str(&body, "]}");
    assert_ok(generate_question_read(&q, a, buf_slice(&body), &at, &e), &e);
    message_of(a, &q);
}

// A number beyond what the chain's JSON holds as one is asked for there, and the audit line of it cannot be written.
static void request_ids_are_below_2_63(void **state) {
    (void)state;
    static const struct {
        const char *id;
        bool ok;
    } table[] = {{"0", true},
                 {"9223372036854775807", true},
                 {"\"9223372036854775807\"", true},
                 {"\"9223372036854775808\"", false},
                 {"9223372036854775808", false},
                 {"\"18446744073709551615\"", false},
                 {"-1", false}};
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        SCOPED_ARENA(a);
        struct decrypt_question q;
        struct err e = {0};
        const char *body = arena_printf(
            a, "{\"session_id\":\"" HEX64 "\",\"counter\":1,\"request_id\":%s," SIGNATURE "}", table[i].id);
        if (decrypt_question_read(&q, a, slice_str(body), &at, &e) != table[i].ok)
            fail_msg("%s: %s", table[i].id, e.msg);
        assert_true(table[i].ok || e.code == ERR_INVALID);
        if (!table[i].ok && table[i].id[0] == '"')
            assert_non_null(strstr(e.msg, "request_id"));
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_text_is_bounded),
    cmocka_unit_test(the_longest_question_can_be_hashed),
    cmocka_unit_test(repositories_have_one_name),
    cmocka_unit_test(request_ids_are_below_2_63),
};
RUN_TESTS(tests)
