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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    const struct question_place at = {.network = "devnet", .contract = "c.near"};
    struct slice body = slice_of(data, size);
    struct generate_question g;
    struct scope s;
    struct err e = {0};
    session(a, body, &at);
    decrypt(a, body, &at);
    if (pubkey_question_read(&s, a, body, &at, &e))
        BUG_ON(!scope_check(&s, &e));
    if (generate_question_read(&g, a, body, &at, &e))
        BUG_ON(!scope_check(&g.scope, &e) || g.count > SECRETS_MAX || (!g.count && !g.has_blob));
    else
        BUG_ON(!e.msg[0]);
    return 0;
}
