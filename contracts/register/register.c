// SPDX-License-Identifier: Apache-2.0
// The register contract: which keys were made in trust domains that the owner approved. It sits on the operator's
// account and gives each worker's key the right to answer requests, and nothing else.
//
// Who may call what
//   anybody once   new
//   anybody        new_challenge, update_collateral, recheck_keys, remove_expired, the views
//   registrars     register_worker_key, register_worker, register_keystore, remove_worker_keys; where the owner named
//                  none anybody registers, who pays for the storage
//   owner          images (images.c), policy (policy.c), registrars, ownership, upgrade (admin.c)
//
// A registration is one call: caller, key, collateral (collateral.c), quote (src/dcap), policy, platform, report data,
// image; then the record and the access key. Whatever refuses undoes all.
#include "keys.h"
#include "quote.h"

// --- challenges

static void put_challenge(struct out *o, const struct challenge *c) {
    put_open(o, '{');
    member_hex_bytes(o, "challenge", c->value.b, HASH_SIZE);
    member_number(o, "made_at", c->made);
    member_number(o, "valid_until", c->made + CHALLENGE_VALID_S);
    put_close(o, '}');
}

// Nobody can foresee the seed, so a quote that binds it was made afterwards. One that is still young stays, so that
// nobody takes another's challenge away by asking for many.
ENTRY(new_challenge) {
    struct challenges c = challenges_load();
    uint64_t now = now_s();
    state_load();
    if (!c.now.made || now - c.now.made >= CHALLENGE_RENEW_S) {
        struct rec_out *r = record_begin();
        struct hash seed = random_seed();
        rec_put_text(r, TEXT("outlayer-challenge-v1"));
        rec_put_hash(r, &seed);
        c.before = c.now;
        c.now = (struct challenge){sha256_of(REC_TEXT(*r)), now};
        challenges_save(&c);
    }
    put_challenge(reply(), &c.now);
    reply_end();
}

ENTRY(get_challenge) {
    struct challenges c = challenges_load();
    if (c.now.made && now_s() - c.now.made <= CHALLENGE_VALID_S)
        put_challenge(reply(), &c.now);
    else
        put_null(reply());
    reply_end();
}

// --- registering

// true: the caller pays for the storage.
static bool check_caller(const struct state *s, const char *method) {
    struct account from = caller();
    if (is_registrar(s, &from))
        return deposit_attached().v > 0;
    if (has_registrars(s)) {
        struct out *o = sentence();
        out_str(o, "Only ");
        out_raw(o, s->first_registrar.len ? account_text(&s->first_registrar) : TEXT("a registrar"));
        out_str(o, " can call ");
        out_str(o, method);
        stop_out(o);
    }
    return true;
}

static _Noreturn void stop_fault(void) {
    struct out *o = sentence();
    out_str(o, fault.code == DCAP_PART_MISSING ? REFUSED_COLLATERAL ": " : REFUSED_QUOTE);
    out_fault(o);
    stop_out(o);
}

static _Noreturn void stop_refused(const struct dcap_refusals *r) {
    struct out *o = sentence();
    out_str(o, "The policy refuses this quote:");
    for (unsigned i = 0; i < DCAP_REFUSAL_COUNT; i++) {
        if (!(r->mask >> i & 1))
            continue;
        out_char(o, ' ');
        out_str(o, dcap_refusal_name((enum dcap_refusal)i));
        if (i == DCAP_REFUSE_TCB_ADVISORY) {
            out_str(o, " (");
            out_raw(o, (struct text){(const char *)r->advisory.ptr, r->advisory.len});
            out_char(o, ')');
        }
    }
    out_str(o, "; TCB status: ");
    out_str(o, dcap_status_name(verdict.judgement.status));
    stop_out(o);
}

// The values that an owner would approve.
static void log_measurements(const struct dcap_quote *q) {
    static const uint8_t fields[] = {DCAP_FIELD_MRTD, DCAP_FIELD_RTMR0, DCAP_FIELD_RTMR1, DCAP_FIELD_RTMR2,
                                     DCAP_FIELD_RTMR3};
    struct out *o = reply_open('{');
    for (unsigned i = 0; i < sizeof fields; i++)
        member_hex_bytes(o, dcap_field_name((enum dcap_field)fields[i]), dcap_quote_at(q, (enum dcap_field)fields[i]),
                         REGISTER_SIZE);
    put_close(o, '}');
    log_line(o);
}

static _Noreturn void stop_image(enum showing what, const struct image *g, const struct dcap_quote *q) {
    log_measurements(q);
    struct out *o = sentence();
    if (what == SHOWS_BAD_LOG) {
        out_str(o, "The event log does not show the image: ");
        out_fault(o);
        stop_out(o);
    }
    if (what == SHOWS_NONE) {
        out_str(o, "Worker RTMR3 ");
        out_hex(o, dcap_quote_at(q, DCAP_FIELD_RTMR3), REGISTER_SIZE);
        out_str(o, " not approved for registration. Contact admin to add this RTMR3.");
        stop_out(o);
    }
    out_str(o, "Image ");
    out_number(o, g->id);
    out_str(o, what == SHOWS_LATER     ? " is not active before "
               : what == SHOWS_EXPIRED ? " has expired at "
                                       : " asks for another key provider than the event log shows");
    if (what != SHOWS_PROVIDER)
        out_date(o, what == SHOWS_LATER ? g->active_from : g->expires_at);
    stop_out(o);
}

// What a registration reads and finds beside the verdict.
struct admission {
    struct image image;
    struct bytes quote;
    uint64_t now;
};

static void judge_policy(const struct state *s) {
    struct dcap_policy policy;
    require(verdict.quote.tee == DCAP_TDX, "Quote is not TDX format (expected TD10)");
    policy_load(&policy, s);
    struct dcap_refusals r = dcap_policy_judge_unpinned(&policy, &verdict);
    if (r.mask)
        stop_refused(&r);
}

static void admit(struct admission *a, struct state *s, const struct args *in, const struct claim *c) {
    struct dcap_trust was = s->trust;
    a->now = now_s();
    a->quote = quote_bytes(in->quote);
    if (!collateral_verify(in->collateral, &s->trust, a->now))
        collateral_refuse();
    collateral_keep(s, false);
    if (!quote_verify(a->quote, s, a->now))
        stop_fault();
    judge_policy(s);
    if (memcmp(&s->trust, &was, sizeof was) != 0)
        state_save(s);
    const struct dcap_quote *q = &verdict.quote;
    enum binding b = quote_binding(dcap_quote_report_data(q), c, s);
    require(binding_counts(b, s), binding_sentence(b));
    enum showing what = quote_image(&a->image, q, c->role, in->event_log, s, a->now);
    if (what != SHOWS_IMAGE)
        stop_image(what, &a->image, q);
}

static void fill_record(struct key_record *k, const struct admission *a, const struct state *s, const struct claim *c) {
    k->key = *c->key;
    k->role = c->role;
    k->transport_key = c->transport_key;
    k->master_check = c->master_check;
    k->image = a->image.id;
    k->renewed_at = a->now;
    k->valid_until = a->now + s->key_age_s;
    k->failing_since = 0;
    memcpy(k->rtmr3, dcap_quote_at(&verdict.quote, DCAP_FIELD_RTMR3), REGISTER_SIZE);
    k->platform = verdict.platform;
    k->platform_id = sha256_of((struct text){(const char *)verdict.ppid, sizeof verdict.ppid});
    k->status = (uint8_t)verdict.judgement.status;
    k->tcb_date = verdict.judgement.date;
    k->tcb_eval = verdict.judgement.tcb_eval;
    require(platform_allowed(s, &k->platform_id), "This platform is not among those that the policy names");
}

static void charge_registration(uint64_t bytes) { charge(bytes, "a registration binds"); }

static void store_new(const struct state *s, struct key_record *k, bool pays, uint64_t before) {
    struct account from = caller();
    struct call_key rights = key_rights(s, &k->key);
    uint64_t collateral = grown(before), bytes = 0, start = store_usage();
    if (pays)
        k->payer = from;
    struct key_place at = key_append(k);
    bytes = grown(start) + (k->role == ROLE_WORKER ? call_key_bytes(&rights) : 0);
    if (pays) {
        k->paid_bytes = (uint32_t)bytes;
        key_save(at, k);
        charge_registration(collateral + bytes);
    }
    if (k->role == ROLE_WORKER)
        promise_return(promise_add_call_key(&rights));
}

static void register_key(const struct args *in, uint8_t role, const char *method) {
    static struct admission a;
    struct public_key key;
    struct claim c = {&key, role, in->transport_key.value, in->master_check.value};
    uint64_t before = store_usage();
    struct state *s = state_load();
    bool pays = check_caller(s, method);
    require(public_key_parse(&key, in->public_key), "public_key must be ed25519: and base58 of 32 bytes");
    struct key_place at = key_find(&key);
    require(at.kind != PLACE_REMOVED, REFUSED_REMOVED);
    require(at.kind == PLACE_NONE || at.role == role, "This key is registered in another role");
    admit(&a, s, in, &c);
    struct hash quote = sha256_of((struct text){(const char *)a.quote.ptr, a.quote.len});
    if (at.kind == PLACE_THERE) {
        struct key_record *k = key_load(role, at.number);
        fill_record(k, &a, s, &c);
        key_save(at, k);
        if (pays)
            charge_registration(grown(before));
        log_registered(EVENT_WORKER_RENEWED, k, &a.image, &quote);
        return;
    }
    struct key_record *k = key_blank();
    k->registered_at = a.now;
    fill_record(k, &a, s, &c);
    store_new(s, k, pays, before);
    log_registered(role == ROLE_WORKER ? EVENT_WORKER_REGISTERED : EVENT_KEYSTORE_REGISTERED, k, &a.image, &quote);
}

ENTRY(register_worker_key) { register_key(in, ROLE_WORKER, "register_worker_key"); }
ENTRY(register_worker) { register_key(in, ROLE_WORKER, "register_worker"); }
ENTRY(register_keystore) { register_key(in, ROLE_KEYSTORE, "register_keystore"); }
