// SPDX-License-Identifier: Apache-2.0
#include "keys.h"
#include "args.h"
#include "collateral.h"

#define REMOVE_GAS (6 * TGAS) // more than judging and removing one key takes
#define REMOVE_LOG 400        // more than it logs; each line has so many bytes that the log is full before 100 lines

struct call_key key_rights(const struct state *s, const struct public_key *key) {
#define NAME(method) method ","
    struct out *o = sentence(); // unpacked
    out_str(o, WORKER_METHODS(NAME));
#undef NAME
    o->buf[o->len - 1] = 0; // the last comma
    return (struct call_key){key, s->main, o->buf, s->allowance};
}

// --- removal

bool can_remove(void) { return gas_left() > REMOVE_GAS && log_room() > REMOVE_LOG; }

void remove_key(struct key_place at, const struct key_record *k, enum reason why) {
    struct state *s = state_load();
    uint64_t before = store_usage();
    key_bury(at, &k->key);
    uint64_t freed = before - store_usage();
    if (k->role == ROLE_WORKER) {
        struct call_key rights = key_rights(s, &k->key);
        freed += call_key_bytes(&rights);
        promise_delete_key(&k->key);
    }
    if (freed > k->paid_bytes)
        freed = k->paid_bytes;
    if (freed)
        promise_transfer(&k->payer, stake_of(freed));
    log_removed(k, why);
}

void remove_unapproved(void) {
    for (uint8_t role = 0; role < ROLES; role++) {
        for (uint32_t i = keys_count(role); i-- > 0 && can_remove();) {
            const struct key_record *k = key_load(role, i);
            if (!image_counts(k->image))
                remove_key((struct key_place){PLACE_THERE, role, 0, i}, k, REASON_IMAGE);
        }
    }
}

// What a call of remove_worker_keys does.
static struct removal {
    enum reason why;
    uint64_t removed, left;
} removal;

static void take_key(struct text t) {
    struct public_key key;
    require(public_key_parse(&key, t), "public_keys must be an array of ed25519: and base58 of 32 bytes");
    struct key_place at = key_find(&key);
    if (at.kind != PLACE_THERE)
        return;
    if (!can_remove()) {
        removal.left++;
        return;
    }
    remove_key(at, key_load(at.role, at.number), removal.why);
    removal.removed++;
}

ENTRY(remove_worker_keys) {
    struct state *s = state_load();
    struct account from = caller();
    bool owner = account_eq(&from, &s->owner);
    removal = (struct removal){.why = owner ? REASON_OWNER : REASON_RETIRED};
    require(owner || is_registrar(s, &from), "Only the owner or a registrar can remove keys");
    each_text(in->public_keys.text, ARG_public_keys, UINT32_MAX, take_key);
    struct out *o = reply_open('{');
    member_number(o, "removed", removal.removed);
    member_number(o, "left", removal.left);
    reply_close('}');
}

// --- walks over all keys, workers first

struct walk {
    uint64_t now;
    bool judges;
    struct dcap_platform of; // whose parts are loaded
    struct dcap_parts parts;
    bool loaded, found;
    struct dcap_policy policy;
};

static bool same_parts(const struct dcap_platform *a, const struct dcap_platform *b) {
    return memcmp(a->fmspc, b->fmspc, sizeof a->fmspc) == 0 && a->ca == b->ca;
}

// Without parts of today nothing can be said.
static bool load_parts(struct walk *w, const struct state *s, const struct dcap_platform *p) {
    if (!w->loaded || !same_parts(&w->of, p)) {
        arena()->used = 0; // those of another kind of platform are done with
        w->found = parts_load(&w->parts, s, p->fmspc, p->ca);
    }
    w->loaded = true;
    w->of = *p;
    return w->found;
}

// The codes that speak of the platform; all others are about parts that are missing, expired or signed by what has been
// revoked since.
static bool speaks_of_platform(enum dcap_code c) {
    return c == DCAP_TCB_NOT_SUPPORTED || c == DCAP_QE_NOT_SUPPORTED || c == DCAP_TDX_MODULE_NOT_SUPPORTED ||
           c == DCAP_TDX_MODULE_MISMATCH;
}

enum fate { FATE_UNKNOWN, FATE_STAYS, FATE_FAILS, FATE_GONE };

static enum fate judge_tcb(struct walk *w, const struct state *s, struct key_record *k) {
    struct dcap_judgement j;
    if (!load_parts(w, s, &k->platform))
        return FATE_UNKNOWN;
    if (!dcap_judge(&j, &k->platform, &w->parts, s->trust.root_key, w->now, &fault)) {
        if (fault.code == DCAP_CERT_REVOKED && fault.part != DCAP_PART_TCB_SIGNER)
            return FATE_GONE;
        if (!speaks_of_platform(fault.code))
            return FATE_UNKNOWN;
        k->status = DCAP_NONE;
        return FATE_FAILS;
    }
    k->status = (uint8_t)j.status;
    k->tcb_date = j.date;
    k->tcb_eval = j.tcb_eval;
    struct dcap_refusals r = dcap_policy_judge_tcb(&w->policy, &j);
    if (r.mask >> DCAP_REFUSE_TCB_REVOKED & 1)
        return FATE_GONE;
    return r.mask ? FATE_FAILS : FATE_STAYS;
}

// What becomes of a key by today's collateral; true: it was removed.
static bool judge_key(struct walk *w, const struct state *s, struct key_place at, struct key_record *k) {
    struct key_record was = *k;
    if (!image_counts(k->image)) {
        remove_key(at, k, REASON_IMAGE);
        return true;
    }
    enum fate fate = judge_tcb(w, s, k);
    if (fate < FATE_FAILS && !platform_allowed(s, &k->platform_id))
        fate = FATE_FAILS;
    if (fate == FATE_STAYS)
        k->failing_since = 0;
    else if (fate != FATE_UNKNOWN && !k->failing_since)
        k->failing_since = w->now;
    if (fate == FATE_GONE || (fate == FATE_FAILS && w->now - k->failing_since > s->grace_s)) {
        remove_key(at, k, REASON_TCB);
        return true;
    }
    if (k->failing_since && !was.failing_since)
        log_failing(k);
    if (memcmp(k, &was, sizeof was) != 0)
        key_save(at, k);
    return false;
}

static bool visit(struct walk *w, const struct state *s, struct key_place at) {
    struct key_record *k = key_load(at.role, at.number);
    if (w->now > k->valid_until) {
        remove_key(at, k, REASON_EXPIRED);
        return true;
    }
    return w->judges && judge_key(w, s, at, k);
}

// A removed key's place is taken by the last one, which is looked at next.
static void walk_keys(const struct args *in, bool judges) {
    const struct state *s = state_load();
    struct walk w = {.now = now_s(), .judges = judges};
    uint32_t workers = keys_count(ROLE_WORKER), all = workers + keys_count(ROLE_KEYSTORE);
    uint64_t i = in->from_index.value, left = in->limit.given ? in->limit.value : UINT64_MAX, checked = 0, removed = 0;
    policy_load(&w.policy, s);
    for (; i < all && left && can_remove(); left--) {
        bool worker = i < workers;
        struct key_place at = {PLACE_THERE, worker ? ROLE_WORKER : ROLE_KEYSTORE, 0,
                               (uint32_t)(worker ? i : i - workers)};
        checked++;
        if (visit(&w, s, at)) {
            removed++;
            all--;
            workers -= worker;
        } else {
            i++;
        }
    }
    struct out *o = reply_open('{');
    member_number(o, "checked", checked);
    member_number(o, "removed", removed);
    if (i < all)
        member_number(o, "next", i);
    else
        member_null(o, "next");
    reply_close('}');
}

ENTRY(recheck_keys) { walk_keys(in, true); }
ENTRY(remove_expired) { walk_keys(in, false); }
