// SPDX-License-Identifier: Apache-2.0
#include "dcap/report.h"

#include "dcap/pem.h"

// --- the verification

static bool ends_at(struct dcap_checked *c, enum dcap_step step) {
    c->step = step;
    return false;
}

static bool verify_parts(struct dcap_checked *c, struct dcap_parts *parts, struct dcap_arena *a,
                         const struct dcap_question *q) {
    struct bytes *const into[] = {&parts->root_crl, &parts->pck_crl, &parts->tcb_info, &parts->qe_identity};
    for (unsigned i = 0; i < 4; i++) {
        enum dcap_kind kind = (enum dcap_kind)(DCAP_KIND_ROOT_CRL + i);
        struct dcap_part_source source = dcap_collateral_source(&q->collateral, kind);
        if (!dcap_part_verify(into[i], kind, &source, parts->root_crl, q->trust, q->now, a, &c->fault))
            return ends_at(c, (enum dcap_step)(DCAP_STEP_ROOT_CRL + i));
    }
    parts->pck_chain = q->collateral.pck_certificate_chain;
    return true;
}

// At which step dcap_verify met a fault. What is not named here is about forms, certificates and keys.
static enum dcap_step step_of(const struct dcap_fault *f) {
    static const struct {
        uint8_t code, step;
    } steps[] = {
        {DCAP_QE_REPORT_SIGNATURE, DCAP_STEP_ENCLAVE},
        {DCAP_QE_REPORT_DATA, DCAP_STEP_ENCLAVE},
        {DCAP_QUOTE_KEY, DCAP_STEP_SIGNATURE},
        {DCAP_QUOTE_SIGNATURE, DCAP_STEP_SIGNATURE},
        {DCAP_TCB_INFO_TEE, DCAP_STEP_BELONGS},
        {DCAP_FMSPC_MISMATCH, DCAP_STEP_BELONGS},
        {DCAP_PCEID_MISMATCH, DCAP_STEP_BELONGS},
        {DCAP_QE_IDENTITY_ID, DCAP_STEP_BELONGS},
        {DCAP_QE_MRSIGNER, DCAP_STEP_LEVEL},
        {DCAP_QE_ISVPRODID, DCAP_STEP_LEVEL},
        {DCAP_QE_MISCSELECT, DCAP_STEP_LEVEL},
        {DCAP_QE_ATTRIBUTES, DCAP_STEP_LEVEL},
        {DCAP_QE_DEBUG, DCAP_STEP_LEVEL},
        {DCAP_QE_NOT_SUPPORTED, DCAP_STEP_LEVEL},
        {DCAP_TDX_MODULE_MISMATCH, DCAP_STEP_LEVEL},
        {DCAP_TDX_MODULE_NOT_SUPPORTED, DCAP_STEP_LEVEL},
        {DCAP_TCB_NOT_SUPPORTED, DCAP_STEP_LEVEL},
        {DCAP_TOO_MANY, DCAP_STEP_LEVEL},
    };
    if (f->code == DCAP_SIGNATURE_FORMAT && f->part == DCAP_PART_QE_REPORT)
        return DCAP_STEP_ENCLAVE;
    if (f->code == DCAP_SIGNATURE_FORMAT && f->part == DCAP_PART_QUOTE)
        return DCAP_STEP_SIGNATURE;
    if (f->code == DCAP_CERT_REVOKED && f->part == DCAP_PART_PCK_CERT)
        return DCAP_STEP_BELONGS;
    for (unsigned i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (steps[i].code == f->code)
            return (enum dcap_step)steps[i].step;
    return DCAP_STEP_CHAIN;
}

static bool verify(struct dcap_checked *c, struct dcap_arena *a, const struct dcap_question *q) {
    struct dcap_parts parts = {.pck_chain = {NULL, 0}};
    struct dcap_quote form;
    if (!dcap_quote_parse(&form, q->quote, &c->fault))
        return ends_at(c, DCAP_STEP_FORM);
    c->v.quote = form;
    if (q->unread.code != DCAP_OK) {
        c->fault = q->unread;
        return ends_at(c, DCAP_STEP_COLLATERAL);
    }
    if (!verify_parts(c, &parts, a, q))
        return false;
    if (!dcap_verify(&c->v, q->quote, &parts, q->trust, q->now, a, &c->fault)) {
        c->v.quote = form;
        return ends_at(c, step_of(&c->fault));
    }
    c->step = DCAP_STEP_COUNT;
    return true;
}

// What the quote's certificate says of the platform, where nothing has been verified: it names the collateral to get.
static void claim_platform(struct dcap_checked *c, struct dcap_arena *a) {
    const struct dcap_quote *q = &c->v.quote;
    struct dcap_platform *p = &c->v.platform;
    struct bytes der[DCAP_CHAIN_MAX];
    struct dcap_fault f;
    struct dcap_cert cert;
    struct dcap_pck pck;
    size_t n;
    if (q->certification != 5 || !dcap_pem_certificates(der, &n, a, q->certification_data, DCAP_CHAIN_MAX, true) ||
        !n || !dcap_cert_parse(&cert, der[0], DCAP_PART_PCK_CERT, &f))
        return;
    bool of_platform = dcap_pck_parse(&pck, cert.platform, DCAP_CA_PLATFORM, &f);
    if (!of_platform && !dcap_pck_parse(&pck, cert.platform, DCAP_CA_PROCESSOR, &f))
        return;
    p->ca = of_platform ? DCAP_CA_PLATFORM : DCAP_CA_PROCESSOR;
    p->svns.pce = pck.pce_svn;
    p->pck_until = cert.not_after;
    memcpy(p->fmspc, pck.fmspc, sizeof p->fmspc);
    memcpy(p->pceid, pck.pce_id, sizeof p->pceid);
    memcpy(p->pck_serial + sizeof p->pck_serial - cert.serial.len, cert.serial.ptr, cert.serial.len);
    memcpy(c->v.ppid, pck.ppid, sizeof c->v.ppid);
}

void dcap_check(struct dcap_checked *out, struct dcap_arena *a, const struct dcap_question *q) {
    *out = (struct dcap_checked){
        .now = q->now, .tcb_info = q->collateral.tcb_info, .simulated = !dcap_trust_is_intels(q->trust)};
    out->good = verify(out, a, q);
    if (!out->good) {
        if (out->v.quote.body.len && !out->v.platform.pck_until)
            claim_platform(out, a);
        return;
    }
    out->refused = dcap_policy_judge(q->policy, &out->v);
    if (out->refused.mask)
        out->step = DCAP_STEP_POLICY;
}

enum dcap_outcome dcap_outcome(const struct dcap_checked *c) {
    if (!c->good && dcap_code_class(c->fault.code) == DCAP_UNCHECKABLE)
        return DCAP_NOT_CHECKABLE;
    return c->good && !c->refused.mask ? DCAP_ACCEPTED : DCAP_NOT_ACCEPTED;
}

const char *dcap_outcome_name(const struct dcap_checked *c) {
    switch (dcap_outcome(c)) {
    case DCAP_ACCEPTED: return "accepted";
    case DCAP_NOT_ACCEPTED: return c->good ? "refused" : "false";
    case DCAP_NOT_CHECKABLE: return "not_checkable";
    }
    return "";
}
