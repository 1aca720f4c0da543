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
        uint8_t bytes[64];
        struct rec_out r = REC_OUT(bytes);
        struct hash seed = random_seed();
        rec_put_text(&r, TEXT("outlayer-challenge-v1"));
        rec_put_hash(&r, &seed);
        c.before = c.now;
        c.now = (struct challenge){sha256_of(REC_TEXT(r)), now};
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
        char buffer[128];
        struct out o = OUT(buffer);
        out_str(&o, "Only ");
        out_raw(&o, s->first_registrar.len ? account_text(&s->first_registrar) : TEXT("a registrar"));
        out_str(&o, " can call ");
        out_str(&o, method);
        stop_out(&o);
    }
    return true;
}

static _Noreturn void stop_fault(const struct dcap_fault *f) {
    char buffer[768];
    struct out o = OUT(buffer);
    out_str(&o, f->code == DCAP_PART_MISSING ? REFUSED_COLLATERAL ": " : REFUSED_QUOTE);
    out_fault(&o, f);
    stop_out(&o);
}

static _Noreturn void stop_refused(const struct dcap_refusals *r, const struct dcap_verdict *v) {
    char buffer[768];
    struct out o = OUT(buffer);
    out_str(&o, "The policy refuses this quote:");
    for (unsigned i = 0; i < DCAP_REFUSAL_COUNT; i++) {
        if (!(r->mask >> i & 1))
            continue;
        out_char(&o, ' ');
        out_str(&o, dcap_refusal_name((enum dcap_refusal)i));
        if (i == DCAP_REFUSE_TCB_ADVISORY) {
            out_str(&o, " (");
            out_raw(&o, (struct text){(const char *)r->advisory.ptr, r->advisory.len});
            out_char(&o, ')');
        }
    }
    out_str(&o, "; TCB status: ");
    out_str(&o, dcap_status_name(v->judgement.status));
    stop_out(&o);
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

static _Noreturn void stop_image(enum showing what, const struct image *g, const struct dcap_quote *q,
                                 const struct dcap_fault *f) {
    char buffer[512];
    struct out o = OUT(buffer);
    log_measurements(q);
    if (what == SHOWS_BAD_LOG) {
        out_str(&o, "The event log does not show the image: ");
        out_fault(&o, f);
        stop_out(&o);
    }
    if (what == SHOWS_NONE) {
        out_str(&o, "Worker RTMR3 ");
        out_hex(&o, dcap_quote_at(q, DCAP_FIELD_RTMR3), REGISTER_SIZE);
        out_str(&o, " not approved for registration. Contact admin to add this RTMR3.");
        stop_out(&o);
    }
    out_str(&o, "Image ");
    out_number(&o, g->id);
    out_str(&o, what == SHOWS_LATER     ? " is not active before "
                : what == SHOWS_EXPIRED ? " has expired at "
                                        : " asks for another key provider than the event log shows");
    if (what != SHOWS_PROVIDER)
        out_date(&o, what == SHOWS_LATER ? g->active_from : g->expires_at);
    stop_out(&o);
}

// What a registration reads and finds.
struct admission {
    struct state *state;
    struct dcap_verdict verdict;
    struct image image;
    struct bytes quote;
    uint64_t now;
};

static const struct given *take_collateral(struct admission *a, struct text object) {
    static struct given g;
    struct dcap_fault f;
    if (!object.ptr)
        return NULL;
    if (!collateral_verify(&g, object, &a->state->trust, a->now, &f))
        collateral_refuse(&f);
    collateral_keep(&g, a->state, false);
    return &g;
}

static void verify_quote(struct admission *a, const struct given *given) {
    struct dcap_parts parts = {0};
    struct dcap_fault f;
    struct dcap_policy policy;
    static struct dcap_opened o;
    struct bytes chain = given ? given->from.pck_certificate_chain : (struct bytes){NULL, 0};
    if (!dcap_open(&o, a->quote, chain, &a->state->trust, a->now, arena(), &f) ||
        !parts_load(&parts, a->state, o.pck.fmspc, (uint8_t)o.chain.ca, given, &f) ||
        !dcap_verify_opened(&a->verdict, &o, &parts, a->state->trust.root_key, a->now, arena(), &f))
        stop_fault(&f);
    require(a->verdict.quote.tee == DCAP_TDX, "Quote is not TDX format (expected TD10)");
    policy_load(&policy, a->state);
    struct dcap_refusals r = dcap_policy_judge_unpinned(&policy, &a->verdict);
    if (r.mask)
        stop_refused(&r, &a->verdict);
}

static void admit(struct admission *a, const struct args *in, const struct claim *c) {
    struct dcap_trust was = a->state->trust;
    struct dcap_fault f;
    a->now = now_s();
    arena()->used = 0;
    a->quote = quote_bytes(in->quote);
    verify_quote(a, take_collateral(a, in->collateral));
    if (memcmp(&a->state->trust, &was, sizeof was) != 0)
        state_save(a->state);
    const struct dcap_quote *q = &a->verdict.quote;
    enum binding b = quote_binding(dcap_quote_report_data(q), c, a->state);
    require(binding_counts(b, a->state), binding_sentence(b));
    enum showing what = quote_image(&a->image, q, c->role, in->event_log, a->state, a->now, &f);
    if (what != SHOWS_IMAGE)
        stop_image(what, &a->image, q, &f);
}

static void fill_record(struct key_record *k, const struct admission *a, const struct claim *c) {
    k->key = *c->key;
    k->role = c->role;
    k->transport_key = c->transport_key;
    k->master_check = c->master_check;
    k->image = a->image.id;
    k->renewed_at = a->now;
    k->valid_until = a->now + a->state->key_age_s;
    k->failing_since = 0;
    memcpy(k->rtmr3, dcap_quote_at(&a->verdict.quote, DCAP_FIELD_RTMR3), REGISTER_SIZE);
    k->platform = a->verdict.platform;
    k->platform_id = sha256_of((struct text){(const char *)a->verdict.ppid, sizeof a->verdict.ppid});
    k->status = (uint8_t)a->verdict.judgement.status;
    k->tcb_date = a->verdict.judgement.date;
    k->tcb_eval = a->verdict.judgement.tcb_eval;
    require(platform_allowed(a->state, &k->platform_id), "This platform is not among those that the policy names");
}

static void charge_registration(uint64_t bytes) {
    charge(bytes, "Insufficient deposit: what a registration binds costs % yoctoNEAR, got %");
}

static void store_new(struct admission *a, struct key_record *k, bool pays, uint64_t before) {
    struct account from = caller();
    struct call_key rights = key_rights(a->state, &k->key);
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
    static struct key_record k;
    struct public_key key;
    struct claim c = {&key, role, in->transport_key.value, in->master_check.value};
    uint64_t before = store_usage();
    a.state = state_load();
    bool pays = check_caller(a.state, method);
    require(public_key_parse(&key, in->public_key), "public_key must be ed25519: and base58 of 32 bytes");
    struct key_place at = key_find(&key);
    require(at.kind != PLACE_REMOVED, REFUSED_REMOVED);
    require(at.kind == PLACE_NONE || at.role == role, "This key is registered in another role");
    admit(&a, in, &c);
    struct hash quote = sha256_of((struct text){(const char *)a.quote.ptr, a.quote.len});
    if (at.kind == PLACE_THERE) {
        key_load(role, at.number, &k);
        fill_record(&k, &a, &c);
        key_save(at, &k);
        if (pays)
            charge_registration(grown(before));
        log_registered(EVENT_WORKER_RENEWED, &k, &a.image, &quote);
        return;
    }
    k = (struct key_record){.registered_at = a.now};
    fill_record(&k, &a, &c);
    store_new(&a, &k, pays, before);
    log_registered(role == ROLE_WORKER ? EVENT_WORKER_REGISTERED : EVENT_KEYSTORE_REGISTERED, &k, &a.image, &quote);
}

ENTRY(register_worker_key) { register_key(in, ROLE_WORKER, "register_worker_key"); }
ENTRY(register_worker) { register_key(in, ROLE_WORKER, "register_worker"); }
ENTRY(register_keystore) { register_key(in, ROLE_KEYSTORE, "register_keystore"); }
