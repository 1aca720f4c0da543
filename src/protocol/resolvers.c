// SPDX-License-Identifier: Apache-2.0
#include "protocol/resolvers.h"

static void add(struct arena *a, const json_t *account, const char **list, size_t *count) {
    const char *text = json_string_value(account);
    if (text && account_id_valid(slice_str(text)) && *count < OPERATORS_READ_MAX)
        list[(*count)++] = arena_strdup(a, text);
}

// A contract of before there could be several tells its one in get_config: [owner, operator].
static bool read_one(struct rpc *rpc, struct arena *a, const char *contract_id, const char **list, size_t *count,
                     struct err *e) {
    SCOPED_JSON(config) = rpc_view_json(rpc, a, contract_id, VIEW_CONFIG, NULL, e);
    add(a, json_array_get(config, 1), list, count);
    return config;
}

bool operators_read(struct rpc *rpc, struct arena *a, const char *contract_id, const char ***out, size_t *count,
                    struct err *e) {
    const char **list = arena_calloc(a, OPERATORS_READ_MAX, sizeof *list);
    struct err why;
    size_t i;
    json_t *one;
    *out = list;
    *count = 0;
    SCOPED_JSON(all) = rpc_view_json(rpc, a, contract_id, VIEW_OPERATORS, NULL, &why);
    if (!all && why.code == ERR_NOT_FOUND)
        return read_one(rpc, a, contract_id, list, count, e);
    if (!all) {
        if (e)
            *e = why;
        return false;
    }
    json_array_foreach(all, i, one)
        add(a, one, list, count);
    return true;
}

bool key_may_call(const struct rpc_access_key *k, const char *contract_id, const char *method) {
    if (k->full_access)
        return true;
    if (strcmp(k->receiver.s, contract_id) != 0)
        return false;
    for (size_t i = 0; i < k->method_count; i++)
        if (strcmp(k->methods[i], method) == 0)
            return true;
    return k->method_count == 0; // any method
}

bool key_may_resolve(const struct rpc_access_key *k, const char *contract_id) {
    return key_may_call(k, contract_id, METHOD_RESOLVE);
}

bool operator_keys_read(struct rpc *rpc, struct arena *a, const char *contract_id, const char *account_id,
                        struct public_key *keys, size_t *count, size_t most, struct err *e) {
    struct err why;
    json_t *one;
    size_t i;
    SCOPED_JSON(list) = rpc_access_keys(rpc, a, account_id, &why);
    if (!list && why.code == ERR_NOT_FOUND)
        return true;
    if (!list) {
        if (e)
            *e = why;
        return err_wrap(e, "keys of '%s'", account_id);
    }
    json_array_foreach(list, i, one) {
        const char *text = json_string_value(json_object_get(one, "public_key"));
        struct rpc_access_key key;
        if (text && *count < most && rpc_access_key_read(&key, a, json_object_get(one, "access_key"), NULL) &&
            key_may_resolve(&key, contract_id) && public_key_parse(&keys[*count], slice_str(text), NULL))
            ++*count;
    }
    return true;
}
