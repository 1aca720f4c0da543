// SPDX-License-Identifier: Apache-2.0
#include "keystore/keystore.h"

static bool lists(const struct rpc_access_key *k, const char *method) {
    for (size_t i = 0; i < k->method_count; i++)
        if (strcmp(k->methods[i], method) == 0)
            return true;
    return k->method_count == 0;
}

static bool access_key(struct chain_view *v, struct arena *a, const char *account, const struct public_key *key,
                       struct rpc_access_key *out, struct err *e) {
    if (chain_view_key(v, a, account, key, out, e))
        return true;
    return e->code == ERR_NOT_FOUND ? err_set(e, ERR_FORBIDDEN, "the chain knows no such key of %s", account) : false;
}

static bool is_operator(struct chain_view *v, struct arena *a, const char *account, struct err *e) {
    SCOPED_JSON(args) = json_pack("{s:s}", "account_id", account);
    SCOPED_JSON(answer) = chain_view_own(v, a, "is_operator", args, e);
    if (!answer)
        return false;
    if (!json_is_boolean(answer))
        return err_set(e, ERR_CHAIN, "is_operator of %s answered neither true nor false", v->sight->contract);
    return json_is_true(answer) || err_set(e, ERR_FORBIDDEN, "%s is no operator of %s", account, v->sight->contract);
}

bool keystore_may_resolve(struct chain_view *v, struct arena *a, const char *account, const struct public_key *key,
                          struct err *e) {
    struct rpc_access_key found;
    if (!access_key(v, a, account, key, &found, e))
        return false;
    if (!found.full_access &&
        (strcmp(found.receiver.s, v->sight->contract) != 0 || !lists(&found, "resolve_execution")))
        return err_set(e, ERR_FORBIDDEN, "this key of %s may not call resolve_execution of %s", account,
                       v->sight->contract);
    return is_operator(v, a, account, e);
}

bool keystore_is_owner(struct chain_view *v, struct arena *a, const char *account, const struct public_key *key,
                       struct err *e) {
    struct rpc_access_key found;
    return access_key(v, a, account, key, &found, e) &&
           (found.full_access ||
            err_set(e, ERR_FORBIDDEN, "this key of %s has no full access, so it does not speak for it", account));
}
