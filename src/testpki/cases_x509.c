// SPDX-License-Identifier: Apache-2.0
// Certificates, chains and revocation lists.
#include "testpki/cases_internal.h"

#define DAY (24 * 3600)

// The three places where a chain's certificate may stand, by the part that a fault names.
static struct pki_cert *cert_of(struct pki_world *w, const char *part) {
    return strcmp(part, "PCK_CERT") == 0     ? &w->leaf
           : strcmp(part, "PCK_CA") == 0     ? &w->platform_ca
           : strcmp(part, "TCB_SIGNER") == 0 ? &w->tcb_signer
                                             : &w->root;
}
static const char *const places[] = {"PCK_CERT", "PCK_CA", "TCB_SIGNER", "ROOT_CA"};

static struct pki_cert *begin_cert(struct book *b, const char *part, const char *what) {
    return cert_of(begin_named(b, PKI_TDX_V4, "%s-%s", part, what), part);
}

static struct slice longer(struct book *b, struct slice der) {
    uint8_t *out = arena_calloc(b->arena, 1, der.len + 1);
    memcpy(out, der.ptr, der.len);
    return slice_of(out, der.len + 1);
}

// As BER allows and DER does not: 30 80 … 00 00.
static struct slice indefinite(struct book *b, struct slice der) {
    size_t head = der.ptr[1] < 0x80 ? 2 : 2 + (der.ptr[1] & 0x7f), inner = der.len - head;
    uint8_t *out = arena_calloc(b->arena, 1, inner + 4);
    out[0] = 0x30;
    out[1] = 0x80;
    memcpy(out + 2, der.ptr + head, inner);
    return slice_of(out, inner + 4);
}

static void everywhere(struct book *b, const char *part) {
    bool authority = strcmp(part, "PCK_CA") == 0 || strcmp(part, "ROOT_CA") == 0;
    begin_cert(b, part, "expired")->not_after = CASES_NOW - 1;
    bad(b, "CERT_EXPIRED", part);
    begin_cert(b, part, "expires-in-this-second")->not_after = CASES_NOW;
    good(b, "UpToDate", "");
    begin_cert(b, part, "not-yet-valid")->not_before = CASES_NOW + 1;
    bad(b, "CERT_NOT_YET_VALID", part);
    begin_cert(b, part, "valid-from-this-second")->not_before = CASES_NOW;
    good(b, "UpToDate", "");
    begin_cert(b, part, "signature")->spoil = 1;
    bad(b, "CERT_SIGNATURE", part);
    begin_cert(b, part, "signature-r-0")->zero_r = true;
    bad(b, "CERT_FORMAT", part);
    begin_cert(b, part, "other-algorithm-outside")->other_algorithm = true;
    bad(b, "CERT_ALGORITHM", part);
    begin_cert(b, part, "other-algorithm-inside")->edits[0] =
        PKI_EDIT("\x2a\x86\x48\xce\x3d\x04\x03\x02", "\x2a\x86\x48\xce\x3d\x04\x03\x03");
    bad(b, "CERT_ALGORITHM", part);
    begin_cert(b, part, "unknown-critical-extension")->unknown_critical = true;
    bad(b, "CERT_EXTENSION", part);
    begin_cert(b, part, "extension-twice")->twice = true;
    bad(b, "CERT_EXTENSION", part);
    begin_cert(b, part, "issuer-of-another-name")->issuer = "OutLayer Test SGX Other CA";
    bad(b, "CHAIN_ORDER", part);
    begin_cert(b, part, authority ? "is-no-authority" : "is-an-authority")->ca = !authority;
    bad(b, authority ? "CERT_FORMAT" : "CERT_IS_CA", part); // a path length is an authority's alone
    begin_cert(b, part, "without-constraints")->without_constraints = true;
    if (authority)
        bad(b, "CERT_NOT_CA", "PCK_CA"); // what it has signed
    else
        good(b, "UpToDate", "");
    begin_cert(b, part, "usage")->usage = authority ? PKI_CRL_SIGN : PKI_CERT_SIGN;
    bad(b, authority ? "CERT_NOT_CA" : "CERT_IS_CA", authority ? "PCK_CA" : part);
    begin_cert(b, part, "is-no-der")->raw = SLICE_LIT("\x30\x84\xff\xff\xff\xff\x30\x80");
    bad(b, "CERT_FORMAT", part);
    begin_cert(b, part, "is-a-bomb")->raw =
        slice_of(memset(arena_alloc(b->arena, 8192), 0x30, 8192), 8192); // a SEQUENCE in a SEQUENCE in …
    bad(b, "CERT_FORMAT", part);
    struct pki_cert *c = begin_cert(b, part, "has-a-byte-behind");
    c->raw = longer(b, pki_cert_der(b->arena, b->w.seed, c));
    bad(b, "CERT_FORMAT", part);
    c = begin_cert(b, part, "of-indefinite-length");
    c->raw = indefinite(b, pki_cert_der(b->arena, b->w.seed, c));
    bad(b, "CERT_FORMAT", part);
    begin_cert(b, part, "of-version-1")->edits[0] = PKI_EDIT("\xa0\x03\x02\x01\x02", "\xa0\x03\x02\x01\x00");
    bad(b, "CERT_FORMAT", part);
    begin_cert(b, part, "length-in-a-longer-form")->edits[0] =
        PKI_EDIT("\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01", "\x30\x81\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01");
    bad(b, "CERT_ALGORITHM", part);
    begin_cert(b, part, "of-another-curve")->edits[0] =
        PKI_EDIT("\x2a\x86\x48\xce\x3d\x03\x01\x07", "\x2a\x86\x48\xce\x3d\x03\x01\x01");
    bad(b, "CERT_KEY", part);
}

static void keys(struct book *b) {
    for (size_t i = 0; i < 3; i++) {
        begin_cert(b, places[i], "key-off-the-curve")->bad_point = true;
        bad(b, "CERT_KEY", places[i]);
        begin_cert(b, places[i], "signed-by-another-key-of-that-name")->signer = "an impostor";
        bad(b, "CHAIN_ORDER", places[i]); // the key identifiers differ
        struct pki_cert *c = begin_cert(b, places[i], "signed-by-another-key-of-that-identifier");
        c->signer_id = c->signer;
        c->signer = "an impostor";
        bad(b, "CERT_SIGNATURE", places[i]);
        begin_cert(b, places[i], "without-key-identifiers")->without_key_ids = true;
        bad(b, "CHAIN_ORDER", places[i]);
    }
    begin(b, PKI_TDX_V4, "leaf-signed-by-the-tcb-signer")->leaf.signer = "tcb signer";
    bad(b, "CHAIN_ORDER", "PCK_CERT");
    begin(b, PKI_TDX_V4, "leaf-of-an-authority-of-that-name-under-another-root")->platform_ca.signer = "another root";
    bad(b, "CHAIN_ORDER", "PCK_CA");
    begin(b, PKI_TDX_V4, "pck-ca-without-room-below-the-root")->root.path_length = 0;
    bad(b, "CERT_NOT_CA", "PCK_CA");
    begin(b, PKI_TDX_V4, "serial-of-a-negative-number")->leaf.edits[0] =
        PKI_EDIT("\x02\x15\x00\xe1", "\x02\x15\xff\xe1");
    bad(b, "CERT_FORMAT", "PCK_CERT");
}

// Names that lead from each to the next, and are not those of Intel's certificates.
static void names(struct book *b) {
    begin(b, PKI_TDX_V4, "PCK_CERT-of-another-name")->leaf.subject = "OutLayer Test SGX Certificate";
    bad(b, "CERT_NAME", "PCK_CERT");
    begin(b, PKI_TDX_V4, "TCB_SIGNER-of-another-name")->tcb_signer.subject = "OutLayer Test SGX Signing";
    bad(b, "CERT_NAME", "TCB_SIGNER");
    struct pki_world *w = begin(b, PKI_TDX_V4, "PCK_CA-of-another-name");
    w->platform_ca.subject = w->leaf.issuer = w->pck_crl.issuer = "OutLayer Test SGX PCK Other CA";
    bad(b, "CERT_NAME", "PCK_CA");
    w = begin(b, PKI_TDX_V4, "ROOT_CA-of-another-name");
    w->root.subject = w->root.issuer = w->platform_ca.issuer = w->tcb_signer.issuer = w->root_crl.issuer =
        "OutLayer Test Root";
    bad(b, "CERT_NAME", "ROOT_CA");
}

static void chains(struct book *b) {
    static const struct {
        const char *letters, *code, *part;
    } pck[] = {{"L", "CHAIN_LENGTH", "PCK_CHAIN"},     {"LP", "CHAIN_LENGTH", "PCK_CHAIN"},
               {"LR", "CHAIN_LENGTH", "PCK_CHAIN"},    {"LPPR", "CHAIN_LENGTH", "PCK_CHAIN"},
               {"LPRR", "CHAIN_LENGTH", "PCK_CHAIN"},  {"PLR", "CHAIN_ORDER", "PCK_CA"},
               {"RPL", "UNTRUSTED_ROOT", "PCK_CHAIN"}, {"LRP", "UNTRUSTED_ROOT", "PCK_CHAIN"},
               {"LQR", "CHAIN_ORDER", "PCK_CERT"},     {"LPX", "UNTRUSTED_ROOT", "PCK_CHAIN"},
               {"TPR", "CHAIN_ORDER", "PCK_CERT"},     {"PPR", "CHAIN_ORDER", "PCK_CERT"},
               {"LTR", "CERT_NAME", "PCK_CA"}},
      two[] = {{"T", "CHAIN_LENGTH", NULL},    {"TRR", "CHAIN_LENGTH", NULL},       {"RT", "UNTRUSTED_ROOT", NULL},
               {"TX", "UNTRUSTED_ROOT", NULL}, {"LR", "CHAIN_ORDER", "TCB_SIGNER"}, {"PR", "CERT_NAME", "TCB_SIGNER"}},
      lists[] = {{"P", "CHAIN_LENGTH", "PCK_CRL_CHAIN"},
                 {"PRR", "CHAIN_LENGTH", "PCK_CRL_CHAIN"},
                 {"LPR", "CHAIN_LENGTH", "PCK_CRL_CHAIN"},
                 {"RP", "UNTRUSTED_ROOT", "PCK_CRL_CHAIN"},
                 {"PX", "UNTRUSTED_ROOT", "PCK_CRL_CHAIN"},
                 {"LR", "CHAIN_ORDER", "PCK_CA"},
                 {"TR", "CERT_NAME", "PCK_CA"},
                 {"QR", "CRL_ISSUER", "PCK_CRL"}};
    for (size_t i = 0; i < ARRAY_LEN(pck); i++) {
        begin_named(b, PKI_TDX_V4, "pck-chain-%s", pck[i].letters)->quote_chain.letters = pck[i].letters;
        bad(b, pck[i].code, pck[i].part);
    }
    for (size_t i = 0; i < ARRAY_LEN(two); i++) {
        begin_named(b, PKI_TDX_V4, "tcb-info-chain-%s", two[i].letters)->tcb_chain.letters = two[i].letters;
        bad(b, two[i].code, two[i].part ? two[i].part : "TCB_INFO_CHAIN");
        begin_named(b, PKI_TDX_V4, "qe-identity-chain-%s", two[i].letters)->identity_chain.letters = two[i].letters;
        bad(b, two[i].code, two[i].part ? two[i].part : "QE_IDENTITY_CHAIN");
    }
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        begin_named(b, PKI_TDX_V4, "pck-crl-chain-%s", lists[i].letters)->crl_chain.letters = lists[i].letters;
        bad(b, lists[i].code, lists[i].part);
    }
}

static void pem(struct book *b) {
    static const struct {
        const char *name;
        struct pki_chain chain;
    } rows[] = {{"junk-before", {"TR", "junk\n", "", "", false}},
                {"junk-between", {"TR", "", "junk\n", "", false}},
                {"junk-behind", {"TR", "", "", "junk\n", false}},
                {"nul-behind", {"TR", "", "", "", true}},
                {"header-between", {"TR", "", "X: y\n", "", false}},
                {"half-a-certificate-behind", {"TR", "", "", "-----BEGIN CERTIFICATE-----\nMIIB\n", false}}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        begin_named(b, PKI_TDX_V4, "tcb-info-chain-%s", rows[i].name)->tcb_chain = rows[i].chain;
        bad(b, "PEM_FORMAT", "TCB_INFO_CHAIN");
    }
    begin(b, PKI_TDX_V4, "pck-chain-junk-between")->quote_chain.between = "junk\n";
    bad(b, "PEM_FORMAT", "PCK_CHAIN");
    begin(b, PKI_TDX_V4, "pck-chain-junk-behind")->quote_chain.after = "junk";
    bad(b, "PEM_FORMAT", "PCK_CHAIN");
    begin(b, PKI_TDX_V4, "pck-chain-of-no-pem")->quote.inner = SLICE_LIT("no certificate at all");
    bad(b, "PEM_FORMAT", "PCK_CHAIN");
    begin(b, PKI_TDX_V4, "tcb-info-chain-empty")->tcb_chain.letters = "";
    bad(b, "PART_MISSING", "TCB_INFO_CHAIN");
}

static void extension(struct book *b) {
    static const char *const items[] = {"",       "134567",   "234567",   "123567",   "124567", "12345",
                                        "123456", "12345677", "12344567", "11234567", "22",     "1234567777"};
    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        begin_named(b, PKI_TDX_V4, "pck-extension-items-%s", items[i])->sgx.items = items[i];
        bad(b, "PCK_FORMAT", "PCK_CERT");
    }
    begin(b, PKI_TDX_V4, "pck-extension-items-7654321")->sgx.items = "7654321";
    good(b, "UpToDate", "");
    begin(b, PKI_TDX_V4, "pck-extension-missing")->leaf.sgx = NULL;
    bad(b, "PCK_FORMAT", "PCK_CERT");
    begin(b, PKI_TDX_V4, "pck-extension-15-components")->sgx.component_count = 15;
    bad(b, "PCK_FORMAT", "PCK_CERT");
    begin(b, PKI_TDX_V4, "pck-extension-svn-256")->sgx.components[15] = 256;
    bad(b, "PCK_FORMAT", "PCK_CERT");
    begin(b, PKI_TDX_V4, "pck-extension-pcesvn-65536")->sgx.pcesvn = 65536;
    bad(b, "PCK_FORMAT", "PCK_CERT");
    begin(b, PKI_TDX_V4, "pck-extension-type-3")->sgx.type = 3;
    bad(b, "PCK_FORMAT", "PCK_CERT");
    begin(b, PKI_TDX_V4, "good-components-count-and-not-the-cpusvn")->sgx.other_cpusvn = true;
    good(b, "UpToDate", "");
    begin(b, PKI_TDX_V4, "good-svn-255")->sgx.components[0] = 255;
    good(b, "UpToDate", "");
    begin(b, PKI_TDX_V4, "good-svn-128")->sgx.components[0] = 128;
    good(b, "UpToDate", "");
    begin(b, PKI_TDX_V4, "good-pcesvn-65535")->sgx.pcesvn = 65535;
    good(b, "UpToDate", "");
    begin(b, PKI_TDX_V4, "pck-fmspc-of-another-platform")->sgx.fmspc[5] ^= 1;
    bad(b, "FMSPC_MISMATCH", "TCB_INFO");
    begin(b, PKI_TDX_V4, "pck-pceid-of-another-platform")->sgx.pceid[1] = 1;
    bad(b, "PCEID_MISMATCH", "TCB_INFO");
}

// What a platform shows that leaves its chain to the collateral: encrypted PPID, SVNs, PCEID.
static void chains_beside_the_quote(struct book *b) {
    struct pki_quote *q = &begin(b, PKI_TDX_V4, "good-chain-beside-the-quote")->quote;
    const struct pki_chain right = b->w.quote_chain;
    q->inner_type = 3;
    q->inner = slice_of(arena_calloc(b->arena, 1, 404), 404);
    make(b)->pck_certificate_chain = pki_chain_pem(b->arena, &b->w, &right);
    good(b, "UpToDate", "");
    q = &begin(b, PKI_TDX_V4, "chain-beside-the-quote-of-another-platform")->quote;
    q->inner_type = 3;
    q->inner = slice_of(arena_calloc(b->arena, 1, 404), 404);
    b->w.leaf.key = "another platform";
    make(b)->pck_certificate_chain = pki_chain_pem(b->arena, &b->w, &right);
    bad(b, "QE_REPORT_SIGNATURE", "QE_REPORT");
    begin(b, PKI_TDX_V4, "good-quote-with-its-own-chain-beside-another");
    make(b);
    b->w.leaf.key = "another platform";
    b->c.made.pck_certificate_chain = pki_chain_pem(b->arena, &b->w, &right);
    good(b, "UpToDate", "");
}

void cases_of_certificates(struct book *b) {
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        everywhere(b, places[i]);
    keys(b);
    names(b);
    chains(b);
    chains_beside_the_quote(b);
    pem(b);
    extension(b);
}

// --- revocation lists

static struct pki_crl *begin_crl(struct book *b, const char *part, const char *what) {
    struct pki_world *w = begin_named(b, PKI_TDX_V4, "%s-%s", part, what);
    return strcmp(part, "ROOT_CRL") == 0 ? &w->root_crl : &w->pck_crl;
}

static void every_list(struct book *b, const char *part) {
    begin_crl(b, part, "expired")->next_update = CASES_NOW - 1;
    bad(b, "CRL_EXPIRED", part);
    begin_crl(b, part, "expires-in-this-second")->next_update = CASES_NOW;
    good(b, "UpToDate", "");
    begin_crl(b, part, "of-the-future")->this_update = CASES_NOW + 1;
    bad(b, "CRL_NOT_YET_VALID", part);
    begin_crl(b, part, "signature")->spoil = 1;
    bad(b, "CRL_SIGNATURE", part);
    begin_crl(b, part, "signature-r-0")->zero_r = true;
    bad(b, "CRL_FORMAT", part);
    struct pki_crl *c = begin_crl(b, part, "has-a-byte-behind");
    c->raw = longer(b, pki_crl_der(b->arena, b->w.seed, c));
    bad(b, "CRL_FORMAT", part);
    c = begin_crl(b, part, "of-indefinite-length");
    c->raw = indefinite(b, pki_crl_der(b->arena, b->w.seed, c));
    bad(b, "CRL_FORMAT", part);
    begin_crl(b, part, "signed-by-another-key-of-that-name")->signer = "an impostor";
    bad(b, "CRL_SIGNATURE", part);
    begin_crl(b, part, "of-another-key-id")->signer_id = "an impostor";
    bad(b, "CRL_ISSUER", part);
    begin_crl(b, part, "of-another-name")->issuer = "OutLayer Test SGX PCK Other CA";
    bad(b, "CRL_ISSUER", part);
    begin_crl(b, part, "signed-by-the-tcb-signer")->signer = "tcb signer";
    bad(b, "CRL_SIGNATURE", part);
    begin_crl(b, part, "other-algorithm-outside")->other_algorithm = true;
    bad(b, "CRL_ALGORITHM", part);
    begin_crl(b, part, "without-number")->without_number = true;
    bad(b, "CRL_EXTENSION", part);
    begin_crl(b, part, "without-key-id")->without_key_id = true;
    bad(b, "CRL_EXTENSION", part);
    begin_crl(b, part, "without-next-update")->without_next = true;
    bad(b, "CRL_FORMAT", part);
    begin_crl(b, part, "of-version-1")->version_1 = true;
    bad(b, "CRL_FORMAT", part);
    begin_crl(b, part, "is-no-der")->raw = SLICE_LIT("\x30\x84\xff\xff\xff\xff\x30\x80");
    bad(b, "CRL_FORMAT", part);
    begin_crl(b, part, "is-a-bomb")->raw = slice_of(memset(arena_alloc(b->arena, 8192), 0x30, 8192), 8192);
    bad(b, "CRL_FORMAT", part);
}

static void put_on(struct pki_crl *c, const struct pki_cert *cert) {
    memcpy(c->revoked[c->revoked_count++], cert->serial, 20);
}

static void revocations(struct book *b) {
    struct pki_world *w = begin(b, PKI_TDX_V4, "leaf-revoked");
    put_on(&w->pck_crl, &w->leaf);
    bad(b, "CERT_REVOKED", "PCK_CERT");
    w = begin(b, PKI_TDX_V4, "leaf-in-the-root-list");
    put_on(&w->root_crl, &w->leaf);
    good(b, "UpToDate", "");
    w = begin(b, PKI_TDX_V4, "pck-ca-revoked");
    put_on(&w->root_crl, &w->platform_ca);
    bad(b, "CERT_REVOKED", "PCK_CA");
    w = begin(b, PKI_TDX_V4, "pck-ca-in-its-own-list");
    put_on(&w->pck_crl, &w->platform_ca);
    good(b, "UpToDate", "");
    w = begin(b, PKI_TDX_V4, "tcb-signer-revoked");
    put_on(&w->root_crl, &w->tcb_signer);
    bad(b, "CERT_REVOKED", "TCB_SIGNER");
    w = begin(b, PKI_TDX_V4, "tcb-signer-in-the-pck-list");
    put_on(&w->pck_crl, &w->tcb_signer);
    good(b, "UpToDate", "");
    w = begin(b, PKI_TDX_V4, "other-pck-ca-revoked");
    put_on(&w->root_crl, &w->processor_ca);
    good(b, "UpToDate", "");
    w = begin(b, PKI_TDX_V4, "serial-that-differs-in-the-last-byte");
    put_on(&w->pck_crl, &w->leaf);
    w->pck_crl.revoked[w->pck_crl.revoked_count - 1][19] ^= 1;
    good(b, "UpToDate", "");
    w = begin(b, PKI_TDX_V4, "leaf-revoked-beside-others");
    put_on(&w->pck_crl, &w->leaf);
    put_on(&w->pck_crl, &w->tcb_signer);
    bad(b, "CERT_REVOKED", "PCK_CERT");
}

// A list that is right by itself, in the wrong place.
static void exchanged(struct book *b) {
    begin(b, PKI_TDX_V4, "root-list-as-the-pck-list");
    struct pki_made *m = make(b);
    m->pck_crl = m->root_ca_crl;
    bad(b, "CRL_ISSUER", "PCK_CRL");
    begin(b, PKI_TDX_V4, "pck-list-as-the-root-list");
    m = make(b);
    m->root_ca_crl = m->pck_crl;
    bad(b, "CRL_ISSUER", "ROOT_CRL");
    struct pki_crl *c = &begin(b, PKI_TDX_V4, "list-of-the-processor-ca")->pck_crl;
    c->signer = c->signer_id = "processor ca";
    c->issuer = b->w.processor_ca.subject;
    bad(b, "CRL_ISSUER", "PCK_CRL");
    c = &begin(b, PKI_TDX_V4, "list-of-the-processor-ca-with-its-chain")->pck_crl;
    c->signer = c->signer_id = "processor ca";
    c->issuer = b->w.processor_ca.subject;
    b->w.crl_chain.letters = "QR";
    bad(b, "CRL_ISSUER", "PCK_CRL");
}

void cases_of_lists(struct book *b) {
    every_list(b, "ROOT_CRL");
    every_list(b, "PCK_CRL");
    revocations(b);
    exchanged(b);
}
