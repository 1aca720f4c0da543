// SPDX-License-Identifier: Apache-2.0
#include "keystore/keystore.h"
#include "protocol/resolvers.h"

static bool access_key(struct chain_view *v, struct arena *a, const char *account, const struct public_key *key,
                       struct rpc_access_key *out, struct err *e) {
    if (chain_view_key(v, a, account, key, out, e))
        return true;
    return e->code == ERR_NOT_FOUND ? err_set(e, ERR_FORBIDDEN, "the chain knows no such key of %s", account) : false;
}

static bool is_operator(struct chain_view *v, struct arena *a, const char *account, struct err *e) {
    SCOPED_JSON(args) = json_pack("{s:s}", "account_id", account);
    SCOPED_JSON(answer) = chain_view_own(v, a, VIEW_IS_OPERATOR, args, e);
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
    if (!key_may_resolve(&found, v->sight->contract))
        return err_set(e, ERR_FORBIDDEN, "this key of %s may not call " METHOD_RESOLVE " of %s", account,
                       v->sight->contract);
    return is_operator(v, a, account, e);
}
