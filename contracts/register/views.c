// SPDX-License-Identifier: Apache-2.0
// The views of keys, and the verdict on a quote that nobody has registered yet.
#include "quote.h"
#include "shown.h"

// --- keys

static struct public_key parsed(struct text t) {
    struct public_key key;
    require(public_key_parse(&key, t), "public_key must be ed25519: and base58 of 32 bytes");
    return key;
}

static void answer_key(uint8_t role, struct text text) {
    struct public_key key = parsed(text);
    struct key_place at = key_find(&key);
    if (at.kind == PLACE_THERE && at.role == role) {
        const struct key_record *k = key_load(role, at.number);
        put_key_record(reply(), k);
    } else {
        put_null(reply());
    }
    reply_end();
}

ENTRY(get_keystore) { answer_key(ROLE_KEYSTORE, in->public_key); }

#define SCAN_MAX 1000
// The newest worker of this RTMR3 that has not expired: its number, or SCAN_MAX.
static uint32_t newest(const uint8_t rtmr3[REGISTER_SIZE]) {
    uint64_t best = 0, now = now_s();
    uint32_t count = keys_count(ROLE_WORKER), at = SCAN_MAX;
    for (uint32_t i = 0; i < count && i < SCAN_MAX; i++) {
        const struct key_record *k = key_load(ROLE_WORKER, i);
        if (k->registered_at >= best && k->valid_until >= now && memcmp(k->rtmr3, rtmr3, REGISTER_SIZE) == 0) {
            best = k->registered_at;
            at = i;
        }
    }
    return at;
}

ENTRY(get_worker) {
    require(in->public_key.ptr || in->rtmr3.given, "get_worker takes public_key or rtmr3");
    if (in->public_key.ptr) {
        answer_key(ROLE_WORKER, in->public_key);
        return;
    }
    uint32_t at = newest(in->rtmr3.b);
    if (at < SCAN_MAX)
        put_key_record(reply(), key_load(ROLE_WORKER, at));
    else
        put_null(reply());
    reply_end();
}

#define PAGE_MAX 200
static void answer_keys(const struct args *in, uint8_t role) {
    struct out *o = reply_open('[');
    struct page p = page_of(keys_count(role), in->from_index, in->limit, PAGE_MAX);
    for (uint32_t i = p.from; i < p.to; i++)
        put_key_record(o, key_load(role, i));
    reply_close(']');
}

ENTRY(get_workers) { answer_keys(in, ROLE_WORKER); }
ENTRY(get_keystores) { answer_keys(in, ROLE_KEYSTORE); }

// --- check_quote

struct look {
    struct dcap_refusals refusals;
    uint64_t at;
    bool good; // there is a verdict
};

static void put_refusal(struct out *o, const char *code) {
    put_open(o, '{');
    member_word(o, "code", code);
    put_close(o, '}');
}

static void put_error(struct out *o) {
    static const struct shown members[] = {SHOWN(CODE, "code", struct dcap_fault, code),
                                           SHOWN(PART, "part", struct dcap_fault, part),
                                           SHOWN(NUMBER, "detail", struct dcap_fault, detail)};
    member_open(o, "error", '{');
    SHOW_ALL(o, members, &fault);
    put_close(o, '}');
}

#define J(kind, name, member) SHOWN(kind, name, struct dcap_judgement, member)
static void put_judgement(struct out *o, const struct dcap_judgement *j) {
    static const struct shown members[] = {
        J(STATUS, "platform_status", platform),
        J(STATUS, "module_status", module),
        J(STATUS, "qe_status", qe),
        J(NUMBER, "tcb_date", date),
        J(NUMBER, "tcb_eval", tcb_eval),
        J(NUMBER, "qe_eval", qe_eval),
        J(NUMBER, "valid_from", from),
        J(NUMBER, "valid_until", until),
        J(PART, "valid_until_part", until_part),
    };
    SHOW_ALL(o, members, j);
    member_open(o, "advisory_ids", '[');
    for (size_t i = 0; i < j->advisory_count; i++)
        put_string(o, (struct text){(const char *)j->advisory[i].ptr, j->advisory[i].len});
    put_close(o, ']');
}

static void put_shorts(struct out *o, const struct dcap_shorts *s) {
    static const struct shown members[] = {SHOWN(NUMBER, "index", struct dcap_short, index),
                                           SHOWN(NUMBER, "has", struct dcap_short, has),
                                           SHOWN(NUMBER, "needs", struct dcap_short, needs)};
    member_open(o, "short", '[');
    for (unsigned i = 0; i < s->count; i++) {
        put_open(o, '{');
        member_word(o, "of", dcap_nth("sgx\0pce\0tdx\0module\0qe", s->s[i].of));
        SHOW_ALL(o, members, &s->s[i]);
        put_close(o, '}');
    }
    put_close(o, ']');
}

static void put_quote(struct out *o, const struct dcap_verdict *v) {
    member_word(o, "tee", v->quote.tee == DCAP_TDX ? "TDX" : "SGX");
    member_number(o, "version", v->quote.version);
    for (unsigned i = 0; i < DCAP_FIELD_COUNT; i++) {
        struct bytes b = dcap_quote_field(&v->quote, (enum dcap_field)i);
        if (b.len)
            member_hex_bytes(o, dcap_field_name((enum dcap_field)i), b.ptr, b.len);
    }
}

#define P(kind, name, member) SHOWN(kind, name, struct dcap_platform, member)
static void put_platform(struct out *o, const struct dcap_verdict *v) {
    static const struct shown members[] = {P(HEX, "fmspc", fmspc), P(HEX, "pceid", pceid),
                                           P(NUMBER, "pck_until", pck_until)};
    struct hash id = sha256_of((struct text){(const char *)v->ppid, sizeof v->ppid});
    SHOW_ALL(o, members, &v->platform);
    member_word(o, "ca", v->platform.ca == DCAP_CA_PLATFORM ? "platform" : "processor");
    member_hex_bytes(o, "platform_id", id.b, sizeof id.b);
}

static const char showing_names[] = "\0IMAGE\0IMAGE_NOT_ACTIVE\0IMAGE_EXPIRED\0KEY_PROVIDER\0EVENT_LOG";

// Why it would not be registered; where the key is given, also what it binds.
static bool put_refusals(struct out *o, const struct look *l, const struct state *s, const struct args *in,
                         struct image *g) {
    bool refused = l->refusals.mask;
    for (unsigned i = 0; i < DCAP_REFUSAL_COUNT; i++)
        if (l->refusals.mask >> i & 1)
            put_refusal(o, dcap_refusal_name((enum dcap_refusal)i));
    if (in->public_key.ptr) {
        struct public_key key = parsed(in->public_key);
        struct claim c = {.key = &key, .role = ROLE_WORKER};
        struct key_place at = key_find(&key);
        if (at.kind == PLACE_REMOVED || at.role != ROLE_WORKER) {
            put_refusal(o, at.kind == PLACE_REMOVED ? "KEY_REMOVED" : "KEY_ROLE");
            refused = true;
        }
        enum binding b = quote_binding(dcap_quote_report_data(&verdict.quote), &c, s);
        if (!binding_counts(b, s)) {
            put_refusal(o, "REPORT_DATA");
            refused = true;
        }
    }
    if (verdict.quote.tee != DCAP_TDX) {
        put_refusal(o, "TEE");
        return true;
    }
    enum showing what = quote_image(g, &verdict.quote, ROLE_WORKER, in->event_log, s, l->at);
    if (what != SHOWS_IMAGE) {
        g->id = UINT32_MAX;
        put_refusal(o, dcap_nth(showing_names, what));
        refused = true;
    }
    struct hash id = sha256_of((struct text){(const char *)verdict.ppid, sizeof verdict.ppid});
    if (!platform_allowed(s, &id)) {
        put_refusal(o, "PLATFORM");
        refused = true;
    }
    return refused;
}

// Without a verdict there is no status.
static void answer_look(const struct look *l, const struct state *s, const struct args *in) {
    static const struct shown status[] = {J(STATUS, "status", status)};
    static struct image g;
    struct out *o = reply_open('{');
    const struct dcap_verdict *v = &verdict;
    SHOW_ALL(o, status, &v->judgement);
    if (!l->good) {
        bool forged = dcap_code_class(fault.code) == DCAP_FALSE;
        member_word(o, "verdict", forged ? "false" : "uncheckable");
        put_error(o);
        if (v->judgement.shorts.count)
            put_shorts(o, &v->judgement.shorts);
        reply_close('}');
        return;
    }
    member_open(o, "refused", '[');
    bool refused = put_refusals(o, l, s, in, &g);
    put_close(o, ']');
    member_word(o, "verdict", refused ? "refused" : "accepted");
    put_key(o, "image_id");
    if (v->quote.tee == DCAP_TDX && g.id != UINT32_MAX)
        put_number(o, g.id);
    else
        put_null(o);
    put_judgement(o, &v->judgement);
    put_shorts(o, &v->judgement.shorts);
    put_platform(o, v);
    put_quote(o, v);
    reply_close('}');
}

// Parts of the call come first, so that a quote is looked at by the collateral of its own time.
ENTRY(check_quote) {
    struct state *s = state_load();
    struct dcap_policy policy;
    struct look l = {.at = in->at.given ? in->at.value : now_s()};
    struct bytes quote = quote_bytes(in->quote);
    verdict = (struct dcap_verdict){.platform = {0}};
    l.good = collateral_verify(in->collateral, &s->trust, l.at) && quote_verify(quote, s, l.at);
    policy_load(&policy, s);
    if (l.good)
        l.refusals = dcap_policy_judge_unpinned(&policy, &verdict);
    answer_look(&l, s, in);
}
