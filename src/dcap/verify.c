// SPDX-License-Identifier: Apache-2.0
#include "dcap/verify.h"
#include "dcap/backend.h"
#include "dcap/p256_point.h"

// --- what a platform is worth

// The heads of all parts, which are in force; the time that they leave.
static bool open_parts(struct dcap_judgement *j, struct dcap_part_head head[4], const struct dcap_parts *parts,
                       const uint8_t root_key[64], uint64_t now, struct dcap_fault *f) {
    const struct bytes part[4] = {parts->root_crl, parts->pck_crl, parts->tcb_info, parts->qe_identity};
    for (unsigned i = 0; i < 4; i++) {
        if (!dcap_part_in_force(&head[i], part[i], (enum dcap_kind)(DCAP_KIND_ROOT_CRL + i), parts->root_crl, root_key,
                                now, f))
            return false;
        if (head[i].from > j->from) {
            j->from = head[i].from;
            j->from_part = (enum dcap_part)head[i].from_part;
        }
        if (head[i].until < j->until) {
            j->until = head[i].until;
            j->until_part = (enum dcap_part)head[i].until_part;
        }
    }
    j->tcb_eval = (uint32_t)head[2].number;
    j->qe_eval = (uint32_t)head[3].number;
    return true;
}

// The parts are this platform's, and its certificate is not revoked.
static bool belongs(const struct dcap_platform *p, const struct dcap_part_head head[4], const struct dcap_parts *parts,
                    struct dcap_fault *f) {
    uint8_t fmspc[6], pceid[2];
    dcap_tcb_info_platform(fmspc, pceid, parts->tcb_info);
    struct bytes serial = {p->pck_serial, sizeof p->pck_serial};
    if (head[2].tee != p->tee)
        return dcap_fail(f, DCAP_TCB_INFO_TEE, DCAP_PART_TCB_INFO);
    if (memcmp(fmspc, p->fmspc, 6) != 0)
        return dcap_fail(f, DCAP_FMSPC_MISMATCH, DCAP_PART_TCB_INFO);
    if (memcmp(pceid, p->pceid, 2) != 0)
        return dcap_fail(f, DCAP_PCEID_MISMATCH, DCAP_PART_TCB_INFO);
    if (head[3].tee != p->tee)
        return dcap_fail(f, DCAP_QE_IDENTITY_ID, DCAP_PART_QE_IDENTITY);
    if (head[1].ca != p->ca)
        return dcap_fail(f, DCAP_CRL_ISSUER, DCAP_PART_PCK_CRL);
    return !dcap_serials_have(dcap_part_serials(parts->pck_crl), serial) ||
           dcap_fail(f, DCAP_CERT_REVOKED, DCAP_PART_PCK_CERT);
}

static bool has_advisory(const struct dcap_judgement *j, struct bytes id) {
    for (size_t i = 0; i < j->advisory_count; i++) {
        if (dcap_bytes_eq(j->advisory[i], id))
            return true;
    }
    return false;
}

// What a level adds to the judgement: its date and its advisories.
static bool add_level(struct dcap_judgement *j, const struct dcap_level *l, struct dcap_fault *f) {
    struct bytes list = l->advisories, id;
    if (l->date < j->date)
        j->date = l->date;
    while (dcap_advisory_next(&id, &list)) {
        if (has_advisory(j, id))
            continue;
        if (j->advisory_count == DCAP_ADVISORIES)
            return dcap_fail(f, DCAP_TOO_MANY, DCAP_PART_TCB_INFO);
        j->advisory[j->advisory_count++] = id;
    }
    return true;
}

struct levels {
    struct dcap_level platform, module;
    bool has_module;
};

// The levels of a platform with one TDX module.
static bool match(struct levels *out, struct dcap_shorts *shorts, const struct dcap_svns *svns, uint8_t tee,
                  struct bytes tcb_info, struct dcap_fault *f) {
    struct dcap_module m;
    uint8_t version = svns->tdx[1];
    bool found = dcap_levels_match(&out->platform, shorts, dcap_tcb_info_levels(tcb_info), svns);
    out->has_module = tee == DCAP_TDX && version > 0;
    if (out->has_module) {
        struct dcap_svns module = {.isv = svns->tdx[0], .isv_of = DCAP_SHORT_MODULE, .isv_index = version};
        dcap_tcb_info_module(&m, tcb_info, version);
        if (!m.known)
            return dcap_fail_with(f, DCAP_TDX_MODULE_MISMATCH, DCAP_PART_TDX_MODULE, version);
        if (!dcap_levels_match(&out->module, shorts, m.levels, &module))
            return dcap_fail_with(f, DCAP_TDX_MODULE_NOT_SUPPORTED, DCAP_PART_TDX_MODULE, module.isv);
    }
    return found || dcap_fail(f, DCAP_TCB_NOT_SUPPORTED, DCAP_PART_PLATFORM);
}

static enum dcap_status merged(const struct levels *l, enum dcap_status qe) {
    enum dcap_status s = dcap_status_merge(l->platform.status, qe);
    return l->has_module ? dcap_status_merge(s, l->module.status) : s;
}

// Everything that levels say; the status comes last.
static bool judge(struct dcap_judgement *j, const struct dcap_platform *p, const struct dcap_parts *parts,
                  struct dcap_fault *f) {
    struct levels launch, current;
    struct dcap_level qe;
    struct dcap_svns enclave = {.isv = p->qe_svn, .isv_of = DCAP_SHORT_QE};
    bool reached = dcap_levels_match(&qe, &j->shorts, dcap_qe_identity_levels(parts->qe_identity), &enclave);
    if (!match(&launch, &j->shorts, &p->svns, p->tee, parts->tcb_info, f))
        return false;
    if (!reached)
        return dcap_fail_with(f, DCAP_QE_NOT_SUPPORTED, DCAP_PART_QE_REPORT, p->qe_svn);
    j->date = UINT64_MAX;
    if (!add_level(j, &launch.platform, f) || !add_level(j, &qe, f) ||
        (launch.has_module && !add_level(j, &launch.module, f)))
        return false;
    enum dcap_status status = merged(&launch, qe.status), now = DCAP_NONE;
    if (p->two_modules) {
        struct dcap_svns svns = p->svns;
        memcpy(svns.tdx, p->current, 16);
        if (!match(&current, NULL, &svns, p->tee, parts->tcb_info, f))
            return false;
        now = merged(&current, qe.status);
        status = dcap_status_relaunch(status, now);
    }
    j->platform = launch.platform.status;
    j->module = launch.has_module ? launch.module.status : DCAP_NONE;
    j->qe = qe.status;
    j->current = now;
    j->status = status;
    return true;
}

bool dcap_judge(struct dcap_judgement *out, const struct dcap_platform *p, const struct dcap_parts *parts,
                const uint8_t root_key[64], uint64_t now, struct dcap_fault *f) {
    struct dcap_part_head head[4];
    *out = (struct dcap_judgement){.from = p->pck_from,
                                   .until = p->pck_until,
                                   .from_part = DCAP_PART_PCK_CHAIN,
                                   .until_part = DCAP_PART_PCK_CHAIN};
    if (now < p->pck_from)
        return dcap_fail_with(f, DCAP_CERT_NOT_YET_VALID, DCAP_PART_PCK_CHAIN, p->pck_from);
    if (now > p->pck_until)
        return dcap_fail_with(f, DCAP_CERT_EXPIRED, DCAP_PART_PCK_CHAIN, p->pck_until);
    return open_parts(out, head, parts, root_key, now, f) && belongs(p, head, parts, f) && judge(out, p, parts, f);
}

// --- what a quote shows

static bool signed_by(const uint8_t key[64], struct bytes what, const uint8_t sig[64], enum dcap_code code,
                      enum dcap_part part, struct dcap_fault *f) {
    uint8_t digest[32];
    if (!dcap_p256_in_range(sig))
        return dcap_fail(f, DCAP_SIGNATURE_FORMAT, part);
    dcap_sha256(digest, what.ptr, what.len);
    return dcap_p256_verify(key, digest, sig) || dcap_fail(f, code, part);
}

bool dcap_open(struct dcap_opened *o, struct bytes quote, struct bytes pck_chain, struct dcap_trust *trust,
               uint64_t now, struct dcap_arena *arena, struct dcap_fault *f) {
    if (!dcap_quote_parse(&o->quote, quote, f))
        return false;
    struct bytes pem = o->quote.certification == 5 ? o->quote.certification_data : pck_chain;
    if (!pem.len)
        return dcap_fail_with(f, DCAP_QUOTE_CERTIFICATION, DCAP_PART_QUOTE, o->quote.certification);
    return dcap_chain_verify(&o->chain, arena, pem, DCAP_PART_PCK_CHAIN, trust, now, f) &&
           dcap_pck_parse(&o->pck, o->chain.cert[0].platform, o->chain.ca, f);
}

// The lists are of the quote's own authority, which is not revoked; and all parts are there.
static bool check_parts(const struct dcap_cert *authority, const struct dcap_parts *parts, struct dcap_fault *f) {
    struct dcap_part_head head;
    if (!dcap_part_open(&head, parts->root_crl, DCAP_KIND_ROOT_CRL, f) ||
        !dcap_part_open(&head, parts->pck_crl, DCAP_KIND_PCK_CRL, f) ||
        !dcap_part_open(&head, parts->qe_identity, DCAP_KIND_QE_IDENTITY, f) ||
        !dcap_part_open(&head, parts->tcb_info, DCAP_KIND_TCB_INFO, f))
        return false;
    if (dcap_serials_have(dcap_part_serials(parts->root_crl), authority->serial))
        return dcap_fail(f, DCAP_CERT_REVOKED, DCAP_PART_PCK_CA);
    return memcmp(dcap_part_crl_key(parts->pck_crl), authority->key, 64) == 0 ||
           dcap_fail(f, DCAP_CRL_ISSUER, DCAP_PART_PCK_CRL);
}

// PCK key signs the quoting enclave's report, which vouches for the attestation key, which signs the quote.
static bool check_signatures(const struct dcap_quote *q, const uint8_t pck_key[64], struct dcap_arena *arena,
                             struct dcap_fault *f) {
    struct bytes report = {q->qe_report, 384}, data = dcap_report_field(q->qe_report, DCAP_FIELD_SGX_REPORT_DATA);
    uint8_t vouched[64] = {0};
    size_t mark = arena->used;
    if (!signed_by(pck_key, report, q->qe_signature, DCAP_QE_REPORT_SIGNATURE, DCAP_PART_QE_REPORT, f))
        return false;
    struct dcap_writer w = dcap_write_into(arena);
    dcap_put(&w, q->key, 64);
    dcap_put(&w, q->qe_auth.ptr, q->qe_auth.len);
    struct bytes both = dcap_written(&w);
    arena->used = mark;
    if (!both.len)
        return dcap_fail(f, DCAP_NO_MEMORY, DCAP_PART_QUOTE);
    dcap_sha256(vouched, both.ptr, both.len);
    if (memcmp(vouched, data.ptr, 64) != 0)
        return dcap_fail(f, DCAP_QE_REPORT_DATA, DCAP_PART_QE_REPORT);
    if (!dcap_p256_on_curve(q->key))
        return dcap_fail(f, DCAP_QUOTE_KEY, DCAP_PART_QUOTE);
    return signed_by(q->key, q->signed_bytes, q->signature, DCAP_QUOTE_SIGNATURE, DCAP_PART_QUOTE, f);
}

// The TDX module is Intel's: its signer is the one that the TCB info names, and its attributes are zero.
static bool check_module(const struct dcap_quote *q, struct bytes tcb_info, struct dcap_fault *f) {
    static const uint8_t zeros[8];
    struct dcap_module m;
    uint8_t version = dcap_quote_at(q, DCAP_FIELD_TEE_TCB_SVN)[1];
    const uint8_t *attributes = dcap_quote_at(q, DCAP_FIELD_SEAMATTRIBUTES);
    dcap_tcb_info_module(&m, tcb_info, version);
    if (m.known && memcmp(dcap_quote_at(q, DCAP_FIELD_MRSIGNERSEAM), m.mrsigner, 48) == 0 &&
        memcmp(attributes, m.attributes, 8) == 0 && memcmp(attributes, zeros, 8) == 0)
        return true;
    return dcap_fail_with(f, DCAP_TDX_MODULE_MISMATCH, DCAP_PART_TDX_MODULE, version);
}

// *v is zero before.
static void describe(struct dcap_verdict *v, const struct dcap_chain *chain, const struct dcap_pck *pck) {
    struct dcap_platform *p = &v->platform;
    const struct dcap_quote *q = &v->quote;
    const uint8_t *qe_svn = dcap_report_field(q->qe_report, DCAP_FIELD_ISVSVN).ptr;
    struct bytes serial = chain->cert[0].serial, svns = dcap_quote_field(q, DCAP_FIELD_TEE_TCB_SVN),
                 current = dcap_quote_field(q, DCAP_FIELD_TEE_TCB_SVN2);
    p->tee = (uint8_t)q->tee;
    p->ca = (uint8_t)chain->ca;
    p->two_modules = current.len > 0;
    p->svns.pce = pck->pce_svn;
    p->qe_svn = (uint16_t)(qe_svn[0] | qe_svn[1] << 8);
    p->pck_from = chain->not_before;
    p->pck_until = chain->not_after;
    memcpy(p->fmspc, pck->fmspc, 6);
    memcpy(p->pceid, pck->pce_id, 2);
    memcpy(p->svns.sgx, pck->svn, 16);
    memcpy(p->pck_serial + sizeof p->pck_serial - serial.len, serial.ptr, serial.len);
    if (svns.len)
        memcpy(p->svns.tdx, svns.ptr, svns.len);
    if (current.len)
        memcpy(p->current, current.ptr, current.len);
    memcpy(v->ppid, pck->ppid, 16);
    if (pck->platform_id)
        memcpy(v->platform_id, pck->platform_id, 16);
    v->sgx_type = pck->sgx_type;
}

bool dcap_verify_opened(struct dcap_verdict *v, const struct dcap_opened *o, const struct dcap_parts *parts,
                        const uint8_t root_key[64], uint64_t now, struct dcap_arena *arena, struct dcap_fault *f) {
    *v = (struct dcap_verdict){.quote = o->quote};
    if (!check_parts(&o->chain.cert[1], parts, f) || !check_signatures(&v->quote, o->chain.cert[0].key, arena, f))
        return false;
    describe(v, &o->chain, &o->pck);
    // The parts' dates, and whether they are this platform's, come before what they say about enclave and module.
    struct dcap_judgement j;
    bool worth = dcap_judge(&j, &v->platform, parts, root_key, now, f);
    v->judgement.shorts = j.shorts;
    if (!worth || !dcap_qe_identity_check(parts->qe_identity, v->quote.qe_report, f) ||
        (v->quote.tee == DCAP_TDX && !check_module(&v->quote, parts->tcb_info, f)))
        return false;
    v->judgement = j;
    return true;
}

bool dcap_verify(struct dcap_verdict *v, struct bytes quote, const struct dcap_parts *parts, struct dcap_trust *trust,
                 uint64_t now, struct dcap_arena *arena, struct dcap_fault *f) {
    struct dcap_opened o = {.quote.version = 0};
    bool opened = dcap_open(&o, quote, parts->pck_chain, trust, now, arena, f);
    *v = (struct dcap_verdict){.quote = o.quote};
    return opened && dcap_verify_opened(v, &o, parts, trust->root_key, now, arena, f);
}
