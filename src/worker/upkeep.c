// SPDX-License-Identifier: Apache-2.0
#include "worker/upkeep.h"

#include "base/log.h"
#include "base/ticker.h"

#define TICK_MS 30000
#define NOT_KNOWN UINT64_MAX
#define MICRO_NEAR (NEAR_ONE / 1000000)
#define LOW (NEAR_ONE / 2) // some hundred answers

struct upkeep {
    struct upkeep_settings set;
    struct ticker *ticker;
    // In millionths of a NEAR; NOT_KNOWN until they were read, and where the key has no allowance.
    _Atomic uint64_t allowance, balance;
};

static uint64_t millionths(u128 yocto) {
    u128 n = yocto / MICRO_NEAR;
    return n < NOT_KNOWN ? (uint64_t)n : NOT_KNOWN - 1;
}

static void add_money(struct buf *out, const char *name, const char *help, uint64_t micro) {
    if (micro == NOT_KNOWN)
        return;
    figure_head(out, FIGURE_GAUGE, name, help);
    figure_micro(out, name, NULL, micro);
}

void upkeep_figures(const struct upkeep *u, struct buf *out) {
    add_money(out, "outlayer_worker_key_allowance_near", "What the key may still spend, in NEAR.", u->allowance);
    add_money(out, "outlayer_worker_balance_near", "Balance of the operator's account, in NEAR.", u->balance);
}

// A function-call key pays from its allowance, and the allowance from the account's balance; when either is used up, no
// answer gets on chain.
static void watch_money(struct upkeep *u, struct arena *a, const struct rpc_access_key *key) {
    const char *account = sender_account(u->set.sender)->s;
    struct rpc_account own;
    struct err e;
    char left[64];
    u->allowance = key->has_allowance ? millionths(key->allowance.v) : NOT_KNOWN;
    if (key->has_allowance && key->allowance.v < LOW)
        log_warn("the key's allowance is nearly used up: %s left; add another key to '%s'",
                 yocto_text(key->allowance, left), account);
    if (!rpc_account(u->set.rpc, a, account, &own, &e))
        return;
    u->balance = millionths(own.amount.v);
    if (own.amount.v < LOW)
        log_warn("the balance of '%s' is nearly used up: %s left; no answer can be paid for without it", account,
                 yocto_text(own.amount, left));
}

static void tick(void *ctx) {
    struct upkeep *u = ctx;
    SCOPED_ARENA(a);
    struct rpc_access_key key;
    struct err e;
    if (sender_warm(u->set.sender, NULL, a, &key, &e))
        watch_money(u, a, &key);
    else
        log_err(LOG_WARN, "reading nonce and block", &e);
}

bool upkeep_start(struct upkeep **out, const struct upkeep_settings *s, struct err *e) {
    struct upkeep *u = xcalloc(1, sizeof *u);
    u->set = *s;
    u->allowance = u->balance = NOT_KNOWN;
    if (!ticker_start(&u->ticker, TICK_MS, tick, u, e)) {
        free(u);
        return false;
    }
    *out = u;
    return true;
}

void upkeep_stop(struct upkeep *u) {
    if (!u)
        return;
    ticker_stop(u->ticker);
    free(u);
}
