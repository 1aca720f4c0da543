// SPDX-License-Identifier: Apache-2.0
#include "refund.h"
#include "events.h"
#include "sdk/reply.h"

#define WATCH_GAS (4 * TGAS)

struct refund_key {
    char b[1 + ACCOUNT_MAX];
};

static struct text key_for(struct refund_key *k, const struct account *a) {
    k->b[0] = 'c';
    memcpy(k->b + 1, a->s, a->len);
    return (struct text){k->b, 1u + a->len};
}

static struct yocto kept_for(struct text key) {
    struct yocto kept = {0};
    size_t len;
    store_get(key, &kept.v, sizeof kept.v, &len);
    return kept;
}

void refund_pay(const struct refund *r) {
    if (r->amount.v == 0)
        return;
    struct promise paid = promise_transfer(&r->payer, r->amount);
    if (account_eq(&r->payer, &r->sender))
        return;
    struct out *o = reply_open('{');
    put_refund(o, r);
    put_close(o, '}');
    promise_then(paid,
                 &(struct promise_call){
                     .account = self(), .method = "on_refund_transferred", .args = out_text(o), .gas = WATCH_GAS});
}

// false: the amount does not pay the record.
static bool keep(const struct refund *r) {
    struct refund_key k;
    struct text key = key_for(&k, &r->payer);
    uint64_t before = store_usage();
    struct yocto all = yocto_add(kept_for(key), r->amount);
    store_put(key, (struct text){(const char *)&all.v, sizeof all.v});
    if (!yocto_less(stake_of(store_usage() - before), all)) {
        store_remove(key);
        return false;
    }
    struct state s = state_load();
    s.owed.v += r->amount.v;
    state_save(&s);
    return true;
}

ENTRY(on_refund_transferred) {
    struct refund r = {in->request_id, in->payer_account_id, in->sender_id, in->amount.value};
    if (promise_succeeded())
        return;
    bool kept = keep(&r);
    if (!kept)
        promise_transfer(&r.sender, r.amount);
    log_refund(kept ? "refund_kept" : "refund_redirected", &r);
}

ENTRY(claim_refund) {
    struct refund_key k;
    struct refund r = {.sender = caller()};
    r.payer = in->account_id.len ? in->account_id : r.sender;
    struct text key = key_for(&k, &r.payer);
    r.amount = kept_for(key);
    require(r.amount.v, "Nothing is kept for this account");
    store_remove(key);
    struct state s = state_load();
    s.owed.v -= r.amount.v;
    state_save(&s);
    refund_pay(&r);
    log_refund("refund_claimed", &r);
}

ENTRY(get_claimable) {
    struct refund_key k;
    put_amount(reply(), kept_for(key_for(&k, &in->account_id)));
    reply_end();
}
