// SPDX-License-Identifier: Apache-2.0
#include "tee/registry.h"

#include "codec/hex.h"
#include "dcap/trust.h"
#include "near/send.h"
#include "protocol/register.h"

bool registry_now(const struct registry *r, struct arena *a, uint64_t *now, struct err *e) {
    struct rpc_block block;
    if (!rpc_final_block(r->rpc, a, &block, e))
        return false;
    *now = block.timestamp_ns / 1000000000;
    return true;
}

json_t *registry_view(const struct registry *r, struct arena *a, const char *method, const json_t *args,
                      struct err *e) {
    json_t *j = rpc_view_json(r->rpc, a, r->account.s, method, args, e);
    if (j)
        return j;
    if (e->code == ERR_NOT_FOUND) {
        err_set(e, ERR_NOT_FOUND, "there is no register contract at '%s'", r->account.s);
        err_hint(e, "`outlayer deploy --operator %s` puts it there; or name another one with --register", r->account.s);
    }
    return NULL;
}

// The key that stands for Intel: what is signed under another one proves nothing.
static bool read_root(const json_t *j, struct registry_config *out, struct err *e) {
    struct dcap_trust root;
    const char *hex;
    if (!json_get_text(j, "root_public_key", &hex, e) ||
        !hex_decode_exact(out->root_key, sizeof out->root_key, slice_str(hex), e))
        return false;
    dcap_trust_root(&root, out->root_key);
    out->simulated = !dcap_trust_is_intels(&root);
    return true;
}

bool registry_config(const struct registry *r, struct arena *a, struct registry_config *out, struct err *e) {
    SCOPED_JSON(j) = registry_view(r, a, VIEW_REGISTER_CONFIG, NULL, e);
    const char *owner, *main_contract, *first = NULL;
    struct account_id id;
    *out = (struct registry_config){0};
    if (!j)
        return false;
    if (!json_get_text(j, "owner_id", &owner, e) || !json_get_text(j, "outlayer_contract_id", &main_contract, e) ||
        !json_opt_text(j, "init_worker_account", &first, e) || !account_id_parse(&id, slice_str(owner), e) ||
        !account_id_parse(&id, slice_str(main_contract), e) || !read_root(j, out, e))
        return err_wrap(e, "what '%s' says of itself as a register contract", r->account.s);
    out->owner = arena_strdup(a, owner);
    out->main_contract = arena_strdup(a, main_contract);
    out->open = !first && !json_array_size(json_object_get(j, "registrars"));
    return true;
}

bool registry_challenge(const struct registry *r, struct arena *a, struct registry_challenge *out, struct err *e) {
    SCOPED_JSON(j) = registry_view(r, a, VIEW_CHALLENGE, NULL, e);
    const char *hex;
    *out = (struct registry_challenge){0};
    if (!j)
        return false;
    if (json_is_null(j))
        return true;
    out->there = true;
    return (json_get_text(j, "challenge", &hex, e) && hash_from_hex(&out->hash, slice_str(hex), e) &&
            json_get_u64(j, "made_at", &out->made_at, e)) ||
           err_wrap(e, "the register contract's challenge");
}

static bool key_text(const json_t *j, struct arena *a, const char *name, const char **out, struct err *e) {
    const char *text = "";
    if (!json_opt_text(j, name, &text, e))
        return false;
    *out = arena_strdup(a, text);
    return true;
}

bool registry_key(const struct registry *r, struct arena *a, const struct public_key *key, struct registry_key *out,
                  struct err *e) {
    SCOPED_JSON(args) = json_object();
    json_set_text(args, "public_key", public_key_text(a, key));
    SCOPED_JSON(j) = registry_view(r, a, VIEW_WORKER, args, e);
    *out = (struct registry_key){0};
    if (!j)
        return false;
    if (json_is_null(j))
        return true;
    out->there = true;
    return (json_get_u64(j, "registered_at", &out->registered_at, e) &&
            json_get_u64(j, "renewed_at", &out->renewed_at, e) &&
            json_get_u64(j, "valid_until", &out->valid_until, e) && json_get_u64(j, "image_id", &out->image_id, e) &&
            key_text(j, a, "state", &out->state, e) && key_text(j, a, "rtmr3", &out->rtmr3, e) &&
            key_text(j, a, "fmspc", &out->fmspc, e) && key_text(j, a, "tcb_status", &out->tcb_status, e)) ||
           err_wrap(e, "what the register contract keeps of the key");
}

struct note {
    const struct registry *r;
    const char *method;
};
static bool note_hash(void *ctx, const struct sent *sent, struct err *e) {
    const struct note *n = ctx;
    (void)e;
    if (n->r->sent)
        n->r->sent(n->r->ctx, n->method, sent->hash);
    return true;
}

bool registry_send(const struct registry *r, struct arena *a, const struct registry_call *call,
                   const char **transaction, json_t **value, struct err *e) {
    struct note note = {r, call->method};
    struct sender *s;
    SCOPED_JSON(outcome) = NULL;
    struct action action = {.kind = ACTION_FUNCTION_CALL,
                            .method = call->method,
                            .args = slice_str(call->args ? json_text(a, call->args) : "{}"),
                            .gas = call->gas,
                            .deposit = call->deposit};
    if (!sender_new(&s, r->rpc, &r->payer->account, &r->payer->secret, e))
        return false;
    bool ok = sender_call(s, a, &r->account, &action, 1, "FINAL", note_hash, &note, &outcome, e);
    sender_free(s);
    if (!ok)
        return err_wrap(e, "%s", call->method);
    const char *hash = json_string_value(json_object_get(json_object_get(outcome, "transaction"), "hash"));
    *transaction = arena_strdup(a, hash ? hash : "");
    struct slice bytes;
    if (!value)
        return true;
    *value = rpc_success_value(a, outcome, &bytes) ? json_parse_big(bytes, JSON_MAX_BYTES, e) : NULL;
    return *value || err_set(e, ERR_CHAIN, "%s returned no JSON", call->method);
}
