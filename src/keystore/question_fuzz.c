// SPDX-License-Identifier: Apache-2.0
// Questions of any bytes: refused with words, or read into what is bounded and of its type. What a session is opened
// with is signed, so reading the same bytes twice must give the same record.
#include "keystore/question.h"

static void session(struct arena *a, struct slice body, const struct question_place *at) {
    struct session_question one, two;
    struct err e;
    if (!session_question_read(&one, a, body, at, &e))
        return;
    BUG_ON(!session_question_read(&two, a, body, at, &e));
    struct hash x = session_record(&one.terms), y = session_record(&two.terms);
    BUG_ON(!hash_eq(&x, &y));
}

static void decrypt(struct arena *a, struct slice body, const struct question_place *at) {
    struct decrypt_question one, two;
    struct err e;
    if (!decrypt_question_read(&one, a, body, at, &e))
        return;
    BUG_ON((one.terms.branch && strlen(one.terms.branch) > BRANCH_MAX) ||
           !decrypt_question_read(&two, a, body, at, &e));
    struct hash x = decrypt_record(&one.terms), y = decrypt_record(&two.terms);
    BUG_ON(!hash_eq(&x, &y));
}

// Whatever is read can be signed for: its message and record are bounded.
static void generate(struct arena *a, const struct generate_question *g) {
    struct err e;
    struct made_list made = {g->names, g->types, g->count};
    struct sealed_terms terms = {.nonce = g->has_nonce ? g->nonce : NULL, .made = made};
    BUG_ON(!scope_check(&g->scope, &e) || g->count > SECRETS_MAX || (!g->count && !g->has_blob));
    BUG_ON(g->is_signed && !g->has_nonce);
    const char *message = generate_message(a, &g->scope, &terms.before, &made);
    struct hash x = nep413_hash(message, g->nonce, g->scope.contract, g->callback_url);
    struct hash y = sealed_record(&g->scope, &terms, g->blob);
    BUG_ON(hash_eq(&x, &y));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    const struct question_place at = {.network = "devnet", .contract = "c.near"};
    struct slice body = slice_of(data, size);
    struct generate_question g;
    struct pubkey_question p;
    struct err e = {0};
    session(a, body, &at);
    decrypt(a, body, &at);
    if (pubkey_question_read(&p, a, body, &at, &e))
        BUG_ON(!scope_check(&p.scope, &e));
    if (generate_question_read(&g, a, body, &at, &e))
        generate(a, &g);
    else
        BUG_ON(!e.msg[0]);
    return 0;
}
