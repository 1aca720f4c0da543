// SPDX-License-Identifier: Apache-2.0
// The good world: every field as it is on a sound platform with fresh collateral.
#include "base/err.h"
#include "testpki/testpki.h"
#include <openssl/sha.h>

#define DAY (24 * 3600)

static const uint8_t CPUSVN[16] = {3, 3, 2, 2, 4, 1, 0, 5};
static const uint8_t FMSPC[6] = {0x0a, 0x1b, 0x2c, 0x3d, 0x4e, 0x5f};
static const uint8_t VENDOR[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                   0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
static const uint8_t QE_ATTRIBUTES[16] = {0x11};
static const uint8_t QE_MASK[16] = {0xfb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static bool is_tdx(enum pki_kind kind) {
    return kind == PKI_TDX_V4 || kind == PKI_TDX_V5 || kind == PKI_TDX15_V5 || kind == PKI_TDX15X_V5;
}

// --- certificates and lists

static struct pki_cert ca(const struct pki_world *w, const char *subject, const char *key, int path_length) {
    struct pki_cert c = {.subject = subject,
                         .issuer = "OutLayer Test SGX Root CA",
                         .key = key,
                         .signer = "root",
                         .not_before = w->now - 1800 * DAY,
                         .not_after = w->now + 3000 * DAY,
                         .ca = true,
                         .path_length = path_length,
                         .usage = PKI_CERT_SIGN | PKI_CRL_SIGN};
    pki_bytes(c.serial, sizeof c.serial, w->seed, subject);
    c.serial[0] &= 0x7f;
    c.serial[0] |= 0x40;
    return c;
}

static struct pki_cert end_entity(const struct pki_world *w, const char *subject, const char *issuer, const char *key,
                                  const char *signer) {
    struct pki_cert c = ca(w, subject, key, -1);
    c.issuer = issuer;
    c.signer = signer;
    c.not_before = w->now - 400 * DAY;
    c.not_after = w->now + 2000 * DAY;
    c.ca = false;
    c.usage = PKI_SIGNATURE | PKI_NO_REPUDIATION;
    return c;
}

static void certificates(struct pki_world *w) {
    w->root = ca(w, "OutLayer Test SGX Root CA", "root", 1);
    w->platform_ca = ca(w, "OutLayer Test SGX PCK Platform CA", "platform ca", 0);
    w->processor_ca = ca(w, "OutLayer Test SGX PCK Processor CA", "processor ca", 0);
    w->tcb_signer = end_entity(w, "OutLayer Test SGX TCB Signing", w->root.subject, "tcb signer", "root");
    w->leaf = end_entity(w, "OutLayer Test SGX PCK Certificate", w->platform_ca.subject, w->platform, "platform ca");
    w->leaf.sgx = &w->sgx;
    pki_bytes(w->leaf.serial, sizeof w->leaf.serial, w->seed, w->platform);
    w->leaf.serial[0] = 0xe1; // as an INTEGER it needs a zero before it
    w->root_crl = (struct pki_crl){.issuer = w->root.subject,
                                   .signer = "root",
                                   .signer_id = "root",
                                   .this_update = w->now - 100 * DAY,
                                   .next_update = w->now + 265 * DAY,
                                   .number = 1};
    w->pck_crl = (struct pki_crl){.issuer = w->platform_ca.subject,
                                  .signer = "platform ca",
                                  .signer_id = "platform ca",
                                  .this_update = w->now - 5 * DAY,
                                  .next_update = w->now + 25 * DAY,
                                  .number = 1,
                                  .revoked_count = 2};
    pki_bytes(w->pck_crl.revoked[0], 20, w->seed, "another platform's serial");
    pki_bytes(w->pck_crl.revoked[1], 20, w->seed, "a third platform's serial");
}

void pki_world_processor(struct pki_world *w) {
    w->sgx.items = "12345";
    w->leaf.issuer = w->pck_crl.issuer = w->processor_ca.subject;
    w->leaf.signer = w->pck_crl.signer = w->pck_crl.signer_id = "processor ca";
    w->quote_chain.letters = "LQR";
    w->crl_chain.letters = "QR";
}

static void platform(struct pki_world *w) {
    char name[128];
    w->sgx = (struct pki_sgx){.pcesvn = 11,
                              .type = 1,
                              .items = "1234567",
                              .component_count = 16,
                              .cached_keys = true,
                              .smt = true,
                              .dynamic = true};
    memcpy(w->sgx.fmspc, FMSPC, sizeof FMSPC);
    for (int i = 0; i < 16; i++)
        w->sgx.components[i] = CPUSVN[i];
    snprintf(name, sizeof name, "%s: ppid", w->platform);
    pki_bytes(w->sgx.ppid, sizeof w->sgx.ppid, w->seed, name);
    snprintf(name, sizeof name, "%s: instance", w->platform);
    pki_bytes(w->sgx.instance, sizeof w->sgx.instance, w->seed, name);
}

// --- what Intel signs as JSON

static struct pki_level isv_level(unsigned isvsvn, const char *date, const char *status, const char *advisories) {
    return (struct pki_level){.isvsvn = isvsvn, .date = date, .status = status, .advisories = advisories};
}

static void tcb_info(struct pki_world *w, bool tdx) {
    struct pki_tcb_info *t = &w->tcb_info;
    *t = (struct pki_tcb_info){.id = tdx ? "TDX" : "SGX",
                               .version = 3,
                               .evaluation = 17,
                               .issued = w->now - 4 * DAY,
                               .next = w->now + 26 * DAY,
                               .module_count = 2,
                               .level_count = 3,
                               .signer = "tcb signer"};
    memcpy(t->fmspc, FMSPC, sizeof FMSPC);
    t->modules[0] = (struct pki_module){"TDX_03", {isv_level(3, "2025-03-12T00:00:00Z", "UpToDate", NULL)}, 1};
    t->modules[1] = (struct pki_module){"TDX_01",
                                        {isv_level(4, "2025-03-12T00:00:00Z", "UpToDate", NULL),
                                         isv_level(2, "2023-08-09T00:00:00Z", "OutOfDate", "OUTLAYER-SA-00002")},
                                        2};
    t->levels[0] =
        (struct pki_level){{2, 2, 2, 2, 3, 1, 0, 3}, {5, 0, 2}, 11, 0, "2025-03-12T00:00:00Z", "UpToDate", NULL};
    t->levels[1] = (struct pki_level){{2, 2, 2, 2, 3, 1, 0, 3}, {5, 0, 2}, 5, 0, "2024-03-13T00:00:00Z", "OutOfDate",
                                      "OUTLAYER-SA-00001"};
    t->levels[2] = (struct pki_level){
        {2, 2, 2, 2, 1}, {3, 0, 1}, 5, 0, "2023-02-15T00:00:00Z", "OutOfDate", "OUTLAYER-SA-00001,OUTLAYER-SA-00003"};
}

static void identity(struct pki_world *w, bool tdx) {
    struct pki_identity *i = &w->identity;
    *i = (struct pki_identity){.id = tdx ? "TD_QE" : "QE",
                               .version = 2,
                               .evaluation = 17,
                               .product = tdx ? 2 : 1,
                               .issued = w->now - 3 * DAY,
                               .next = w->now + 27 * DAY,
                               .miscselect_mask = {0xff, 0xff, 0xff, 0xff},
                               .levels = {isv_level(4, "2025-03-12T00:00:00Z", "UpToDate", NULL),
                                          isv_level(2, "2023-08-09T00:00:00Z", "OutOfDate", "OUTLAYER-SA-00004")},
                               .level_count = 2,
                               .signer = "tcb signer"};
    memcpy(i->attributes, QE_ATTRIBUTES, 16);
    memcpy(i->attributes_mask, QE_MASK, 16);
    pki_bytes(i->signer_hash, 32, "outlayer", "signer of the quoting enclave");
}

// --- the quote

static void measurement(uint8_t out[48], const char *of) { SHA384((const uint8_t *)of, strlen(of), out); }

static void td_body(struct pki_quote *q, size_t len) {
    uint8_t *b = q->body;
    static const uint8_t tcb_svn[3] = {6, 1, 3};
    memcpy(b + PKI_TCB_SVN, tcb_svn, sizeof tcb_svn);
    measurement(b + PKI_MRSEAM, "the TDX module of the test platform");
    b[PKI_TD_ATTRIBUTES + 3] = 0x10; // SEPT_VE_DISABLE
    b[PKI_XFAM] = 0xe7;
    b[PKI_XFAM + 1] = 0x02;
    b[PKI_XFAM + 2] = 0x06;
    measurement(b + PKI_MRTD, "the firmware of the test image");
    for (int i = 0; i < 4; i++)
        measurement(b + PKI_RTMR0 + 48 * i, (const char *[]){"rtmr0", "rtmr1", "rtmr2", "rtmr3"}[i]);
    for (int i = 0; i < 64; i++)
        b[PKI_TD_REPORT_DATA + i] = (uint8_t)i;
    if (len > 584)
        memcpy(b + PKI_TCB_SVN2, tcb_svn, sizeof tcb_svn);
    q->body_len = len;
}

static void enclave_body(struct pki_quote *q) {
    uint8_t *b = q->body;
    memcpy(b + PKI_CPUSVN, CPUSVN, sizeof CPUSVN);
    b[PKI_ATTRIBUTES] = 0x05;
    pki_bytes(b + PKI_MRENCLAVE, 32, "outlayer", "an enclave");
    pki_bytes(b + PKI_MRSIGNER, 32, "outlayer", "signer of an enclave");
    b[PKI_ISVPRODID] = 7;
    b[PKI_ISVSVN] = 3;
    for (int i = 0; i < 64; i++)
        b[PKI_REPORT_DATA + i] = (uint8_t)i;
    q->body_len = 384;
}

static void qe_report(struct pki_world *w) {
    uint8_t *r = w->quote.qe_report;
    memcpy(r + PKI_CPUSVN, CPUSVN, sizeof CPUSVN);
    memcpy(r + PKI_ATTRIBUTES, QE_ATTRIBUTES, 16);
    r[PKI_ATTRIBUTES + 8] = 0xe7;
    pki_bytes(r + PKI_MRENCLAVE, 32, "outlayer", "the quoting enclave");
    memcpy(r + PKI_MRSIGNER, w->identity.signer_hash, 32);
    r[PKI_ISVPRODID] = (uint8_t)w->identity.product;
    r[PKI_ISVSVN] = 5;
}

static void quote_body(struct pki_quote *q, enum pki_kind kind) {
    switch (kind) {
    case PKI_SGX_V3:
    case PKI_SGX_V4:
    case PKI_SGX_V5:
        q->body_type = 1;
        enclave_body(q);
        break;
    case PKI_TDX_V4:
    case PKI_TDX_V5:
        q->body_type = 2;
        td_body(q, 584);
        break;
    case PKI_TDX15_V5:
        q->body_type = 3;
        td_body(q, 648);
        break;
    case PKI_TDX15X_V5:
        q->body_type = 4;
        td_body(q, PKI_BODY_MAX);
        break;
    }
    q->body_size = (unsigned)q->body_len;
}

static void quote(struct pki_world *w, enum pki_kind kind, const char *attestation_key) {
    struct pki_quote *q = &w->quote;
    uint8_t *h = q->header;
    h[0] = kind == PKI_SGX_V3 ? 3 : kind == PKI_SGX_V4 || kind == PKI_TDX_V4 ? 4 : 5;
    h[2] = 2;
    h[4] = is_tdx(kind) ? 0x81 : 0;
    if (h[0] == 3) {
        h[8] = 5;
        h[10] = 11;
    }
    memcpy(h + 12, VENDOR, sizeof VENDOR);
    pki_bytes(h + 28, 16, w->seed, "user data of the quoting enclave");
    q->body_head = h[0] == 5;
    q->without_wrapper = h[0] == 3;
    quote_body(q, kind);
    qe_report(w);
    for (int i = 0; i < 32; i++)
        q->auth_data[i] = (uint8_t)i;
    q->auth_data_len = 32;
    q->key = attestation_key;
    q->qe_signer = w->platform;
    q->outer_type = 6;
    q->inner_type = 5;
}

void pki_world_init(struct pki_world *w, enum pki_kind kind, const char *seed, const char *platform_name, int64_t now) {
    *w = (struct pki_world){.seed = seed, .platform = platform_name, .now = now};
    platform(w);
    certificates(w);
    tcb_info(w, is_tdx(kind));
    identity(w, is_tdx(kind));
    w->quote_chain = (struct pki_chain){"LPR", "", "", "", true};
    w->crl_chain = (struct pki_chain){"PR", "", "", "", false};
    w->tcb_chain = w->identity_chain = (struct pki_chain){"TR", "", "", "", false};
    quote(w, kind, "attestation key");
}

void pki_make(struct pki_made *m, struct arena *a, const struct pki_world *w) {
    struct pki_key root;
    *m = (struct pki_made){0};
    pki_quote_make(m, a, w);
    m->pck_crl_issuer_chain = pki_chain_pem(a, w, &w->crl_chain);
    m->root_ca_crl = pki_crl_der(a, w->seed, &w->root_crl);
    m->pck_crl = pki_crl_der(a, w->seed, &w->pck_crl);
    m->tcb_info_issuer_chain = pki_chain_pem(a, w, &w->tcb_chain);
    m->tcb_info = pki_tcb_info_text(a, &w->tcb_info);
    m->tcb_info_signature = pki_json_signature(a, w->seed, w->tcb_info.signer, m->tcb_info, w->tcb_info.spoil);
    m->qe_identity_issuer_chain = pki_chain_pem(a, w, &w->identity_chain);
    m->qe_identity = pki_identity_text(a, &w->identity);
    m->qe_identity_signature = pki_json_signature(a, w->seed, w->identity.signer, m->qe_identity, w->identity.spoil);
    pki_key_of(&root, w->seed, "root");
    memcpy(m->root_key, root.public, sizeof m->root_key);
}
