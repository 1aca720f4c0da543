// SPDX-License-Identifier: Apache-2.0
#include "collateral/facts.h"

#include "base/file.h"
#include "base/patience.h"
#include "base/sync.h"
#include "collateral/moment.h"
#include "dcap/backend.h"
#include "dcap/crl.h"
#include "dcap/p256_point.h"
#include "dcap/part.h"
#include "dcap/tcb_info.h"

#define LOCK_MS 10000              // a merge takes milliseconds
#define CLOCK_DOUBT_S (60 * DAY_S) // collateral lives 30 days and is made anew each day

static struct bytes bytes_of(struct slice s) { return (struct bytes){s.ptr, s.len}; }

// --- faults as sentences

bool collateral_date_fault(const struct dcap_fault *f) {
    return f->code == DCAP_EXPIRED || f->code == DCAP_NOT_YET_VALID || f->code == DCAP_CERT_EXPIRED ||
           f->code == DCAP_CERT_NOT_YET_VALID || f->code == DCAP_CRL_EXPIRED || f->code == DCAP_CRL_NOT_YET_VALID;
}

static bool is_early(const struct dcap_fault *f) {
    return f->code == DCAP_NOT_YET_VALID || f->code == DCAP_CERT_NOT_YET_VALID || f->code == DCAP_CRL_NOT_YET_VALID;
}

// The clock is named where what it makes of a date cannot be: issued after today, or over for months.
static bool clock_hint(const struct dcap_fault *f, uint64_t now, struct err *e) {
    const char *anew = is_early(f) ? "" : "fetch it anew (outlayer collateral fetch)";
    char text[MOMENT_TEXT];
    if (!is_early(f) && now <= f->detail + CLOCK_DOUBT_S)
        return err_hint(e, "%s", anew);
    return err_hint(e, "%s%sit is judged as of %s; if this machine's clock says so, is the clock right?", anew,
                    anew[0] ? "; " : "", moment_text(now, text));
}

bool collateral_fault_err(const struct dcap_fault *f, uint64_t now, struct err *e) {
    char text[MOMENT_TEXT];
    const char *part = dcap_part_words(f->part), *sentence = dcap_code_sentence(f->code);
    enum err_code code = dcap_code_class(f->code) == DCAP_FALSE ? ERR_FORBIDDEN : ERR_INVALID;
    if (!collateral_date_fault(f))
        return err_set(e, code, "%s %s", part, sentence);
    err_set(e, code, "%s %s (%s)", part, sentence, moment_text(f->detail, text));
    return clock_hint(f, now, e);
}

bool collateral_served_err(const struct dcap_fault *f, uint64_t now, struct err *e) {
    collateral_fault_err(f, now, e);
    if (!collateral_date_fault(f) || is_early(f))
        return false;
    char text[MOMENT_TEXT];
    return err_hint(e, "the server is stale: name another one, too (--pccs-url); or is the clock right? It says %s",
                    moment_text(now, text));
}

// --- parts

struct dcap_collateral collateral_for_core(const struct collateral *c) {
    return (struct dcap_collateral){.pck_crl_issuer_chain = bytes_of(c->pck_crl_issuer_chain),
                                    .tcb_info_issuer_chain = bytes_of(c->tcb_info_issuer_chain),
                                    .qe_identity_issuer_chain = bytes_of(c->qe_identity_issuer_chain),
                                    .pck_certificate_chain = bytes_of(c->pck_certificate_chain),
                                    .root_ca_crl = bytes_of(c->root_ca_crl),
                                    .pck_crl = bytes_of(c->pck_crl),
                                    .tcb_info = bytes_of(c->tcb_info),
                                    .qe_identity = bytes_of(c->qe_identity),
                                    .tcb_info_signature = bytes_of(c->tcb_info_signature),
                                    .qe_identity_signature = bytes_of(c->qe_identity_signature)};
}

#define LENT_BYTES (512u << 10)
struct judge {
    struct collateral_facts *out;
    struct dcap_trust *trust;
    uint64_t now;
    struct dcap_arena lent;
    struct bytes root_crl;
};

static bool wrong(struct judge *k, struct collateral_facts *f) {
    f->good = false;
    return collateral_fault_err(&f->fault, k->now, &f->why);
}

static void describe(struct collateral_facts *f, enum collateral_part p, struct bytes part) {
    struct dcap_part_head head;
    uint8_t fmspc[6], pceid[2];
    memcpy(&head, part.ptr, sizeof head);
    f->tdx = head.tee == DCAP_TDX;
    f->issued = head.issued;
    f->expires = head.until;
    f->number = p == COLLATERAL_TCB_INFO || p == COLLATERAL_QE_IDENTITY ? head.number : 0;
    switch (p) {
    case COLLATERAL_ROOT_CRL: snprintf(f->id, sizeof f->id, "root"); break;
    case COLLATERAL_PCK_CRL:
        snprintf(f->id, sizeof f->id, head.ca == DCAP_CA_PLATFORM ? "platform" : "processor");
        break;
    case COLLATERAL_TCB_INFO:
        dcap_tcb_info_platform(fmspc, pceid, part);
        snprintf(f->id, sizeof f->id, "%02x%02x%02x%02x%02x%02x", fmspc[0], fmspc[1], fmspc[2], fmspc[3], fmspc[4],
                 fmspc[5]);
        break;
    case COLLATERAL_QE_IDENTITY: snprintf(f->id, sizeof f->id, f->tdx ? "TD_QE" : "QE"); break;
    case COLLATERAL_PARTS: break;
    }
}

static void judge_part(struct judge *k, const struct collateral *c, enum collateral_part p) {
    const struct dcap_collateral core = collateral_for_core(c);
    enum dcap_kind kind = (enum dcap_kind)(DCAP_KIND_ROOT_CRL + p);
    struct dcap_part_source from = dcap_collateral_source(&core, kind);
    struct collateral_facts *f = &k->out[p];
    struct bytes part;
    *f = (struct collateral_facts){0};
    if (!collateral_has(c, p)) {
        dcap_fail(&f->fault, DCAP_PART_MISSING, dcap_kind_part(kind));
        wrong(k, f);
        return;
    }
    f->good = dcap_part_verify(&part, kind, &from, k->root_crl, k->trust, k->now, &k->lent, &f->fault);
    if (!f->good) {
        wrong(k, f);
        return;
    }
    describe(f, p, part);
    if (p == COLLATERAL_ROOT_CRL)
        k->root_crl = part;
}

void collateral_judge_root(struct collateral_facts *out, const struct collateral *c, struct dcap_trust *trust,
                           uint64_t now) {
    struct judge k = {.out = out, .trust = trust, .now = now};
    k.lent = (struct dcap_arena){xmalloc(LENT_BYTES), LENT_BYTES, 0};
    judge_part(&k, c, COLLATERAL_ROOT_CRL);
    free(k.lent.base);
}

void collateral_judge(struct collateral_facts out[static COLLATERAL_PARTS], const struct collateral *c,
                      const struct collateral *root, struct dcap_trust *trust, uint64_t now) {
    struct judge k = {.out = out, .trust = trust, .now = now};
    k.lent = (struct dcap_arena){xmalloc(LENT_BYTES), LENT_BYTES, 0};
    judge_part(&k, root, COLLATERAL_ROOT_CRL);
    for (enum collateral_part p = COLLATERAL_PCK_CRL; p < COLLATERAL_PARTS; p++)
        judge_part(&k, c, p);
    free(k.lent.base);
}

// --- the list of TCB sets

// The list is signed as TCB infos are: by the TCB signer, whose certificate the root CRL may revoke.
static bool sets_signature(const struct pcs_numbers *n, struct bytes root_crl, struct dcap_trust *trust, uint64_t now,
                           struct dcap_arena *lent, struct dcap_fault *f) {
    struct dcap_chain chain;
    uint8_t digest[32];
    if (!dcap_chain_verify(&chain, lent, bytes_of(n->issuer_chain), DCAP_PART_TCB_INFO_CHAIN, trust, now, f))
        return false;
    if (dcap_serials_have(dcap_part_serials(root_crl), chain.cert[0].serial))
        return dcap_fail(f, DCAP_CERT_REVOKED, DCAP_PART_TCB_SIGNER);
    dcap_sha256(digest, n->text.ptr, n->text.len);
    return (dcap_p256_in_range(n->signature.ptr) && dcap_p256_verify(chain.cert[0].key, digest, n->signature.ptr)) ||
           dcap_fail(f, DCAP_SIGNATURE, DCAP_PART_COLLATERAL);
}

static bool sets_verify(const struct pcs_numbers *n, const struct collateral *root, struct dcap_trust *trust,
                        uint64_t now, struct dcap_fault *f) {
    struct dcap_arena lent = {xmalloc(LENT_BYTES), LENT_BYTES, 0};
    const struct dcap_part_source list = {bytes_of(root->root_ca_crl), NULL, bytes_of(root->pck_crl_issuer_chain)};
    struct bytes root_crl;
    bool ok = dcap_part_verify(&root_crl, DCAP_KIND_ROOT_CRL, &list, (struct bytes){0}, trust, now, &lent, f) &&
              sets_signature(n, root_crl, trust, now, &lent, f);
    free(lent.base);
    return ok;
}

bool collateral_sets_verify(struct tcb_sets *out, const struct pcs_numbers *numbers, bool tdx,
                            const struct collateral *root, struct dcap_trust *trust, uint64_t now, struct err *e) {
    struct dcap_fault f;
    if (!sets_verify(numbers, root, trust, now, &f)) {
        collateral_fault_err(&f, now, e);
        return err_wrap(e, "the list of TCB sets");
    }
    if (!tcb_sets_read(out, numbers->text, tdx, e))
        return false;
    if (now < out->issued || now > out->next_update)
        return err_set(e, ERR_INVALID, "the list of TCB sets is not of this time");
    return true;
}

bool collateral_newer(const struct collateral_facts *one, const struct collateral_facts *other) {
    if (!one->good || !other->good)
        return one->good;
    return one->number >= other->number && one->issued > other->issued;
}

// --- the file

static bool merge(struct collateral_merge *m, const struct collateral *from, const struct collateral_facts *new,
                  struct dcap_trust *trust, uint64_t now, struct err *e) {
    collateral_judge(m->facts, &m->kept, &m->kept, trust, now);
    for (enum collateral_part p = 0; p < COLLATERAL_PARTS; p++) {
        if (!m->facts[p].good && is_early(&m->facts[p].fault)) {
            *e = m->facts[p].why;
            return false;
        }
        m->changed[p] = new[p].good && (!m->facts[p].good || collateral_newer(&new[p], &m->facts[p]));
        if (m->changed[p]) {
            collateral_take(&m->kept, from, p);
            m->facts[p] = new[p];
        }
    }
    return true;
}

static bool merge_locked(struct collateral_merge *out, struct arena *a, const char *path, const struct collateral *from,
                         const struct collateral_facts new[static COLLATERAL_PARTS], struct dcap_trust *trust,
                         uint64_t now, struct err *e) {
    bool any = false;
    struct err why;
    if (!collateral_load(&out->kept, a, path, &why)) {
        if (why.code != ERR_NOT_FOUND) {
            *e = why;
            return err_hint(e, "remove the file, or write to another one (--out)");
        }
        out->kept = (struct collateral){0};
    }
    if (!merge(out, from, new, trust, now, e))
        return err_wrap(e, "file '%s'", path);
    for (enum collateral_part p = 0; p < COLLATERAL_PARTS; p++)
        any = any || out->changed[p];
    return !any || collateral_save(&out->kept, a, path, e);
}

// Two that read the same file before one of them writes would lose what the first one wrote.
bool collateral_merge_file(struct collateral_merge *out, struct arena *a, const char *path,
                           const struct collateral *from, const struct collateral_facts new[static COLLATERAL_PARTS],
                           struct dcap_trust *trust, uint64_t now, struct err *e) {
    const struct patience p = {.deadline_ms = deadline_in(LOCK_MS)};
    int lock;
    *out = (struct collateral_merge){0};
    if (!file_lock_folder_of(path, &p, &lock, e))
        return false;
    bool ok = merge_locked(out, a, path, from, new, trust, now, e);
    close(lock);
    return ok;
}
