// SPDX-License-Identifier: Apache-2.0
// Chains: Intel's real ones hold at their dates; every flipped bit and every thing that is wrong in a chain that is
// signed anew is refused, and the fault names the certificate.
#include "base/test.h"

#include "dcap/backend.h"
#include "dcap/forge_test.h"

enum { NOW = 1740000000 }; // 2025-02-19, within what forge_test.h makes and what the vectors have

static uint8_t memory[16384];

static struct dcap_fault verify(struct dcap_chain *out, struct bytes pem, enum dcap_part kind, struct dcap_trust *trust,
                                uint64_t now) {
    struct dcap_arena arena = {memory, sizeof memory, 0};
    struct dcap_fault f = {DCAP_OK, DCAP_PART_NOTHING, 0};
    bool ok = dcap_chain_verify(out, &arena, pem, kind, trust, now, &f);
    assert_int_equal(ok, f.code == DCAP_OK);
    return f;
}

#define ASSERT_FAULT(fault, want_code, want_part)                                                                      \
    do {                                                                                                               \
        struct dcap_fault got_ = (fault);                                                                              \
        if (got_.code != DCAP_##want_code || got_.part != DCAP_PART_##want_part)                                       \
            fail_msg("%s %s", dcap_part_words(got_.part), dcap_code_name(got_.code));                                  \
    } while (0)

// --- Intel's

static void real_ones(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const struct {
        const char *quote, *collateral;
        uint64_t at;
        enum dcap_ca ca;
    } rows[] = {
        {"qvl_sgx_v3_00a067110000", "qvl_sgx_v3_00a067110000", 1751624924, DCAP_CA_PROCESSOR},
        {"qvl_tdx_v4_b0c06f", "qvl_tdx_v4_b0c06f", 1751624924, DCAP_CA_PLATFORM},
        {"near_tdx_v4_20a06f_sep25", "near_tdx_v4_20a06f_nov25", 1764000000, DCAP_CA_PLATFORM},
        {"aut_tdx_v4_00806f_feb25", "aut_tdx_v4_00806f_feb25", 1740000000, DCAP_CA_PLATFORM},
        {"gtg_tdx_v4_50806f_nolevel", "gtg_tdx_v4_50806f_nolevel", 1688173200, DCAP_CA_PLATFORM},
        {"qvl_tdx_v5_90c06f_nolevel", "qvl_tdx_v5_90c06f_nolevel", 1772000000, DCAP_CA_PLATFORM},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dcap_trust trust;
        struct dcap_chain chain;
        dcap_trust_intel(&trust);
        const char *from = arena_printf(a, "%s.collateral.json", rows[i].collateral);
        struct bytes pem = forge_quote_chain(a, arena_printf(a, "%s.quote.bin", rows[i].quote));
        ASSERT_FAULT(verify(&chain, pem, DCAP_PART_PCK_CHAIN, &trust, rows[i].at), OK, NOTHING);
        assert_int_equal(chain.ca, rows[i].ca);
        assert_int_equal(chain.count, 3);
        assert_true(chain.not_before >= 1526899510 && chain.not_after <= 2524607999 && chain.not_before < rows[i].at &&
                    chain.not_after > rows[i].at);
        pem = forge_member(a, from, "pck_crl_issuer_chain");
        ASSERT_FAULT(verify(&chain, pem, DCAP_PART_PCK_CRL_CHAIN, &trust, rows[i].at), OK, NOTHING);
        assert_int_equal(chain.ca, rows[i].ca);
        pem = forge_member(a, from, "tcb_info_issuer_chain");
        ASSERT_FAULT(verify(&chain, pem, DCAP_PART_TCB_INFO_CHAIN, &trust, rows[i].at), OK, NOTHING);
        pem = forge_member(a, from, "qe_identity_issuer_chain");
        ASSERT_FAULT(verify(&chain, pem, DCAP_PART_QE_IDENTITY_CHAIN, &trust, rows[i].at), OK, NOTHING);
        // Each second at the edges.
        ASSERT_FAULT(verify(&chain, pem, DCAP_PART_QE_IDENTITY_CHAIN, &trust, chain.not_before), OK, NOTHING);
        ASSERT_FAULT(verify(&chain, pem, DCAP_PART_QE_IDENTITY_CHAIN, &trust, chain.not_after), OK, NOTHING);
        uint64_t end = chain.not_after, begin = chain.not_before;
        struct dcap_fault f = verify(&chain, pem, DCAP_PART_QE_IDENTITY_CHAIN, &trust, begin - 1);
        ASSERT_FAULT(f, CERT_NOT_YET_VALID, TCB_SIGNER);
        assert_int_equal(f.detail, begin);
        f = verify(&chain, pem, DCAP_PART_QE_IDENTITY_CHAIN, &trust, end + 1);
        ASSERT_FAULT(f, CERT_EXPIRED, TCB_SIGNER);
        assert_int_equal(f.detail, end);
    }
}

// Intel's own test root, though it is called the same; and with its key as the one trusted it holds.
static void another_root(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct bytes pem = forge_member(a, "intel_test_root_tdx.collateral.json", "pck_certificate_chain");
    struct dcap_trust trust;
    struct dcap_chain chain;
    dcap_trust_intel(&trust);
    ASSERT_FAULT(verify(&chain, pem, DCAP_PART_PCK_CHAIN, &trust, NOW), UNTRUSTED_ROOT, PCK_CHAIN);
    dcap_trust_root(&trust, chain.cert[2].key);
    ASSERT_FAULT(verify(&chain, pem, DCAP_PART_PCK_CHAIN, &trust, NOW), OK, NOTHING);
    assert_int_equal(trust.count, 2); // the root and the authority; never the leaf
}

static struct bytes pem_of(struct arena *a, const struct bytes *der, size_t n) {
    struct bytes pem[DCAP_CHAIN_MAX];
    for (size_t i = 0; i < n; i++)
        pem[i] = forge_pem(a, der[i]);
    return forge_join(a, pem, n);
}

// Every bit of every certificate of a real chain; the certificates known by their hash are those of the whole chain.
static void every_bit(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct dcap_arena arena = {arena_alloc(a, 8192), 8192, 0};
    struct bytes der[3];
    size_t count;
    assert_true(
        dcap_pem_certificates(der, &count, &arena, forge_quote_chain(a, "qvl_tdx_v4_b0c06f.quote.bin"), 3, true));
    struct dcap_trust trust;
    struct dcap_chain chain;
    dcap_trust_intel(&trust);
    SCOPED_ARENA(b);
    ASSERT_FAULT(verify(&chain, pem_of(b, der, 3), DCAP_PART_PCK_CHAIN, &trust, 1751624924), OK, NOTHING);
    for (size_t i = 0; i < 3; i++) {
        uint8_t *bytes = (uint8_t *)(uintptr_t)der[i].ptr;
        for (size_t bit = 0; bit < der[i].len * 8; bit++) {
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            struct dcap_trust before = trust;
            struct dcap_fault f = verify(&chain, pem_of(b, der, 3), DCAP_PART_PCK_CHAIN, &trust, 1751624924);
            if (f.code == DCAP_OK || f.code == DCAP_PEM_FORMAT)
                fail_msg("certificate %zu, bit %zu", i, bit);
            assert_memory_equal(&before, &trust, sizeof trust); // nothing false is remembered
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            arena_reset(b);
        }
    }
}

// --- chains of our own, with one thing changed

enum { ROOT, CA, LEAF, SIGNER, OTHER, KEYS };
struct world {
    EVP_PKEY *key[KEYS];
};
struct specs {
    struct forge_cert root, ca, leaf, signer;
};

static struct specs good(struct arena *a, EVP_PKEY *const key[KEYS]) {
    static const char root[] = "Intel SGX Root CA", ca[] = "Intel SGX PCK Platform CA";
    return (struct specs){
        .root = forge_cert(a, key[ROOT], root, key[ROOT], root, "03020106", "30060101ff020101"),
        .ca = forge_cert(a, key[CA], ca, key[ROOT], root, "03020106", "30060101ff020100"),
        .leaf = forge_cert(a, key[LEAF], "Intel SGX PCK Certificate", key[CA], ca, "030206c0", "3000"),
        .signer = forge_cert(a, key[SIGNER], "Intel SGX TCB Signing", key[ROOT], root, "030206c0", "3000"),
    };
}

typedef void change(struct arena *a, struct specs *s, EVP_PKEY *const key[KEYS]);
#define CHANGE(name, body)                                                                                             \
    static void name([[maybe_unused]] struct arena *a, struct specs *s, [[maybe_unused]] EVP_PKEY *const key[KEYS]) {  \
        body;                                                                                                          \
    }
#define SIGNED_BY(name, field, signed_by) CHANGE(name, s->field.signer = key[signed_by])
#define NAMED(name, field, text) CHANGE(name, s->field = forge_name(a, text))
#define USAGE(name, who, hex)                                                                                          \
    CHANGE(name, s->who.usage = forge_extension(a, "551d0f", FORGE_CRITICAL, forge_hex(a, hex)))
#define CONSTRAINTS(name, who, hex)                                                                                    \
    CHANGE(name, s->who.constraints = forge_extension(a, "551d13", FORGE_CRITICAL, forge_hex(a, hex)))
#define DATES(name, who, from, to)                                                                                     \
    CHANGE(name, s->who.validity = FORGE_TLV(a, DER_SEQUENCE, forge_utc(a, from), forge_utc(a, to)))

CHANGE(nothing, (void)s)
SIGNED_BY(leaf_by_root, leaf, ROOT)
SIGNED_BY(leaf_by_itself, leaf, LEAF)
SIGNED_BY(ca_by_other, ca, OTHER)
SIGNED_BY(ca_by_itself, ca, CA)
SIGNED_BY(root_by_other, root, OTHER)
SIGNED_BY(signer_by_other, signer, OTHER)
NAMED(leaf_of_other_issuer, leaf.issuer, "Intel SGX PCK Processor CA")
NAMED(ca_of_other_issuer, ca.issuer, "Another SGX Root CA")
NAMED(root_of_other_issuer, root.issuer, "Another SGX Root CA")
NAMED(leaf_called_ca, leaf.subject, "Intel SGX PCK Platform CA")
NAMED(leaf_called_signer, leaf.subject, "Intel SGX TCB Signing")
NAMED(signer_called_leaf, signer.subject, "Intel SGX PCK Certificate")
CHANGE(ca_called_else, s->ca.subject = s->leaf.issuer = forge_name(a, "Intel SGX PCK CA"))
CHANGE(ca_of_processors, s->ca.subject = s->leaf.issuer = forge_name(a, "Intel SGX PCK Processor CA"))
CHANGE(root_called_else,
       s->root.subject = s->root.issuer = s->ca.issuer = s->signer.issuer = forge_name(a, "Intel Root"))
CHANGE(root_without_name, s->root.subject = s->root.issuer = s->ca.issuer = s->signer.issuer = forge_hex(a, "3000"))
CHANGE(leaf_issuer_id_of_root, s->leaf.issuer_id = forge_issuer_id(a, key[ROOT]))
CHANGE(leaf_without_issuer_id, s->leaf.issuer_id = forge_hex(a, ""))
CHANGE(ca_without_key_id, s->ca.key_id = forge_hex(a, ""))
CHANGE(neither_id, s->ca.key_id = s->leaf.issuer_id = forge_hex(a, ""))
CHANGE(root_without_issuer_id, s->root.issuer_id = forge_hex(a, ""))
CHANGE(root_issuer_id_of_other, s->root.issuer_id = forge_issuer_id(a, key[OTHER]))
CHANGE(root_of_other_key, s->root = forge_cert(a, key[OTHER], "Intel SGX Root CA", key[OTHER], "Intel SGX Root CA",
                                               "03020106", "30060101ff020101"))
CONSTRAINTS(leaf_is_ca, leaf, "30030101ff")
CONSTRAINTS(signer_is_ca, signer, "30060101ff020100")
CHANGE(leaf_without_constraints, s->leaf.constraints = forge_hex(a, ""))
CONSTRAINTS(ca_is_leaf, ca, "3000")
CHANGE(ca_without_constraints, s->ca.constraints = forge_hex(a, ""))
CONSTRAINTS(ca_without_limit, ca, "30030101ff")
CONSTRAINTS(root_is_leaf, root, "3000")
CONSTRAINTS(root_limit_0, root, "30060101ff020100")
CONSTRAINTS(root_without_limit, root, "30030101ff")
USAGE(leaf_signs_certs, leaf, "03020284")
USAGE(leaf_signs_nothing, leaf, "03020640")
CHANGE(leaf_without_usage, s->leaf.usage = forge_hex(a, ""))
USAGE(signer_signs_nothing, signer, "03020640")
USAGE(ca_signs_lists_only, ca, "03020102")
CHANGE(ca_without_usage, s->ca.usage = forge_hex(a, ""))
USAGE(root_signs_lists_only, root, "03020102")
DATES(leaf_expired, leaf, "200101000000Z", "250218000000Z")
DATES(ca_expired, ca, "200101000000Z", "250218000000Z")
DATES(root_expired, root, "200101000000Z", "250218000000Z")
DATES(signer_expired, signer, "200101000000Z", "250218000000Z")
DATES(leaf_in_future, leaf, "250220000000Z", "300101000000Z")
DATES(ca_in_future, ca, "250220000000Z", "300101000000Z")
DATES(root_in_future, root, "250220000000Z", "300101000000Z")
DATES(dates_exchanged, leaf, "300101000000Z", "200101000000Z")
CHANGE(key_off_curve, uint8_t *p = (uint8_t *)(uintptr_t)s->leaf.public_key.ptr; p[s->leaf.public_key.len - 1] ^= 1)
CHANGE(key_of_zeros, uint8_t *p = (uint8_t *)(uintptr_t)s->leaf.public_key.ptr;
       memset(p + s->leaf.public_key.len - 64, 0, 64))
CHANGE(ca_key_off_curve, uint8_t *p = (uint8_t *)(uintptr_t)s->ca.public_key.ptr; p[s->ca.public_key.len - 1] ^= 1)
CHANGE(leaf_unknown_extension, s->leaf.more = forge_extension(a, "2a0304", FORGE_CRITICAL, forge_hex(a, "0400")))
CHANGE(ca_unknown_extension, s->ca.more = forge_extension(a, "2a0304", FORGE_CRITICAL, forge_hex(a, "0400")))

struct row {
    const char *name;
    change *change;
    struct {
        enum dcap_code code;
        enum dcap_part part;
    } pck, lists, signer; // PCK_CHAIN, PCK_CRL_CHAIN, TCB_INFO_CHAIN
};
static const struct row rows[] = {
#define HOLDS                                                                                                          \
    { DCAP_OK, DCAP_PART_NOTHING }
#define IS(code, part)                                                                                                 \
    { DCAP_##code, DCAP_PART_##part }
#define LEAF_ROW(change, code)                                                                                         \
    { #change, change, IS(code, PCK_CERT), HOLDS, HOLDS }
#define CA_ROW(change, code)                                                                                           \
    { #change, change, IS(code, PCK_CA), IS(code, PCK_CA), HOLDS }
#define SIGNER_ROW(change, code)                                                                                       \
    { #change, change, HOLDS, HOLDS, IS(code, TCB_SIGNER) }
#define ROOT_ROW(change, code)                                                                                         \
    { #change, change, IS(code, ROOT_CA), IS(code, ROOT_CA), IS(code, ROOT_CA) }
    {"nothing", nothing, HOLDS, HOLDS, HOLDS},
    LEAF_ROW(leaf_by_root, CERT_SIGNATURE),
    LEAF_ROW(leaf_by_itself, CERT_SIGNATURE),
    CA_ROW(ca_by_other, CERT_SIGNATURE),
    CA_ROW(ca_by_itself, CERT_SIGNATURE),
    ROOT_ROW(root_by_other, CERT_SIGNATURE),
    SIGNER_ROW(signer_by_other, CERT_SIGNATURE),
    LEAF_ROW(leaf_of_other_issuer, CHAIN_ORDER),
    CA_ROW(ca_of_other_issuer, CHAIN_ORDER),
    ROOT_ROW(root_of_other_issuer, CHAIN_ORDER),
    LEAF_ROW(leaf_called_ca, CERT_NAME),
    LEAF_ROW(leaf_called_signer, CERT_NAME),
    SIGNER_ROW(signer_called_leaf, CERT_NAME),
    CA_ROW(ca_called_else, CERT_NAME),
    {"ca_of_processors", ca_of_processors, HOLDS, HOLDS, HOLDS},
    ROOT_ROW(root_called_else, CERT_NAME),
    ROOT_ROW(root_without_name, CERT_NAME),
    LEAF_ROW(leaf_issuer_id_of_root, CHAIN_ORDER),
    LEAF_ROW(leaf_without_issuer_id, CHAIN_ORDER),
    LEAF_ROW(ca_without_key_id, CHAIN_ORDER),
    LEAF_ROW(neither_id, CHAIN_ORDER),
    {"root_without_issuer_id", root_without_issuer_id, HOLDS, HOLDS, HOLDS},
    ROOT_ROW(root_issuer_id_of_other, CHAIN_ORDER),
    {"root_of_other_key", root_of_other_key, IS(UNTRUSTED_ROOT, PCK_CHAIN), IS(UNTRUSTED_ROOT, PCK_CRL_CHAIN),
     IS(UNTRUSTED_ROOT, TCB_INFO_CHAIN)},
    LEAF_ROW(leaf_is_ca, CERT_IS_CA),
    SIGNER_ROW(signer_is_ca, CERT_IS_CA),
    LEAF_ROW(leaf_without_constraints, OK),
    {"ca_is_leaf", ca_is_leaf, IS(CERT_NOT_CA, PCK_CERT), IS(CERT_NOT_CA, PCK_CA), HOLDS},
    {"ca_without_constraints", ca_without_constraints, IS(CERT_NOT_CA, PCK_CERT), IS(CERT_NOT_CA, PCK_CA), HOLDS},
    {"ca_without_limit", ca_without_limit, HOLDS, HOLDS, HOLDS},
    {"root_is_leaf", root_is_leaf, IS(CERT_NOT_CA, PCK_CA), IS(CERT_NOT_CA, PCK_CA), IS(CERT_NOT_CA, TCB_SIGNER)},
    {"root_limit_0", root_limit_0, IS(CERT_NOT_CA, PCK_CA), IS(CERT_NOT_CA, PCK_CA), HOLDS},
    {"root_without_limit", root_without_limit, HOLDS, HOLDS, HOLDS},
    LEAF_ROW(leaf_signs_certs, CERT_IS_CA),
    LEAF_ROW(leaf_signs_nothing, CERT_USAGE),
    LEAF_ROW(leaf_without_usage, CERT_USAGE),
    SIGNER_ROW(signer_signs_nothing, CERT_USAGE),
    {"ca_signs_lists_only", ca_signs_lists_only, IS(CERT_NOT_CA, PCK_CERT), IS(CERT_NOT_CA, PCK_CA), HOLDS},
    {"ca_without_usage", ca_without_usage, IS(CERT_NOT_CA, PCK_CERT), IS(CERT_NOT_CA, PCK_CA), HOLDS},
    {"root_signs_lists_only", root_signs_lists_only, IS(CERT_NOT_CA, PCK_CA), IS(CERT_NOT_CA, PCK_CA),
     IS(CERT_NOT_CA, TCB_SIGNER)},
    LEAF_ROW(leaf_expired, CERT_EXPIRED),
    CA_ROW(ca_expired, CERT_EXPIRED),
    ROOT_ROW(root_expired, CERT_EXPIRED),
    SIGNER_ROW(signer_expired, CERT_EXPIRED),
    LEAF_ROW(leaf_in_future, CERT_NOT_YET_VALID),
    CA_ROW(ca_in_future, CERT_NOT_YET_VALID),
    ROOT_ROW(root_in_future, CERT_NOT_YET_VALID),
    LEAF_ROW(dates_exchanged, CERT_NOT_YET_VALID),
    LEAF_ROW(key_off_curve, CERT_KEY),
    LEAF_ROW(key_of_zeros, CERT_KEY),
    CA_ROW(ca_key_off_curve, CERT_KEY),
    LEAF_ROW(leaf_unknown_extension, CERT_EXTENSION),
    CA_ROW(ca_unknown_extension, CERT_EXTENSION),
};

static void check(const char *name, struct dcap_fault f, enum dcap_code code, enum dcap_part part) {
    // A chain that holds leaves the fault as it was.
    if (f.code != code || f.part != (code == DCAP_OK ? DCAP_PART_NOTHING : part))
        fail_msg("%s: %s %s", name, dcap_part_words(f.part), dcap_code_name(f.code));
}

static void one_thing_wrong(void **state) {
    const struct world *w = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        SCOPED_ARENA(a);
        struct specs s = good(a, w->key);
        struct dcap_trust trust;
        struct dcap_chain chain;
        dcap_trust_root(&trust, forge_key_bytes(a, w->key[ROOT]).ptr);
        rows[i].change(a, &s, w->key);
        struct bytes root = forge_pem(a, forge_cert_der(a, &s.root)), ca = forge_pem(a, forge_cert_der(a, &s.ca)),
                     leaf = forge_pem(a, forge_cert_der(a, &s.leaf)),
                     signer = forge_pem(a, forge_cert_der(a, &s.signer));
        check(rows[i].name, verify(&chain, FORGE_JOIN(a, leaf, ca, root), DCAP_PART_PCK_CHAIN, &trust, NOW),
              rows[i].pck.code, rows[i].pck.part);
        if (rows[i].pck.code == DCAP_OK)
            assert_int_equal(chain.ca, rows[i].change == ca_of_processors ? DCAP_CA_PROCESSOR : DCAP_CA_PLATFORM);
        check(rows[i].name, verify(&chain, FORGE_JOIN(a, ca, root), DCAP_PART_PCK_CRL_CHAIN, &trust, NOW),
              rows[i].lists.code, rows[i].lists.part);
        check(rows[i].name, verify(&chain, FORGE_JOIN(a, signer, root), DCAP_PART_TCB_INFO_CHAIN, &trust, NOW),
              rows[i].signer.code, rows[i].signer.part);
    }
}

// More or fewer certificates than a chain of its kind has, and in another order.
static void lengths_and_order(void **state) {
    const struct world *w = *state;
    SCOPED_ARENA(a);
    struct specs s = good(a, w->key);
    struct dcap_trust trust;
    struct dcap_chain chain;
    dcap_trust_root(&trust, forge_key_bytes(a, w->key[ROOT]).ptr);
    struct bytes root = forge_pem(a, forge_cert_der(a, &s.root)), ca = forge_pem(a, forge_cert_der(a, &s.ca)),
                 leaf = forge_pem(a, forge_cert_der(a, &s.leaf)), signer = forge_pem(a, forge_cert_der(a, &s.signer)),
                 nul = DCAP_LIT("\0");
#define PCK(...) verify(&chain, FORGE_JOIN(a, __VA_ARGS__), DCAP_PART_PCK_CHAIN, &trust, NOW)
#define LISTS(...) verify(&chain, FORGE_JOIN(a, __VA_ARGS__), DCAP_PART_PCK_CRL_CHAIN, &trust, NOW)
#define SIGNER_OF(...) verify(&chain, FORGE_JOIN(a, __VA_ARGS__), DCAP_PART_QE_IDENTITY_CHAIN, &trust, NOW)
    ASSERT_FAULT(PCK(leaf, ca, root, nul), OK, NOTHING);
    ASSERT_FAULT(LISTS(ca, root, nul), PEM_FORMAT, PCK_CRL_CHAIN);
    ASSERT_FAULT(SIGNER_OF(signer, root, nul), PEM_FORMAT, QE_IDENTITY_CHAIN);
    ASSERT_FAULT(PCK(leaf, ca), CHAIN_LENGTH, PCK_CHAIN);
    ASSERT_FAULT(PCK(leaf, root), CHAIN_LENGTH, PCK_CHAIN);
    ASSERT_FAULT(PCK(leaf), CHAIN_LENGTH, PCK_CHAIN);
    ASSERT_FAULT(PCK(leaf, ca, root, root), CHAIN_LENGTH, PCK_CHAIN);
    ASSERT_FAULT(PCK(leaf, ca, ca, root), CHAIN_LENGTH, PCK_CHAIN);
    ASSERT_FAULT(PCK(leaf, ca, root, root, root), PEM_FORMAT, PCK_CHAIN);
    ASSERT_FAULT(PCK(ca, leaf, root), CHAIN_ORDER, PCK_CA);
    ASSERT_FAULT(PCK(root, ca, leaf), UNTRUSTED_ROOT, PCK_CHAIN);
    ASSERT_FAULT(PCK(leaf, root, root), CERT_NAME, PCK_CA);
    ASSERT_FAULT(PCK(leaf, leaf, root), CHAIN_ORDER, PCK_CA);
    ASSERT_FAULT(PCK(ca, ca, root), CHAIN_ORDER, PCK_CERT);
    ASSERT_FAULT(LISTS(ca), CHAIN_LENGTH, PCK_CRL_CHAIN);
    ASSERT_FAULT(LISTS(leaf, ca, root), CHAIN_LENGTH, PCK_CRL_CHAIN);
    ASSERT_FAULT(LISTS(root, root), CERT_NAME, PCK_CA);
    ASSERT_FAULT(LISTS(signer, root), CERT_NAME, PCK_CA);
    ASSERT_FAULT(SIGNER_OF(ca, root), CERT_NAME, TCB_SIGNER);
    ASSERT_FAULT(SIGNER_OF(leaf, root), CHAIN_ORDER, TCB_SIGNER);
    ASSERT_FAULT(SIGNER_OF(signer, ca, root), CHAIN_LENGTH, QE_IDENTITY_CHAIN);
    ASSERT_FAULT(PCK(forge_text("")), PEM_FORMAT, PCK_CHAIN);
}

// What is remembered is that the root's key signed a certificate, and nothing else about it.
static void memory_of_issuers(void **state) {
    const struct world *w = *state;
    SCOPED_ARENA(a);
    struct specs s = good(a, w->key);
    struct dcap_trust trust;
    struct dcap_chain chain;
    dcap_trust_root(&trust, forge_key_bytes(a, w->key[ROOT]).ptr);
    struct bytes root = forge_pem(a, forge_cert_der(a, &s.root)), ca = forge_pem(a, forge_cert_der(a, &s.ca)),
                 leaf = forge_pem(a, forge_cert_der(a, &s.leaf));
    s.leaf.signer = w->key[OTHER];
    struct bytes forged = forge_pem(a, forge_cert_der(a, &s.leaf));
    ASSERT_FAULT(PCK(leaf, ca, root), OK, NOTHING);
    assert_int_equal(trust.count, 2);
    ASSERT_FAULT(PCK(forged, ca, root), CERT_SIGNATURE, PCK_CERT); // the leaf is never taken for known
    assert_int_equal(trust.count, 2);
    // It is believed: a certificate that was learnt needs no signature again.
    s.ca.signer = w->key[OTHER];
    struct bytes der = forge_cert_der(a, &s.ca), learnt = forge_pem(a, der);
    uint8_t hash[32];
    ASSERT_FAULT(PCK(leaf, learnt, root), CERT_SIGNATURE, PCK_CA);
    dcap_sha256(hash, der.ptr, der.len);
    dcap_trust_learn(&trust, hash);
    ASSERT_FAULT(PCK(leaf, learnt, root), OK, NOTHING);
    struct dcap_fault late = verify(&chain, FORGE_JOIN(a, ca, root), DCAP_PART_PCK_CRL_CHAIN, &trust, 1900000000);
    ASSERT_FAULT(late, CERT_EXPIRED, ROOT_CA);
    // A known authority of the other root is none of this one.
    struct dcap_trust other = trust;
    memcpy(other.root_key, forge_key_bytes(a, w->key[OTHER]).ptr, 64);
    ASSERT_FAULT(verify(&chain, FORGE_JOIN(a, ca, root), DCAP_PART_PCK_CRL_CHAIN, &other, NOW), UNTRUSTED_ROOT,
                 PCK_CRL_CHAIN);
}

static int set_up(void **state) {
    static struct world w;
    for (int i = 0; i < KEYS; i++)
        w.key[i] = EVP_EC_gen("P-256");
    *state = &w;
    return 0;
}

static int tear_down(void **state) {
    struct world *w = *state;
    for (int i = 0; i < KEYS; i++)
        EVP_PKEY_free(w->key[i]);
    return 0;
}

static const struct CMUnitTest group[] = {
    cmocka_unit_test(real_ones),
    cmocka_unit_test(another_root),
    cmocka_unit_test(every_bit),
    cmocka_unit_test_setup_teardown(one_thing_wrong, set_up, tear_down),
    cmocka_unit_test_setup_teardown(lengths_and_order, set_up, tear_down),
    cmocka_unit_test_setup_teardown(memory_of_issuers, set_up, tear_down),
};
RUN_TESTS(group)
