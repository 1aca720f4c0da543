// SPDX-License-Identifier: Apache-2.0
// One question: what it is about is found (the pending request and the stored secrets, as the chain has them), then it
// is decided: the access condition is evaluated for the request's sender, the blob is opened and its values sealed to
// the session's key.
#include "codec/hex.h"
#include "keystore/access_eval.h"
#include "keystore/keystore.h"
#include "protocol/contract.h"
#include "repo/repo.h"
#include "secrets/access.h"
#include "secrets/values.h"

struct deciding {
    struct keystore *k;
    struct chain_view *view;
    struct arena *a;
    const struct session *session; // when it is decided
    const struct decrypt_terms *terms;
    struct decision *out;
    struct finding found;
    json_t *request; // as the contract shows it
};

// A refusal is an answer. Returns true: it was decided.
static bool refuse(struct deciding *q, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
static bool refuse(struct deciding *q, enum err_code code, const char *fmt, ...) {
    char text[sizeof q->out->refusal.msg];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    q->out->allowed = false;
    err_set(&q->out->refusal, code, "%s", text);
    return true;
}

static bool is_refused(const struct deciding *q) { return q->out->refusal.msg[0] != 0; }

// --- the request

// True with q->request NULL: refused.
static bool read_request(struct deciding *q, struct err *e) {
    bool answered;
    SCOPED_JSON(args) = json_object();
    json_set_u64(args, "request_id", q->terms->request_id);
    SCOPED_JSON(view) = chain_view_own(q->view, q->a, VIEW_REQUEST, args, e);
    if (!view)
        return false;
    if (!json_is_null(view)) {
        if (!json_get_bool(view, "answered", &answered, e))
            return err_wrap(e, "get_request of %s", q->k->contract);
        if (!answered) {
            q->request = json_incref(view);
            return true;
        }
    }
    return refuse(q, ERR_CONFLICT, "Secrets are given only to a request that waits for its answer: %llu does not",
                  (unsigned long long)q->terms->request_id);
}

// The scope that the request's own words name.
static bool read_names(struct deciding *q, struct err *e) {
    json_t *ref, *source;
    const char *repo, *profile, *owner;
    json_t *r = q->request;
    if (json_is_null(json_object_get(r, "secrets_ref")))
        return refuse(q, ERR_INVALID, "The request asks for no secrets");
    if (!json_get_text(r, "sender_id", &q->found.caller, e) || !json_get_object(r, "secrets_ref", &ref, e) ||
        !json_get_object(r, "code_source", &source, e) || !json_get_text(source, "repo", &repo, e) ||
        !json_get_text(ref, "profile", &profile, e) || !json_get_text(ref, "account_id", &owner, e))
        return err_wrap(e, "get_request of %s", q->k->contract);
    struct err why;
    const char *normal;
    q->out->caller = q->found.caller;
    q->out->owner = owner;
    q->out->profile = profile;
    if (!repo_name(&normal, q->a, repo, &why))
        return refuse(q, ERR_NOT_FOUND, "Secrets not found: %.200s", why.msg);
    q->out->repo = normal;
    q->out->branch = q->terms->branch;
    q->found.scope = (struct scope){q->k->network, q->k->contract, owner, normal, q->terms->branch, profile};
    if (!scope_check(&q->found.scope, &why))
        return refuse(q, ERR_NOT_FOUND, "Secrets not found: %.200s", why.msg);
    return true;
}

// --- the row

static json_t *row_args(const struct deciding *q) {
    json_t *args = json_pack("{s:s,s:s,s:s}", "repo", q->found.scope.repo, "profile", q->found.scope.profile, "owner",
                             q->found.scope.owner);
    if (q->found.scope.branch)
        json_set_text(args, "branch", q->found.scope.branch);
    return args;
}

// Without a branch only a row for any branch will do, and only where there is none for a branch: it could be the one.
static bool check_branches(struct deciding *q, struct err *e) {
    SCOPED_JSON(args) = row_args(q);
    SCOPED_JSON(count) = chain_view_own(q->view, q->a, VIEW_SECRET_BRANCHES, args, e);
    if (!count)
        return false;
    if (!json_is_integer(count))
        return err_set(e, ERR_CHAIN, "count_secret_branches of %s did not answer with a number", q->k->contract);
    return json_integer_value(count) == 0 ||
           refuse(q, ERR_NOT_FOUND,
                  "Secrets not found: %s stores those of profile %s for branches of %s, and the branch of "
                  "this commit could not be found",
                  q->found.scope.owner, q->found.scope.profile, q->found.scope.repo);
}

static bool asks_chain(const struct access *c) {
    bool asks = false;
    switch (c->kind) {
    case ACCESS_NEAR:
    case ACCESS_FT:
    case ACCESS_NFT:
    case ACCESS_DAO: return true;
    case ACCESS_ALL:
    case ACCESS_WHITELIST:
    case ACCESS_PATTERN: return false;
    case ACCESS_AND:
    case ACCESS_OR:
    case ACCESS_NOT:
        for (size_t i = 0; i < c->count && !asks; i++)
            asks = asks_chain(c->parts[i]);
        return asks;
    }
    return true;
}

static bool keep_row(struct deciding *q, const json_t *row, struct err *e) {
    struct access *condition;
    struct finding *f = &q->found;
    struct err why;
    const char *blob, *branch = NULL;
    if (!json_get_text(row, "encrypted_secrets", &blob, e) || !json_opt_text(row, "branch", &branch, e))
        return err_wrap(e, "get_secrets of %s", q->k->contract);
    if (!access_of_json(&condition, q->a, json_object_get(row, "access"), &why))
        return refuse(q, ERR_FORBIDDEN, "Access denied: the condition of these secrets cannot be read: %.300s",
                      why.msg);
    f->asks_chain = asks_chain(condition);
    f->condition = condition;
    f->blob = arena_strdup(q->a, blob);
    f->row_branch = branch ? arena_strdup(q->a, branch) : NULL;
    return true;
}

static bool read_row(struct deciding *q, struct err *e) {
    if (!q->found.scope.branch && !check_branches(q, e))
        return false;
    if (is_refused(q))
        return true;
    SCOPED_JSON(args) = row_args(q);
    SCOPED_JSON(row) = chain_view_own(q->view, q->a, VIEW_SECRETS, args, e);
    if (!row)
        return false;
    if (json_is_object(row))
        return keep_row(q, row, e);
    if (!json_is_null(row))
        return err_set(e, ERR_CHAIN, "get_secrets of %s answered neither a row nor null", q->k->contract);
    return refuse(q, ERR_NOT_FOUND, "Secrets not found: %s has stored none as profile %s for %s%s%s",
                  q->found.scope.owner, q->found.scope.profile, q->found.scope.repo,
                  q->found.scope.branch ? " at branch " : "", q->found.scope.branch ? q->found.scope.branch : "");
}

// --- the condition

static bool check_access(struct deciding *q, bool *allowed, struct err *e) {
    struct err why;
    const char *reason = NULL;
    *allowed = false;
    struct access_chain chain = access_chain_of_view(q->view);
    if (!access_eval(&chain, q->a, q->found.condition, q->found.caller, allowed, &reason, &why)) {
        if (!chain_view_is_trouble(&why))
            return refuse(q, ERR_FORBIDDEN, "Access denied: the condition could not be evaluated: %.300s", why.msg);
        *e = why;
        return err_wrap(e, "access condition");
    }
    return *allowed || refuse(q, ERR_FORBIDDEN, "Access denied: %s may not use secrets of %s (%.200s)", q->found.caller,
                              q->found.scope.owner, reason ? reason : "its condition does not hold");
}

// --- the values

static bool open_blob(struct deciding *q, struct secrets *values, struct err *e) {
    struct slice blob, plain;
    struct hpke_pair pair;
    uint32_t generation;
    if (!base64_decode(&blob, q->a, slice_str(q->found.blob), e))
        return false;
    q->found.scope.branch = q->found.row_branch; // of the row that was found: what it was sealed for
    if (!blob_generation(blob, &generation, e) || !master_derive(q->k->master, &q->found.scope, generation, &pair, e))
        return false;
    bool ok = blob_open(q->a, &q->found.scope, &pair, blob, &plain, e) && secrets_parse(values, q->a, plain, e);
    hpke_pair_wipe(&pair);
    return ok;
}

static bool give(struct deciding *q, struct err *e) {
    struct secrets values;
    struct slice plain;
    struct err why;
    if (!open_blob(q, &values, &why))
        return refuse(q, ERR_INVALID, "Secrets cannot be opened: %.300s; their owner should store them again", why.msg);
    q->out->branch = q->found.scope.branch;
    if (!secrets_print(q->a, &values, &plain, e) ||
        !hpke_seal(q->a, q->session->session_key, answer_info(q->a, q->terms), plain, &q->out->answer.sealed, e))
        return false;
    q->out->allowed = true;
    return true;
}

static bool find(struct deciding *q, struct err *e) {
    if (!read_request(q, e) || (q->request && !read_names(q, e)))
        return false;
    return is_refused(q) || read_row(q, e);
}

bool keystore_find(struct keystore *k, struct chain_view *v, struct arena *a, const struct decrypt_terms *t,
                   struct finding *found, struct decision *out, struct err *e) {
    struct deciding q = {.k = k, .view = v, .a = a, .terms = t, .out = out};
    *out = (struct decision){0};
    bool ok = find(&q, e);
    *found = q.found;
    const char **names[] = {&out->owner,         &out->profile,         &out->branch,  &out->caller,
                            &found->scope.owner, &found->scope.profile, &found->caller}; // of a document that goes now
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        *names[i] = *names[i] ? arena_strdup(a, *names[i]) : NULL;
    json_decref(q.request);
    return ok;
}

bool keystore_decide(struct keystore *k, struct chain_view *v, struct arena *a, const struct session *session,
                     const struct decrypt_terms *t, const struct finding *found, struct decision *out, struct err *e) {
    struct deciding q = {.k = k, .view = v, .a = a, .session = session, .terms = t, .out = out, .found = *found};
    bool allowed;
    if (!check_access(&q, &allowed, e))
        return false;
    return !allowed || give(&q, e);
}
