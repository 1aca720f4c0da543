// SPDX-License-Identifier: Apache-2.0
#include "keystore/question.h"

#include "codec/hex.h"
#include "keystore/generate.h"
#include "repo/repo.h"
#include "secrets/word.h"

#define NAME_MAX_BYTES 1024 // of any name, before it is looked at closer: records and messages are made of them
#define KEY_TEXT_MAX 256    // of keys, signatures, nonces and what else has a fixed length
#define TYPE_MAX 64
#define BLOB_TEXT_MAX (BLOB_MAX / 3 * 4 + 4) // in base64

// The body as an object of these members only; texts of it are copied before it goes.
static json_t *object_of(struct slice body, const char *const *keys, struct err *e) {
    json_t *o = json_parse(body, QUESTION_MAX, e);
    if (o && !json_is_object(o))
        err_set(e, ERR_INVALID, "the body must be a JSON object");
    else if (o && json_only_keys(o, keys, e))
        return o;
    json_decref(o);
    return NULL;
}

// Every text is read by these two: none without a bound. *out lives as long as the object.
static bool opt_text(const json_t *o, const char *name, size_t max, const char **out, struct err *e) {
    *out = NULL;
    if (!json_opt_text(o, name, out, e))
        return false;
    return !*out || strlen(*out) <= max || err_set(e, ERR_TOO_LARGE, "field '%s' has more than %zu bytes", name, max);
}

static bool get_text(const json_t *o, const char *name, size_t max, const char **out, struct err *e) {
    return opt_text(o, name, max, out, e) && (*out || err_set(e, ERR_INVALID, "field '%s' is missing", name));
}

static bool opt_copy(struct arena *a, const json_t *o, const char *name, size_t max, const char **out, struct err *e) {
    if (!opt_text(o, name, max, out, e))
        return false;
    *out = *out ? arena_strdup(a, *out) : NULL;
    return true;
}

static bool get_copy(struct arena *a, const json_t *o, const char *name, size_t max, const char **out, struct err *e) {
    const char *text;
    if (!get_text(o, name, max, &text, e))
        return false;
    *out = arena_strdup(a, text);
    return true;
}

static bool get_hex32(const json_t *o, const char *name, uint8_t out[static 32], struct err *e) {
    const char *text;
    return get_text(o, name, KEY_TEXT_MAX, &text, e) &&
           (hex_decode_exact(out, 32, slice_str(text), e) || err_wrap(e, "field '%s'", name));
}

static bool get_key(const json_t *o, struct public_key *out, struct err *e) {
    const char *text;
    return get_text(o, "public_key", KEY_TEXT_MAX, &text, e) && public_key_parse(out, slice_str(text), e);
}

static bool get_signature(const json_t *o, struct signature *out, struct err *e) {
    const char *text;
    return get_text(o, "signature", KEY_TEXT_MAX, &text, e) && signature_parse(out, slice_str(text), e);
}

// --- sessions

bool session_question_read(struct session_question *out, struct arena *a, struct slice body,
                           const struct question_place *at, struct err *e) {
    static const char *const keys[] = {"account_id", "public_key", "challenge", "session_key",
                                       "expires_at", "signature",  NULL};
    SCOPED_JSON(o) = object_of(body, keys, e);
    struct session_terms *t = &out->terms;
    *out = (struct session_question){.terms = {.network = at->network, .contract = at->contract}};
    memcpy(t->keystore_key, at->identity, sizeof t->keystore_key);
    return o && get_copy(a, o, "account_id", NAME_MAX_BYTES, &t->account, e) && get_key(o, &out->key, e) &&
           get_signature(o, &out->signature, e) && json_get_u64(o, "expires_at", &t->expires_at, e) &&
           get_hex32(o, "challenge", t->challenge, e) && get_hex32(o, "session_key", t->session_key, e) &&
           (account_id_valid(slice_str(t->account)) ||
            err_set(e, ERR_INVALID, "field 'account_id' is not an account id"));
}

// The contract counts in JSON numbers: what no such number can be is no request.
static bool get_request_id(const json_t *o, uint64_t *out, struct err *e) {
    return json_get_u64(o, "request_id", out, e) &&
           (*out <= INT64_MAX || err_set(e, ERR_INVALID, "field 'request_id' must be a number below 2^63"));
}

bool decrypt_question_read(struct decrypt_question *out, struct arena *a, struct slice body,
                           const struct question_place *at, struct err *e) {
    static const char *const keys[] = {"session_id", "counter", "request_id", "branch", "signature", NULL};
    SCOPED_JSON(o) = object_of(body, keys, e);
    struct decrypt_terms *t = &out->terms;
    *out = (struct decrypt_question){.terms = {.network = at->network, .contract = at->contract}};
    return o && get_hex32(o, "session_id", t->session.b, e) && json_get_u64(o, "counter", &t->counter, e) &&
           get_request_id(o, &t->request_id, e) && opt_copy(a, o, "branch", NAME_MAX_BYTES, &t->branch, e) &&
           get_signature(o, &out->signature, e) &&
           (!t->branch || strlen(t->branch) <= BRANCH_MAX ||
            err_set(e, ERR_INVALID, "field 'branch' has more than %d bytes", BRANCH_MAX));
}

// --- keys

bool scope_of_texts(struct scope *out, struct arena *a, const struct question_place *at, const char *repo,
                    const char *owner, const char *branch, struct err *e) {
    *out = (struct scope){.network = at->network,
                          .contract = at->contract,
                          .owner = owner,
                          .branch = branch && branch[0] ? branch : NULL,
                          .profile = out->profile};
    if (!repo || !owner)
        return err_set(e, ERR_INVALID, "'%s' is missing", repo ? "owner" : "repo");
    return repo_name(&out->repo, a, repo, e) && scope_check(out, e);
}

static bool get_scope(struct scope *out, struct arena *a, const json_t *o, const struct question_place *at,
                      struct err *e) {
    const char *repo, *owner, *branch;
    return get_copy(a, o, "repo", NAME_MAX_BYTES, &repo, e) && get_copy(a, o, "owner", NAME_MAX_BYTES, &owner, e) &&
           opt_copy(a, o, "branch", NAME_MAX_BYTES, &branch, e) && scope_of_texts(out, a, at, repo, owner, branch, e);
}

static bool check_names(const json_t *list, struct err *e) {
    if (list && !json_is_null(list) && !json_is_array(list))
        return err_set(e, ERR_INVALID, "field 'names' must be an array of texts");
    if (json_array_size(list) > SECRETS_MAX)
        return err_set(e, ERR_TOO_LARGE, "field 'names' has more than %d entries", SECRETS_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (!name)
            return err_set(e, ERR_INVALID, "field 'names' must be an array of texts");
        if (!secret_name_check(slice_str(name), GIVEN_BY_USER, e))
            return false;
    }
    return true;
}

bool pubkey_question_read(struct pubkey_question *out, struct arena *a, struct slice body,
                          const struct question_place *at, struct err *e) {
    static const char *const keys[] = {"repo", "owner", "branch", "names", "nonce", "secrets_json", NULL};
    SCOPED_JSON(o) = object_of(body, keys, e);
    *out = (struct pubkey_question){0};
    if (!o)
        return false;
    if (json_object_get(o, "secrets_json")) {
        err_set(e, ERR_INVALID, "a key is given without the secrets: they must never leave your machine unsealed");
        return err_hint(e, "send their names alone as `names` to have them checked; consider the values just sent as "
                           "leaked");
    }
    const json_t *nonce = json_object_get(o, "nonce");
    out->has_nonce = nonce && !json_is_null(nonce);
    return check_names(json_object_get(o, "names"), e) && get_scope(&out->scope, a, o, at, e) &&
           (!out->has_nonce || get_hex32(o, "nonce", out->nonce, e));
}

// --- the audit log

bool audit_question_read(struct audit_question *out, struct arena *a, struct slice body, struct err *e) {
    static const char *const keys[] = {"owner", "nonce", "before", NULL};
    SCOPED_JSON(o) = object_of(body, keys, e);
    *out = (struct audit_question){0};
    return o && get_copy(a, o, "owner", NAME_MAX_BYTES, &out->owner, e) && get_hex32(o, "nonce", out->nonce, e) &&
           json_opt_u64(o, "before", &out->before, e) &&
           (account_id_valid(slice_str(out->owner)) || err_set(e, ERR_INVALID, "field 'owner' is not an account id")) &&
           (out->before <= INT64_MAX || err_set(e, ERR_INVALID, "field 'before' must be a number below 2^63"));
}

// --- generated secrets

static bool get_new(struct generate_question *q, struct arena *a, const json_t *o, struct err *e) {
    json_t *list;
    if (!json_get_array(o, "new_secrets", &list, e))
        return false;
    if (json_array_size(list) > SECRETS_MAX)
        return err_set(e, ERR_TOO_LARGE, "field 'new_secrets' has more than %d entries", SECRETS_MAX);
    for (size_t i = 0; i < json_array_size(list); i++, q->count++) {
        const json_t *one = json_array_get(list, i);
        if (!get_copy(a, one, "name", NAME_MAX_BYTES, &q->names[i], e) ||
            !get_copy(a, one, "generation_type", TYPE_MAX, &q->types[i], e))
            return err_wrap(e, "new_secrets");
        if (!secret_name_check(slice_str(q->names[i]), MADE_BY_KEYSTORE, e))
            return false;
        if (!secret_type_check(q->types[i], e))
            return err_wrap(e, "secret '%s'", q->names[i]);
    }
    return true;
}

static bool get_nonce(struct generate_question *q, const json_t *o, struct err *e) {
    const char *text;
    if (!opt_text(o, "nonce", KEY_TEXT_MAX, &text, e))
        return false;
    q->has_nonce = text != NULL;
    return !text || nep413_nonce_parse(q->nonce, text, e);
}

static bool get_owner_signature(struct generate_question *q, const json_t *o, struct err *e) {
    const char *signature;
    if (!json_object_get(o, "signature"))
        return true;
    if (!q->has_nonce)
        return err_set(e, ERR_INVALID, "field 'nonce' is missing: it is signed");
    if (!get_key(o, &q->key, e) || !get_text(o, "signature", KEY_TEXT_MAX, &signature, e))
        return false;
    q->is_signed = true;
    return nep413_signature_parse(&q->signature, signature, e);
}

static bool get_blob(struct generate_question *q, struct arena *a, const json_t *o, struct err *e) {
    const char *text;
    if (!opt_text(o, "encrypted_secrets_base64", BLOB_TEXT_MAX, &text, e))
        return false;
    q->has_blob = text != NULL;
    return !text || base64_decode(&q->blob, a, slice_str(text), e);
}

bool generate_question_read(struct generate_question *q, struct arena *a, struct slice body,
                            const struct question_place *at, struct err *e) {
    static const char *const keys[] = {"repo",        "owner",      "branch", "profile",   "encrypted_secrets_base64",
                                       "new_secrets", "public_key", "nonce",  "signature", "callback_url",
                                       NULL};
    SCOPED_JSON(o) = object_of(body, keys, e);
    *q = (struct generate_question){0};
    return o && get_copy(a, o, "profile", NAME_MAX_BYTES, &q->scope.profile, e) && get_scope(&q->scope, a, o, at, e) &&
           get_new(q, a, o, e) && get_blob(q, a, o, e) && get_nonce(q, o, e) && get_owner_signature(q, o, e) &&
           opt_copy(a, o, "callback_url", CALLBACK_URL_MAX, &q->callback_url, e) &&
           (q->has_blob || q->count ||
            err_set(e, ERR_INVALID, "there is nothing to seal: neither 'new_secrets' nor secrets that exist"));
}
