// SPDX-License-Identifier: Apache-2.0
// What only the owner may do, and who is an operator.
#include "roles.h"
#include "sdk/reply.h"
#include "settle.h"

static const struct text operators_key = {"OPERATORS", 9}, keystore_key = {"KEYSTORE", 8};

struct state owner_state(void) {
    struct state s = state_load();
    struct account from = caller();
    require(account_eq(&from, &s.owner), "Only owner can call this method");
    return s;
}

// --- operators: the first one in the state, the others in a record of accounts

struct operators {
    uint8_t bytes[OPERATORS_MAX * (4 + ACCOUNT_MAX)];
    struct rec_in in; // what has not been looked at
    size_t len;
    unsigned count; // of those before
};

static void operators_load(struct operators *o) {
    o->len = 0;
    store_get(operators_key, o->bytes, sizeof o->bytes, &o->len);
    o->in = (struct rec_in){o->bytes, o->bytes + o->len};
}

static bool operators_next(struct operators *o, struct account *a) {
    if (o->in.p == o->in.end)
        return false;
    *a = rec_take_account(&o->in);
    return true;
}

// Afterwards o->in stands behind the account, or at the end.
static bool operators_find(struct operators *o, const struct account *a) {
    struct account other;
    operators_load(o);
    for (o->count = 0; operators_next(o, &other); o->count++)
        if (account_eq(&other, a))
            return true;
    return false;
}

static void operators_save(const uint8_t *bytes, size_t len) {
    store_put(operators_key, (struct text){(const char *)bytes, len});
}

bool is_operator(const struct state *s, const struct account *a) {
    struct operators o;
    return account_eq(a, &s->first_operator) || operators_find(&o, a);
}

void require_operator(void) {
    struct state s = state_load();
    struct account from = caller();
    require(is_operator(&s, &from), "Only operator can call this");
}

ENTRY(add_operator) {
    struct state s = owner_state();
    struct operators o;
    require(!account_eq(&in->account_id, &s.first_operator) && !operators_find(&o, &in->account_id),
            "This account is an operator already");
    require(o.count < OPERATORS_MAX, "There are 64 added operators already");
    struct rec_out r = {o.bytes, o.len, sizeof o.bytes};
    rec_put_account(&r, &in->account_id);
    operators_save(r.buf, r.len);
    log_account("operator_added", "operator_id", &in->account_id);
}

static bool remove_operator(const struct account *a) {
    struct operators o;
    if (!operators_find(&o, a))
        return false;
    uint8_t *behind = o.bytes + (o.in.p - o.bytes);
    size_t left = (size_t)(o.in.end - o.in.p), own = 4u + a->len;
    memmove(behind - own, behind, left);
    operators_save(o.bytes, o.len - own);
    return true;
}

ENTRY(remove_operator) {
    owner_state();
    require(remove_operator(&in->account_id), "Not an added operator; set_operator replaces the first one");
    log_account("operator_removed", "operator_id", &in->account_id);
}

ENTRY(set_operator) {
    struct state s = owner_state();
    remove_operator(&in->operator_id);
    s.first_operator = in->operator_id;
    state_save(&s);
    log_account("operator_set", "operator_id", &s.first_operator);
}

ENTRY(is_operator) {
    struct state s = state_load();
    answer_bool(is_operator(&s, &in->account_id));
}

ENTRY(get_operators) {
    struct operators all;
    struct state s = state_load();
    struct account a = s.first_operator;
    uint64_t from = in->from_index.value, limit = in->limit.given ? in->limit.value : UINT64_MAX;
    struct out *o = reply_open('[');
    operators_load(&all);
    for (uint64_t i = 0; limit; i++) {
        if (i >= from) {
            put_string(o, account_text(&a));
            limit--;
        }
        if (!operators_next(&all, &a))
            break;
    }
    reply_close(']');
}

// --- ownership

ENTRY(set_owner) {
    struct state s = owner_state();
    s.next_owner = in->owner_id;
    if (account_eq(&s.next_owner, &s.owner))
        s.next_owner.len = 0;
    state_save(&s);
    log_account("owner_proposed", "owner_id", &in->owner_id);
}

ENTRY(accept_owner) {
    struct state s = state_load();
    struct account from = caller();
    require(account_eq(&from, &s.next_owner), "Only the account that set_owner named can accept");
    s.owner = from;
    s.next_owner.len = 0;
    state_save(&s);
    log_account("owner_set", "owner_id", &s.owner);
}

// --- settings

ENTRY(set_pricing) {
    struct state s = owner_state();
    for (size_t i = 0; i < PRICES; i++) {
        require(in->prices[i].value.v <= FEE_MAX, "A price may be at most 1000 NEAR");
        if (in->prices[i].given)
            s.fees.all[i] = in->prices[i].value;
    }
    state_save(&s);
    log_pricing(&s.fees);
}

ENTRY(set_paused) {
    struct state s = owner_state();
    s.paused = in->paused;
    state_save(&s);
    log_event("paused_set", "paused", s.paused ? TEXT("true") : TEXT("false"));
}

// "ed25519:…", as it stands in the input; null takes the key away, and has to be said.
ENTRY(set_keystore_key) {
    struct text json = in->public_key.text, key = {json.ptr + 1, json.len - 2};
    uint8_t number[HASH_SIZE + 1];
    owner_state();
    if (text_eq(json, TEXT("null"))) {
        store_remove(keystore_key);
    } else {
        require(json.len > 10 && memcmp(json.ptr, "\"ed25519:", 9) == 0 &&
                    base58_parse(number, key.ptr + 8, key.ptr + key.len),
                "public_key must be ed25519: and base58 of 32 bytes");
        store_put(keystore_key, key);
    }
    log_event("keystore_key_set", "public_key", json);
}

ENTRY(get_keystore_key) {
    char key[PUBLIC_KEY_TEXT_MAX];
    struct text t = {key, 0};
    if (!store_get(keystore_key, key, sizeof key, &t.len))
        t.ptr = NULL;
    put_string(reply(), t);
    reply_end();
}

// --- money: earned fees are what was charged and not yet withdrawn; payments of pending requests are none

ENTRY(withdraw_fees) {
    struct state s = owner_state();
    struct yocto left = state_fees(&s);
    struct yocto amount = in->amount.given ? in->amount.value : left;
    if (yocto_less(left, amount) || left.v == 0)
        stop_filled("Earned and not yet withdrawn are % yoctoNEAR", &left);
    s.fees_withdrawn = yocto_add(s.fees_withdrawn, amount);
    s.owed.v -= amount.v;
    state_save(&s);
    promise_transfer(&s.owner, amount);
    struct out *o = event_open("fees_withdrawn");
    member_amount(o, "amount", amount);
    event_emit(o);
}

// --- pending requests

ENTRY(emergency_cancel_execution) {
    struct state s = owner_state();
    struct request q;
    request_must_load(in->request_id.value, &q);
    finish_by_owner(&s, &q);
    state_save(&s);
}

#define CLEAR_GAS (10 * TGAS) // more than ending one takes, the watch over its refund included
#define CLEAR_LOG 3072        // more than it logs
ENTRY(clear_all_pending_requests) {
    struct state s = owner_state();
    struct request q;
    uint64_t limit = in->limit.given ? in->limit.value : 100, cleared = 0, id = s.lowest_open;
    for (; id < s.next_request_id && cleared < limit && gas_left() > CLEAR_GAS && log_room() > CLEAR_LOG; id++) {
        if (!request_load(id, &q))
            continue;
        finish_by_owner(&s, &q);
        cleared++;
    }
    if (s.open) {
        s.lowest_open = id;
        s.seeking = true;
    }
    state_save(&s);
    answer_number(cleared);
}

// --- the next version

#define MIGRATE_GAS (200 * TGAS)
ENTRY(upgrade) {
    owner_state();
    promise_return(upgrade_to_input(MIGRATE_GAS));
}

// Runs in the new code right after it was deployed; when it stops, the old one stays, and nothing was said.
ENTRY(migrate) {
    bool migrated = state_migrate();
    struct out *o = event_open("contract_upgraded");
    member_hex(o, "code_hash", in->code_hash.given ? &in->code_hash.value : NULL);
    event_emit(o);
    if (!migrated)
        return;
    o = event_open("contract_migrated");
    member_number(o, "state_version", STATE_VERSION);
    event_emit(o);
}
