// SPDX-License-Identifier: Apache-2.0
// POST /audit: what the audit log has of an owner's secrets: who asked for which row, when, and the verdict. It says no
// value. The coordinator has found out that the owner asks; it has seen each question and verdict pass already. Nobody
// proves anything to this process, so that a question's own line counts among those of strangers.
#include "base/log.h"
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

struct audit_call {
    struct keystore *k;
    struct audit_question question;
};

// Each reads a part of the log: no owner does so in all threads at once.
static const struct deferred_share owners_share = {.at_once = 1, .waiting_each = 3};

// Puts the question into the log. why: for what it is refused; NULL: it is answered.
static bool write_down(const struct audit_call *c, const struct err *why, struct err *e) {
    const struct audit_entry entry = {.what = "audit",
                                      .verdict = why ? "refused" : "allowed",
                                      .owner = c->question.owner,
                                      .why = why ? why->msg : NULL,
                                      .unproven = true};
    return audit_write(c->k->audit, &entry, e);
}

static void refuse(struct http_request *r, const struct audit_call *c, const struct err *why) {
    struct err e;
    if (!write_down(c, why, &e))
        log_err(LOG_ERROR, "audit", &e);
    http_reply_err(r, why);
}

static void answer(struct http_request *r, void *ctx) {
    const struct audit_call *c = ctx;
    const struct audit_question *q = &c->question;
    struct arena *a = http_arena(r);
    struct audit_found *found = arena_alloc(a, sizeof *found);
    struct err e;
    if (!audit_find(found, a, c->k->home, q->owner, q->before, &e))
        refuse(r, c, &e);
    else if (!write_down(c, NULL, &e))
        http_reply_err(r, &e);
    else
        http_reply_json(r, 200, answer_of(c->k, a, q, found));
}

void keystore_audit(struct http_request *r, void *ctx) {
    struct audit_call *c = arena_calloc(http_arena(r), 1, sizeof *c);
    struct err e;
    c->k = ctx;
    if (audit_question_read(&c->question, http_arena(r), http_body(r), &e))
        deferred_run_for(c->k->audits, r, answer, c, c->question.owner, &owners_share);
    else
        refuse(r, c, &e);
}
