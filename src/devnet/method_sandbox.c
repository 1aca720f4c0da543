// SPDX-License-Identifier: Apache-2.0
// What only a chain for development can do: writing the state, skipping heights, making accounts from nothing.
#include "devnet/block_wait.h"
#include "devnet/methods.h"

#include "codec/hex.h"
#include "http/server.h"

#define FAST_FORWARD_MAX 100000000
#define FAUCET_NEAR 100

struct sandbox_wait {
    struct block_wait wait;
    struct rpc_call *call;
};

static void sandbox_done(struct block_wait *wait, bool there) {
    struct rpc_call *c = ((struct sandbox_wait *)wait)->call;
    (void)(there ? rpc_ok(c, json_object()) : rpc_fail_timeout(c));
    rpc_finish(c);
}

// Answers {} once the next block is there.
static enum rpc_done after_next_block(struct rpc_call *c, uint64_t head) {
    struct sandbox_wait *w = arena_calloc(c->arena, 1, sizeof *w);
    w->call = c;
    w->wait.net = c->net;
    w->wait.height = head + 1;
    w->wait.done = sandbox_done;
    block_wait(&w->wait);
    return RPC_PARKED;
}

static bool account_record(const json_t *o, struct chain_change *out, struct err *e) {
    json_t *account;
    out->kind = CHANGE_ACCOUNT;
    return json_get_object(o, "account", &account, e) && json_get_u128(account, "amount", &out->account.amount.v, e) &&
           json_get_u128(account, "locked", &out->account.locked.v, e) &&
           json_get_u64(account, "storage_usage", &out->account.storage_usage, e) &&
           param_hash(account, "code_hash", &out->account.code_hash, e);
}

static bool call_permission(const json_t *o, struct access_key *k, struct arena *a, struct err *e) {
    json_t *call, *names;
    if (!json_get_object(o, "FunctionCall", &call, e) || !json_get_array(call, "method_names", &names, e) ||
        !param_account(call, "receiver_id", &k->receiver, e))
        return false;
    k->has_allowance = json_object_get(call, "allowance") && !json_is_null(json_object_get(call, "allowance"));
    if (k->has_allowance && !json_get_u128(call, "allowance", &k->allowance.v, e))
        return false;
    const char **list = arena_alloc(a, (json_array_size(names) + 1) * sizeof *list);
    for (k->method_count = 0; k->method_count < json_array_size(names); k->method_count++) {
        const json_t *name = json_array_get(names, k->method_count);
        if (!json_is_string(name))
            return err_set(e, ERR_INVALID, "field 'method_names' must be a list of texts");
        list[k->method_count] = arena_strdup(a, json_string_value(name));
    }
    k->methods = list;
    return true;
}

static bool key_record(const json_t *o, struct chain_change *out, struct arena *a, struct err *e) {
    json_t *key;
    out->kind = CHANGE_ACCESS_KEY;
    if (!param_key(o, "public_key", &out->key, e) || !json_get_object(o, "access_key", &key, e) ||
        !json_get_u64(key, "nonce", &out->access.nonce, e))
        return false;
    json_t *permission = json_object_get(key, "permission");
    out->access.full_access = json_is_string(permission) && strcmp(json_string_value(permission), "FullAccess") == 0;
    return out->access.full_access || call_permission(permission, &out->access, a, e);
}

// One of {"Account":…}, {"AccessKey":…}, {"Contract":…}, {"Data":…}.
static bool read_record(const json_t *record, struct chain_change *out, struct arena *a, struct err *e) {
    void *it = json_object_iter((json_t *)record);
    const char *kind = it ? json_object_iter_key(it) : "";
    const json_t *o = it ? json_object_iter_value(it) : NULL;
    *out = (struct chain_change){.cause = CAUSE_PATCH};
    if (json_object_size(record) != 1)
        return err_set(e, ERR_INVALID, "a record is an object with one field");
    if (!param_account(o, "account_id", &out->account_id, e))
        return false;
    if (strcmp(kind, "Account") == 0)
        return account_record(o, out, e);
    if (strcmp(kind, "AccessKey") == 0)
        return key_record(o, out, a, e);
    if (strcmp(kind, "Contract") == 0) {
        out->kind = CHANGE_CODE;
        return param_base64(o, "code", a, &out->data, e);
    }
    if (strcmp(kind, "Data") == 0) {
        out->kind = CHANGE_DATA;
        return param_base64(o, "data_key", a, &out->data_key, e) && param_base64(o, "value", a, &out->data, e);
    }
    return err_set(e, ERR_INVALID, "records of kind '%.32s' cannot be written", kind);
}

// All records are read before the first is written: a wrong one changes nothing.
enum rpc_done method_patch_state(struct rpc_call *c) {
    json_t *records;
    struct err e;
    if (!json_get_array(c->params, "records", &records, &e))
        return rpc_fail_params(c, &e);
    size_t n = json_array_size(records);
    struct chain_change *changes = arena_calloc(c->arena, n + 1, sizeof *changes);
    for (size_t i = 0; i < n; i++)
        if (!read_record(json_array_get(records, i), &changes[i], c->arena, &e))
            return rpc_fail_params(c, &e);
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++)
        ok = chain_patch(c->net->chain, &changes[i], &e);
    if (!ok)
        return rpc_fail_internal(c, &e);
    uint64_t height = chain_patch_height(c->net->chain);
    producer_demand(c->net->producer);
    return after_next_block(c, height - 1);
}

enum rpc_done method_fast_forward(struct rpc_call *c) {
    uint64_t delta;
    struct err e;
    if (!json_get_u64(c->params, "delta_height", &delta, &e))
        return rpc_fail_params(c, &e);
    if (delta == 0 || delta > FAST_FORWARD_MAX) {
        err_set(&e, ERR_INVALID, "field 'delta_height' must be from 1 to %d", FAST_FORWARD_MAX);
        return rpc_fail_params(c, &e);
    }
    uint64_t head = history_head(c->net->history);
    producer_fast_forward(c->net->producer, delta - 1);
    return after_next_block(c, head + delta - 1);
}

// --- the faucet ------------------------------------------------------------------------------------------------------
struct faucet_wait {
    struct block_wait wait;
    struct http_request *request;
    struct account_id id;
};

static void faucet_done(struct block_wait *wait, bool there) {
    struct faucet_wait *w = (struct faucet_wait *)wait;
    struct err e;
    if (!there) {
        err_set(&e, ERR_TIMEOUT, "the account '%s' is not in a block yet", w->id.s);
        http_reply_err(w->request, &e);
        return;
    }
    json_t *o = json_object();
    json_set_text(o, "account_id", w->id.s);
    json_set_u128(o, "amount", FAUCET_NEAR * NEAR_ONE);
    http_reply_json(w->request, 200, o);
}

static bool faucet_exists(struct devnet *net, const struct account_id *id) {
    const struct chain_block *head = chain_head(net->chain);
    struct snapshot *s = chain_snapshot(net->chain, head);
    struct account_state state;
    struct view_error why;
    bool exists = s && view_account(s, id, &state, &why);
    snapshot_free(s);
    chain_block_unref(head);
    return exists;
}

static bool faucet_pay(struct devnet *net, const struct account_id *id, const struct public_key *key, uint64_t *head,
                       struct err *e) {
    if (faucet_exists(net, id)) {
        err_set(e, ERR_CONFLICT, "the account '%s' exists", id->s);
        return err_hint(e, "choose another name");
    }
    struct chain_change account = {.cause = CAUSE_PATCH, .kind = CHANGE_ACCOUNT, .account_id = *id};
    account.account.amount.v = FAUCET_NEAR * NEAR_ONE;
    account.account.storage_usage = 182; // an account with one full-access key
    struct chain_change access = {.cause = CAUSE_PATCH, .kind = CHANGE_ACCESS_KEY, .account_id = *id, .key = *key};
    access.access.full_access = true;
    access.access.nonce = history_head(net->history) * 1000000;
    if (!chain_patch(net->chain, &account, e) || !chain_patch(net->chain, &access, e))
        return false;
    *head = chain_patch_height(net->chain) - 1;
    return true;
}

void faucet_handler(struct http_request *r, void *ctx) {
    struct devnet *net = ctx;
    struct account_id id;
    struct public_key key;
    uint64_t head = 0;
    struct err e;
    SCOPED_JSON(body) = json_parse(http_body(r), RPC_BODY_MAX, &e);
    if (!body || !param_account(body, "newAccountId", &id, &e) || !param_key(body, "newAccountPublicKey", &key, &e) ||
        !faucet_pay(net, &id, &key, &head, &e)) {
        http_reply_err(r, &e);
        return;
    }
    struct faucet_wait *w = arena_calloc(http_arena(r), 1, sizeof *w);
    *w = (struct faucet_wait){{.net = net, .height = head + 1, .done = faucet_done}, r, id};
    producer_demand(net->producer);
    block_wait(&w->wait);
}
