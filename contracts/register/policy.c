// SPDX-License-Identifier: Apache-2.0
#include "policy.h"
#include "args.h"
#include "events.h"
#include "shown.h"

#define ADVISORY_MAX 32
static const struct text advisories_key = {"ADVISORIES", 10}, platforms_key = {"PLATFORMS", 9};

struct list_record {
    uint8_t bytes[POLICY_PLATFORMS_MAX * HASH_SIZE];
    size_t len;
};

static struct rec_in list_load(struct list_record *l, struct text key) {
    l->len = 0;
    store_get(key, l->bytes, sizeof l->bytes, &l->len);
    return (struct rec_in){l->bytes, l->bytes + l->len};
}

void policy_load(struct dcap_policy *p, const struct state *s) {
    static struct list_record list;
    static struct bytes ids[POLICY_ADVISORIES_MAX];
    dcap_policy_default(p);
    p->accept = s->accept;
    p->min_tcb_eval = s->min_tcb_eval;
    p->min_qe_eval = s->min_qe_eval;
    p->advisories = ids;
    if (!s->has_advisories)
        return;
    for (struct rec_in in = list_load(&list, advisories_key); in.p != in.end;) {
        struct text t = rec_take_text(&in);
        ids[p->advisory_count++] = (struct bytes){(const uint8_t *)t.ptr, t.len};
    }
}

bool platform_allowed(const struct state *s, const struct hash *platform) {
    static struct list_record list;
    if (!s->has_platforms)
        return true;
    struct rec_in in = list_load(&list, platforms_key);
    while (in.p != in.end) {
        struct hash h = rec_take_hash(&in);
        if (hash_eq(&h, platform))
            return true;
    }
    return false;
}

// --- what set_policy is given

static uint16_t accepted; // by `accept`

static void take_status(struct text t) {
    enum dcap_status s = dcap_status_of((struct bytes){(const uint8_t *)t.ptr, t.len});
    require(s != DCAP_NONE && s != DCAP_REVOKED, "accept: not a TCB status that can be accepted");
    accepted |= (uint16_t)(1u << s);
}

static void take_advisory(struct text t) {
    require(t.len && t.len <= ADVISORY_MAX && plain(t), "advisories: an id has 1 to 32 characters");
    rec_put_text(&record, t);
}

static void take_platform(struct text t) {
    struct hash h;
    require(hex_take(h.b, t, HASH_SIZE), "platforms: an id has 64 hexadecimal digits");
    rec_put_hash(&record, &h);
}

static bool set_list(struct text json, enum argument_id of, struct text key, unsigned most, void (*take)(struct text t),
                     bool was) {
    if (!json.ptr)
        return was;
    record_begin();
    unsigned n = each_text(json, of, most, take);
    if (n)
        store_put(key, REC_TEXT(record));
    else
        store_remove(key);
    return n > 0;
}

static uint32_t seconds(struct maybe_u64 given, uint32_t was, uint64_t least, uint64_t most, const char *sentence) {
    if (!given.given)
        return was;
    require(given.value >= least && given.value <= most, sentence);
    return (uint32_t)given.value;
}

static void put_statuses(struct out *o, const struct state *s) {
    member_open(o, "accept", '[');
    for (unsigned i = 0; i < DCAP_STATUS_COUNT; i++)
        if (s->accept >> i & 1)
            put_word(o, dcap_status_name((enum dcap_status)i));
    put_close(o, ']');
}

#define S(kind, name, member) SHOWN(kind, name, struct state, member)
static void put_numbers(struct out *o, const struct state *s) {
    static const struct shown members[] = {
        S(NUMBER, "min_tcb_eval", min_tcb_eval),
        S(NUMBER, "min_qe_eval", min_qe_eval),
        S(NUMBER, "key_age_s", key_age_s),
        S(NUMBER, "grace_s", grace_s),
        S(AMOUNT, "allowance", allowance),
        S(BOOL, "allow_plain_report_data", allow_plain),
        S(BOOL, "allow_rtmr3_only", allow_rtmr3_only),
    };
    SHOW_ALL(o, members, s);
    member_number(o, "image_delay_s", image_delay(s));
    if (now_s() < s->image_delay_from) {
        static const struct shown next[] = {S(NUMBER, "next_image_delay_s", next_image_delay_s),
                                            S(NUMBER, "next_image_delay_from", image_delay_from)};
        SHOW_ALL(o, next, s);
    }
}

// A shorter delay would let an owner approve what nobody has seen: it begins after the old one has passed.
static void set_delay(struct state *s, uint32_t delay) {
    uint32_t was = image_delay(s);
    s->image_delay_s = was;
    s->next_image_delay_s = delay;
    s->image_delay_from = now_s() + (delay < was ? was : 0);
}

ENTRY(set_policy) {
    struct state *s = owner_state();
    if (in->accept.text.ptr) {
        accepted = 0;
        each_text(in->accept.text, ARG_accept, DCAP_STATUS_COUNT, take_status);
        require(accepted, "accept must name at least one TCB status");
        s->accept = accepted;
    }
    s->has_advisories = set_list(in->advisories.text, ARG_advisories, advisories_key, POLICY_ADVISORIES_MAX,
                                 take_advisory, s->has_advisories);
    s->has_platforms = set_list(in->platforms.text, ARG_platforms, platforms_key, POLICY_PLATFORMS_MAX, take_platform,
                                s->has_platforms);
    if (in->min_tcb_eval.given)
        s->min_tcb_eval = in->min_tcb_eval.value;
    if (in->min_qe_eval.given)
        s->min_qe_eval = in->min_qe_eval.value;
    s->key_age_s = seconds(in->key_age_s, s->key_age_s, 60, KEY_AGE_MAX_S, "key_age_s must be from 60 to 7776000");
    s->grace_s = seconds(in->grace_s, s->grace_s, 0, KEY_AGE_MAX_S, "grace_s must be at most 7776000");
    uint32_t delay =
        seconds(in->image_delay_s, image_delay(s), 0, KEY_AGE_MAX_S, "image_delay_s must be at most 7776000");
    if (in->image_delay_s.given)
        set_delay(s, delay);
    if (in->allowance.given) {
        require(in->allowance.value.v, "allowance must not be 0, which would be without limit");
        s->allowance = in->allowance.value;
    }
    if (in->allow_plain.given)
        s->allow_plain = in->allow_plain.value;
    if (in->allow_rtmr3_only.given)
        s->allow_rtmr3_only = in->allow_rtmr3_only.value;
    state_save(s);
    struct out *o = event_open("policy_set");
    put_statuses(o, s);
    put_numbers(o, s);
    event_emit(o);
}

ENTRY(get_policy) {
    static struct list_record list;
    struct state *s = state_load();
    struct out *o = reply_open('{');
    put_statuses(o, s);
    put_numbers(o, s);
    member_open(o, "advisories", '[');
    for (struct rec_in l = list_load(&list, advisories_key); l.p != l.end;)
        put_string(o, rec_take_text(&l));
    put_close(o, ']');
    member_open(o, "platforms", '[');
    for (struct rec_in l = list_load(&list, platforms_key); l.p != l.end;) {
        struct hash h = rec_take_hash(&l);
        put_hex_bytes(o, h.b, sizeof h.b);
    }
    put_close(o, ']');
    reply_close('}');
}
