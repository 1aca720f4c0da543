// SPDX-License-Identifier: Apache-2.0
// What came of a verification, as JSON.
#include "dcap/report.h"

#include "dcap/json.h"
#include "dcap/report_json.h"

#define DAY_S 86400u
#define CLOCK_DOUBT_S (60 * DAY_S) // collateral lives 30 days and is made anew each day

// --- what was wrong

enum date_fault { NO_DATE, TOO_EARLY, TOO_LATE };
static enum date_fault date_fault(enum dcap_code code) {
    if (code == DCAP_NOT_YET_VALID || code == DCAP_CERT_NOT_YET_VALID || code == DCAP_CRL_NOT_YET_VALID)
        return TOO_EARLY;
    return code == DCAP_EXPIRED || code == DCAP_CERT_EXPIRED || code == DCAP_CRL_EXPIRED ? TOO_LATE : NO_DATE;
}

// What mends a wrong date. The clock is named where what it makes of a date cannot be: issued after today, or over for
// months.
static void put_hint(struct dcap_out *o, enum date_fault date, const struct dcap_checked *c) {
    if (date == NO_DATE)
        return;
    dcap_out_begin(o, "hint");
    if (date == TOO_EARLY || c->now > c->fault.detail + CLOCK_DOUBT_S) {
        dcap_out_piece(o, "it is judged as of ");
        dcap_out_iso(o, c->now);
        dcap_out_piece(o, "; if that comes from this machine's clock, is the clock right?");
    } else {
        dcap_out_piece(o, "fetch it anew: outlayer collateral fetch");
    }
    dcap_out_end(o);
}

static void put_error(struct dcap_out *o, const struct dcap_checked *c) {
    enum date_fault date = date_fault(c->fault.code);
    dcap_out_open(o, "error", '{');
    dcap_out_words(o, "code", dcap_code_name(c->fault.code));
    dcap_out_begin(o, "message");
    dcap_out_piece(o, dcap_part_words(c->fault.part));
    dcap_out_piece(o, " ");
    dcap_out_piece(o, dcap_code_sentence(c->fault.code));
    if (date != NO_DATE) {
        dcap_out_piece(o, " (");
        dcap_out_iso(o, c->fault.detail);
        dcap_out_piece(o, ")");
    }
    dcap_out_end(o);
    dcap_out_words(o, "part", dcap_part_words(c->fault.part));
    put_hint(o, date, c);
    dcap_out_close(o, '}');
}

// The sentence, and in brackets before its full stop what it is about.
static void put_sentence(struct dcap_out *o, struct bytes sentence, struct bytes subject) {
    if (!subject.len) {
        dcap_out_bytes(o, sentence);
        return;
    }
    dcap_out_bytes(o, (struct bytes){sentence.ptr, sentence.len - 1});
    dcap_out_piece(o, " (");
    dcap_out_bytes(o, subject);
    dcap_out_piece(o, ").");
}

static void put_refusal(struct dcap_out *o, const struct dcap_checked *c, enum dcap_refusal why) {
    struct bytes subject = {NULL, 0};
    if (why == DCAP_REFUSE_TCB_STATUS)
        subject = dcap_bytes_of(dcap_status_name(c->v.judgement.status));
    else if (why == DCAP_REFUSE_TCB_ADVISORY)
        subject = c->refused.advisory;
    else if (why == DCAP_REFUSE_MEASUREMENT)
        subject = dcap_bytes_of(dcap_field_name(c->refused.field));
    dcap_out_open(o, NULL, '{');
    dcap_out_words(o, "code", dcap_refusal_name(why));
    dcap_out_begin(o, "message");
    put_sentence(o, dcap_bytes_of(dcap_refusal_sentence(why)), subject);
    dcap_out_end(o);
    dcap_out_close(o, '}');
}

static void put_refused(struct dcap_out *o, const struct dcap_checked *c) {
    dcap_out_open(o, "refused", '[');
    for (unsigned i = 0; i < DCAP_REFUSAL_COUNT; i++)
        if (c->refused.mask >> i & 1)
            put_refusal(o, c, (enum dcap_refusal)i);
    dcap_out_close(o, ']');
}

static void put_steps(struct dcap_out *o, const struct dcap_checked *c) {
    static const char *const sentences[] = {
#define X(name, sentence) sentence,
        DCAP_STEPS(X)
#undef X
    };
    const char *here = dcap_outcome(c) == DCAP_NOT_CHECKABLE ? "not_checkable" : "failed";
    dcap_out_open(o, "steps", '[');
    for (unsigned i = 0; i < DCAP_STEP_COUNT; i++) {
        dcap_out_open(o, NULL, '{');
        dcap_out_words(o, "state", i < c->step ? "passed" : i == c->step ? here : "not_reached");
        dcap_out_words(o, "step", sentences[i]);
        dcap_out_close(o, '}');
    }
    dcap_out_close(o, ']');
}

// --- what Intel calls the components of a TCB

struct name {
    struct bytes category, type;
};
enum { COMPONENTS = 16 };
struct names {
    unsigned levels, count[2];
    struct name of[2][COMPONENTS]; // SGX, TDX
};

static bool take_component(struct names *n, unsigned tdx, struct dcap_json *j) {
    static const struct dcap_json_member members[] = {
        DCAP_JSON_OPTIONAL(struct name, category, "category", DCAP_JSON_TEXT, 0),
        DCAP_JSON_OPTIONAL(struct name, type, "type", DCAP_JSON_TEXT, 0)};
    static const struct dcap_json_shape named = {members, 2, NULL}, unnamed = {NULL, 0, NULL};
    bool wanted = n->levels == 1 && n->count[tdx] < COMPONENTS;
    return dcap_json_object(wanted ? &n->of[tdx][n->count[tdx]++] : NULL, j, wanted ? &named : &unnamed);
}
static bool take_sgx(struct dcap_json *j, void *out) { return take_component(out, 0, j); }
static bool take_tdx(struct dcap_json *j, void *out) { return take_component(out, 1, j); }

// All levels name their components alike; the first one is looked at.
static bool take_level(struct dcap_json *j, void *out) {
    static const struct dcap_json_each sgx = {take_sgx}, tdx = {take_tdx};
    static const void *const components[] = {&sgx, &tdx};
    static const struct dcap_json_member tcb[] = {
        DCAP_JSON_OPTIONAL(struct names, levels, "sgxtcbcomponents", DCAP_JSON_EACH, 0),
        DCAP_JSON_OPTIONAL(struct names, levels, "tdxtcbcomponents", DCAP_JSON_EACH, 1)};
    static const struct dcap_json_shape tcb_shape = {tcb, 2, components};
    static const void *const more[] = {&tcb_shape};
    struct wrapped {
        struct names n;
    };
    static const struct dcap_json_member members[] = {
        DCAP_JSON_REQUIRED(struct wrapped, n, "tcb", DCAP_JSON_OBJECT, 0)};
    static const struct dcap_json_shape shape = {members, 1, more};
    struct names *n = out;
    n->levels++;
    return dcap_json_object(n, j, &shape);
}

// Of the text that was verified; empty where it says nothing.
static void find_names(struct names *n, struct bytes tcb_info) {
    static const struct dcap_json_each level = {take_level};
    static const void *const more[] = {&level};
    static const struct dcap_json_member members[] = {
        DCAP_JSON_OPTIONAL(struct names, levels, "tcbLevels", DCAP_JSON_EACH, 0)};
    static const struct dcap_json_shape shape = {members, 1, more};
    struct dcap_fault f;
    if (!dcap_json_document(n, tcb_info, &shape, DCAP_PART_TCB_INFO, &f))
        *n = (struct names){.levels = 0};
}

// --- what a platform lacks

#define MODULE_UPDATE "a newer TDX module (it comes with the BIOS, or the host's loader loads it)"

// "SGX component 3 (OS/VMM: SGX Late Microcode Update)", and which update raises it.
static void put_component(struct dcap_out *o, const struct names *names, const struct dcap_short *s) {
    bool sgx = s->of == DCAP_SHORT_SGX;
    const struct name n = names->of[!sgx][s->index % COMPONENTS];
    dcap_out_begin(o, "component");
    dcap_out_piece(o, sgx ? "SGX component " : "TDX component ");
    dcap_out_digits(o, s->index + 1u);
    if (n.category.len || n.type.len) {
        dcap_out_piece(o, " (");
        dcap_out_bytes(o, n.category);
        dcap_out_piece(o, n.category.len && n.type.len ? ": " : "");
        dcap_out_bytes(o, n.type);
        dcap_out_piece(o, ")");
    }
    dcap_out_end(o);
    bool os = dcap_bytes_eq(n.category, DCAP_LIT("OS/VMM"));
    dcap_out_words(o, "raised_by",
                   !sgx && s->index < 2 ? MODULE_UPDATE
                   : os                 ? "an update of the host's operating system or hypervisor, with newer microcode"
                                        : "an update of the BIOS, with newer microcode");
}

static void put_module(struct dcap_out *o, const struct dcap_short *s) {
    static const char digits[] = "0123456789ABCDEF";
    const char version[] = {digits[s->index >> 4], digits[s->index & 15], 0};
    dcap_out_begin(o, "component");
    dcap_out_piece(o, "TDX module TDX_");
    dcap_out_piece(o, version);
    dcap_out_end(o);
    dcap_out_words(o, "raised_by", MODULE_UPDATE);
}

static void put_short(struct dcap_out *o, const struct names *names, const struct dcap_short *s) {
    dcap_out_open(o, NULL, '{');
    switch ((enum dcap_short_of)s->of) {
    case DCAP_SHORT_SGX:
    case DCAP_SHORT_TDX: put_component(o, names, s); break;
    case DCAP_SHORT_PCE:
        dcap_out_words(o, "component", "PCE (provisioning certification enclave)");
        dcap_out_words(o, "raised_by", "an update of the host's SGX/DCAP packages, and a new PCK certificate after it");
        break;
    case DCAP_SHORT_MODULE: put_module(o, s); break;
    case DCAP_SHORT_QE:
        dcap_out_words(o, "component", "quoting enclave");
        dcap_out_words(o, "raised_by", "an update of the host's DCAP packages (quote generation)");
        break;
    }
    dcap_out_number(o, "has", s->has);
    dcap_out_number(o, "needs", s->needs);
    dcap_out_close(o, '}');
}

static void put_shorts(struct dcap_out *o, const struct dcap_checked *c) {
    const struct dcap_shorts *shorts = &c->v.judgement.shorts;
    struct names names = {.levels = 0};
    if (shorts->count)
        find_names(&names, c->tcb_info);
    dcap_out_open(o, "short", '[');
    for (unsigned i = 0; i < shorts->count; i++)
        put_short(o, &names, &shorts->s[i]);
    dcap_out_close(o, ']');
}

// --- what a quote says

static void put_platform(struct dcap_out *o, const struct dcap_verdict *v) {
    const struct dcap_platform *p = &v->platform;
    dcap_out_hex(o, "fmspc", (struct bytes){p->fmspc, sizeof p->fmspc});
    dcap_out_hex(o, "pceid", (struct bytes){p->pceid, sizeof p->pceid});
    dcap_out_number(o, "pce_svn", p->svns.pce);
    dcap_out_words(o, "ca", p->ca == DCAP_CA_PLATFORM ? "platform" : "processor");
    dcap_out_hex(o, "ppid", (struct bytes){v->ppid, sizeof v->ppid});
    dcap_out_hex(o, "pck_serial", (struct bytes){p->pck_serial, sizeof p->pck_serial});
    dcap_out_date(o, "pck_expires", p->pck_until);
}

// What our own report data says in clear.
static void put_purpose(struct dcap_out *o, struct bytes data) {
    static const char *const purposes[] = {"a worker's key (purpose 1)", "a keystore's keys (purpose 2)",
                                           "a batch of answers (purpose 3)", "a session (purpose 4)",
                                           "a handover between keystores (purpose 5)"};
    static const uint8_t zeros[15];
    const uint8_t *r = data.ptr;
    unsigned n = data.len == 64 ? r[16] - 1u : sizeof purposes;
    if (n < sizeof purposes / sizeof purposes[0] && memcmp(r, "outlayer-quote-\x01", 16) == 0 &&
        memcmp(r + 17, zeros, sizeof zeros) == 0)
        dcap_out_words(o, "report_data_is", purposes[n]);
}

static void put_fields(struct dcap_out *o, const struct dcap_quote *q) {
    // As the register contract takes them for approval.
    static const uint8_t approved[] = {DCAP_FIELD_MRTD, DCAP_FIELD_RTMR0, DCAP_FIELD_RTMR1, DCAP_FIELD_RTMR2,
                                       DCAP_FIELD_RTMR3};
    for (unsigned i = 0; i < DCAP_FIELD_COUNT; i++) {
        struct bytes b = dcap_quote_field(q, (enum dcap_field)i);
        if (b.len)
            dcap_out_hex(o, dcap_field_name((enum dcap_field)i), b);
    }
    put_purpose(o, dcap_quote_report_data(q));
    if (q->tee != DCAP_TDX)
        return;
    dcap_out_open(o, "measurements", '{');
    for (unsigned i = 0; i < sizeof approved; i++)
        dcap_out_hex(o, dcap_field_name((enum dcap_field)approved[i]),
                     dcap_quote_field(q, (enum dcap_field)approved[i]));
    dcap_out_close(o, '}');
}

static void put_quote(struct dcap_out *o, const struct dcap_verdict *v) {
    dcap_out_words(o, "tee", v->quote.tee == DCAP_TDX ? "TDX" : "SGX");
    dcap_out_number(o, "quote_version", v->quote.version);
    if (v->platform.pck_until)
        put_platform(o, v);
    put_fields(o, &v->quote);
    dcap_out_number(o, "trailing_bytes", v->quote.trailing);
}

// --- what it is worth

// A status that does not exist (an SGX quote has no module) is not there.
static void put_status(struct dcap_out *o, const char *name, enum dcap_status s) {
    if (s != DCAP_NONE)
        dcap_out_words(o, name, dcap_status_name(s));
}

static void put_advisories(struct dcap_out *o, const struct dcap_judgement *j) {
    dcap_out_open(o, "advisory_ids", '[');
    for (size_t i = 0; i < j->advisory_count; i++)
        dcap_out_text(o, NULL, j->advisory[i]);
    dcap_out_close(o, ']');
}

static void put_judgement(struct dcap_out *o, const struct dcap_judgement *j) {
    put_status(o, "platform_status", j->platform);
    put_status(o, "module_status", j->module);
    put_status(o, "qe_status", j->qe);
    put_status(o, "current_status", j->current);
    dcap_out_date(o, "tcb_date", j->date);
    dcap_out_number(o, "tcb_eval", j->tcb_eval);
    dcap_out_number(o, "qe_eval", j->qe_eval);
}

static void put_dates(struct dcap_out *o, const struct dcap_judgement *j) {
    dcap_out_open(o, "collateral", '{');
    dcap_out_date(o, "valid_from", j->from);
    dcap_out_words(o, "valid_from_part", dcap_part_words(j->from_part));
    dcap_out_date(o, "expires", j->until);
    dcap_out_words(o, "expires_part", dcap_part_words(j->until_part));
    dcap_out_close(o, '}');
}

static void put_good(struct dcap_out *o, const struct dcap_checked *c) {
    put_refused(o, c);
    put_advisories(o, &c->v.judgement);
    put_quote(o, &c->v);
    put_judgement(o, &c->v.judgement);
    put_dates(o, &c->v.judgement);
    put_shorts(o, c);
}

// Nobody vouches for what a quote says that did not verify; it stands apart, so that nobody takes it for true.
static void put_claims(struct dcap_out *o, const struct dcap_checked *c) {
    if (c->v.judgement.shorts.count)
        put_shorts(o, c);
    if (!c->v.quote.body.len)
        return;
    dcap_out_open(o, "claimed", '{');
    put_quote(o, &c->v);
    dcap_out_close(o, '}');
}

struct bytes dcap_report(struct dcap_arena *a, const struct dcap_checked *c) {
    struct dcap_out o = dcap_out_into(a);
    dcap_out_open(&o, NULL, '{');
    dcap_out_words(&o, "verdict", dcap_outcome_name(c));
    dcap_out_words(&o, "status", c->good ? dcap_status_name(c->v.judgement.status) : NULL);
    if (!c->good)
        put_error(&o, c);
    dcap_out_date(&o, "at", c->now);
    dcap_out_flag(&o, "simulated", c->simulated);
    if (c->good)
        put_good(&o, c);
    else
        put_claims(&o, c);
    put_steps(&o, c);
    dcap_out_close(&o, '}');
    dcap_put(&o.w, "\n", 1);
    return dcap_written(&o.w);
}
