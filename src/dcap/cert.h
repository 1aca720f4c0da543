// SPDX-License-Identifier: Apache-2.0
// X.509 certificates of the form that Intel issues: version 3, ECDSA with SHA-256, P-256 keys, names of one attribute
// each. Whether the key is a point of the curve, and every signature, is looked at by those who use them (chain.h,
// crl.h).
#pragma once
#include "dcap/code.h"

enum dcap_key_usage { DCAP_MAY_SIGN = 0x80, DCAP_MAY_SIGN_CERTS = 0x04, DCAP_MAY_SIGN_CRLS = 0x02 };
enum { DCAP_SERIAL_SIZE = 20, DCAP_NO_PATH_LIMIT = 255 };

// Slices are into the DER that was read.
struct dcap_cert {
    struct bytes der, tbs; // the whole; what is signed
    uint8_t signature[64]; // r ‖ s, in range
    struct bytes serial;   // without leading zeros
    struct bytes issuer;   // DER of the names, which are compared so
    struct bytes subject;
    struct bytes common_name;
    uint64_t not_before, not_after; // seconds since 1970; both still belong to it
    const uint8_t *key;             // x ‖ y
    bool ca;
    uint8_t path_limit;             // authorities that may stand below
    uint8_t usage;                  // enum dcap_key_usage
    struct bytes key_id, issuer_id; // subject and authority key identifier; empty without
    struct bytes platform;          // value of the PCK extension, see pck.h; empty without
};
[[nodiscard]] bool dcap_cert_parse(struct dcap_cert *out, struct bytes der, enum dcap_part part, struct dcap_fault *f);

// --- what certificates and revocation lists have in common

// SEQUENCE {tbs, algorithm, signature} and nothing behind; *tbs is the whole element, *body what is in it.
// DCAP_OK, CERT_FORMAT or CERT_ALGORITHM.
[[nodiscard]] enum dcap_code dcap_signed_open(struct bytes *tbs, struct bytes *body, uint8_t signature[64],
                                              struct bytes der);
// ECDSA with SHA-256, without parameters.
[[nodiscard]] bool dcap_signed_algorithm(struct bytes *in);
// A name's DER, and its common name (empty if there is none).
[[nodiscard]] bool dcap_name_take(struct bytes *name, struct bytes *common_name, struct bytes *in);

// Of 2.5.29.n the number n, of the PCK extension 1, of others 0.
enum dcap_extension_id {
    DCAP_EXT_OTHER = 0,
    DCAP_EXT_PLATFORM = 1,
    DCAP_EXT_KEY_ID = 14,
    DCAP_EXT_KEY_USAGE = 15,
    DCAP_EXT_CONSTRAINTS = 19,
    DCAP_EXT_CRL_NUMBER = 20,
    DCAP_EXT_ISSUER_ID = 35,
};
struct dcap_extensions {
    struct bytes value[DCAP_EXT_ISSUER_ID + 1]; // by enum dcap_extension_id; ptr is NULL where it is missing
};
// All extensions of a list; the values of those that are wanted (bits 1 << id) go to *out, which may be NULL where none
// is. DCAP_OK, CERT_FORMAT, or CERT_EXTENSION for one that is given twice, or critical and not wanted.
[[nodiscard]] enum dcap_code dcap_extensions_read(struct dcap_extensions *out, struct bytes list, uint64_t wanted);
// The key identifier in an authority key identifier's value, which has nothing else.
[[nodiscard]] bool dcap_issuer_id(struct bytes *id, struct bytes value);
