// SPDX-License-Identifier: Apache-2.0
// `query`: looks at accounts, keys, code, state, and calls view methods.
#include "devnet/methods.h"

#include "base/text.h"
#include "codec/hex.h"

struct query {
    struct rpc_call *call;
    const json_t *params; // object form
    const struct snapshot *state;
    const struct chain_block *block;
    struct account_id account;
    bool newer; // EXPERIMENTAL_view_…, EXPERIMENTAL_call_function: whatever fails is an error
};

// Every answer says which block it is of.
static json_t *with_block(const struct query *q, json_t *o) {
    json_set_u64(o, "block_height", q->block->height);
    json_set_text(o, "block_hash", hash_base58(q->call->arena, &q->block->hash));
    return o;
}

static json_t *logs_json(const struct view_call_result *r) {
    json_t *logs = json_array();
    for (size_t i = 0; i < r->log_count; i++) {
        json_t *text = json_stringn(r->logs[i].len ? (const char *)r->logs[i].ptr : "", r->logs[i].len);
        json_array_append_new(logs, text ? text : json_string(""));
    }
    return logs;
}

// `query` gives a failed call and a missing key as results with "error", as nodes have always done.
static enum rpc_done error_result(const struct query *q, const char *text) {
    return rpc_ok(q->call, with_block(q, json_pack("{s:s, s:[]}", "error", text, "logs")));
}

static enum rpc_done fail_key(const struct query *q, const char *text, const struct public_key *key) {
    if (!q->newer)
        return error_result(q, text);
    const char *shown = public_key_text(q->call->arena, key);
    return rpc_fail_text(q->call, "UNKNOWN_ACCESS_KEY", with_block(q, json_pack("{s:s}", "public_key", shown)),
                         "Access key for public key %s has never been observed on the node", shown);
}

// A contract that panics with JSON gets it into the error as JSON. `text`: the error as Rust's {:?} prints it.
static json_t *vm_error(struct arena *a, const struct call_error *x, const char **text) {
    static const char panicked[] = "Smart contract panicked: ";
    *text = x->debug;
    if (x->kind != CALL_EXECUTION)
        return call_error_json(x);
    struct slice message = slice_str(x->text);
    json_t *own = slice_starts(message, SLICE_LIT(panicked))
                      ? json_parse_big(slice_skip(message, sizeof panicked - 1), RPC_BODY_MAX, NULL)
                      : NULL;
    *text = own ? arena_printf(a, "ExecutionError(%s)", json_text(a, own))
                : arena_printf(a, "ExecutionError(String(\"%s\"))", rust_debug(a, message));
    if (!own)
        return call_error_json(x);
    return json_pack("{s:o}", "ExecutionError", own);
}

static enum rpc_done fail_execution(const struct query *q, const char *text, const struct call_error *x) {
    if (!q->newer)
        return error_result(q, text);
    const char *shown;
    json_t *info = json_pack("{s:o}", "vm_error", vm_error(q->call->arena, x, &shown));
    return rpc_fail_text(q->call, "CONTRACT_EXECUTION_ERROR", with_block(q, info),
                         "Function call returned an error: %s", shown);
}

static enum rpc_done fail_account(const struct query *q, const char *cause, const char *field, const char *text) {
    json_t *info = with_block(q, json_pack("{s:s}", field, q->account.s));
    if (strcmp(cause, "TOO_MANY_ACCESS_KEYS") == 0)
        json_set_u64(info, "limit", VIEW_KEYS_MAX);
    return rpc_fail_text(q->call, cause, info, "%s", text);
}

static enum rpc_done refuse(const struct query *q, const struct view_error *why, const struct public_key *key) {
    const char *text = view_error_text(q->call->arena, why, &q->account, key);
    switch (why->kind) {
    case VIEW_UNKNOWN_ACCOUNT: return fail_account(q, "UNKNOWN_ACCOUNT", "requested_account_id", text);
    case VIEW_TOO_LARGE: return fail_account(q, "TOO_LARGE_CONTRACT_STATE", "contract_account_id", text);
    case VIEW_TOO_MANY_KEYS: return fail_account(q, "TOO_MANY_ACCESS_KEYS", "requested_account_id", text);
    case VIEW_NO_CODE: return fail_account(q, "NO_CONTRACT_CODE", "contract_account_id", text);
    case VIEW_UNKNOWN_KEY: return fail_key(q, text, key);
    case VIEW_UNKNOWN_BLOCK:
    case VIEW_EXECUTION: break;
    }
    return fail_execution(q, text, &why->call);
}

static enum rpc_done query_account(const struct query *q) {
    struct account_state state;
    struct view_error why;
    if (!view_account(q->state, &q->account, &state, &why))
        return refuse(q, &why, NULL);
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
        return refuse(q, &why, &key);
    return rpc_ok(q->call, with_block(q, render_access_key(&access, q->call->arena)));
}

static enum rpc_done query_keys(const struct query *q) {
    struct view_keys keys;
    struct param_page page;
    struct public_key after;
    struct view_error why;
    struct err e;
    struct arena *a = q->call->arena;
    if (!param_page(q->params, "after_key", &page, &e) ||
        (page.after && !param_key(q->params, "after_key", &after, &e)))
        return rpc_fail_params(q->call, &e);
    if (!view_access_keys(q->state, a, &q->account, page.after ? &after : NULL, page.limit, &keys, &why))
        return refuse(q, &why, NULL);
    json_t *list = json_array();
    for (size_t i = 0; i < keys.count; i++)
        json_array_append_new(list, json_pack("{s:s, s:o}", "public_key", public_key_text(a, &keys.list[i].key),
                                              "access_key", render_access_key(&keys.list[i].access, a)));
    json_t *o = json_pack("{s:o}", "keys", list);
    if (keys.more)
        json_set_text(o, "last_key", public_key_text(a, &keys.list[keys.count - 1].key));
    return rpc_ok(q->call, with_block(q, o));
}

static enum rpc_done query_code(const struct query *q) {
    struct slice code;
    struct hash hash;
    struct view_error why;
    struct arena *a = q->call->arena;
    if (!view_code(q->state, a, &q->account, &code, &hash, &why))
        return refuse(q, &why, NULL);
    return rpc_ok(q->call, with_block(q, json_pack("{s:s, s:s}", "code_base64", base64_text(a, code), "hash",
                                                   hash_base58(a, &hash))));
}

// The parameters of view_state. *after is set when `page` has a cursor.
static bool state_params(const struct query *q, struct slice *prefix, struct param_page *page, struct slice *after,
                         struct err *e) {
    struct arena *a = q->call->arena;
    if (!param_base64(q->params, "prefix_base64", a, prefix, e) || !param_page(q->params, "after_key_base64", page, e))
        return false;
    if ((page->after || page->limit) && json_is_true(json_object_get(q->params, "include_proof")))
        return err_set(e, ERR_INVALID,
                       "include_proof is not supported with paginated view_state (after_key_base64 / limit)");
    return !page->after || (param_base64(q->params, "after_key_base64", a, after, e) &&
                            (slice_starts(*after, *prefix) ||
                             err_set(e, ERR_INVALID, "after_key_base64 must start with prefix_base64")));
}

static enum rpc_done query_state(const struct query *q) {
    struct view_entries entries;
    struct slice prefix, after;
    struct param_page page;
    struct view_error why;
    struct err e;
    struct arena *a = q->call->arena;
    if (!state_params(q, &prefix, &page, &after, &e))
        return rpc_fail_params(q->call, &e);
    if (!view_state(q->state, a, &q->account, prefix, page.after ? &after : NULL, page.limit, &entries, &why))
        return refuse(q, &why, NULL);
    json_t *list = json_array();
    for (size_t i = 0; i < entries.count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "key", base64_text(a, entries.list[i].key), "value",
                                              base64_text(a, entries.list[i].value)));
    json_t *o = json_pack("{s:o, s:[]}", "values", list, "proof");
    if (entries.more)
        json_set_text(o, "last_key", base64_text(a, entries.list[entries.count - 1].key));
    return rpc_ok(q->call, with_block(q, o));
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
        return refuse(q, &why, NULL);
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

static enum rpc_done run_kind(struct rpc_call *c, const json_t *params, const char *type, bool newer,
                              const struct block_ref *ref) {
    struct query q = {.call = c, .params = params, .newer = newer};
    struct err e;
    size_t kind = 0;
    if (!param_account(params, "account_id", &q.account, &e))
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

static enum rpc_done run_query(struct rpc_call *c, const json_t *params, const struct block_ref *ref) {
    const char *type;
    struct err e;
    return json_get_text(params, "request_type", &type, &e) ? run_kind(c, params, type, false, ref)
                                                            : rpc_fail_params(c, &e);
}

enum rpc_done method_query(struct rpc_call *c) {
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

// The method's name says the type, and parameters come only as an object.
enum rpc_done method_view(struct rpc_call *c) {
    struct block_ref ref;
    struct err e;
    bool ok = json_is_object(c->params) || err_set(&e, ERR_INVALID, "the parameters must be an object");
    if (!ok || !param_block_ref(c->params, true, &ref, &e))
        return rpc_fail_params(c, &e);
    return run_kind(c, c->params, c->method + strlen("EXPERIMENTAL_"), true, &ref);
}
