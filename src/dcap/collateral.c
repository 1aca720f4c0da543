// SPDX-License-Identifier: Apache-2.0
#include "dcap/collateral.h"

#define MEMBER(name) DCAP_JSON_OPTIONAL(struct dcap_collateral, name, #name, DCAP_JSON_ESCAPED, 0)
enum { PEMS = 4, HEXES = 4, ALL = 10 };
// Chains, then hexadecimal ones, then texts.
static const struct dcap_json_member members[ALL] = {
    MEMBER(pck_crl_issuer_chain),  MEMBER(tcb_info_issuer_chain), MEMBER(qe_identity_issuer_chain),
    MEMBER(pck_certificate_chain), MEMBER(root_ca_crl),           MEMBER(pck_crl),
    MEMBER(tcb_info_signature),    MEMBER(qe_identity_signature), MEMBER(tcb_info),
    MEMBER(qe_identity),
};
static const uint8_t part_of[ALL] = {DCAP_PART_PCK_CRL_CHAIN, DCAP_PART_TCB_INFO_CHAIN, DCAP_PART_QE_IDENTITY_CHAIN,
                                     DCAP_PART_PCK_CHAIN,     DCAP_PART_ROOT_CRL,       DCAP_PART_PCK_CRL,
                                     DCAP_PART_TCB_INFO,      DCAP_PART_QE_IDENTITY,    DCAP_PART_TCB_INFO,
                                     DCAP_PART_QE_IDENTITY};

// Takes one text out of its form, where it stands.
static bool take_out(struct bytes *text, unsigned i, uint8_t *memory, struct dcap_fault *f) {
    enum dcap_part part = (enum dcap_part)part_of[i];
    if (!text->ptr)
        return true;
    if (!dcap_json_unescape(text, memory))
        return dcap_fail(f, DCAP_JSON_FORMAT, DCAP_PART_COLLATERAL);
    if (i < PEMS || i >= PEMS + HEXES)
        return true;
    bool signature = i >= PEMS + 2;
    size_t n = text->len / 2;
    if ((signature && n != 64) || !dcap_hex_decode(memory, *text, n))
        return dcap_fail(f, DCAP_HEX_FORMAT, part);
    text->len = n;
    return true;
}

bool dcap_collateral_read(struct dcap_collateral *out, uint8_t *text, size_t len, struct dcap_fault *f) {
    static const struct dcap_json_shape shape = {members, ALL, NULL};
    *out = (struct dcap_collateral){.pck_crl = {NULL, 0}};
    if (!dcap_json_document(out, (struct bytes){text, len}, &shape, DCAP_PART_COLLATERAL, f))
        return false;
    for (unsigned i = 0; i < ALL; i++) {
        struct bytes *t = (struct bytes *)(void *)((uint8_t *)out + members[i].offset);
        if (!take_out(t, i, t->ptr ? text + (t->ptr - text) : NULL, f))
            return false;
    }
    return true;
}

struct dcap_part_source dcap_collateral_source(const struct dcap_collateral *c, enum dcap_kind kind) {
    switch (kind) {
    case DCAP_KIND_ROOT_CRL: return (struct dcap_part_source){c->root_ca_crl, NULL, c->pck_crl_issuer_chain};
    case DCAP_KIND_PCK_CRL: return (struct dcap_part_source){c->pck_crl, NULL, c->pck_crl_issuer_chain};
    case DCAP_KIND_TCB_INFO:
        return (struct dcap_part_source){c->tcb_info, c->tcb_info_signature.ptr, c->tcb_info_issuer_chain};
    case DCAP_KIND_QE_IDENTITY:
        return (struct dcap_part_source){c->qe_identity, c->qe_identity_signature.ptr, c->qe_identity_issuer_chain};
    }
    return (struct dcap_part_source){.signature = NULL};
}

bool dcap_collateral_verify(struct dcap_parts *parts, const struct dcap_collateral *c, struct dcap_trust *trust,
                            uint64_t now, struct dcap_arena *arena, struct dcap_fault *f) {
    struct bytes part[4] = {{NULL, 0}};
    struct dcap_part_source from[4];
    for (unsigned i = 0; i < 4; i++)
        from[i] = dcap_collateral_source(c, (enum dcap_kind)(DCAP_KIND_ROOT_CRL + i));
    if (!dcap_parts_verify(part, from, trust, now, arena, f))
        return false;
    *parts = (struct dcap_parts){part[0], part[1], part[2], part[3], c->pck_certificate_chain};
    return true;
}
