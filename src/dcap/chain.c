// SPDX-License-Identifier: Apache-2.0
#include "dcap/chain.h"
#include "dcap/backend.h"
#include "dcap/p256_point.h"
#include "dcap/pem.h"

struct walk {
    struct dcap_chain *chain;
    struct dcap_trust *trust;
    enum dcap_part kind;
    uint64_t now;
};

// The chain of a key that signs TCB info or QE identities.
static bool signs_collateral(const struct walk *w) {
    return w->kind == DCAP_PART_TCB_INFO_CHAIN || w->kind == DCAP_PART_QE_IDENTITY_CHAIN;
}

// The last place is always the root's.
static enum dcap_part part_of(const struct walk *w, size_t i) {
    static const uint8_t places[DCAP_CHAIN_MAX] = {DCAP_PART_PCK_CERT, DCAP_PART_PCK_CA, DCAP_PART_ROOT_CA};
    enum dcap_part part = (enum dcap_part)places[i + DCAP_CHAIN_MAX - w->chain->count];
    return part == DCAP_PART_PCK_CA && signs_collateral(w) ? DCAP_PART_TCB_SIGNER : part;
}

static bool fail(const struct walk *w, size_t i, enum dcap_code code, struct dcap_fault *f) {
    return dcap_fail(f, code, part_of(w, i));
}

static bool contains(struct bytes text, const char *phrase) {
    for (; text.len; text.ptr++, text.len--) {
        if (dcap_text_behind(phrase, text.ptr, text.ptr + text.len))
            return true;
    }
    return false;
}

// part, usage, a phrase of the subject's common name
#define ROLES(X)                                                                                                       \
    X(ROOT_CA, SIGN_CERTS, "SGX Root CA")                                                                              \
    X(PCK_CA, SIGN_CERTS, "SGX PCK Processor CA")                                                                      \
    X(PCK_CA, SIGN_CERTS, "SGX PCK Platform CA")                                                                       \
    X(PCK_CERT, SIGN, "SGX PCK Certificate")                                                                           \
    X(TCB_SIGNER, SIGN, "SGX TCB Signing")
enum { PROCESSOR_ROLE = 1, ROLE_COUNT = 5 };
static const struct role {
    uint8_t part, usage; // enum dcap_part, enum dcap_key_usage
} roles[ROLE_COUNT] = {
#define X(part, usage, phrase) {DCAP_PART_##part, DCAP_MAY_##usage},
    ROLES(X)
#undef X
};
static const char phrases[] =
#define X(part, usage, phrase) phrase "\0"
    ROLES(X)
#undef X
    ;

static const struct role *role_of(const struct walk *w, size_t i) {
    enum dcap_part part = part_of(w, i);
    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        if (roles[r].part == part && contains(w->chain->cert[i].common_name, dcap_nth(phrases, r)))
            return &roles[r];
    }
    return NULL;
}

// Subject and rights of a certificate are those of its place.
static bool check_role(const struct walk *w, size_t i, struct dcap_fault *f) {
    const struct dcap_cert *c = &w->chain->cert[i];
    const struct role *role = role_of(w, i);
    if (!role)
        return fail(w, i, DCAP_CERT_NAME, f);
    if (role->part == DCAP_PART_PCK_CA)
        w->chain->ca = role == roles + PROCESSOR_ROLE ? DCAP_CA_PROCESSOR : DCAP_CA_PLATFORM;
    if (role->usage == DCAP_MAY_SIGN) {
        if (c->ca || (c->usage & DCAP_MAY_SIGN_CERTS))
            return fail(w, i, DCAP_CERT_IS_CA, f);
        return (c->usage & DCAP_MAY_SIGN) || fail(w, i, DCAP_CERT_USAGE, f);
    }
    // Below a root there may be one authority more; what is signed without the right to is the fault's part.
    uint8_t authorities = role->part == DCAP_PART_ROOT_CA && !signs_collateral(w) ? 1 : 0;
    if (!c->ca || !(c->usage & DCAP_MAY_SIGN_CERTS) || c->path_limit < authorities)
        return fail(w, i > 0 ? i - 1 : 0, DCAP_CERT_NOT_CA, f);
    return true;
}

static bool check_dates(const struct walk *w, size_t i, struct dcap_fault *f) {
    const struct dcap_cert *c = &w->chain->cert[i];
    if (w->now < c->not_before)
        return dcap_fail_with(f, DCAP_CERT_NOT_YET_VALID, part_of(w, i), c->not_before);
    if (w->now > c->not_after)
        return dcap_fail_with(f, DCAP_CERT_EXPIRED, part_of(w, i), c->not_after);
    if (w->chain->not_before < c->not_before)
        w->chain->not_before = c->not_before;
    if (w->chain->not_after > c->not_after)
        w->chain->not_after = c->not_after;
    return true;
}

// The root has signed itself, and what is below it; each once, as long as that is remembered.
static bool check_signature(const struct walk *w, size_t i, bool by_root, struct dcap_fault *f) {
    const struct dcap_cert *c = &w->chain->cert[i];
    uint8_t digest[32], hash[32];
    if (by_root) {
        dcap_sha256(hash, c->der.ptr, c->der.len);
        if (dcap_trust_knows(w->trust, hash))
            return true;
    }
    if (!dcap_p256_on_curve(c->key))
        return fail(w, i, DCAP_CERT_KEY, f);
    dcap_sha256(digest, c->tbs.ptr, c->tbs.len);
    if (!dcap_p256_verify(by_root ? w->trust->root_key : c[1].key, digest, c->signature))
        return fail(w, i, DCAP_CERT_SIGNATURE, f);
    if (by_root)
        dcap_trust_learn(w->trust, hash);
    return true;
}

static bool check_certificate(const struct walk *w, size_t i, struct dcap_fault *f) {
    size_t root = w->chain->count - 1;
    const struct dcap_cert *c = &w->chain->cert[i], *issuer = i < root ? c + 1 : c;
    // A root may leave out which key has signed it.
    if (!dcap_bytes_eq(c->issuer, issuer->subject) || issuer->key_id.len == 0 ||
        ((i < root || c->issuer_id.len > 0) && !dcap_bytes_eq(c->issuer_id, issuer->key_id)))
        return fail(w, i, DCAP_CHAIN_ORDER, f);
    return check_signature(w, i, i + 1 >= root, f) && check_dates(w, i, f) && check_role(w, i, f);
}

bool dcap_chain_verify(struct dcap_chain *out, struct dcap_arena *arena, struct bytes pem, enum dcap_part kind,
                       struct dcap_trust *trust, uint64_t now, struct dcap_fault *f) {
    struct walk w = {out, trust, kind, now};
    struct bytes der[DCAP_CHAIN_MAX + 1];
    bool pck = kind == DCAP_PART_PCK_CHAIN;
    out->not_before = 0;
    out->not_after = UINT64_MAX;
    if (!dcap_pem_certificates(der, &out->count, arena, pem, DCAP_CHAIN_MAX + 1, pck))
        return dcap_fail(f, DCAP_PEM_FORMAT, kind);
    if (out->count != (pck ? 3 : 2))
        return dcap_fail_with(f, DCAP_CHAIN_LENGTH, kind, out->count);
    for (size_t i = 0; i < out->count; i++) {
        if (!dcap_cert_parse(&out->cert[i], der[i], part_of(&w, i), f))
            return false;
    }
    if (memcmp(out->cert[out->count - 1].key, trust->root_key, sizeof trust->root_key) != 0)
        return dcap_fail(f, DCAP_UNTRUSTED_ROOT, kind);
    for (size_t i = out->count; i > 0; i--) {
        if (!check_certificate(&w, i - 1, f))
            return false;
    }
    return true;
}
