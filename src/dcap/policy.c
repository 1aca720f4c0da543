// SPDX-License-Identifier: Apache-2.0
#include "dcap/policy.h"

const char *dcap_refusal_name(enum dcap_refusal r) {
    static const char names[] =
#define X(name, sentence) #name "\0"
        DCAP_REFUSALS(X)
#undef X
        ;
    return dcap_nth(names, r);
}

const char *dcap_refusal_sentence(enum dcap_refusal r) {
    static const char sentences[] =
#define X(name, sentence) sentence "\0"
        DCAP_REFUSALS(X)
#undef X
        ;
    return dcap_nth(sentences, r);
}

void dcap_policy_default(struct dcap_policy *p) {
    *p = (struct dcap_policy){.accept = 1u << DCAP_UP_TO_DATE, .td_attributes = DCAP_TD_SEPT_VE_DISABLE};
}

static void refuse(struct dcap_refusals *r, enum dcap_refusal why, bool yes) { r->mask |= yes ? 1u << why : 0; }

static bool accepts_advisory(const struct dcap_policy *p, struct bytes id) {
    for (size_t i = 0; i < p->advisory_count; i++) {
        if (dcap_bytes_eq(p->advisories[i], id))
            return true;
    }
    return p->any_advisory;
}

struct dcap_refusals dcap_policy_judge_tcb(const struct dcap_policy *p, const struct dcap_judgement *j) {
    struct dcap_refusals r = {.mask = 0};
    bool revoked = j->status == DCAP_REVOKED || j->current == DCAP_REVOKED;
    refuse(&r, DCAP_REFUSE_TCB_REVOKED, revoked);
    refuse(&r, DCAP_REFUSE_TCB_STATUS, !revoked && (j->status == DCAP_NONE || !(p->accept >> j->status & 1)));
    for (size_t i = j->advisory_count; i-- > 0;) {
        if (!accepts_advisory(p, j->advisory[i])) {
            refuse(&r, DCAP_REFUSE_TCB_ADVISORY, true);
            r.advisory = j->advisory[i];
        }
    }
    refuse(&r, DCAP_REFUSE_TCB_EVAL, j->tcb_eval < p->min_tcb_eval);
    refuse(&r, DCAP_REFUSE_QE_EVAL, j->qe_eval < p->min_qe_eval);
    return r;
}

static uint64_t number(struct bytes field) {
    struct dcap_cursor c = dcap_cursor_over(field);
    return dcap_take_le(&c, field.len);
}

static bool any_bit(struct bytes b) {
    uint8_t all = 0;
    for (size_t i = 0; i < b.len; i++)
        all |= b.ptr[i];
    return all != 0;
}

static void judge_attributes(struct dcap_refusals *r, const struct dcap_policy *p, uint64_t has) {
    static const struct {
        uint64_t bits;
        enum dcap_refusal why;
    } named[] = {
#define X(name) {DCAP_TD_##name, DCAP_REFUSE_TD_##name},
        DCAP_TD_NAMED(X)
#undef X
    };
    uint64_t more = has & ~p->td_attributes & ~DCAP_TD_SEPT_VE_DISABLE;
    refuse(r, DCAP_REFUSE_TD_SEPT_VE_DISABLE, !p->without_sept_ve && !(has & DCAP_TD_SEPT_VE_DISABLE));
    for (unsigned i = 0; i < sizeof named / sizeof *named; i++) {
        refuse(r, named[i].why, (more & named[i].bits) != 0);
        more &= ~named[i].bits;
    }
    refuse(r, DCAP_REFUSE_TD_RESERVED, more != 0);
    r->td_reserved = more;
}

static void judge_td(struct dcap_refusals *r, const struct dcap_policy *p, const struct dcap_quote *q) {
    static const uint8_t service[] = {DCAP_FIELD_MR_SERVICETD, DCAP_FIELD_INIT_SERVICETD_HASH,
                                      DCAP_FIELD_SERVICETD_HASH};
    judge_attributes(r, p, number(dcap_quote_field(q, DCAP_FIELD_TDATTRIBUTES)));
    refuse(r, DCAP_REFUSE_TD_XFAM, (number(dcap_quote_field(q, DCAP_FIELD_XFAM)) & 3) != 3);
    for (unsigned i = 0; i < sizeof service; i++)
        refuse(r, DCAP_REFUSE_SERVICE_TD, !p->service_td && any_bit(dcap_quote_field(q, (enum dcap_field)service[i])));
}

// Whether the field has one of the values that the policy names for it.
static bool is_pinned(const struct dcap_policy *p, const struct dcap_quote *q, enum dcap_field field) {
    struct bytes has = dcap_quote_field(q, field);
    for (size_t i = 0; i < p->pin_count; i++) {
        if (p->pins[i].field == field && has.len && dcap_bytes_eq(p->pins[i].value, has))
            return true;
    }
    return false;
}

struct dcap_refusals dcap_policy_judge_unpinned(const struct dcap_policy *p, const struct dcap_verdict *v) {
    struct dcap_refusals r = dcap_policy_judge_tcb(p, &v->judgement);
    if (v->judgement.status == DCAP_NONE)
        return r;
    if (v->quote.tee == DCAP_TDX)
        judge_td(&r, p, &v->quote);
    else
        refuse(&r, DCAP_REFUSE_SGX_DEBUG, !p->sgx_debug && (dcap_quote_at(&v->quote, DCAP_FIELD_ATTRIBUTES)[0] & 2));
    return r;
}

struct dcap_refusals dcap_policy_judge(const struct dcap_policy *p, const struct dcap_verdict *v) {
    struct dcap_refusals r = dcap_policy_judge_unpinned(p, v);
    if (v->judgement.status == DCAP_NONE)
        return r;
    for (size_t i = p->pin_count; i-- > 0;) {
        if (!is_pinned(p, &v->quote, p->pins[i].field)) {
            refuse(&r, DCAP_REFUSE_MEASUREMENT, true);
            r.field = p->pins[i].field;
        }
    }
    return r;
}
