// SPDX-License-Identifier: Apache-2.0
// A test PKI in the shape of Intel's: one platform, one set of collateral and one quote, described by a struct whose
// fields may be changed one at a time before all is made and signed. The same description gives the same bytes each
// time. Whatever it signs is worth nothing: its root is not Intel's, and its keys follow from a seed that all may know.
#pragma once
#include "testpki/cert.h"
#include <jansson.h>

enum pki_kind { PKI_SGX_V3, PKI_SGX_V4, PKI_TDX_V4, PKI_SGX_V5, PKI_TDX_V5, PKI_TDX15_V5, PKI_TDX15X_V5 };

// --- collateral that is signed as JSON

struct pki_level {
    uint8_t sgx[16], tdx[16];
    unsigned pcesvn; // of a platform; of modules and enclaves `isvsvn` counts alone
    unsigned isvsvn;
    const char *date, *status;
    const char *advisories; // "INTEL-SA-1,INTEL-SA-2"; NULL: the member is absent
};
struct pki_module {
    const char *id;
    struct pki_level levels[3];
    size_t level_count;
};
struct pki_tcb_info {
    const char *id; // "TDX" or "SGX"
    unsigned version, type, evaluation;
    int64_t issued, next;
    uint8_t fmspc[6], pceid[2];
    uint8_t module_signer[48], module_attributes[8];
    struct pki_module modules[3];
    size_t module_count;
    bool without_module, without_modules;
    struct pki_level levels[5];
    size_t level_count;
    struct pki_edit edits[PKI_EDITS];
    const char *signer;
    uint8_t spoil; // is XORed into the signature's last byte
};
struct pki_identity {
    const char *id; // "TD_QE" or "QE"
    unsigned version, evaluation, product;
    int64_t issued, next;
    uint8_t miscselect[4], miscselect_mask[4], attributes[16], attributes_mask[16], signer_hash[32];
    struct pki_level levels[3];
    size_t level_count;
    struct pki_edit edits[PKI_EDITS];
    const char *signer;
    uint8_t spoil;
};

// --- chains of certificates

// What stands in a chain, one letter each, the leaf first: L PCK leaf, P platform CA, Q processor CA, T TCB signer,
// R root, X a root of another seed; and what stands around them.
struct pki_chain {
    const char *letters, *before, *between, *after;
    bool nul; // a NUL at the end, as Intel's quoting library leaves it
};

// --- the quote

#define PKI_BODY_MAX 885
struct pki_quote {
    uint8_t header[48];
    bool body_head; // v5: type and size before the body
    unsigned body_type, body_size;
    uint8_t body[PKI_BODY_MAX];
    size_t body_len;
    uint8_t qe_report[384];
    bool own_report_data; // qe_report's report data stays as it is; else it is made from key and auth data
    uint8_t auth_data[256];
    size_t auth_data_len;
    const char *key, *qe_signer; // names
    bool bad_point;              // the attestation key's y is another one
    const uint8_t *raw_key;      // 64 bytes that stand in the key's place, and that the QE vouches for; NULL: none
    bool without_wrapper;        // v3: no certification data of type 6 around the QE's report
    unsigned outer_type, inner_type;
    struct slice inner;                                            // stands in place of the PCK chain, when not empty
    int auth_longer, outer_longer, inner_longer, auth_data_longer; // what the length fields say too much
    struct slice trailing;
};

struct pki_world {
    const char *seed;     // of root, CAs and TCB signer
    const char *platform; // with the seed: of the platform's keys and identity
    int64_t now;
    struct pki_sgx sgx;
    struct pki_cert root, platform_ca, processor_ca, tcb_signer, leaf;
    struct pki_crl root_crl, pck_crl;
    struct pki_tcb_info tcb_info;
    struct pki_identity identity;
    struct pki_chain quote_chain, crl_chain, tcb_chain, identity_chain;
    struct pki_quote quote;
};

// A platform that is up to date at `now` (seconds), its collateral, and a quote of a TD (or enclave) that is no debug
// one. `platform` tells machines of one authority apart. The world points into itself: it is not copied.
void pki_world_init(struct pki_world *w, enum pki_kind kind, const char *seed, const char *platform, int64_t now);
// Makes the processor CA's platform out of it, instead of the platform CA's.
void pki_world_processor(struct pki_world *w);

// Where the fields of a quote's body begin.
enum pki_td {
    PKI_TCB_SVN = 0,
    PKI_MRSEAM = 16,
    PKI_MRSIGNERSEAM = 64,
    PKI_SEAM_ATTRIBUTES = 112,
    PKI_TD_ATTRIBUTES = 120,
    PKI_XFAM = 128,
    PKI_MRTD = 136,
    PKI_MRCONFIGID = 184,
    PKI_MROWNER = 232,
    PKI_MROWNERCONFIG = 280,
    PKI_RTMR0 = 328,
    PKI_RTMR3 = 472,
    PKI_TD_REPORT_DATA = 520,
    PKI_TCB_SVN2 = 584,
    PKI_SERVICE_TD = 600,
};
enum pki_enclave {
    PKI_CPUSVN = 0,
    PKI_MISCSELECT = 16,
    PKI_ATTRIBUTES = 48,
    PKI_MRENCLAVE = 64,
    PKI_MRSIGNER = 128,
    PKI_ISVPRODID = 256,
    PKI_ISVSVN = 258,
    PKI_REPORT_DATA = 320,
};

struct pki_made {
    struct slice quote;
    // Offsets in the quote; 0 for what it has not.
    struct {
        size_t body, length, signature, key, outer, qe_report, qe_signature, auth_data, inner, chain, end;
    } at;
    // The nine members of the collateral object; lists are DER and signatures raw.
    struct slice pck_crl_issuer_chain, root_ca_crl, pck_crl, tcb_info_issuer_chain, tcb_info, tcb_info_signature,
        qe_identity_issuer_chain, qe_identity, qe_identity_signature;
    struct slice pck_certificate_chain; // the tenth member, which the object has only where this is not empty
    uint8_t root_key[64];
};
// All of it is in the arena.
void pki_make(struct pki_made *out, struct arena *a, const struct pki_world *w);
// The collateral object: nine texts, or ten. The reference is the caller's.
json_t *pki_collateral(struct arena *a, const struct pki_made *m);

// One piece at a time, for whoever serves collateral.
struct slice pki_tcb_info_text(struct arena *a, const struct pki_tcb_info *t);
struct slice pki_identity_text(struct arena *a, const struct pki_identity *i);
struct slice pki_json_signature(struct arena *a, const char *seed, const char *signer, struct slice text,
                                uint8_t spoil);
struct slice pki_chain_pem(struct arena *a, const struct pki_world *w, const struct pki_chain *c);
// A quote over what the world says, without the collateral: what a platform does each time.
void pki_quote_make(struct pki_made *out, struct arena *a, const struct pki_world *w);
