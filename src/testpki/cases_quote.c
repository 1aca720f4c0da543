// SPDX-License-Identifier: Apache-2.0
// The quote's form, its signatures, and the reports in it.
#include "testpki/cases_internal.h"

static const uint8_t ORDER[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                  0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                  0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
static const char *const kinds[] = {"sgx-v3", "sgx-v4", "tdx-v4", "sgx-v5", "tdx-v5", "tdx15-v5", "tdx15-extended-v5"};

static void good_quotes(struct book *b) {
    for (int k = PKI_SGX_V3; k <= PKI_TDX15X_V5; k++) {
        begin_named(b, (enum pki_kind)k, "good-%s", kinds[k]);
        good(b, "UpToDate", "");
        pki_world_processor(begin_named(b, (enum pki_kind)k, "good-%s-of-the-processor-ca", kinds[k]));
        good(b, "UpToDate", "");
    }
    begin(b, PKI_TDX_V4, "good-with-zeros-behind")->quote.trailing = SLICE_LIT("\0\0\0\0\0\0\0\0");
    good(b, "UpToDate", "");
    begin(b, PKI_TDX_V4, "good-with-bytes-behind")->quote.trailing = SLICE_LIT("whatever stands here is not signed");
    good(b, "UpToDate", "");
    begin(b, PKI_TDX_V4, "good-without-auth-data")->quote.auth_data_len = 0;
    good(b, "UpToDate", "");
    begin(b, PKI_TDX_V4, "good-with-long-auth-data")->quote.auth_data_len = 256;
    good(b, "UpToDate", "");
    begin(b, PKI_TDX_V4, "good-chain-without-nul")->quote_chain.nul = false;
    good(b, "UpToDate", "");
}

static void headers(struct book *b) {
    static const struct {
        const char *name, *code;
        uint8_t at, value;
    } rows[] = {
        {"quote-version-0", "QUOTE_VERSION", 0, 0},         {"quote-version-2", "QUOTE_VERSION", 0, 2},
        {"quote-version-6", "QUOTE_VERSION", 0, 6},         {"quote-version-0x0104", "QUOTE_VERSION", 1, 1},
        {"quote-key-type-p384", "QUOTE_KEY_TYPE", 2, 3},    {"quote-key-type-0", "QUOTE_KEY_TYPE", 2, 0},
        {"quote-tee-type-1", "QUOTE_TEE_TYPE", 4, 1},       {"quote-tee-type-high-byte", "QUOTE_TEE_TYPE", 7, 1},
        {"quote-of-another-vendor", "QUOTE_VENDOR", 12, 0}, {"quote-vendor-last-byte", "QUOTE_VENDOR", 27, 0xff},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        begin(b, PKI_TDX_V4, rows[i].name)->quote.header[rows[i].at] = rows[i].value;
        bad(b, rows[i].code, "QUOTE");
    }
    begin(b, PKI_SGX_V3, "quote-v3-of-tdx")->quote.header[4] = 0x81;
    bad(b, "QUOTE_TEE_TYPE", "QUOTE");
    begin(b, PKI_TDX_V4, "quote-v5-header-on-a-v4-body")->quote.header[0] = 5;
    bad(b, "QUOTE_BODY", "QUOTE");
    begin(b, PKI_TDX_V5, "quote-v4-header-on-a-v5-body")->quote.header[0] = 4;
    bad(b, "QUOTE_FORMAT", "QUOTE");
    begin(b, PKI_TDX_V4, "quote-sgx-header-on-a-td-body")->quote.header[4] = 0;
    bad(b, "QUOTE_FORMAT", "QUOTE");
    begin(b, PKI_SGX_V4, "quote-tdx-header-on-an-sgx-body")->quote.header[4] = 0x81;
    bad(b, "QUOTE_FORMAT", "QUOTE");
}

static void v5_bodies(struct book *b) {
    static const struct {
        const char *name;
        unsigned type, size;
    } rows[] = {
        {"quote-body-type-0", 0, 584},
        {"quote-body-type-5", 5, 885},
        {"quote-body-type-0x0102", 258, 584},
        {"quote-body-type-of-sgx", 1, 384},
        {"quote-body-size-0", 2, 0},
        {"quote-body-size-583", 2, 583},
        {"quote-body-size-585", 2, 585},
        {"quote-body-size-of-another-type", 2, 648},
        {"quote-body-type-of-another-size", 3, 584},
        {"quote-body-size-4-gib", 2, UINT32_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pki_quote *q = &begin(b, PKI_TDX_V5, rows[i].name)->quote;
        q->body_type = rows[i].type;
        q->body_size = rows[i].size;
        bad(b, "QUOTE_BODY", "QUOTE");
    }
    begin(b, PKI_TDX_V5, "quote-tdx-body-under-an-sgx-header")->quote.header[4] = 0;
    bad(b, "QUOTE_BODY", "QUOTE");
}

static void lengths(struct book *b) {
    static const struct {
        const char *name;
        int auth, outer, inner, data;
    } rows[] = {
        {"quote-auth-length-one-more", 1, 0, 0, 0},
        {"quote-auth-length-one-less", -1, 0, 0, 0},
        {"quote-auth-length-overflows", INT32_MAX, 0, 0, 0},
        {"quote-certification-one-more", 0, 1, 0, 0},
        {"quote-certification-one-less", 0, -1, 0, 0},
        {"quote-certification-overflows", 0, -(1 << 30), 0, 0},
        {"quote-chain-length-one-more", 0, 0, 1, 0},
        {"quote-chain-length-one-less", 0, 0, -1, 0},
        {"quote-chain-length-overflows", 0, 0, -(1 << 30), 0},
        {"quote-auth-data-too-long", 0, 0, 0, 65000},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pki_quote *q = &begin(b, PKI_TDX_V4, rows[i].name)->quote;
        q->auth_longer = rows[i].auth;
        q->outer_longer = rows[i].outer;
        q->inner_longer = rows[i].inner;
        q->auth_data_longer = rows[i].data;
        bad(b, "QUOTE_FORMAT", "QUOTE");
    }
    begin(b, PKI_TDX_V4, "quote-auth-data-one-more")->quote.auth_data_longer = 1;
    bad(b, "QUOTE_FORMAT", "QUOTE");
    begin(b, PKI_TDX_V4, "quote-auth-length-reaches-into-what-is-behind")->quote.trailing = SLICE_LIT("\0\0\0\0");
    b->w.quote.auth_longer = 4;
    bad(b, "QUOTE_FORMAT", "QUOTE");
}

static void certification(struct book *b) {
    begin(b, PKI_TDX_V4, "quote-outer-certification-5")->quote.outer_type = 5;
    bad(b, "QUOTE_CERTIFICATION", "QUOTE");
    for (unsigned type = 0; type <= 7; type++) {
        if (type == 5)
            continue;
        begin_named(b, PKI_TDX_V4, "quote-certification-type-%u", type)->quote.inner_type = type;
        if (type == 2 || type == 3)
            b->w.quote.inner = slice_of(arena_calloc(b->arena, 1, 404), type == 2 ? 276 : 404);
        bad(b, "QUOTE_CERTIFICATION", "QUOTE");
    }
}

static void truncations(struct book *b) {
    for (int i = 0; i < 10; i++) {
        begin_named(b, PKI_TDX_V4, "quote-ends-after-piece-%d", i);
        struct pki_made *m = make(b);
        const size_t ends[10] = {0,
                                 3,
                                 47,
                                 m->at.body + 583,
                                 m->at.length,
                                 m->at.key,
                                 m->at.outer,
                                 m->at.qe_report,
                                 m->at.qe_signature,
                                 m->at.end - 1};
        m->quote.len = ends[i];
        bad(b, "QUOTE_FORMAT", "QUOTE");
    }
}

// r and s of the quote's signature; nothing else covers them.
static void signature_numbers(struct book *b) {
    static const uint8_t zero[32];
    static const struct {
        const char *name;
        size_t at;
        const uint8_t *value;
    } rows[] = {{"quote-signature-r-0", 0, zero},
                {"quote-signature-s-0", 32, zero},
                {"quote-signature-r-is-the-order", 0, ORDER},
                {"quote-signature-s-is-the-order", 32, ORDER}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        begin(b, PKI_TDX_V4, rows[i].name);
        struct pki_made *m = make(b);
        memcpy(own_bytes(b, &m->quote) + m->at.signature + rows[i].at, rows[i].value, 32);
        bad(b, "SIGNATURE_FORMAT", "QUOTE");
        begin_named(b, PKI_TDX_V4, "qe-report-%s", rows[i].name + 6);
        m = make(b);
        memcpy(own_bytes(b, &m->quote) + m->at.qe_signature + rows[i].at, rows[i].value, 32);
        bad(b, "SIGNATURE_FORMAT", "QE_REPORT");
    }
    begin(b, PKI_TDX_V4, "good-with-the-other-s");
    struct pki_made *m = make(b);
    uint8_t *s = own_bytes(b, &m->quote) + m->at.signature + 32;
    unsigned borrow = 0;
    for (int i = 31; i >= 0; i--) {
        unsigned d = 256u + ORDER[i] - s[i] - borrow;
        s[i] = (uint8_t)d;
        borrow = d < 256;
    }
    good(b, "UpToDate", "");
}

// Keys that are no point of the curve though the quoting enclave vouches for them: both 0, x the field's prime, all
// ones.
static void odd_keys(struct book *b) {
    static const uint8_t zeros[64],
        prime[64] = {0xff, 0xff, 0xff, 0xff, 0,    0,    0,    1,    0,    0,    0,    0,    0,    0,    0,    0,
                     0,    0,    0,    0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static uint8_t ones[64];
    memset(ones, 0xff, sizeof ones);
    begin(b, PKI_TDX_V4, "quote-key-of-zeros")->quote.raw_key = zeros;
    bad(b, "QUOTE_KEY", "QUOTE");
    begin(b, PKI_TDX_V4, "quote-key-with-x-the-prime")->quote.raw_key = prime;
    bad(b, "QUOTE_KEY", "QUOTE");
    begin(b, PKI_TDX_V4, "quote-key-of-ones")->quote.raw_key = ones;
    bad(b, "QUOTE_KEY", "QUOTE");
}

// Two faults at once: what is forged is no better for being judged.
static void two_faults(struct book *b) {
    static const char *const what[] = {"platform", "qe", "module"};
    for (int i = 0; i < 3; i++) {
        struct pki_world *w = begin_named(b, PKI_TDX_V4, "%s-revoked-and-quote-forged", what[i]);
        (i == 0   ? &w->tcb_info.levels[0]
         : i == 1 ? &w->identity.levels[0]
                  : &w->tcb_info.modules[1].levels[0])
            ->status = "Revoked";
        struct pki_made *m = make(b);
        own_bytes(b, &m->quote)[m->at.signature + 63] ^= 1;
        bad(b, "QUOTE_SIGNATURE", "QUOTE");
    }
    begin(b, PKI_TDX_V4, "below-every-level-and-quote-forged")->sgx.pcesvn = 0;
    struct pki_made *m = make(b);
    own_bytes(b, &m->quote)[m->at.qe_signature + 63] ^= 1;
    bad(b, "QE_REPORT_SIGNATURE", "QE_REPORT");
    begin(b, PKI_TDX_V4, "debug-and-out-of-date")->quote.body[PKI_TD_ATTRIBUTES] |= 1;
    b->w.sgx.pcesvn = 5;
    judged(b, "OutOfDate", "OUTLAYER-SA-00001", "TCB_STATUS,TCB_ADVISORY,TD_DEBUG");
}

static void keys(struct book *b) {
    begin(b, PKI_TDX_V4, "quote-signed-by-another-key")->quote.trailing = slice_of(NULL, 0);
    struct pki_made *m = make(b);
    struct pki_key other;
    pki_key_of(&other, b->w.seed, "another attestation key");
    uint8_t *q = own_bytes(b, &m->quote);
    pki_sign(q + m->at.signature, &other, slice_of(q, m->at.length));
    bad(b, "QUOTE_SIGNATURE", "QUOTE");
    begin(b, PKI_TDX_V4, "quote-key-that-the-qe-does-not-know");
    m = make(b);
    q = own_bytes(b, &m->quote);
    memcpy(q + m->at.key, other.public, 64);
    pki_sign(q + m->at.signature, &other, slice_of(q, m->at.length));
    bad(b, "QE_REPORT_DATA", "QE_REPORT");
    begin(b, PKI_TDX_V4, "quote-key-off-the-curve")->quote.bad_point = true;
    bad(b, "QUOTE_KEY", "QUOTE");
    begin(b, PKI_TDX_V4, "quote-auth-data-changed");
    m = make(b);
    own_bytes(b, &m->quote)[m->at.auth_data + 2] ^= 1;
    bad(b, "QE_REPORT_DATA", "QE_REPORT");
    begin(b, PKI_TDX_V4, "qe-report-signed-by-another-platform")->quote.qe_signer = "another platform";
    bad(b, "QE_REPORT_SIGNATURE", "QE_REPORT");
    begin(b, PKI_TDX_V4, "qe-report-signed-by-the-attestation-key")->quote.qe_signer = "attestation key";
    bad(b, "QE_REPORT_SIGNATURE", "QE_REPORT");
    begin(b, PKI_TDX_V4, "quote-signed-by-the-pck-key")->quote.key = "the platform";
    good(b, "UpToDate", ""); // odd, and nothing forbids it
}

static void report_data_of_the_qe(struct book *b) {
    static const int at[] = {0, 31, 32, 63};
    for (size_t i = 0; i < ARRAY_LEN(at); i++) {
        begin_named(b, PKI_TDX_V4, "qe-report-data-byte-%d", at[i]);
        struct pki_made *m = make(b);
        struct pki_quote *q = &b->w.quote;
        memcpy(q->qe_report, m->quote.ptr + m->at.qe_report, 384);
        q->qe_report[PKI_REPORT_DATA + at[i]] ^= 1;
        q->own_report_data = true;
        b->is_made = false;
        bad(b, "QE_REPORT_DATA", "QE_REPORT");
    }
}

void cases_of_quotes(struct book *b) {
    good_quotes(b);
    headers(b);
    v5_bodies(b);
    lengths(b);
    certification(b);
    truncations(b);
    signature_numbers(b);
    keys(b);
    odd_keys(b);
    two_faults(b);
    report_data_of_the_qe(b);
}

static void identities(struct book *b) {
    begin(b, PKI_TDX_V4, "qe-of-another-signer")->quote.qe_report[PKI_MRSIGNER] ^= 1;
    bad(b, "QE_MRSIGNER", "QE_REPORT");
    begin(b, PKI_TDX_V4, "qe-of-another-signer-last-byte")->quote.qe_report[PKI_MRSIGNER + 31] ^= 1;
    bad(b, "QE_MRSIGNER", "QE_REPORT");
    begin(b, PKI_TDX_V4, "qe-of-another-product")->quote.qe_report[PKI_ISVPRODID] = 3;
    bad(b, "QE_ISVPRODID", "QE_REPORT");
    begin(b, PKI_TDX_V4, "qe-of-another-product-high-byte")->quote.qe_report[PKI_ISVPRODID + 1] = 1;
    bad(b, "QE_ISVPRODID", "QE_REPORT");
    begin(b, PKI_TDX_V4, "qe-miscselect")->quote.qe_report[PKI_MISCSELECT] = 1;
    bad(b, "QE_MISCSELECT", "QE_REPORT");
    begin(b, PKI_TDX_V4, "qe-miscselect-beside-the-mask")->identity.miscselect_mask[3] = 0;
    b->w.quote.qe_report[PKI_MISCSELECT] = 0x80; // the mask's bytes are the report's, in the same order
    bad(b, "QE_MISCSELECT", "QE_REPORT");
    begin(b, PKI_TDX_V4, "good-qe-miscselect-masked")->identity.miscselect_mask[3] = 0;
    b->w.quote.qe_report[PKI_MISCSELECT + 3] = 0x80;
    good(b, "UpToDate", "");
    begin(b, PKI_TDX_V4, "qe-attributes")->quote.qe_report[PKI_ATTRIBUTES] |= 0x20;
    bad(b, "QE_ATTRIBUTES", "QE_REPORT");
    begin(b, PKI_TDX_V4, "good-qe-attributes-outside-the-mask")->quote.qe_report[PKI_ATTRIBUTES + 8] ^= 0x04;
    good(b, "UpToDate", "");
    begin(b, PKI_TDX_V4, "qe-debug")->quote.qe_report[PKI_ATTRIBUTES] |= 0x02;
    bad(b, "QE_DEBUG", "QE_REPORT");
    begin(b, PKI_TDX_V4, "qe-debug-that-the-identity-allows")->quote.qe_report[PKI_ATTRIBUTES] |= 0x02;
    b->w.identity.attributes[0] |= 0x02;
    bad(b, "QE_DEBUG", "QE_REPORT");
    begin(b, PKI_TDX_V4, "qe-debug-that-the-mask-hides")->quote.qe_report[PKI_ATTRIBUTES] |= 0x02;
    b->w.identity.attributes_mask[0] &= 0xfd;
    bad(b, "QE_DEBUG", "QE_REPORT");
    begin(b, PKI_TDX_V4, "qe-below-every-level")->quote.qe_report[PKI_ISVSVN] = 1;
    bad(b, "QE_NOT_SUPPORTED", "QE_REPORT");
    begin(b, PKI_TDX_V4, "good-qe-svn-above-255")->quote.qe_report[PKI_ISVSVN] = 0;
    b->w.quote.qe_report[PKI_ISVSVN + 1] = 1;
    good(b, "UpToDate", "");
}

static void modules(struct book *b) {
    begin(b, PKI_TDX_V4, "module-of-another-signer")->quote.body[PKI_MRSIGNERSEAM] = 1;
    bad(b, "TDX_MODULE_MISMATCH", "TDX_MODULE");
    begin(b, PKI_TDX_V4, "module-of-another-signer-last-byte")->quote.body[PKI_MRSIGNERSEAM + 47] = 1;
    bad(b, "TDX_MODULE_MISMATCH", "TDX_MODULE");
    begin(b, PKI_TDX_V4, "module-attributes")->quote.body[PKI_SEAM_ATTRIBUTES] = 1;
    bad(b, "TDX_MODULE_MISMATCH", "TDX_MODULE");
    begin(b, PKI_TDX_V4, "module-attributes-last-bit")->quote.body[PKI_SEAM_ATTRIBUTES + 7] = 0x80;
    bad(b, "TDX_MODULE_MISMATCH", "TDX_MODULE");
    begin(b, PKI_TDX_V4, "module-version-without-identity")->quote.body[PKI_TCB_SVN + 1] = 2;
    bad(b, "TDX_MODULE_MISMATCH", "TDX_MODULE");
    begin(b, PKI_TDX_V4, "module-version-of-another-identity")->quote.body[PKI_TCB_SVN + 1] = 3;
    good(b, "UpToDate", "");
    begin(b, PKI_TDX_V4, "module-below-every-level")->quote.body[PKI_TCB_SVN] = 1;
    bad(b, "TDX_MODULE_NOT_SUPPORTED", "TDX_MODULE");
    begin(b, PKI_TDX_V4, "module-version-0-uses-tdx-module")->quote.body[PKI_TCB_SVN + 1] = 0;
    good(b, "UpToDate", "");
    begin(b, PKI_TDX_V4, "module-version-0-compares-all-components")->quote.body[PKI_TCB_SVN + 1] = 0;
    b->w.quote.body[PKI_TCB_SVN] = 4;
    good(b, "OutOfDate", "OUTLAYER-SA-00001,OUTLAYER-SA-00003");
    begin(b, PKI_TDX_V4, "module-version-1-leaves-two-components-to-the-module")->quote.body[PKI_TCB_SVN] = 4;
    good(b, "UpToDate", "");
    begin(b, PKI_TDX_V4, "module-identities-missing")->tcb_info.without_modules = true;
    bad(b, "TDX_MODULE_MISMATCH", "TDX_MODULE");
    begin(b, PKI_TDX_V4, "module-id-in-small-letters")->tcb_info.modules[1].id = "tdx_01";
    good(b, "UpToDate", "");
    begin(b, PKI_TDX_V4, "module-signer-of-tcb-info")->tcb_info.module_signer[0] = 1;
    bad(b, "TDX_MODULE_MISMATCH", "TDX_MODULE");
}

// Each bit of a TD's attributes. SEPT_VE_DISABLE (28) must be set, and no other one; some have names.
static void attributes(struct book *b) {
    for (int bit = 0; bit < 64; bit++) {
        begin_named(b, PKI_TDX_V4, "td-attribute-bit-%d", bit)->quote.body[PKI_TD_ATTRIBUTES + bit / 8] ^=
            (uint8_t)(1 << bit % 8);
        judged(b, "UpToDate", "",
               bit < 8     ? "TD_DEBUG"
               : bit == 28 ? "TD_SEPT_VE_DISABLE"
               : bit == 29 ? "TD_MIGRATABLE"
               : bit == 30 ? "TD_PKS"
               : bit == 31 ? "TD_KL"
               : bit == 63 ? "TD_PERFMON"
                           : "TD_RESERVED");
    }
    for (int bit = 0; bit < 2; bit++) {
        begin_named(b, PKI_TDX_V4, "td-xfam-without-bit-%d", bit)->quote.body[PKI_XFAM] ^= (uint8_t)(1 << bit);
        judged(b, "UpToDate", "", "TD_XFAM");
    }
    begin(b, PKI_SGX_V3, "sgx-debug")->quote.body[PKI_ATTRIBUTES] |= 2;
    judged(b, "UpToDate", "", "SGX_DEBUG");
    begin(b, PKI_TDX15_V5, "td-with-a-service-td")->quote.body[PKI_SERVICE_TD + 47] = 1;
    judged(b, "UpToDate", "", "SERVICE_TD");
}

void cases_of_enclaves(struct book *b) {
    identities(b);
    modules(b);
    attributes(b);
}
