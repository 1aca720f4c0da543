// SPDX-License-Identifier: Apache-2.0
#include "worker/operators.h"

#define RESOLVE "resolve_execution"

static void add(struct arena *a, const json_t *account, const char **list, size_t *count) {
    const char *text = json_string_value(account);
    if (text && account_id_valid(slice_str(text)) && *count < OPERATORS_MAX)
        list[(*count)++] = arena_strdup(a, text);
}

// A contract of before there could be several tells its one in get_config: [owner, operator].
static bool read_one(struct rpc *rpc, struct arena *a, const char *contract_id, const char **list, size_t *count,
                     struct err *e) {
    SCOPED_JSON(config) = rpc_view_json(rpc, a, contract_id, "get_config", NULL, e);
    add(a, json_array_get(config, 1), list, count);
    return config;
}

bool operators_read(struct rpc *rpc, struct arena *a, const char *contract_id, const char ***out, size_t *count,
                    struct err *e) {
    const char **list = arena_calloc(a, OPERATORS_MAX, sizeof *list);
    struct err why;
    size_t i;
    json_t *one;
    *out = list;
    *count = 0;
    SCOPED_JSON(all) = rpc_view_json(rpc, a, contract_id, "get_operators", NULL, &why);
    if (!all && why.code == ERR_NOT_FOUND)
        return read_one(rpc, a, contract_id, list, count, e);
    if (!all) {
        if (e)
            *e = why;
        return false;
    }
    json_array_foreach(all, i, one) add(a, one, list, count);
    return true;
}

static bool names(const json_t *methods, const char *method) {
    size_t i;
    json_t *one;
    if (json_array_size(methods) == 0)
        return true; // any
    json_array_foreach(methods, i,
                       one) if (json_is_string(one) && strcmp(json_string_value(one), method) == 0) return true;
    return false;
}

static bool may_answer(const json_t *permission, const char *contract_id) {
    if (json_is_string(permission))
        return strcmp(json_string_value(permission), "FullAccess") == 0;
    const json_t *call = json_object_get(permission, "FunctionCall");
    const char *receiver = json_string_value(json_object_get(call, "receiver_id"));
    return receiver && strcmp(receiver, contract_id) == 0 && names(json_object_get(call, "method_names"), RESOLVE);
}

bool operator_keys_read(struct rpc *rpc, struct arena *a, const char *contract_id, const char *account_id,
                        struct public_key *keys, size_t *count, size_t most, struct err *e) {
    SCOPED_JSON(result) = NULL;
    struct err why;
    json_t *list, *one;
    size_t i;
    json_t *params = json_pack("{s:s,s:s,s:s}", "request_type", "view_access_key_list", "finality", "final",
                               "account_id", account_id);
    if (!rpc_call(rpc, a, "query", params, 0, &result, &why) || !json_get_array(result, "keys", &list, &why)) {
        if (why.code == ERR_NOT_FOUND)
            return true;
        if (e)
            *e = why;
        return err_wrap(e, "keys of '%s'", account_id);
    }
    json_array_foreach(list, i, one) {
        const char *text = json_string_value(json_object_get(one, "public_key"));
        const json_t *permission = json_object_get(json_object_get(one, "access_key"), "permission");
        if (text && *count < most && may_answer(permission, contract_id) &&
            public_key_parse(&keys[*count], slice_str(text), NULL))
            ++*count;
    }
    return true;
}
