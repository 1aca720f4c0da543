// SPDX-License-Identifier: Apache-2.0
#include "worker/lease.h"

#include "base/text.h"

static bool keep_text(const json_t *o, const char *key, struct arena *a, const char **out, struct err *e) {
    const char *text = NULL;
    if (!json_opt_text(o, key, &text, e))
        return false;
    if (text)
        *out = arena_strdup(a, text);
    return true;
}

static bool need_text(const json_t *o, const char *key, struct arena *a, const char **out, struct err *e) {
    const char *text;
    if (!json_get_text(o, key, &text, e))
        return false;
    *out = arena_strdup(a, text);
    return true;
}

static bool present(const json_t *o, const char *key) {
    const json_t *j = json_object_get(o, key);
    return j && !json_is_null(j);
}

static bool in_range(uint64_t n, const char *key, struct err *e) {
    return n <= TASK_NUMBER_MAX || err_set(e, ERR_INVALID, "field '%s' is too large", key);
}

static bool read_number(const json_t *o, const char *key, bool *has, uint64_t *out, struct err *e) {
    *has = present(o, key);
    return json_opt_u64(o, key, out, e) && in_range(*out, key, e);
}

static bool read_context(const json_t *task, struct arena *a, struct task_context *c, struct err *e) {
    const json_t *o = json_object_get(task, "context");
    if (!o || json_is_null(o))
        return true;
    return read_number(o, "block_height", &c->has_height, &c->block_height, e) &&
           read_number(o, "block_timestamp", &c->has_timestamp, &c->block_timestamp, e) &&
           read_number(o, "gas_burnt", &c->has_gas, &c->gas_burnt, e) &&
           keep_text(o, "transaction_hash", a, &c->transaction_hash, e) &&
           keep_text(o, "receipt_id", a, &c->receipt_id, e) &&
           keep_text(o, "predecessor_id", a, &c->predecessor_id, e) && keep_text(o, "signer_id", a, &c->signer_id, e) &&
           keep_text(o, "signer_public_key", a, &c->signer_public_key, e);
}

void task_take_names(struct task *t, const struct request_terms *r) {
    t->sender_id = r->sender_id ? r->sender_id : t->sender_id;
    t->repo = r->repo ? r->repo : t->repo;
    t->ref = r->commit ? r->commit : t->ref;
    t->target = r->build_target ? r->build_target : t->target;
}

static void take_terms(struct task *t, const struct request_terms *r) {
    task_take_names(t, r);
    t->limits = r->limits;
    t->secrets = r->secrets;
    t->format = r->format;
    t->payment = r->payment;
}

void task_take_event(struct task *t, const struct event_request *r) {
    take_terms(t, &r->terms);
    t->input = r->input;
    t->data_id = r->data_id;
}

static bool read_contract(const json_t *o, struct arena *a, struct task *t, struct err *e) {
    return need_text(o, "contract_id", a, &t->contract_id, e) &&
           (account_id_valid(slice_str(t->contract_id)) ||
            err_set(e, ERR_INVALID, "field 'contract_id' is not an account id"));
}

static bool read_task(struct task *t, struct arena *a, const json_t *o, struct err *e) {
    const char *refused = NULL;
    struct request_task said;
    if (!json_get_u64(o, "request_id", &t->request_id, e) || !in_range(t->request_id, "request_id", e) ||
        !read_contract(o, a, t, e) || !read_context(o, a, &t->context, e) || !json_opt_text(o, "refused", &refused, e))
        return false;
    if (refused)
        return err_set(e, ERR_INVALID, "%s", refused);
    if (!request_task_read(&said, a, o, e))
        return false;
    take_terms(t, &said.terms);
    t->data_id = said.data_id;
    t->payer_id = said.payer_id;
    t->input = said.input;
    return true;
}

bool lease_parse(struct lease *out, struct arena *a, const json_t *answer, struct err *e) {
    json_t *task, *lease;
    *out = (struct lease){.expires_in_ms = 15000,
                          .confirm_within_ms = 2000,
                          .attempt = 1,
                          .task = {.sender_id = "", .repo = "", .ref = "", .target = DEFAULT_BUILD_TARGET}};
    if (!json_get_object(answer, "lease", &lease, e) || !need_text(lease, "token", a, &out->token, e) ||
        !json_opt_u64(lease, "expires_in_ms", &out->expires_in_ms, e) ||
        !json_opt_u64(lease, "confirm_within_ms", &out->confirm_within_ms, e) ||
        !json_opt_u64(answer, "attempt", &out->attempt, e) || !json_opt_u64(answer, "handed", &out->handed, e) ||
        !json_opt_bool(answer, "too_late", &out->too_late, e) ||
        !json_opt_bool(answer, "hopeless", &out->hopeless, e) || !json_get_object(answer, "task", &task, e))
        return false;
    return read_task(&out->task, a, task, e);
}

const char *task_mismatch(const struct task *t, const struct chain_request *c) {
    const struct request_task said = {.request_id = t->request_id,
                                      .data_id = t->data_id,
                                      .payer_id = t->payer_id,
                                      .input = t->input,
                                      .terms = {.sender_id = t->sender_id,
                                                .repo = t->repo,
                                                .commit = t->ref,
                                                .build_target = t->target,
                                                .limits = t->limits,
                                                .secrets = t->secrets,
                                                .format = t->format,
                                                .payment = t->payment}};
    return request_mismatch(&said, c);
}
