// SPDX-License-Identifier: Apache-2.0
// What each action does to the account (docs/near.md, Receipts).
#include "chain/execute.h"

#include "base/text.h"
#include "codec/hex.h"
#include "ledger/validate.h"

static bool fail(struct execution *x, enum action_error_kind kind) {
    x->error.kind = kind;
    x->error.account = x->receipt->receiver;
    return false;
}

static bool is_system(const struct account_id *id) { return strcmp(id->s, "system") == 0; }
static bool same(const struct account_id *a, const struct account_id *b) { return strcmp(a->s, b->s) == 0; }

// --- accounts ------------------------------------------------------------------------------------------------------

static void account_begin(struct execution *x, u128 amount) {
    x->exists = x->created = true;
    x->account = (struct account_state){.amount.v = amount, .storage_usage = STORAGE_ACCOUNT};
    x->actor = x->receipt->receiver;
}

static bool direct_child(const char *id, const char *parent) {
    const char *dot = strchr(id, '.');
    return dot && strcmp(dot + 1, parent) == 0;
}

static bool create_account(struct execution *x) {
    const struct chain_config *config = x->chunk->config;
    const char *id = x->receipt->receiver.s;
    const struct account_id *by = &x->receipt->predecessor;
    if (!strchr(id, '.')) {
        if (strlen(id) < config->min_top_level_length && !same(by, &config->registrar)) {
            x->error.registrar = config->registrar;
            x->error.other = *by;
            return fail(x, ACTION_ERR_REGISTRAR_ONLY);
        }
    } else if (!direct_child(id, by->s)) {
        x->error.other = *by;
        return fail(x, ACTION_ERR_CREATE_NOT_ALLOWED);
    }
    account_begin(x, 0);
    return true;
}

static void put_key(struct execution *x, const struct public_key *key, struct access_key access) {
    access.nonce = chunk_new_key_nonce(x->chunk);
    access_put(x->chunk->state, &x->receipt->receiver, key, &access);
    x->account.storage_usage += access_storage(key, &access);
}

// An account whose name is its key: the first transfer makes it.
static bool create_implicit(struct execution *x, u128 amount) {
    struct public_key key = {.type = KEY_ED25519};
    struct err e;
    if (!hex_decode_exact(key.bytes, 32, slice_str(x->receipt->receiver.s), &e))
        return fail(x, ACTION_ERR_NO_ACCOUNT);
    account_begin(x, amount);
    put_key(x, &key, (struct access_key){.full_access = true});
    return true;
}

// Gas that comes back raises the allowance of the key that paid for it.
static void refund_allowance(struct execution *x, u128 amount) {
    const struct receipt *r = x->receipt;
    struct access_key k;
    if (!is_system(&r->predecessor) || !same(&r->signer, &r->receiver) ||
        !access_get(x->chunk->state, x->chunk->arena, &r->receiver, &r->signer_key, &k) || k.full_access ||
        !k.has_allowance)
        return;
    if (ckd_add(&k.allowance.v, k.allowance.v, amount))
        k.allowance.v = ~(u128)0;
    access_put(x->chunk->state, &r->receiver, &r->signer_key, &k);
}

static bool transfer(struct execution *x, const struct action *a) {
    if (!x->exists)
        return create_implicit(x, a->deposit.v);
    BUG_ON(ckd_add(&x->account.amount.v, x->account.amount.v, a->deposit.v)); // all money together fits
    refund_allowance(x, a->deposit.v);
    return true;
}

static bool stake(struct execution *x, const struct action *a) {
    u128 want = a->deposit.v, all = x->account.amount.v + x->account.locked.v;
    if (!want && !x->account.locked.v)
        return fail(x, ACTION_ERR_UNSTAKE);
    if (want > all) {
        x->error.amount.v = want;
        x->error.locked = x->account.locked;
        x->error.balance = x->account.amount;
        return fail(x, ACTION_ERR_STAKE);
    }
    x->account.locked.v = want;
    x->account.amount.v = all - want;
    return true;
}

static uint64_t code_size(struct execution *x) {
    struct state_key k;
    struct blob *b = state_get(x->chunk->state, key_of_account(&k, COLUMN_CODE, &x->receipt->receiver));
    return b ? b->len : 0;
}

static bool deploy(struct execution *x, const struct action *a) {
    struct state_key k;
    x->account.storage_usage += a->code.len - code_size(x);
    x->account.code_hash = sha256(a->code);
    state_put(x->chunk->state, key_of_account(&k, COLUMN_CODE, &x->receipt->receiver), a->code);
    vm_prepare(x->chunk->vm, &x->account.code_hash, a->code);
    return true;
}

static bool add_key(struct execution *x, const struct action *a) {
    struct access_key old;
    if (access_get(x->chunk->state, x->chunk->arena, &x->receipt->receiver, &a->key, &old)) {
        x->error.key = a->key;
        return fail(x, ACTION_ERR_KEY_EXISTS);
    }
    put_key(x, &a->key, a->access);
    return true;
}

static bool delete_key(struct execution *x, const struct action *a) {
    struct access_key old;
    if (!access_get(x->chunk->state, x->chunk->arena, &x->receipt->receiver, &a->key, &old)) {
        x->error.key = a->key;
        return fail(x, ACTION_ERR_NO_KEY);
    }
    access_remove(x->chunk->state, &x->receipt->receiver, &a->key);
    uint64_t size = access_storage(&a->key, &old);
    x->account.storage_usage -= size < x->account.storage_usage ? size : x->account.storage_usage;
    return true;
}

static bool delete_account(struct execution *x, const struct action *a) {
    if (x->account.storage_usage - code_size(x) > DELETE_STATE_MAX)
        return fail(x, ACTION_ERR_DELETE_LARGE);
    if (x->account.amount.v) {
        struct action *give = arena_calloc(x->chunk->arena, 1, sizeof *give);
        *give = (struct action){.kind = ACTION_TRANSFER, .deposit = x->account.amount};
        execution_add(x, &(struct receipt){.kind = RECEIPT_ACTION,
                                           .predecessor = {"system"},
                                           .receiver = a->account,
                                           .signer = {"system"},
                                           .actions = give,
                                           .action_count = 1});
    }
    account_remove(x->chunk->state, &x->receipt->receiver);
    x->exists = false;
    return true;
}

// --- signed by somebody else ---------------------------------------------------------------------------------------

static bool delegate_key(struct execution *x, const struct delegate_action *d) {
    struct chunk *c = x->chunk;
    struct access_key k;
    struct tx_error *why = &x->error.delegate;
    *why = (struct tx_error){.signer = d->sender, .receiver = d->receiver, .key = d->key};
    why->kind = TX_KEY_NOT_FOUND;
    if (!access_get(c->state, c->arena, &d->sender, &d->key, &k))
        return fail(x, ACTION_ERR_DELEGATE_KEY);
    uint64_t bound = c->height * NONCES_PER_BLOCK;
    x->error.value = d->nonce;
    x->error.limit = d->nonce <= k.nonce ? k.nonce : bound;
    if (d->nonce <= k.nonce)
        return fail(x, ACTION_ERR_DELEGATE_NONCE);
    if (d->nonce >= bound)
        return fail(x, ACTION_ERR_DELEGATE_NONCE_LARGE);
    if (!key_permits(&k, &d->receiver, d->actions, d->action_count, why))
        return fail(x, ACTION_ERR_DELEGATE_KEY);
    k.nonce = d->nonce;
    access_put(c->state, &d->sender, &d->key, &k);
    return true;
}

static bool delegate(struct execution *x, const struct action *a) {
    const struct delegate_action *d = a->delegate;
    const struct receipt *r = x->receipt;
    uint64_t send, exec, prepaid;
    if (!signature_verify(&a->delegate_signature, &d->key, hash_slice(&d->signed_hash)))
        return fail(x, ACTION_ERR_DELEGATE_SIGNATURE);
    if (x->chunk->height > d->max_block_height)
        return fail(x, ACTION_ERR_DELEGATE_EXPIRED);
    if (!same(&d->sender, &r->receiver)) {
        fail(x, ACTION_ERR_DELEGATE_SENDER);
        x->error.account = d->sender;
        x->error.other = r->receiver;
        return false;
    }
    if (!delegate_key(x, d))
        return false;
    BUG_ON(!gas_delegated_send(a, 1, &send) || !gas_exec_fees(d->actions, d->action_count, &d->receiver, &exec) ||
           !gas_prepaid(d->actions, d->action_count, &prepaid)); // the transaction's cost was summed up before
    x->gas_burnt += send;
    x->gas_used += send + exec + fees[COST_NEW_ACTION_RECEIPT].exec + prepaid;
    execution_add(x, &(struct receipt){.kind = RECEIPT_ACTION,
                                       .predecessor = d->sender,
                                       .receiver = d->receiver,
                                       .signer = r->signer,
                                       .signer_key = r->signer_key,
                                       .gas_price = r->gas_price,
                                       .actions = d->actions,
                                       .action_count = d->action_count});
    return true;
}

// --- contract calls ----------------------------------------------------------------------------------------------

static void take_logs(struct execution *x, const struct vm_outcome *o) {
    for (size_t i = 0; i < o->log_count; i++) {
        CHUNK_GROW(x->chunk, x->logs, x->log_count, x->log_room);
        x->logs[x->log_count++] = o->logs[i];
    }
}

static void take_gas(struct execution *x, const struct vm_outcome *o) {
    x->gas_burnt += o->gas_burnt;
    x->gas_used += o->gas_used;
    x->vm_burnt += o->gas_burnt;
    x->wasm_gas += o->wasm_gas;
    for (size_t i = 0; i < EXT_COUNT; i++)
        x->ext_gas[i] += o->ext_gas[i];
    for (size_t i = 0; i < COST_COUNT; i++)
        x->action_gas[i] += o->action_gas[i];
}

static bool receipts_valid(struct execution *x, const struct vm_outcome *o) {
    for (size_t i = 0; i < o->receipt_count; i++)
        if (!actions_validate(o->receipts[i].actions, o->receipts[i].action_count, &x->error.actions))
            return fail(x, ACTION_ERR_NEW_RECEIPT);
    return true;
}

static void take_receipts(struct execution *x, const struct vm_outcome *o) {
    size_t first = x->out_count;
    for (size_t i = 0; i < o->receipt_count; i++)
        execution_add(x, &o->receipts[i]);
    for (size_t i = 0; i < o->resume_count; i++)
        execution_add(x, &o->resumes[i]);
    x->returned = o->returned;
    x->value = o->value;
    x->returned_receipt = first + o->receipt;
}

static bool call(struct execution *x, const struct action *a, size_t index) {
    struct chunk *c = x->chunk;
    const struct receipt *r = x->receipt;
    bool last = index + 1 == r->action_count;
    struct hash action_hash = chunk_id(c, &r->id, UINT64_MAX - index);
    uint8_t seed[64];
    memcpy(seed, action_hash.b, 32);
    memcpy(seed + 32, c->random_value.b, 32);
    struct vm_call v = {.engine = c->vm,
                        .state = c->state,
                        .arena = c->arena,
                        .chain_id = c->config->chain_id,
                        .current = &r->receiver,
                        .signer = &r->signer,
                        .predecessor = &r->predecessor,
                        .refund_to = r->has_refund_to ? &r->refund_to : &r->predecessor,
                        .signer_key = &r->signer_key,
                        .code_hash = x->account.code_hash,
                        .method = a->method,
                        .args = a->args,
                        .balance = x->account.amount.v + a->deposit.v,
                        .locked = x->account.locked.v,
                        .deposit = a->deposit.v,
                        .storage_usage = x->account.storage_usage,
                        .gas = a->gas.v,
                        .height = c->height,
                        .timestamp_ns = c->timestamp_ns,
                        .epoch_height = c->epoch_height,
                        .random_seed = sha256(slice_of(seed, sizeof seed)),
                        .action_hash = action_hash,
                        .gas_price = r->gas_price,
                        .tx_hash = r->tx_hash,
                        .results = x->results,
                        .result_count = x->result_count,
                        .outputs = last ? r->outputs : NULL,
                        .output_count = last ? r->output_count : 0,
                        .stake_of = chunk_stake_of,
                        .stake_ctx = c};
    struct vm_outcome o;
    vm_run(&v, &o);
    take_logs(x, &o);
    take_gas(x, &o);
    if (o.failed) {
        x->error.call = o.error;
        return fail(x, ACTION_ERR_CALL);
    }
    if (!receipts_valid(x, &o))
        return false;
    x->account.amount.v = o.balance;
    x->account.storage_usage = o.storage_usage;
    x->minted += o.subsidy;
    take_receipts(x, &o);
    return true;
}

// --- one action ----------------------------------------------------------------------------------------------------

static bool check_exists(struct execution *x, const struct action *a) {
    const struct receipt *r = x->receipt;
    bool implicit = account_id_is_near_implicit(r->receiver.s);
    if (a->kind == ACTION_CREATE_ACCOUNT) {
        if (x->exists)
            return fail(x, ACTION_ERR_ACCOUNT_EXISTS);
        return (!implicit && !account_id_is_eth_implicit(r->receiver.s)) || fail(x, ACTION_ERR_IMPLICIT_ONLY);
    }
    if (x->exists || (a->kind == ACTION_TRANSFER && implicit && r->action_count == 1 && !is_system(&r->predecessor)))
        return true;
    return fail(x, ACTION_ERR_NO_ACCOUNT);
}

static bool check_actor(struct execution *x, const struct action *a) {
    switch (a->kind) {
    case ACTION_DEPLOY_CONTRACT:
    case ACTION_STAKE:
    case ACTION_ADD_KEY:
    case ACTION_DELETE_KEY:
    case ACTION_DELETE_ACCOUNT:
        if (!same(&x->actor, &x->receipt->receiver)) {
            x->error.other = x->actor;
            return fail(x, ACTION_ERR_NO_PERMISSION);
        }
        return a->kind != ACTION_DELETE_ACCOUNT || !x->account.locked.v || fail(x, ACTION_ERR_DELETE_STAKING);
    case ACTION_CREATE_ACCOUNT:
    case ACTION_FUNCTION_CALL:
    case ACTION_TRANSFER:
    case ACTION_DELEGATE: return true;
    }
    return true;
}

bool action_apply(struct execution *x, size_t index) {
    const struct action *a = &x->receipt->actions[index];
    uint64_t fee = action_exec_fee(a, &x->receipt->receiver);
    x->gas_burnt += fee;
    x->gas_used += fee;
    action_profile(x->action_gas, a, &x->receipt->receiver);
    x->returned = VM_RETURN_NONE;
    if (!check_exists(x, a) || !check_actor(x, a))
        return false;
    switch (a->kind) {
    case ACTION_CREATE_ACCOUNT: return create_account(x);
    case ACTION_DEPLOY_CONTRACT: return deploy(x, a);
    case ACTION_FUNCTION_CALL: return call(x, a, index);
    case ACTION_TRANSFER: return transfer(x, a);
    case ACTION_STAKE: return stake(x, a);
    case ACTION_ADD_KEY: return add_key(x, a);
    case ACTION_DELETE_KEY: return delete_key(x, a);
    case ACTION_DELETE_ACCOUNT: return delete_account(x, a);
    case ACTION_DELEGATE: return delegate(x, a);
    }
    return false;
}
