// SPDX-License-Identifier: Apache-2.0
// Revocation lists of the form that Intel issues: version 2, whole lists of one issuer, with a number.
#pragma once
#include "dcap/cert.h"

struct dcap_crl {
    struct bytes tbs;
    uint8_t signature[64];
    struct bytes issuer, issuer_id;    // DER of the name; authority key identifier
    struct bytes number;               // without leading zeros, up to 20 bytes
    uint64_t this_update, next_update; // seconds since 1970; both still belong to it
    struct bytes entries;              // each has been read
    size_t count;
};
[[nodiscard]] bool dcap_crl_parse(struct dcap_crl *out, struct bytes der, enum dcap_part part, struct dcap_fault *f);
// The list is this issuer's, signed by its key, and in force at `now`.
[[nodiscard]] bool dcap_crl_verify(const struct dcap_crl *crl, const struct dcap_cert *issuer, uint64_t now,
                                   enum dcap_part part, struct dcap_fault *f);

// The serial numbers of a list as it is kept: DCAP_SERIAL_SIZE bytes each, with zeros before them.
void dcap_crl_put_serials(struct dcap_writer *w, const struct dcap_crl *crl);
// Whether a serial number is among them, of up to DCAP_SERIAL_SIZE bytes with or without zeros before it.
[[nodiscard]] bool dcap_serials_have(struct bytes serials, struct bytes serial);
