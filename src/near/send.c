// SPDX-License-Identifier: Apache-2.0
#include "near/send.h"

#include "base/clock.h"
#include <pthread.h>

#define BLOCK_HASH_FRESH_MS 60000 // transactions may name blocks of the last day; a minute keeps far from any limit
#define NONCE_TRIES 5
#define OUTCOME_MS 120000

struct sender {
    struct rpc *rpc;
    struct account_id account;
    struct secret_key secret;
    struct public_key public;
    pthread_mutex_t lock; // guards what follows
    bool nonce_known;
    uint64_t nonce; // the last one given out
    struct hash block_hash;
    uint64_t block_read_ms; // 0: never
};

bool sender_new(struct sender **out, struct rpc *rpc, const struct account_id *account, const struct secret_key *key,
                struct err *e) {
    (void)e;
    struct sender *s = xcalloc(1, sizeof *s);
    s->rpc = rpc;
    s->account = *account;
    s->secret = *key;
    s->public = secret_key_public(key);
    pthread_mutex_init(&s->lock, NULL);
    *out = s;
    return true;
}

void sender_free(struct sender *s) {
    if (!s)
        return;
    secret_key_wipe(&s->secret);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

const struct account_id *sender_account(const struct sender *s) { return &s->account; }
const struct public_key *sender_key(const struct sender *s) { return &s->public; }

void sender_forget_nonce(struct sender *s) {
    pthread_mutex_lock(&s->lock);
    s->nonce_known = false;
    pthread_mutex_unlock(&s->lock);
}

// With the lock held: nobody may give out nonces while they are being read.
static bool refresh(struct sender *s, struct arena *a, struct err *e) {
    if (!s->nonce_known) {
        struct rpc_access_key key;
        if (!rpc_access_key(s->rpc, a, s->account.s, &s->public, &key, e)) {
            err_wrap(e, "key %s of account '%s'", public_key_text(a, &s->public), s->account.s);
            return e->code == ERR_NOT_FOUND ? err_hint(e, "add the key to the account, or use another one") : false;
        }
        // What was given out before and not seen by the chain yet stays given out.
        s->nonce = key.nonce > s->nonce ? key.nonce : s->nonce;
        s->nonce_known = true;
    }
    if (!s->block_read_ms || clock_mono_ms() - s->block_read_ms > BLOCK_HASH_FRESH_MS) {
        struct rpc_block block;
        if (!rpc_final_block(s->rpc, a, &block, e))
            return false;
        s->block_hash = block.hash;
        s->block_read_ms = clock_mono_ms();
    }
    return true;
}

bool sender_warm(struct sender *s, struct arena *a, struct err *e) {
    pthread_mutex_lock(&s->lock);
    bool ok = refresh(s, a, e);
    pthread_mutex_unlock(&s->lock);
    return ok;
}

bool sender_sign(struct sender *s, struct arena *a, const struct account_id *receiver, struct action *actions,
                 size_t count, struct sent *out, struct err *e) {
    struct transaction tx = {
        .signer = s->account, .key = s->public, .receiver = *receiver, .actions = actions, .action_count = count};
    pthread_mutex_lock(&s->lock);
    bool ok = refresh(s, a, e);
    if (ok) {
        tx.nonce = ++s->nonce;
        tx.block_hash = s->block_hash;
    }
    pthread_mutex_unlock(&s->lock);
    if (!ok)
        return false;
    SCOPED_BUF(b, NEAR_TX_MAX);
    struct hash hash;
    transaction_sign(&b, &hash, &tx, &s->secret);
    if (b.full)
        return err_set(e, ERR_TOO_LARGE, "the transaction is larger than %u bytes", NEAR_TX_MAX);
    *out = (struct sent){.bytes = arena_copy(a, buf_slice(&b)), .nonce = tx.nonce};
    snprintf(out->hash, sizeof out->hash, "%s", hash_base58(a, &hash));
    return true;
}

static bool check_outcome(struct arena *a, json_t *outcome, struct err *e) {
    const char *words = rpc_failure_text(a, json_object_get(outcome, "status"));
    return !words || err_set(e, ERR_CHAIN, "%s", words);
}

bool sender_call(struct sender *s, struct arena *a, const struct account_id *receiver, struct action *actions,
                 size_t count, const char *wait_until, bool (*noted)(void *ctx, const struct sent *sent, struct err *e),
                 void *ctx, json_t **outcome, struct err *e) {
    *outcome = NULL;
    for (int i = 0; i < NONCE_TRIES; i++) {
        struct sent sent;
        bool stale;
        if (!sender_sign(s, a, receiver, actions, count, &sent, e) || (noted && !noted(ctx, &sent, e)))
            return false;
        bool ok = rpc_send(s->rpc, a, sent.bytes, &stale, e);
        if (!ok && stale) { // refused before anything was executed
            sender_forget_nonce(s);
            continue;
        }
        // After any other failure the transaction may be on its way: ask the chain before giving up.
        struct err sending = *e;
        if (!ok && sending.code == ERR_CHAIN)
            return false;
        if (!rpc_tx(s->rpc, a, sent.hash, s->account.s, wait_until, OUTCOME_MS, outcome, e)) {
            if (!ok && e->code == ERR_NOT_FOUND)
                *e = sending;
            return false;
        }
        return check_outcome(a, *outcome, e);
    }
    return err_wrap(e, "the key's nonces are used by somebody else at the same time");
}
