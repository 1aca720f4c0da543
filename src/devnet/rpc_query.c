// SPDX-License-Identifier: Apache-2.0
// `query`: looks at accounts, keys, code, state, and calls view methods.
#include "devnet/devnet.h"

#include "base/text.h"
#include "codec/hex.h"

struct query {
    struct rpc_call *call;
    const json_t *params; // object form
    const struct snapshot *state;
    const struct chain_block *block;
    struct account_id account;
};

// Every answer says which block it is of.
static json_t *with_block(const struct query *q, json_t *o) {
    json_set_u64(o, "block_height", q->block->height);
    json_set_text(o, "block_hash", hash_base58(q->call->arena, &q->block->hash));
    return o;
}

static json_t *logs_json(const struct view_call_result *r) {
    json_t *logs = json_array();
    for (size_t i = 0; r && i < r->log_count; i++) {
        json_t *text = json_stringn(r->logs[i].len ? (const char *)r->logs[i].ptr : "", r->logs[i].len);
        json_array_append_new(logs, text ? text : json_string(""));
    }
    return logs;
}

// A failed call and a missing key come as results with "error", as nodes have always answered them.
static enum rpc_done error_result(const struct query *q, const char *text, const struct view_call_result *r) {
    return rpc_ok(q->call, with_block(q, json_pack("{s:s, s:o}", "error", text, "logs", logs_json(r))));
}

static enum rpc_done refuse(const struct query *q, const struct view_error *why, const struct public_key *key,
                            const struct view_call_result *r) {
    struct rpc_call *c = q->call;
    const char *text = view_error_text(c->arena, why, &q->account, key);
    json_t *info = with_block(q, json_object());
    switch (why->kind) {
    case VIEW_UNKNOWN_ACCOUNT:
        json_set_text(info, "requested_account_id", q->account.s);
        return rpc_fail_text(c, "UNKNOWN_ACCOUNT", info, "%s", text);
    case VIEW_TOO_LARGE:
        json_set_text(info, "contract_account_id", q->account.s);
        return rpc_fail_text(c, "TOO_LARGE_CONTRACT_STATE", info, "%s", text);
    case VIEW_NO_CODE:
        if (r) // a call of no contract is a failed call
            break;
        json_set_text(info, "contract_account_id", q->account.s);
        return rpc_fail_text(c, "NO_CONTRACT_CODE", info, "%s", text);
    case VIEW_UNKNOWN_KEY:
    case VIEW_UNKNOWN_BLOCK:
    case VIEW_EXECUTION: break;
    }
    json_decref(info);
    return error_result(q, text, r);
}

static enum rpc_done query_account(const struct query *q) {
    struct account_state state;
    struct view_error why;
    if (!view_account(q->state, &q->account, &state, &why))
        return refuse(q, &why, NULL, NULL);
    return rpc_ok(q->call, with_block(q, render_account_state(&state)));
}

static enum rpc_done query_key(const struct query *q) {
    struct public_key key;
    struct access_key access;
    struct view_error why;
    struct err e;
    if (!param_key(q->params, "public_key", &key, &e))
        return rpc_fail_params(q->call, &e);
    if (!view_access_key(q->state, q->call->arena, &q->account, &key, &access, &why))
        return refuse(q, &why, &key, NULL);
    return rpc_ok(q->call, with_block(q, render_access_key(&access, q->call->arena)));
}

static enum rpc_done query_keys(const struct query *q) {
    struct keyed_access *keys;
    size_t n;
    struct view_error why;
    struct arena *a = q->call->arena;
    if (!view_access_keys(q->state, a, &q->account, &keys, &n, &why))
        return refuse(q, &why, NULL, NULL);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:o}", "public_key", public_key_text(a, &keys[i].key),
                                              "access_key", render_access_key(&keys[i].access, a)));
    return rpc_ok(q->call, with_block(q, json_pack("{s:o}", "keys", list)));
}

static enum rpc_done query_code(const struct query *q) {
    struct slice code;
    struct hash hash;
    struct view_error why;
    struct arena *a = q->call->arena;
    if (!view_code(q->state, a, &q->account, &code, &hash, &why))
        return refuse(q, &why, NULL, NULL);
    return rpc_ok(q->call, with_block(q, json_pack("{s:s, s:s}", "code_base64", base64_text(a, code), "hash",
                                                   hash_base58(a, &hash))));
}

static enum rpc_done query_state(const struct query *q) {
    struct view_entry *entries;
    size_t n;
    struct slice prefix;
    struct view_error why;
    struct err e;
    struct arena *a = q->call->arena;
    if (!param_base64(q->params, "prefix_base64", a, &prefix, &e))
        return rpc_fail_params(q->call, &e);
    if (!view_state(q->state, a, &q->account, prefix, &entries, &n, &why))
        return refuse(q, &why, NULL, NULL);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "key", base64_text(a, entries[i].key), "value",
                                              base64_text(a, entries[i].value)));
    return rpc_ok(q->call, with_block(q, json_pack("{s:o, s:[]}", "values", list, "proof")));
}

static enum rpc_done query_call(const struct query *q) {
    const char *method;
    struct slice args;
    struct view_call_result r = {0};
    struct view_error why;
    struct err e;
    if (!json_get_text(q->params, "method_name", &method, &e) ||
        !param_base64(q->params, "args_base64", q->call->arena, &args, &e))
        return rpc_fail_params(q->call, &e);
    if (!view_call(q->state, q->call->arena, &q->account, method, args, &r, &why))
        return refuse(q, &why, NULL, &r);
    json_t *bytes = json_array();
    for (size_t i = 0; i < r.value.len; i++)
        json_array_append_new(bytes, json_integer(r.value.ptr[i]));
    return rpc_ok(q->call, with_block(q, json_pack("{s:o, s:o}", "result", bytes, "logs", logs_json(&r))));
}

static const struct {
    const char *type;
    enum rpc_done (*run)(const struct query *q);
} kinds[] = {
    {"view_account", query_account}, {"view_access_key", query_key}, {"view_access_key_list", query_keys},
    {"view_code", query_code},       {"view_state", query_state},    {"call_function", query_call},
};

// The state behind the referenced block; NULL: the call is answered.
static struct snapshot *snapshot_of(struct rpc_call *c, const struct block_ref *ref) {
    SCOPED_BLOCK(stored) = NULL;
    if (ref->kind == BLOCK_REF_LATEST) {
        const struct chain_block *head = chain_head(c->net->chain);
        struct snapshot *s = chain_snapshot(c->net->chain, head);
        chain_block_unref(head);
        BUG_ON(!s);
        return s;
    }
    if (!devnet_query_block(c, ref, &stored))
        return NULL;
    const struct chain_block *b = chain_block_by_hash(c->net->chain, &stored->head.hash);
    struct snapshot *s = b ? chain_snapshot(c->net->chain, b) : NULL;
    chain_block_unref(b);
    if (!s) {
        json_t *info = json_pack("{s:I, s:s}", "block_height", (json_int_t)stored->head.height, "block_hash",
                                 hash_base58(c->arena, &stored->head.hash));
        (void)rpc_fail_text(c, "GARBAGE_COLLECTED_BLOCK", info,
                            "The data for block #%llu is garbage collected on this node, use an archival node to fetch "
                            "historical data",
                            (unsigned long long)stored->head.height);
    }
    return s;
}

static enum rpc_done run_query(struct rpc_call *c, const json_t *params, const struct block_ref *ref) {
    struct query q = {.call = c, .params = params};
    const char *type;
    struct err e;
    size_t kind = 0;
    if (!json_get_text(params, "request_type", &type, &e) || !param_account(params, "account_id", &q.account, &e))
        return rpc_fail_params(c, &e);
    while (kind < ARRAY_LEN(kinds) && strcmp(kinds[kind].type, type) != 0)
        kind++;
    if (kind == ARRAY_LEN(kinds)) {
        err_set(&e, ERR_INVALID, "unknown request_type '%.64s'", type);
        return rpc_fail_params(c, &e);
    }
    struct snapshot *state = snapshot_of(c, ref);
    if (!state)
        return RPC_ANSWERED;
    q.state = state;
    q.block = snapshot_block(state);
    enum rpc_done done = kinds[kind].run(&q);
    snapshot_free(state);
    return done;
}

enum rpc_done rpc_query(struct rpc_call *c) {
    struct block_ref ref;
    struct err e;
    if (json_is_array(c->params)) {
        SCOPED_JSON(object) = param_legacy_query(c->params, c->arena, &e);
        ref = (struct block_ref){.kind = BLOCK_REF_LATEST};
        return object ? run_query(c, object, &ref) : rpc_fail_params(c, &e);
    }
    if (!param_block_ref(c->params, true, &ref, &e))
        return rpc_fail_params(c, &e);
    return run_query(c, c->params, &ref);
}
