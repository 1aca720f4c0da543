// SPDX-License-Identifier: Apache-2.0
#include "devnet/render.h"

#include "codec/hex.h"
#include "codec/json.h"
#include "devnet/rpc.h"

static void set(json_t *o, const char *key, json_t *v) { BUG_ON(!v || json_object_set_new(o, key, v) != 0); }
static void set_hash(json_t *o, const char *key, const struct hash *h, struct arena *a) {
    json_set_text(o, key, hash_base58(a, h));
}
static json_t *tagged(const char *tag, json_t *v) {
    json_t *o = json_object();
    set(o, tag, v);
    return o;
}
// Bytes that should be text; what is no UTF-8 becomes its base64.
static json_t *text_json(struct slice s, struct arena *a) {
    json_t *j = json_stringn(s.len ? (const char *)s.ptr : "", s.len);
    return j ? j : json_string(base64_text(a, s));
}
static json_t *hashes_json(const struct hash *h, size_t n, struct arena *a) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(hash_base58(a, &h[i])));
    return list;
}

json_t *render_account_state(const struct account_state *s) {
    SCOPED_ARENA(a);
    json_t *o = json_object();
    json_set_u128(o, "amount", s->amount.v);
    json_set_u128(o, "locked", s->locked.v);
    set_hash(o, "code_hash", &s->code_hash, a);
    set(o, "storage_usage", rpc_u64(s->storage_usage));
    json_set_u64(o, "storage_paid_at", 0);
    return o;
}

static json_t *permission_json(const struct access_key *k) {
    if (k->full_access)
        return json_string("FullAccess");
    json_t *call = json_object(), *methods = json_array();
    if (k->has_allowance)
        json_set_u128(call, "allowance", k->allowance.v);
    else
        set(call, "allowance", json_null());
    json_set_text(call, "receiver_id", k->receiver.s);
    for (size_t i = 0; i < k->method_count; i++)
        json_array_append_new(methods, json_string(k->methods[i]));
    set(call, "method_names", methods);
    return tagged("FunctionCall", call);
}

json_t *render_access_key(const struct access_key *k, struct arena *a) {
    (void)a;
    json_t *o = json_object();
    set(o, "nonce", rpc_u64(k->nonce));
    set(o, "permission", permission_json(k));
    return o;
}

static json_t *one_u128(const char *key, u128 v) {
    json_t *o = json_object();
    json_set_u128(o, key, v);
    return o;
}

static json_t *one_text(const char *key, const char *v) {
    json_t *o = json_object();
    json_set_text(o, key, v);
    return o;
}

static json_t *call_json(const struct action *x, struct arena *a) {
    json_t *o = one_text("method_name", x->method);
    json_set_text(o, "args", base64_text(a, x->args));
    set(o, "gas", rpc_u64(x->gas.v));
    json_set_u128(o, "deposit", x->deposit.v);
    return tagged("FunctionCall", o);
}

static json_t *actions_json(const struct action *x, size_t n, struct arena *a) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, render_action(&x[i], a));
    return list;
}

static json_t *delegate_json(const struct action *x, struct arena *a) {
    const struct delegate_action *d = x->delegate;
    json_t *inner = one_text("sender_id", d->sender.s), *o = json_object();
    json_set_text(inner, "receiver_id", d->receiver.s);
    set(inner, "actions", actions_json(d->actions, d->action_count, a));
    set(inner, "nonce", rpc_u64(d->nonce));
    set(inner, "max_block_height", rpc_u64(d->max_block_height));
    json_set_text(inner, "public_key", public_key_text(a, &d->key));
    set(o, "delegate_action", inner);
    json_set_text(o, "signature", signature_text(a, &x->delegate_signature));
    return tagged("Delegate", o);
}

// Views show the code's hash only, in base64.
static json_t *deploy_json(const struct action *x, struct arena *a) {
    struct hash h = sha256(x->code);
    return tagged("DeployContract", one_text("code", base64_text(a, hash_slice(&h))));
}

json_t *render_action(const struct action *x, struct arena *a) {
    json_t *o;
    switch (x->kind) {
    case ACTION_CREATE_ACCOUNT: return json_string("CreateAccount");
    case ACTION_DEPLOY_CONTRACT: return deploy_json(x, a);
    case ACTION_FUNCTION_CALL: return call_json(x, a);
    case ACTION_TRANSFER: return tagged("Transfer", one_u128("deposit", x->deposit.v));
    case ACTION_STAKE:
        o = one_u128("stake", x->deposit.v);
        json_set_text(o, "public_key", public_key_text(a, &x->key));
        return tagged("Stake", o);
    case ACTION_ADD_KEY:
        o = one_text("public_key", public_key_text(a, &x->key));
        set(o, "access_key", render_access_key(&x->access, a));
        return tagged("AddKey", o);
    case ACTION_DELETE_KEY: return tagged("DeleteKey", one_text("public_key", public_key_text(a, &x->key)));
    case ACTION_DELETE_ACCOUNT: return tagged("DeleteAccount", one_text("beneficiary_id", x->account.s));
    case ACTION_DELEGATE: return delegate_json(x, a);
    }
    return json_null();
}

json_t *render_transaction(const struct signed_transaction *t, struct arena *a) {
    json_t *o = one_text("signer_id", t->tx.signer.s);
    json_set_text(o, "public_key", public_key_text(a, &t->tx.key));
    set(o, "nonce", rpc_u64(t->tx.nonce));
    json_set_text(o, "receiver_id", t->tx.receiver.s);
    set(o, "actions", actions_json(t->tx.actions, t->tx.action_count, a));
    json_set_text(o, "signature", signature_text(a, &t->signature));
    set_hash(o, "hash", &t->hash, a);
    json_set_u64(o, "priority_fee", 0);
    return o;
}

static json_t *action_receipt_json(const struct receipt *r, struct arena *a) {
    json_t *o = one_text("signer_id", r->signer.s), *outputs = json_array();
    json_set_text(o, "signer_public_key", public_key_text(a, &r->signer_key));
    json_set_u128(o, "gas_price", r->gas_price);
    for (size_t i = 0; i < r->output_count; i++) {
        json_t *to = one_text("data_id", hash_base58(a, &r->outputs[i].data_id));
        json_set_text(to, "receiver_id", r->outputs[i].receiver.s);
        json_array_append_new(outputs, to);
    }
    set(o, "output_data_receivers", outputs);
    set(o, "input_data_ids", hashes_json(r->inputs, r->input_count, a));
    set(o, "actions", actions_json(r->actions, r->action_count, a));
    set(o, "is_promise_yield", json_boolean(r->is_yield));
    if (r->has_refund_to)
        json_set_text(o, "refund_to", r->refund_to.s);
    return tagged("Action", o);
}

static json_t *data_receipt_json(const struct receipt *r, struct arena *a) {
    json_t *o = one_text("data_id", hash_base58(a, &r->data_id));
    json_set_text(o, "data", r->has_data ? base64_text(a, r->data) : NULL);
    set(o, "is_promise_resume", json_boolean(r->is_resume));
    return tagged("Data", o);
}

json_t *render_receipt(const struct receipt *r, struct arena *a) {
    json_t *o = one_text("predecessor_id", r->predecessor.s);
    json_set_text(o, "receiver_id", r->receiver.s);
    set_hash(o, "receipt_id", &r->id, a);
    set(o, "receipt", r->kind == RECEIPT_DATA ? data_receipt_json(r, a) : action_receipt_json(r, a));
    json_set_u64(o, "priority", 0);
    return o;
}

static json_t *status_json(const struct outcome *o, struct arena *a) {
    switch (o->status) {
    case OUTCOME_VALUE: return one_text("SuccessValue", base64_text(a, o->value));
    case OUTCOME_RECEIPT: return one_text("SuccessReceiptId", hash_base58(a, &o->next));
    case OUTCOME_FAILURE: break;
    }
    return tagged("Failure", o->tx_error ? tagged("InvalidTxError", tx_error_json(o->tx_error))
                                         : tagged("ActionError", action_error_json(o->action_error)));
}

static json_t *profile_json(const struct outcome *o) {
    json_t *list = json_array();
    for (size_t i = 0; i < o->profile_count; i++) {
        json_t *one = one_text("cost_category", o->profile[i].category);
        json_set_text(one, "cost", o->profile[i].name);
        json_set_u128(one, "gas_used", o->profile[i].gas);
        json_array_append_new(list, one);
    }
    return list;
}

json_t *render_outcome(const struct outcome *o, const struct hash *block_hash, int version, struct arena *a) {
    json_t *out = json_object(), *logs = json_array(), *metadata = json_object(), *j = json_object();
    for (size_t i = 0; i < o->log_count; i++)
        json_array_append_new(logs, text_json(o->logs[i], a));
    json_set_u64(metadata, "version", (uint64_t)version);
    set(metadata, "gas_profile", version == 1 ? json_null() : profile_json(o));
    set(out, "logs", logs);
    set(out, "receipt_ids", hashes_json(o->receipt_ids, o->receipt_count, a));
    set(out, "gas_burnt", rpc_u64(o->gas_burnt));
    json_set_u128(out, "tokens_burnt", o->tokens_burnt);
    json_set_text(out, "executor_id", o->executor.s);
    set(out, "status", status_json(o, a));
    set(out, "metadata", metadata);
    set(j, "proof", json_array());
    set_hash(j, "block_hash", block_hash, a);
    set_hash(j, "id", &o->id, a);
    set(j, "outcome", out);
    return j;
}

static json_t *cause_json(const struct chain_change *c, struct arena *a) {
    switch (c->cause) {
    case CAUSE_INITIAL_STATE: return one_text("type", "initial_state");
    case CAUSE_PATCH: return one_text("type", "migration");
    case CAUSE_TRANSACTION:
        return json_pack("{s:s, s:s}", "type", "transaction_processing", "tx_hash", hash_base58(a, &c->cause_hash));
    case CAUSE_RECEIPT:
        return json_pack("{s:s, s:s}", "type", "receipt_processing", "receipt_hash", hash_base58(a, &c->cause_hash));
    case CAUSE_GAS_REWARD:
        return json_pack("{s:s, s:s}", "type", "action_receipt_gas_reward", "receipt_hash",
                         hash_base58(a, &c->cause_hash));
    case CAUSE_POSTPONED:
        return json_pack("{s:s, s:s}", "type", "postponed_receipt", "receipt_hash", hash_base58(a, &c->cause_hash));
    }
    return json_null();
}

// The fields beside account_id, and the type's name.
static const char *change_fields(json_t *o, const struct chain_change *c, struct arena *a) {
    switch (c->kind) {
    case CHANGE_ACCOUNT:
        if (!c->removed) {
            json_t *state = render_account_state(&c->account);
            json_object_update(o, state);
            json_decref(state);
        }
        return c->removed ? "account_deletion" : "account_update";
    case CHANGE_ACCESS_KEY:
        json_set_text(o, "public_key", public_key_text(a, &c->key));
        if (!c->removed)
            set(o, "access_key", render_access_key(&c->access, a));
        return c->removed ? "access_key_deletion" : "access_key_update";
    case CHANGE_DATA:
        json_set_text(o, "key_base64", base64_text(a, c->data_key));
        if (!c->removed)
            json_set_text(o, "value_base64", base64_text(a, c->data));
        return c->removed ? "data_deletion" : "data_update";
    case CHANGE_CODE:
        if (!c->removed)
            json_set_text(o, "code_base64", base64_text(a, c->data));
        return c->removed ? "contract_code_deletion" : "contract_code_update";
    }
    return "";
}

json_t *render_change(const struct chain_change *c, struct arena *a) {
    json_t *change = one_text("account_id", c->account_id.s), *o = json_object();
    const char *type = change_fields(change, c, a);
    set(o, "cause", cause_json(c, a));
    json_set_text(o, "type", type);
    set(o, "change", change);
    return o;
}
