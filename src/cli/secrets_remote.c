// SPDX-License-Identifier: Apache-2.0
#include "cli/secrets_remote.h"

#include "base/text.h"
#include "codec/hex.h"
#include "http/client.h"
#include "near/send.h"
#include "protocol/events.h"
#include "secrets/values.h"

#define CALL_GAS (50 * TGAS)
#define ANSWER_MAX (1u << 20)

bool remote_open(struct remote *out, struct arena *a, const struct target *t, const struct credentials *from,
                 struct err *e) {
    *out = (struct remote){.a = a, .target = t, .from = from, .http = http_client_new()};
    return rpc_new(&out->rpc, t->rpc_url, e);
}

void remote_close(struct remote *r) {
    rpc_free(r->rpc);
    http_client_free(r->http);
}

static bool no_keystore(const struct remote *r, struct err *e) {
    err_set(e, ERR_SETTINGS, "%s publishes no keystore key: secrets are not offered by this deployment",
            r->target->contract);
    return err_hint(e, "its owner starts outlayer-keystore and calls set_keystore_key");
}

bool remote_identity(struct remote *r, struct err *e) {
    SCOPED_JSON(key) = rpc_view_json(r->rpc, r->a, r->target->contract, VIEW_KEYSTORE_KEY, NULL, e);
    if (!key)
        return false;
    if (!json_is_string(key))
        return no_keystore(r, e);
    return public_key_parse(&r->identity, slice_str(json_string_value(key)), e) || err_wrap(e, "get_keystore_key");
}

static bool ask(struct remote *r, const char *path, const json_t *body, json_t **out, struct err *e) {
    int status;
    if (!r->target->coordinator_url) {
        err_set(e, ERR_SETTINGS, "no coordinator is known");
        return err_hint(e, "give --coordinator-url or API_BASE_URL");
    }
    struct http_call call = {.method = "POST",
                             .url = arena_printf(r->a, "%s%s", r->target->coordinator_url, path),
                             .max_answer = ANSWER_MAX};
    if (!http_call_json(r->http, r->a, &call, body, &status, out, e))
        return err_wrap(e, "keystore (through the coordinator)");
    return *out || err_set(e, ERR_UNAVAILABLE, "the coordinator gave an empty answer");
}

// --- what the keystore signed

static bool signed_by_keystore(const struct remote *r, const json_t *o, const char *field, const struct hash *record) {
    struct signature s;
    const char *text = json_string_value(json_object_get(o, field));
    return text && signature_parse(&s, slice_str(text), NULL) && signature_verify(&s, &r->identity, hash_slice(record));
}

static bool not_the_keystores(const struct remote *r, const char *what, struct err *e) {
    err_set(e, ERR_FORBIDDEN, "%s is not signed by the keystore that %s names: nothing was sealed or stored", what,
            r->target->contract);
    return err_hint(e, "do not use this coordinator (%s)", r->target->coordinator_url);
}

// A key that was the keystore's once is not enough: its generation may have been given up because it leaked.
static bool not_fresh(const struct remote *r, const json_t *o, const struct hash *timeless, struct err *e) {
    if (!signed_by_keystore(r, o, "signature", timeless))
        return not_the_keystores(r, "the key", e);
    err_set(e, ERR_FORBIDDEN,
            "the keystore of %s signed this key once, but not in answer to this question: nothing was "
            "sealed or stored",
            r->target->contract);
    return err_hint(e, "do not use this coordinator (%s); only a keystore of an older version would do the same",
                    r->target->coordinator_url);
}

static bool take_key(struct remote *r, const struct scope *s, const uint8_t nonce[static NONCE_SIZE], const json_t *o,
                     struct sealing_key *out, struct err *e) {
    const char *hex;
    uint64_t generation;
    if (!json_get_text(o, "pubkey", &hex, e) || !json_get_u64(o, "generation", &generation, e) ||
        !hex_decode_exact(out->public, sizeof out->public, slice_str(hex), e))
        return err_wrap(e, "the keystore's answer");
    if (generation > UINT32_MAX)
        return err_set(e, ERR_INVALID, "the keystore's answer has a generation out of range");
    out->generation = (uint32_t)generation;
    struct hash timeless = pubkey_record(s, out->generation, out->public);
    struct hash fresh = fresh_pubkey_record(s, out->generation, out->public, nonce);
    return signed_by_keystore(r, o, "fresh_signature", &fresh) || not_fresh(r, o, &timeless, e);
}

bool remote_key(struct remote *r, const struct scope *s, struct sealing_key *out, struct err *e) {
    uint8_t nonce[NONCE_SIZE];
    random_bytes(nonce, sizeof nonce);
    SCOPED_JSON(o) = NULL;
    SCOPED_JSON(body) = json_pack("{s:s,s:s,s:s?,s:s}", "repo", s->repo, "owner", s->owner, "branch", s->branch,
                                  "nonce", hex_text(r->a, slice_of(nonce, sizeof nonce)));
    return remote_identity(r, e) && ask(r, "/secrets/pubkey", body, &o, e) && take_key(r, s, nonce, o, out, e);
}

// --- rows

json_t *remote_name(const struct scope *s) {
    return json_pack("{s:s,s:s?,s:s}", "repo", s->repo, "branch", s->branch, "profile", s->profile);
}

bool remote_row(struct remote *r, const struct scope *s, struct remote_row *out, struct err *e) {
    SCOPED_JSON(args) = remote_name(s);
    const char *branch = NULL, *blob;
    json_set_text(args, "owner", s->owner);
    *out = (struct remote_row){0};
    SCOPED_JSON(row) = rpc_view_json(r->rpc, r->a, r->target->contract, VIEW_SECRETS, args, e);
    if (!row)
        return false;
    if (!json_is_object(row))
        return true;
    if (!json_opt_text(row, "branch", &branch, e) || !json_get_text(row, "encrypted_secrets", &blob, e) ||
        !json_get_u128(row, "storage_deposit", &out->deposit.v, e))
        return err_wrap(e, "get_secrets");
    if (!branch != !s->branch) // the contract fell back to the row for any branch
        return true;
    out->blob = arena_strdup(r->a, blob);
    out->access = json_incref(json_object_get(row, "access"));
    return true;
}

bool remote_estimate(struct remote *r, const struct scope *s, const char *blob, const struct access *access,
                     struct yocto *out, struct err *e) {
    SCOPED_JSON(args) = remote_name(s);
    json_set_text(args, "owner", s->owner);
    json_set_text(args, "encrypted_secrets_base64", blob);
    json_object_set_new(args, "access", access_json(access));
    SCOPED_JSON(v) = rpc_view_json(r->rpc, r->a, r->target->contract, "estimate_storage_cost", args, e);
    if (!v)
        return false;
    return (json_is_string(v) && text_u128(slice_str(json_string_value(v)), &out->v)) ||
           err_set(e, ERR_CHAIN, "estimate_storage_cost of %s gave no amount", r->target->contract);
}

// --- generated secrets

// The owner's word for opening what is stored (NEP-413).
static void sign_for_owner(struct remote *r, const struct scope *s, const struct sealed_terms *t, json_t *body) {
    const char *message = generate_message(r->a, s, &t->before, &t->made);
    struct hash h = nep413_hash(message, t->nonce, s->contract, NULL);
    struct signature signature = secret_key_sign(&r->from->secret, hash_slice(&h));
    json_set_text(body, "public_key", public_key_text(r->a, &r->from->public));
    json_set_text(body, "signature", signature_text(r->a, &signature));
}

static json_t *generate_body(struct remote *r, const struct scope *s, const struct remote_row *row,
                             const struct sealed_terms *t) {
    json_t *body = remote_name(s), *list = json_array();
    json_set_text(body, "owner", s->owner);
    json_set_text(body, "nonce", base64_text(r->a, slice_of(t->nonce, NONCE_SIZE)));
    for (size_t i = 0; i < t->made.count; i++)
        json_array_append_new(list,
                              json_pack("{s:s,s:s}", "name", t->made.names[i], "generation_type", t->made.types[i]));
    json_object_set_new(body, "new_secrets", list);
    if (row->blob) {
        json_set_text(body, "encrypted_secrets_base64", row->blob);
        sign_for_owner(r, s, t, body);
    }
    return body;
}

// All names of the answered blob into *t, bounded before they are hashed.
static bool take_names(struct remote *r, const json_t *o, struct sealed_terms *t, json_t **list, struct err *e) {
    const char **names = arena_calloc(r->a, SECRETS_MAX, sizeof *names);
    if (!json_get_array(o, "all_keys", list, e))
        return err_wrap(e, "the keystore's answer");
    if (json_array_size(*list) > SECRETS_MAX)
        return err_set(e, ERR_CORRUPT, "the keystore's answer names more than %d secrets", SECRETS_MAX);
    for (t->count = 0; t->count < json_array_size(*list); t->count++) {
        const char *name = json_string_value(json_array_get(*list, t->count));
        if (!name || !secret_name_check(slice_str(name), MADE_BY_KEYSTORE, NULL))
            return err_set(e, ERR_CORRUPT, "the keystore's answer names secrets that cannot be");
        names[t->count] = name;
    }
    t->names = names;
    return true;
}

// The signature covers what was asked for, the nonce of this very call, and everything that is stored or shown.
static bool take_generated(struct remote *r, const struct scope *s, const json_t *o, struct sealed_terms *t,
                           struct generated *out, struct err *e) {
    struct slice blob;
    const char *text;
    json_t *list;
    if (!take_names(r, o, t, &list, e))
        return false;
    if (!json_get_text(o, "encrypted_data_base64", &text, e) || !base64_decode(&blob, r->a, slice_str(text), e) ||
        !blob_generation(blob, &out->generation, e))
        return err_wrap(e, "the keystore's answer");
    struct hash record = sealed_record(s, t, blob);
    if (!signed_by_keystore(r, o, "blob_signature", &record))
        return not_the_keystores(r, "the answer to this request", e);
    out->blob = arena_strdup(r->a, text);
    out->names = json_incref(list);
    return true;
}

bool remote_generate(struct remote *r, const struct scope *s, const struct remote_row *row, const char *name,
                     const char *type, struct generated *out, struct err *e) {
    uint8_t nonce[NONCE_SIZE];
    struct slice blob;
    random_bytes(nonce, sizeof nonce);
    struct sealed_terms terms = {.nonce = nonce, .made = {&name, &type, name ? 1 : 0}};
    if (!remote_identity(r, e) || (row->blob && !base64_decode(&blob, r->a, slice_str(row->blob), e)))
        return false;
    if (row->blob)
        terms.before = sha256(blob);
    SCOPED_JSON(body) = generate_body(r, s, row, &terms);
    SCOPED_JSON(o) = NULL;
    return ask(r, "/secrets/add_generated_secret", body, &o, e) && take_generated(r, s, o, &terms, out, e);
}

// --- transactions

static bool show_hash(void *ctx, const struct sent *sent, struct err *e) {
    (void)ctx, (void)e;
    fprintf(stderr, "transaction %s\n", sent->hash);
    return true;
}

bool remote_send(struct remote *r, const struct remote_call *call, const char **transaction, json_t **event,
                 struct err *e) {
    SCOPED_JSON(args) = call->args;
    SCOPED_JSON(outcome) = NULL;
    struct account_id contract;
    struct sender *s;
    struct action action = {.kind = ACTION_FUNCTION_CALL,
                            .method = call->method,
                            .args = slice_str(json_text(r->a, args)),
                            .gas = {CALL_GAS},
                            .deposit = call->deposit};
    if (!account_id_parse(&contract, slice_str(r->target->contract), e) ||
        !sender_new(&s, r->rpc, &r->from->account, &r->from->secret, e))
        return false;
    bool ok = sender_call(s, r->a, &contract, &action, 1, "FINAL", call->quiet ? NULL : show_hash, NULL, &outcome, e);
    sender_free(s);
    if (!ok)
        return err_wrap(e, "%s", call->method);
    const char *hash = json_string_value(json_object_get(json_object_get(outcome, "transaction"), "hash"));
    *transaction = arena_strdup(r->a, hash ? hash : "");
    if (event)
        *event = event_find_named(outcome, contract.s, call->event, NULL);
    return true;
}
