// SPDX-License-Identifier: Apache-2.0
#include "worker/upkeep.h"

#include "base/log.h"
#include "base/ticker.h"

#define TICK_MS 30000
#define LOW (NEAR_ONE / 2) // some hundred answers

struct upkeep {
    struct upkeep_settings set;
    struct ticker *ticker;
};

// A function-call key pays from its allowance, and the allowance from the account's balance; when either is used up, no
// answer gets on chain.
static void watch_money(struct upkeep *u, struct arena *a, const struct rpc_access_key *key) {
    const char *account = sender_account(u->set.sender)->s;
    struct rpc_account own;
    struct err e;
    char left[64];
    if (key->has_allowance && key->allowance.v < LOW)
        log_warn("the key's allowance is nearly used up: %s left; add another key to '%s'",
                 yocto_text(key->allowance, left), account);
    if (rpc_account(u->set.rpc, a, account, &own, &e) && own.amount.v < LOW)
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
