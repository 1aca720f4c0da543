// SPDX-License-Identifier: Apache-2.0
// POST /audit: what the audit log has of an owner's secrets: who asked for which row, when, and the verdict. It says no
// value. The coordinator has found out that the owner asks; it has seen each question and verdict pass already. Nobody
// proves anything to this process, so that a question's own line counts among those of strangers.
#include "keystore/api.h"
#include "keystore/audit_find.h"

static json_t *answer_of(struct keystore *k, struct arena *a, const struct audit_question *q,
                         const struct audit_found *found) {
    const struct audit_terms terms = {k->network, k->contract, q->owner, q->nonce, q->before, found->next};
    struct hash record = audit_record(&terms, found->lines, found->count);
    json_t *o = json_object(), *lines = json_array();
    for (size_t i = 0; i < found->count; i++)
        json_array_append_new(lines, json_of_bytes(found->lines[i]));
    json_set_text(o, "owner", q->owner);
    json_object_set_new(o, "lines", lines);
    json_object_set_new(o, "next", found->next ? json_integer((json_int_t)found->next) : json_null());
    api_put_signature(k, a, o, &record);
    return o;
}

void keystore_audit(struct http_request *r, void *ctx) {
    struct keystore *k = ctx;
    struct arena *a = http_arena(r);
    struct audit_found *found = arena_alloc(a, sizeof *found);
    struct audit_question q;
    struct err e;
    bool ok = audit_question_read(&q, a, http_body(r), &e) && audit_find(found, a, k->home, q.owner, q.before, &e);
    const struct audit_entry entry = {.what = "audit",
                                      .verdict = ok ? "allowed" : "refused",
                                      .owner = q.owner,
                                      .why = ok ? NULL : e.msg,
                                      .unproven = true};
    ok = audit_write(k->audit, &entry, ok ? &e : NULL) && ok;
    if (ok)
        http_reply_json(r, 200, answer_of(k, a, &q, found));
    else
        http_reply_err(r, &e);
}
