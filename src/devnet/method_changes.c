// SPDX-License-Identifier: Apache-2.0
// What a block changed in the state.
#include "devnet/methods.h"

#include "codec/hex.h"

// Which of a block's changes are asked for.
struct wanted {
    const char *type; // the start of the change's type: "account_", "access_key_", "data_", "contract_code_"
    const json_t *accounts;
    const json_t *keys; // [{account_id, public_key}] for single_access_key_changes
    struct slice prefix;
};

static bool in_list(const json_t *list, const char *account) {
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one)
        if (json_is_string(one) && strcmp(json_string_value(one), account) == 0)
            return true;
    return false;
}

static bool in_keys(const json_t *keys, const char *account, const char *key) {
    size_t i;
    json_t *one;
    json_array_foreach(keys, i, one) {
        const char *a = json_string_value(json_object_get(one, "account_id"));
        const char *k = json_string_value(json_object_get(one, "public_key"));
        if (a && k && key && strcmp(a, account) == 0 && strcmp(k, key) == 0)
            return true;
    }
    return false;
}

static bool matches(const struct wanted *w, const json_t *one, struct arena *a) {
    const json_t *change = json_object_get(one, "change");
    const char *type = json_string_value(json_object_get(one, "type"));
    const char *account = json_string_value(json_object_get(change, "account_id"));
    if (!type || !account || strncmp(type, w->type, strlen(w->type)) != 0)
        return false;
    if (w->keys)
        return in_keys(w->keys, account, json_string_value(json_object_get(change, "public_key")));
    if (!in_list(w->accounts, account))
        return false;
    const char *key = json_string_value(json_object_get(change, "key_base64"));
    struct slice raw;
    return !key || (base64_decode(&raw, a, slice_str(key), NULL) && slice_starts(raw, w->prefix));
}

static bool read_wanted(struct rpc_call *c, struct wanted *out, struct err *e) {
    static const char *const kinds[][2] = {
        {"account_changes", "account_"},
        {"all_access_key_changes", "access_key_"},
        {"single_access_key_changes", "access_key_"},
        {"contract_code_changes", "contract_code_"},
        {"data_changes", "data_"},
    };
    const char *type;
    if (!json_get_text(c->params, "changes_type", &type, e))
        return false;
    *out = (struct wanted){0};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(type, kinds[i][0]) == 0)
            out->type = kinds[i][1];
    if (!out->type)
        return err_set(e, ERR_INVALID, "field 'changes_type' has an unknown value");
    if (strcmp(type, "single_access_key_changes") == 0)
        return json_get_array(c->params, "keys", (json_t **)&out->keys, e);
    return json_get_array(c->params, "account_ids", (json_t **)&out->accounts, e) &&
           param_base64(c->params, "key_prefix_base64", c->arena, &out->prefix, e);
}

static bool changes_block(struct rpc_call *c, struct stored_block **b) {
    struct block_ref ref;
    struct err e;
    *b = NULL;
    if (param_block_ref(c->params, true, &ref, &e))
        return devnet_block(c, &ref, b);
    (void)rpc_fail_params(c, &e);
    return false;
}

enum rpc_done method_changes(struct rpc_call *c) {
    struct wanted w;
    struct err e;
    SCOPED_BLOCK(b) = NULL;
    if (!read_wanted(c, &w, &e))
        return rpc_fail_params(c, &e);
    if (!changes_block(c, &b))
        return RPC_ANSWERED;
    json_t *list = json_array(), *one;
    size_t i;
    json_array_foreach(b->changes, i, one)
        if (matches(&w, one, c->arena))
            json_array_append(list, one);
    return rpc_ok(c, json_pack("{s:s, s:o}", "block_hash", hash_base58(c->arena, &b->head.hash), "changes", list));
}

static const char *touched(const char *type) {
    static const char *const kinds[][2] = {
        {"account_", "account_touched"},
        {"access_key_", "access_key_touched"},
        {"data_", "data_touched"},
        {"contract_code_", "contract_code_touched"},
    };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strncmp(type, kinds[i][0], strlen(kinds[i][0])) == 0)
            return kinds[i][1];
    return "data_touched";
}

enum rpc_done method_changes_in_block(struct rpc_call *c) {
    SCOPED_BLOCK(b) = NULL;
    if (!changes_block(c, &b))
        return RPC_ANSWERED;
    SCOPED_JSON(seen) = json_object();
    json_t *list = json_array(), *one;
    size_t i;
    json_array_foreach(b->changes, i, one) {
        const char *type = touched(json_string_value(json_object_get(one, "type")));
        const char *account = json_string_value(json_object_get(json_object_get(one, "change"), "account_id"));
        const char *id = arena_printf(c->arena, "%s %s", type, account);
        if (json_object_get(seen, id))
            continue;
        json_object_set_new(seen, id, json_true());
        json_array_append_new(list, json_pack("{s:s, s:s}", "type", type, "account_id", account));
    }
    return rpc_ok(c, json_pack("{s:s, s:o}", "block_hash", hash_base58(c->arena, &b->head.hash), "changes", list));
}
