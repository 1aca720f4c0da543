// SPDX-License-Identifier: Apache-2.0
// Certificates and revocation lists of the test PKI, in the shape of Intel's, from a description of which each field
// may be what it should not be. They are signed after that, so only what is wrong is wrong.
#pragma once
#include "base/arena.h"
#include "testpki/keys.h"

#define PKI_EDITS 4
// The first `find` in what is about to be signed becomes `with`; of other lengths it breaks the lengths around it.
struct pki_edit {
    struct slice find, with;
};
#define PKI_EDIT(a, b)                                                                                                 \
    (struct pki_edit) { SLICE_LIT(a), SLICE_LIT(b) }
// Aborts when one of them finds nothing: a change that changes nothing would test nothing.
struct slice pki_edited(struct arena *a, struct slice text, const struct pki_edit edits[PKI_EDITS]);

// The SGX extension of a PCK certificate, 1.2.840.113741.1.13.1.
struct pki_sgx {
    uint8_t ppid[16], pceid[2], fmspc[6], instance[16];
    uint64_t components[16], pcesvn;
    unsigned type;
    bool dynamic, cached_keys, smt, other_cpusvn; // the last: its CPUSVN is zero, whatever the components are
    const char *items; // the digits of what stands in it, in order: "1234567", of the processor CA "12345"
    unsigned component_count;
};

// Bits of the key usage, as the first byte of its BIT STRING has them.
enum pki_usage { PKI_SIGNATURE = 0x80, PKI_NO_REPUDIATION = 0x40, PKI_CERT_SIGN = 0x04, PKI_CRL_SIGN = 0x02 };

struct pki_cert {
    const char *subject, *issuer; // common names
    const char *key, *signer;     // names of keys
    const char *signer_id;        // the key that its AKI names; NULL: the signer
    uint8_t serial[20];
    int64_t not_before, not_after;
    bool ca, without_constraints, without_usage, without_key_ids, unknown_critical, twice, other_algorithm;
    int path_length; // -1: none
    unsigned usage;
    bool bad_point;            // its public key's y is another one
    const struct pki_sgx *sgx; // NULL: none
    struct pki_edit edits[PKI_EDITS];
    uint8_t spoil;    // is XORed into the signature's last byte
    bool zero_r;      // the signature's first number is 0
    struct slice raw; // stands in its place, when not empty
};

struct pki_crl {
    const char *issuer, *signer, *signer_id; // name, key, and the key that its AKI names
    int64_t this_update, next_update;
    uint64_t number;
    uint8_t revoked[4][20];
    size_t revoked_count;
    bool without_number, without_key_id, without_next, other_algorithm, version_1;
    struct pki_edit edits[PKI_EDITS];
    uint8_t spoil;
    bool zero_r;
    struct slice raw;
};

// DER, in the arena. `seed` makes the keys that the names stand for.
struct slice pki_cert_der(struct arena *a, const char *seed, const struct pki_cert *c);
struct slice pki_crl_der(struct arena *a, const char *seed, const struct pki_crl *c);
struct slice pki_pem(struct arena *a, struct slice der, const char *before, const char *after);
