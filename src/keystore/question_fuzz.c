// SPDX-License-Identifier: Apache-2.0
// Questions of any bytes: refused with words, or read into what is bounded and of its type. What a session is opened
// with is signed, so reading the same bytes twice must give the same record. What the handlers make of a question, its
// refusal included, can be made of every one.
#include "keystore/audit.h"
#include "keystore/question.h"

// A refusal is answered as JSON and written into the audit log.
static void refusal(struct arena *a, const struct err *e) {
    SCOPED_JSON(shown) = json_pack("{s:s,s:s}", "message", e->msg, "hint", e->hint);
    const struct audit_entry entry = {.what = "generate", .verdict = "refused", .why = e->msg};
    struct err bad;
    SCOPED_JSON(line) = json_parse(slice_str(audit_line(a, &entry)), 1u << 20, &bad);
    BUG_ON(!e->msg[0] || !shown || !line);
}

static void session(struct arena *a, struct slice body, const struct question_place *at) {
    struct session_question one, two;
    struct err e;
    if (!session_question_read(&one, a, body, at, &e)) {
        refusal(a, &e);
        return;
    }
    BUG_ON(!session_question_read(&two, a, body, at, &e));
    struct hash x = session_record(&one.terms), y = session_record(&two.terms);
    BUG_ON(!hash_eq(&x, &y));
}

static void decrypt(struct arena *a, struct slice body, const struct question_place *at) {
    struct decrypt_question one, two;
    struct err e;
    if (!decrypt_question_read(&one, a, body, at, &e)) {
        refusal(a, &e);
        return;
    }
    BUG_ON((one.terms.branch && strlen(one.terms.branch) > BRANCH_MAX) ||
           !decrypt_question_read(&two, a, body, at, &e));
    struct hash x = decrypt_record(&one.terms), y = decrypt_record(&two.terms);
    BUG_ON(!hash_eq(&x, &y));
}

// Whatever is read can be signed for: its message and record are bounded.
static void generate(struct arena *a, struct slice body, const struct question_place *at) {
    struct generate_question q;
    struct err e;
    if (!generate_question_read(&q, a, body, at, &e)) {
        refusal(a, &e);
        return;
    }
    struct made_list made = {q.names, q.types, q.count};
    struct sealed_terms terms = {.nonce = q.has_nonce ? q.nonce : NULL, .made = made};
    BUG_ON(!scope_check(&q.scope, &e) || q.count > SECRETS_MAX || (!q.count && !q.has_blob));
    BUG_ON(q.is_signed && !q.has_nonce);
    const char *message = generate_message(a, &q.scope, &terms.before, &made);
    struct hash x = nep413_hash(message, q.nonce, q.scope.contract, q.callback_url);
    struct hash y = sealed_record(&q.scope, &terms, q.blob);
    BUG_ON(hash_eq(&x, &y));
}

static void pubkey(struct arena *a, struct slice body, const struct question_place *at) {
    static const uint8_t key[HPKE_KEY];
    struct pubkey_question q;
    struct err e;
    if (!pubkey_question_read(&q, a, body, at, &e)) {
        refusal(a, &e);
        return;
    }
    BUG_ON(!scope_check(&q.scope, &e));
    struct hash x = pubkey_record(&q.scope, 1, key), y = fresh_pubkey_record(&q.scope, 1, key, q.nonce);
    BUG_ON(hash_eq(&x, &y));
}

static void audit(struct arena *a, struct slice body) {
    struct audit_question q;
    struct err e;
    if (!audit_question_read(&q, a, body, &e)) {
        refusal(a, &e);
        return;
    }
    BUG_ON(strlen(q.owner) > NEAR_ACCOUNT_MAX || q.before > INT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    const struct question_place at = {.network = "devnet", .contract = "c.near"};
    struct slice body = slice_of(data, size);
    session(a, body, &at);
    decrypt(a, body, &at);
    pubkey(a, body, &at);
    generate(a, body, &at);
    audit(a, body);
    return 0;
}
