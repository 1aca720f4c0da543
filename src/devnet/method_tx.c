// SPDX-License-Identifier: Apache-2.0
// Sending transactions and looking at them. A call that waits for a level is parked and looked at with each block.
#include "devnet/methods.h"

#include "base/clock.h"
#include "base/log.h"
#include "devnet/tx_status.h"

struct tx_wait {
    struct waiter waiter;
    struct rpc_call *call;
    struct hash hash;
    // The whole transaction, when the call brought it: then a transaction that can never be in a block any more is the
    // call's error. A call that only names a hash cannot learn that.
    const struct signed_transaction *tx;
    struct slice bytes; // of `tx`
    enum wait_level level;
    bool receipts;
    bool in_block;       // `missing` is known
    struct hash missing; // a receipt that has to run before anything can have changed
};

static enum rpc_done refused(struct rpc_call *c, json_t *invalid_tx) {
    json_t *data = json_pack("{s:{s:o}}", "TxExecutionError", "InvalidTxError", invalid_tx);
    return rpc_fail(c, "INVALID_TRANSACTION", json_object(), data);
}

static enum rpc_done unknown(struct rpc_call *c, const struct hash *hash) {
    const char *text = hash_base58(c->arena, hash);
    return rpc_fail_text(c, "UNKNOWN_TRANSACTION", json_pack("{s:s}", "requested_transaction_hash", text),
                         "Transaction %s doesn't exist", text);
}

// A transaction that was taken and then refused when its turn came is an error for who brought it.
static enum rpc_done answer(struct tx_wait *w, const struct tx_status *s, json_t *outcome) {
    json_t *failure = json_object_get(json_object_get(outcome, "status"), "Failure");
    json_t *invalid = s->refused && w->tx ? json_incref(json_object_get(failure, "InvalidTxError")) : NULL;
    if (!invalid)
        return rpc_ok(w->call, outcome);
    json_decref(outcome);
    return refused(w->call, invalid);
}

// Answers a call whose transaction is in no block when that will not change: the transaction that it brought is invalid
// by now, or it does not want to wait.
static void look_unseen(struct tx_wait *w, bool *answered) {
    struct tx_error why;
    *answered = true;
    if (w->tx && chain_judge(w->call->net->chain, w->bytes, w->tx, &why) == SUBMIT_INVALID)
        (void)refused(w->call, tx_error_json(&why));
    else if (w->level == WAIT_NONE)
        (void)unknown(w->call, &w->hash);
    else
        *answered = false;
}

// Answers when the level is reached; otherwise remembers what is missing.
static bool look_now(struct tx_wait *w, struct err *e, bool *answered) {
    struct tx_status s;
    *answered = false;
    if (!tx_status_look(w->call->net->history, &w->hash, &s, w->receipts, NULL, e))
        return false;
    w->in_block = s.found;
    w->missing = s.missing;
    // In the levels' order "included and final" stands above "executed, not final"; here all that is included is final.
    enum wait_level wanted = w->level == WAIT_EXECUTED_OPTIMISTIC ? WAIT_EXECUTED : w->level;
    if (!s.found)
        look_unseen(w, answered);
    if (!s.found || s.level < wanted)
        return true;
    json_t *outcome;
    if (!tx_status_look(w->call->net->history, &w->hash, &s, w->receipts, &outcome, e))
        return false;
    (void)answer(w, &s, outcome);
    *answered = true;
    return true;
}

// Something that can matter happened: the transaction or the missing receipt is in a block now, or the block may have
// made the transaction invalid.
static bool moved(const struct tx_wait *w) {
    struct history *h = w->call->net->history;
    if (w->in_block)
        return history_has_newly(h, PERSIST_RECEIPT_OUTCOME, &w->missing);
    return w->tx || history_has_newly(h, PERSIST_TX, &w->hash);
}

static bool look(struct waiter *waiter, enum wait_why why) {
    struct tx_wait *w = (struct tx_wait *)waiter;
    struct err e;
    bool answered = false;
    if (why != WAIT_STOP && moved(w) && !look_now(w, &e, &answered)) {
        (void)rpc_fail_internal(w->call, &e);
        answered = true;
    }
    if (!answered && why != WAIT_BLOCK) {
        (void)rpc_fail_timeout(w->call);
        answered = true;
    }
    if (answered)
        rpc_finish(w->call);
    return answered;
}

// Looks, and parks the call when it is too early: also when nothing is known of the transaction, which may be on its
// way here. No block is published between the look and the parking.
static enum rpc_done wait_for(struct rpc_call *c, const struct tx_wait *what) {
    struct chain *chain = c->net->chain;
    struct tx_wait *w = arena_alloc(c->arena, sizeof *w);
    *w = *what;
    w->waiter = (struct waiter){.look = look, .deadline_ms = clock_mono_ms() + DEVNET_WAIT_MS};
    w->call = c;
    struct err e;
    bool answered = false, parked = false;
    chain_read_begin(chain);
    bool ok = look_now(w, &e, &answered);
    if (ok && !answered)
        parked = wait_add(c->net->waits, &w->waiter);
    chain_read_end(chain);
    if (parked) {
        producer_wake(c->net->producer); // it may have a nearer deadline to sleep to
        return RPC_PARKED;
    }
    if (!ok)
        return rpc_fail_internal(c, &e);
    return answered ? RPC_ANSWERED : rpc_fail_timeout(c);
}

static bool decode(struct rpc_call *c, struct slice bytes, struct signed_transaction *tx) {
    struct err e;
    if (signed_transaction_decode(tx, c->arena, bytes, &e))
        return true;
    err_wrap(&e, "Failed to decode transaction");
    (void)rpc_fail_params(c, &e);
    return false;
}

static json_t *congested(void) {
    return json_pack("{s:{s:i, s:f}}", "ShardCongested", "shard_id", 0, "congestion_level", 1.0);
}

// Hands a transaction to the chain; false: the call is answered with why not.
static bool submit(struct rpc_call *c, struct slice bytes, const struct signed_transaction *tx) {
    struct tx_error why;
    bool known = false;
    struct err e;
    switch (chain_submit(c->net->chain, bytes, tx, &why)) {
    case SUBMIT_ACCEPTED: producer_wake(c->net->producer); return true;
    case SUBMIT_KNOWN: return true;
    case SUBMIT_FULL: (void)refused(c, congested()); return false;
    case SUBMIT_INVALID: break;
    }
    // One that is in a block already is judged by its outcome, not by its nonce.
    if (history_knows(c->net->history, PERSIST_TX, &tx->hash, &known, &e) && known)
        return true;
    log_debug("transaction %s refused: %s", hash_base58(c->arena, &tx->hash), tx_error_text(c->arena, &why));
    (void)refused(c, tx_error_json(&why));
    return false;
}

// The transaction that a call sends; false: the call is answered.
static bool take_tx(struct rpc_call *c, struct param_tx *p, struct signed_transaction *tx) {
    struct err e;
    if (!param_tx(c->params, c->arena, p, &e)) {
        (void)rpc_fail_params(c, &e);
        return false;
    }
    if (!p->bytes.len) {
        err_set(&e, ERR_INVALID, "field 'signed_tx_base64' is missing");
        (void)rpc_fail_params(c, &e);
        return false;
    }
    return decode(c, p->bytes, tx);
}

// Hands the transaction over, whatever becomes of it: nodes do not tell a call that does not wait.
static void submit_blindly(struct rpc_call *c, struct slice bytes, const struct signed_transaction *tx) {
    if (submit(c, bytes, tx))
        return;
    json_decref(c->answer);
    c->answer = NULL;
    c->failed = false;
}

static enum rpc_done send_and_wait(struct rpc_call *c, bool committed) {
    struct param_tx p;
    struct signed_transaction *tx = arena_alloc(c->arena, sizeof *tx);
    if (!take_tx(c, &p, tx))
        return RPC_ANSWERED;
    if (p.wait == WAIT_NONE && !committed) {
        submit_blindly(c, p.bytes, tx);
        return rpc_ok(c, json_pack("{s:s}", "final_execution_status", "NONE"));
    }
    if (!submit(c, p.bytes, tx))
        return RPC_ANSWERED;
    return wait_for(
        c, &(struct tx_wait){
               .hash = tx->hash, .tx = tx, .bytes = p.bytes, .level = committed ? WAIT_EXECUTED_OPTIMISTIC : p.wait});
}

enum rpc_done method_send_tx(struct rpc_call *c) { return send_and_wait(c, false); }
enum rpc_done method_broadcast_tx_commit(struct rpc_call *c) { return send_and_wait(c, true); }

enum rpc_done method_broadcast_tx_async(struct rpc_call *c) {
    struct param_tx p;
    struct signed_transaction tx;
    if (!take_tx(c, &p, &tx))
        return RPC_ANSWERED;
    submit_blindly(c, p.bytes, &tx);
    return rpc_ok(c, json_string(hash_base58(c->arena, &tx.hash)));
}

static enum rpc_done look_at(struct rpc_call *c, bool receipts) {
    struct param_tx p;
    struct signed_transaction *tx = NULL;
    struct err e;
    if (!param_tx(c->params, c->arena, &p, &e))
        return rpc_fail_params(c, &e);
    if (p.bytes.len) {
        tx = arena_alloc(c->arena, sizeof *tx);
        if (!decode(c, p.bytes, tx))
            return RPC_ANSWERED;
        p.hash = tx->hash;
    }
    return wait_for(
        c, &(struct tx_wait){.hash = p.hash, .tx = tx, .bytes = p.bytes, .level = p.wait, .receipts = receipts});
}

enum rpc_done method_tx(struct rpc_call *c) { return look_at(c, false); }
enum rpc_done method_tx_with_receipts(struct rpc_call *c) { return look_at(c, true); }

enum rpc_done method_receipt(struct rpc_call *c) {
    struct hash id;
    struct err e;
    size_t at;
    SCOPED_BLOCK(b) = NULL;
    if (!param_hash(c->params, "receipt_id", &id, &e))
        return rpc_fail_params(c, &e);
    if (!history_find(c->net->history, PERSIST_RECEIPT, &id, &b, &at, &e))
        return rpc_fail_internal(c, &e);
    if (b)
        return rpc_ok(c, json_incref(json_array_get(b->receipts, at)));
    const char *text = hash_base58(c->arena, &id);
    return rpc_fail_text(c, "UNKNOWN_RECEIPT", json_pack("{s:s}", "receipt_id", text),
                         "Receipt with id %s has never been observed on this node", text);
}
