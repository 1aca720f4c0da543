// SPDX-License-Identifier: Apache-2.0
#include "dcap/part.h"
#include "dcap/backend.h"
#include "dcap/p256_point.h"
#include "dcap/qe_identity.h"
#include "dcap/tcb_info.h"

enum { CRL_KEY = 64 }; // stands before a list's serial numbers

enum dcap_part dcap_kind_part(enum dcap_kind kind) {
    static const uint8_t parts[] = {DCAP_PART_NOTHING, DCAP_PART_ROOT_CRL, DCAP_PART_PCK_CRL, DCAP_PART_TCB_INFO,
                                    DCAP_PART_QE_IDENTITY};
    return (enum dcap_part)parts[kind];
}

static enum dcap_part chain_of(enum dcap_kind kind) {
    static const uint8_t chains[] = {DCAP_PART_NOTHING, DCAP_PART_PCK_CRL_CHAIN, DCAP_PART_PCK_CRL_CHAIN,
                                     DCAP_PART_TCB_INFO_CHAIN, DCAP_PART_QE_IDENTITY_CHAIN};
    return (enum dcap_part)chains[kind];
}

static bool is_crl(enum dcap_kind kind) { return kind == DCAP_KIND_ROOT_CRL || kind == DCAP_KIND_PCK_CRL; }

struct bytes dcap_part_body(struct bytes part) {
    size_t head = sizeof(struct dcap_part_head);
    return part.len < head ? (struct bytes){NULL, 0} : (struct bytes){part.ptr + head, part.len - head};
}

const uint8_t *dcap_part_crl_key(struct bytes part) { return dcap_part_body(part).ptr; }

struct bytes dcap_part_serials(struct bytes part) {
    struct dcap_cursor c = dcap_cursor_over(dcap_part_body(part));
    dcap_take(&c, CRL_KEY);
    return (struct bytes){c.at, dcap_cursor_left(&c)};
}

bool dcap_part_open(struct dcap_part_head *head, struct bytes part, enum dcap_kind kind, struct dcap_fault *f) {
    if (!part.len)
        return dcap_fail(f, DCAP_PART_MISSING, dcap_kind_part(kind));
    if (part.len < sizeof *head + (is_crl(kind) ? CRL_KEY : 0))
        return dcap_fail(f, DCAP_PART_FORMAT, dcap_kind_part(kind));
    memcpy(head, part.ptr, sizeof *head);
    return (memcmp(head->magic, "dp1", 3) == 0 && head->kind == kind && head->from_part <= DCAP_PART_EVENT_LOG &&
            head->until_part <= DCAP_PART_EVENT_LOG) ||
           dcap_fail(f, DCAP_PART_FORMAT, dcap_kind_part(kind));
}

// --- dates

static enum dcap_code date_code(uint8_t part, bool late) {
    if (part == DCAP_PART_ROOT_CRL || part == DCAP_PART_PCK_CRL)
        return late ? DCAP_CRL_EXPIRED : DCAP_CRL_NOT_YET_VALID;
    if (part == DCAP_PART_TCB_INFO || part == DCAP_PART_QE_IDENTITY)
        return late ? DCAP_EXPIRED : DCAP_NOT_YET_VALID;
    return late ? DCAP_CERT_EXPIRED : DCAP_CERT_NOT_YET_VALID;
}

static bool in_time(const struct dcap_part_head *h, uint64_t now, struct dcap_fault *f) {
    if (now < h->from)
        return dcap_fail_with(f, date_code(h->from_part, false), (enum dcap_part)h->from_part, h->from);
    return now <= h->until ||
           dcap_fail_with(f, date_code(h->until_part, true), (enum dcap_part)h->until_part, h->until);
}

bool dcap_part_in_force(struct dcap_part_head *head, struct bytes part, enum dcap_kind kind, struct bytes root_crl,
                        const uint8_t root_key[64], uint64_t now, struct dcap_fault *f) {
    if (!dcap_part_open(head, part, kind, f))
        return false;
    if (memcmp(head->root, root_key, 32) != 0)
        return dcap_fail(f, DCAP_UNTRUSTED_ROOT, dcap_kind_part(kind));
    if (!in_time(head, now, f))
        return false;
    struct bytes signer = {head->signer, sizeof head->signer};
    if (kind != DCAP_KIND_ROOT_CRL && dcap_serials_have(dcap_part_serials(root_crl), signer))
        return dcap_fail(f, DCAP_CERT_REVOKED, kind == DCAP_KIND_PCK_CRL ? DCAP_PART_PCK_CA : DCAP_PART_TCB_SIGNER);
    return true;
}

// --- making a part

// A chain that was verified just before for another part. Intel serves the same text for both lists, and for TCB info
// and QE identity.
struct seen {
    struct bytes text;
    enum dcap_part kind; // the first of those that have the same form
    struct dcap_chain chain;
};
struct making {
    struct dcap_part_head head;
    enum dcap_kind kind;
    struct seen *seen;
    const struct dcap_chain *chain;
    const struct dcap_part_source *from;
    struct bytes root_crl;
    struct dcap_trust *trust;
    uint64_t now;
    struct dcap_arena *arena;
    uint8_t digest[32]; // of the text
};

// The chain above the text, whose signer has not been revoked.
static bool open_chain(struct making *m, struct dcap_fault *f) {
    enum dcap_part chain = chain_of(m->kind);
    struct dcap_part_head root;
    if (!m->from->chain.len)
        return dcap_fail(f, DCAP_PART_MISSING, chain);
    enum dcap_part form = is_crl(m->kind) ? chain : DCAP_PART_TCB_INFO_CHAIN;
    if (m->seen->kind != form || !dcap_bytes_eq(m->seen->text, m->from->chain)) {
        m->seen->kind = DCAP_PART_NOTHING;
        if (!dcap_chain_verify(&m->seen->chain, m->arena, m->from->chain, chain, m->trust, m->now, f))
            return false;
        m->seen->kind = form;
        m->seen->text = m->from->chain;
    }
    m->chain = &m->seen->chain;
    if (m->kind == DCAP_KIND_ROOT_CRL)
        return true;
    if (!dcap_part_in_force(&root, m->root_crl, DCAP_KIND_ROOT_CRL, m->root_crl, m->trust->root_key, m->now, f))
        return false;
    struct bytes serial = m->chain->cert[0].serial;
    memcpy(m->head.signer + sizeof m->head.signer - serial.len, serial.ptr, serial.len);
    return !dcap_serials_have(dcap_part_serials(m->root_crl), serial) ||
           dcap_fail(f, DCAP_CERT_REVOKED, m->kind == DCAP_KIND_PCK_CRL ? DCAP_PART_PCK_CA : DCAP_PART_TCB_SIGNER);
}

// What all parts have, once their own dates are known. A chain that ends as the text does is not named.
static void fill_head(struct making *m) {
    struct dcap_part_head *h = &m->head;
    memcpy(h->magic, "dp1", 3);
    h->kind = (uint8_t)m->kind;
    bool from_chain = m->chain->not_before > h->issued, until_chain = m->chain->not_after < h->next_update;
    h->from = from_chain ? m->chain->not_before : h->issued;
    h->until = until_chain ? m->chain->not_after : h->next_update;
    h->from_part = (uint8_t)(from_chain ? chain_of(m->kind) : dcap_kind_part(m->kind));
    h->until_part = (uint8_t)(until_chain ? chain_of(m->kind) : dcap_kind_part(m->kind));
    memcpy(h->root, m->trust->root_key, 32);
    memcpy(h->text_hash, m->digest, 32);
}

static bool make_crl(struct making *m, struct dcap_writer *w, struct dcap_fault *f) {
    enum dcap_part part = dcap_kind_part(m->kind);
    struct dcap_crl crl;
    const struct dcap_cert *issuer = &m->chain->cert[m->kind == DCAP_KIND_ROOT_CRL ? m->chain->count - 1 : 0];
    if (!dcap_crl_parse(&crl, m->from->text, part, f) || !dcap_crl_verify(&crl, issuer, m->now, part, f))
        return false;
    m->head.ca = (uint8_t)m->chain->ca;
    m->head.issued = crl.this_update;
    m->head.next_update = crl.next_update;
    for (size_t i = 0; i < crl.number.len; i++)
        m->head.number = m->head.number << 8 | crl.number.ptr[i];
    fill_head(m);
    dcap_put(w, &m->head, sizeof m->head);
    dcap_put(w, issuer->key, CRL_KEY);
    dcap_crl_put_serials(w, &crl);
    return true;
}

// The signature is over the text as it was served; nothing of the text is believed before.
static bool make_json(struct making *m, struct dcap_writer *w, struct dcap_fault *f) {
    enum dcap_part part = dcap_kind_part(m->kind);
    if (!m->from->signature)
        return dcap_fail(f, DCAP_PART_MISSING, part);
    if (!dcap_p256_in_range(m->from->signature))
        return dcap_fail(f, DCAP_SIGNATURE_FORMAT, part);
    if (!dcap_p256_verify(m->chain->cert[0].key, m->digest, m->from->signature))
        return dcap_fail(f, DCAP_SIGNATURE, part);
    if (m->kind == DCAP_KIND_TCB_INFO ? !dcap_tcb_info_put(w, m->from->text, f)
                                      : !dcap_qe_identity_put(w, m->from->text, f))
        return false;
    uint8_t signer[sizeof m->head.signer];
    memcpy(signer, m->head.signer, sizeof signer);
    memcpy(&m->head, w->start, sizeof m->head);
    memcpy(m->head.signer, signer, sizeof signer);
    fill_head(m);
    memcpy(w->start, &m->head, sizeof m->head);
    return in_time(&m->head, m->now, f);
}

static bool make_part(struct bytes *part, struct making *m, struct dcap_fault *f) {
    enum dcap_part name = dcap_kind_part(m->kind);
    if (!m->from->text.len)
        return dcap_fail(f, DCAP_PART_MISSING, name);
    if (!open_chain(m, f))
        return false;
    dcap_sha256(m->digest, m->from->text.ptr, m->from->text.len);
    struct dcap_writer w = dcap_write_into(m->arena);
    if (is_crl(m->kind) ? !make_crl(m, &w, f) : !make_json(m, &w, f))
        return false;
    *part = dcap_written(&w);
    return part->len || dcap_fail(f, DCAP_NO_MEMORY, name);
}

bool dcap_part_verify(struct bytes *part, enum dcap_kind kind, const struct dcap_part_source *from,
                      struct bytes root_crl, struct dcap_trust *trust, uint64_t now, struct dcap_arena *arena,
                      struct dcap_fault *f) {
    struct seen seen;
    seen.kind = DCAP_PART_NOTHING; // the rest counts with another kind
    struct making m = {
        .kind = kind, .seen = &seen, .from = from, .root_crl = root_crl, .trust = trust, .now = now, .arena = arena};
    return make_part(part, &m, f);
}

bool dcap_parts_verify(struct bytes part[4], const struct dcap_part_source from[4], struct dcap_trust *trust,
                       uint64_t now, struct dcap_arena *arena, struct dcap_fault *f) {
    struct seen seen;
    seen.kind = DCAP_PART_NOTHING; // the rest counts with another kind
    for (unsigned i = 0; i < 4; i++) {
        struct making m = {.kind = (enum dcap_kind)(DCAP_KIND_ROOT_CRL + i),
                           .seen = &seen,
                           .from = &from[i],
                           .root_crl = part[0],
                           .trust = trust,
                           .now = now,
                           .arena = arena};
        if (from[i].text.len && !make_part(&part[i], &m, f))
            return false;
    }
    return true;
}
