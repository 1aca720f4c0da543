// SPDX-License-Identifier: Apache-2.0
#include "near/send.h"

#include "base/clock.h"
#include "base/log.h"
#include <inttypes.h>
#include <pthread.h>

#define BLOCK_HASH_FRESH_MS 60000 // transactions may name blocks of the last day; a minute keeps far from any limit
#define READ_TRIES 8 // reads of nonce and block before one signature: others may cast doubt on them meanwhile
#define CALL_TRIES 5
#define COMPLAIN_MS 60000
#define OUTCOME_MS 120000

struct sender {
    struct rpc *rpc;
    struct account_id account;
    struct secret_key secret;
    struct public_key public;
    pthread_mutex_t lock; // guards what follows
    bool nonce_known;
    uint64_t nonce; // the last one given out, or seen on the chain
    bool gave_out;  // nonces beyond it on the chain are somebody else's
    struct hash block_hash;
    uint64_t block_read_ms;               // 0: never
    uint64_t complained_ms[TX_DOUBT + 1]; // by verdict; 0: never
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

void sender_skip_nonce(struct sender *s, uint64_t nonce) {
    pthread_mutex_lock(&s->lock);
    if (nonce > s->nonce)
        s->nonce = nonce;
    pthread_mutex_unlock(&s->lock);
}

// The chain shows this nonce. What was given out before and not seen by the chain yet stays given out.
static void learn_nonce(struct sender *s, uint64_t nonce) {
    pthread_mutex_lock(&s->lock);
    uint64_t last = s->nonce;
    bool foreign = s->gave_out && nonce > last;
    s->nonce = nonce > last ? nonce : last;
    s->nonce_known = true;
    pthread_mutex_unlock(&s->lock);
    if (foreign)
        log_warn("somebody else uses the key of '%s': its nonce on chain is %" PRIu64 ", and the last one given out "
                 "here is %" PRIu64 "; transactions are late or lost as long as two use it: give each worker a key of "
                 "its own",
                 s->account.s, nonce, last);
}

static bool read_key(struct sender *s, struct rpc *rpc, struct arena *a, struct rpc_access_key *out, struct err *e) {
    if (!rpc_access_key(rpc, a, s->account.s, &s->public, out, e)) {
        err_wrap(e, "key %s of account '%s'", public_key_text(a, &s->public), s->account.s);
        return e->code == ERR_NOT_FOUND ? err_hint(e, "add the key to the account, or use another one") : false;
    }
    learn_nonce(s, out->nonce);
    return true;
}

static bool read_block(struct sender *s, struct rpc *rpc, struct arena *a, struct err *e) {
    struct rpc_block block;
    if (!rpc_final_block(rpc, a, &block, e))
        return false;
    pthread_mutex_lock(&s->lock);
    s->block_hash = block.hash;
    s->block_read_ms = clock_mono_ms();
    pthread_mutex_unlock(&s->lock);
    return true;
}

// With the lock held.
static bool is_fresh(const struct sender *s) {
    return s->block_read_ms && clock_mono_ms() - s->block_read_ms <= BLOCK_HASH_FRESH_MS;
}

bool sender_warm(struct sender *s, struct rpc *rpc, struct arena *a, struct rpc_access_key *key, struct err *e) {
    struct rpc_access_key own;
    rpc = rpc ? rpc : s->rpc;
    return read_key(s, rpc, a, key ? key : &own, e) && read_block(s, rpc, a, e);
}

// Nonce and block for one transaction.
static bool take(struct sender *s, struct arena *a, struct transaction *tx, struct err *e) {
    for (int i = 0; i < READ_TRIES; i++) {
        struct rpc_access_key key;
        pthread_mutex_lock(&s->lock);
        bool known = s->nonce_known, fresh = is_fresh(s);
        if (known && fresh) {
            tx->nonce = ++s->nonce;
            tx->block_hash = s->block_hash;
            s->gave_out = true;
        }
        pthread_mutex_unlock(&s->lock);
        if (known && fresh)
            return true;
        if ((!known && !read_key(s, s->rpc, a, &key, e)) || (!fresh && !read_block(s, s->rpc, a, e)))
            return false;
    }
    return err_set(e, ERR_UNAVAILABLE, "the key's nonce is used up each time that it has been read");
}

bool sender_sign(struct sender *s, struct arena *a, const struct account_id *receiver, struct action *actions,
                 size_t count, struct sent *out, struct err *e) {
    struct transaction tx = {
        .signer = s->account, .key = s->public, .receiver = *receiver, .actions = actions, .action_count = count};
    if (!take(s, a, &tx, e))
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

// --- verdicts

static bool may_complain(struct sender *s, enum tx_verdict verdict) {
    uint64_t now = clock_mono_ms();
    pthread_mutex_lock(&s->lock);
    bool may = !s->complained_ms[verdict] || now - s->complained_ms[verdict] > COMPLAIN_MS;
    if (may)
        s->complained_ms[verdict] = now;
    pthread_mutex_unlock(&s->lock);
    return may;
}

static void complain(struct sender *s, enum tx_verdict verdict, const char *what, const char *hint,
                     const struct err *why) {
    if (may_complain(s, verdict))
        log_error("%s, so no transaction of '%s' is taken: %s; %s", what, s->account.s, why->msg, hint);
}

void sender_heed(struct sender *s, const struct tx_said *said, const struct err *why) {
    switch (said->verdict) {
    case TX_STALE:
        if (said->key_nonce)
            learn_nonce(s, said->key_nonce);
        else {
            pthread_mutex_lock(&s->lock);
            s->nonce_known = false;
            pthread_mutex_unlock(&s->lock);
        }
        return;
    case TX_AHEAD:
        pthread_mutex_lock(&s->lock);
        s->nonce = 0; // a lower one is believed again
        s->nonce_known = s->gave_out = false;
        pthread_mutex_unlock(&s->lock);
        return;
    case TX_EXPIRED:
        pthread_mutex_lock(&s->lock);
        s->block_read_ms = 0;
        pthread_mutex_unlock(&s->lock);
        return;
    case TX_UNPAID:
        complain(s, said->verdict, "the allowance of the key or the balance of the account is used up",
                 "add another key with an allowance, or money to the account", why);
        return;
    case TX_FORBIDDEN:
        complain(s, said->verdict, "the key is not there, or may not call that", "add a key that may", why);
        return;
    case TX_INVALID:
        complain(s, said->verdict, "the chain takes a transaction for malformed",
                 "is this program older than the network's protocol?", why);
        return;
    case TX_TAKEN:
    case TX_DOUBT: return;
    }
}

bool sender_was_taken(struct sender *s, struct arena *a, const struct sent *sent, bool *taken, struct err *e) {
    *taken = false;
    for (size_t i = 0; i < rpc_server_count(s->rpc); i++, rpc_next_server(s->rpc)) {
        SCOPED_JSON(outcome) = NULL;
        struct err why;
        if ((*taken = rpc_tx(s->rpc, a, sent->hash, s->account.s, "NONE", 0, &outcome, &why)))
            return true;
        if (why.code == ERR_NOT_FOUND)
            continue;
        err_set(e, why.code, "whether transaction %s was taken is not known: %s", sent->hash, why.msg);
        return err_hint(e, "look it up before it is tried again");
    }
    return true;
}

// --- a whole call

static bool check_outcome(struct arena *a, json_t *outcome, struct err *e) {
    const char *words = rpc_failure_text(a, json_object_get(outcome, "status"));
    return !words || err_set(e, ERR_CHAIN, "%s", words);
}

// One that the server took, or may have taken. false: it was refused, and can never be executed.
static bool wait_for(struct sender *s, struct arena *a, const struct sent *sent, const char *wait_until,
                     struct tx_said *said, json_t **outcome, struct err *e) {
    if (rpc_send_wait(s->rpc, a, sent->bytes, sent->hash, wait_until, said, outcome, e))
        return true;
    struct err sending = *e;
    bool taken = said->verdict == TX_DOUBT;
    if (said->verdict == TX_STALE && !sender_was_taken(s, a, sent, &taken, e)) {
        said->verdict = TX_DOUBT;
        return false;
    }
    if (!taken)
        return false;
    // It may be on its way: the chain is asked before it is given up.
    said->verdict = TX_DOUBT;
    if (rpc_tx(s->rpc, a, sent->hash, s->account.s, wait_until, OUTCOME_MS, outcome, e))
        return true;
    if (e->code == ERR_NOT_FOUND)
        *e = sending;
    return false;
}

bool sender_call(struct sender *s, struct arena *a, const struct account_id *receiver, struct action *actions,
                 size_t count, const char *wait_until, bool (*noted)(void *ctx, const struct sent *sent, struct err *e),
                 void *ctx, json_t **outcome, struct err *e) {
    *outcome = NULL;
    for (int i = 0; i < CALL_TRIES; i++) {
        struct sent sent;
        struct tx_said said;
        if (!sender_sign(s, a, receiver, actions, count, &sent, e) || (noted && !noted(ctx, &sent, e)))
            return false;
        if (wait_for(s, a, &sent, wait_until, &said, outcome, e))
            return check_outcome(a, *outcome, e);
        if (!tx_may_be_signed_anew(said.verdict))
            return false; // who calls says it to people
        sender_heed(s, &said, e);
        rpc_next_server(s->rpc);
    }
    return err_wrap(e, "the key's nonces are used by somebody else at the same time");
}
