// SPDX-License-Identifier: Apache-2.0
// JSON-RPC bodies come from strangers: each is answered with an envelope, whatever it is. References to blocks that are
// read, written and read again are the same. Canary: the seeds reach every branch of `parse_all` with good parameters
// (a block by height, by hash and by name, a transaction sent and named, each path of the older query form).
#include "chain/genesis.h"
#include "devnet/rpc.h"
#include "devnet/rpc_param.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_block_ref(const json_t *params, struct arena *a) {
    struct block_ref ref, again;
    struct err e;
    if (!param_block_ref(params, false, &ref, &e))
        return;
    SCOPED_JSON(j) = block_ref_json(&ref, a);
    BUG_ON(!j || !param_block_ref(j, true, &again, &e));
    BUG_ON(ref.kind != again.kind || ref.height != again.height);
    BUG_ON(ref.kind == BLOCK_REF_HASH && !hash_eq(&ref.hash, &again.hash));
}

// A limit that is taken is one that was told.
static void check_page(const json_t *params) {
    struct param_page page;
    struct err e;
    if (param_page(params, "after_key_base64", &page, &e) && page.limit)
        BUG_ON((json_int_t)page.limit != json_integer_value(json_object_get(params, "limit")));
}

static enum rpc_done parse_all(struct rpc_call *c) {
    struct param_tx tx;
    struct account_id account;
    struct public_key key;
    struct slice bytes;
    struct err e;
    check_block_ref(c->params, c->arena);
    check_page(c->params);
    bool ok = param_tx(c->params, c->arena, &tx, &e) || param_account(c->params, "account_id", &account, &e) ||
              param_key(c->params, "public_key", &key, &e) ||
              param_base64(c->params, "args_base64", c->arena, &bytes, &e);
    SCOPED_JSON(legacy) = param_legacy_query(c->params, c->arena, &e);
    if (ok || legacy)
        return rpc_ok(c, legacy ? json_incref(legacy) : json_true());
    return rpc_fail_params(c, &e);
}

static enum rpc_done park(struct rpc_call *c) {
    (void)c;
    return RPC_PARKED;
}

static const struct rpc_method methods[] = {
    {"query", parse_all, true}, {"tx", parse_all, false}, {"wait", park, false}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    struct rpc_call c = {.arena = a};
    struct genesis genesis;
    json_t *answer;
    if (rpc_handle(&c, slice_of(data, size), methods, ARRAY_LEN(methods), &answer) == RPC_PARKED) {
        (void)rpc_ok(&c, json_null());
        answer = rpc_envelope(&c);
        json_decref(c.body);
    }
    BUG_ON(!answer || !json_text(a, answer)[0]);
    json_decref(answer);
    (void)!genesis_parse(&genesis, a, slice_of(data, size), "/nonexistent", NULL);
    return 0;
}
