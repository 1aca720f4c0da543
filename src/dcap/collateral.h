// SPDX-License-Identifier: Apache-2.0
// The collateral object that verifiers exchange: one JSON object of nine texts, or of some of them, and sometimes a
// tenth with the PCK certificate's chain. Revocation lists and signatures are hexadecimal.
#pragma once
#include "dcap/verify.h"

struct dcap_collateral {
    struct bytes pck_crl_issuer_chain, tcb_info_issuer_chain, qe_identity_issuer_chain, pck_certificate_chain; // PEM
    struct bytes root_ca_crl, pck_crl;                                                                         // DER
    struct bytes tcb_info, qe_identity;                     // JSON as it was signed
    struct bytes tcb_info_signature, qe_identity_signature; // 64 bytes, or none
};
// Reads the object in place: its texts are taken out of their quotes and hexadecimal digits where they stand, so that
// the memory is another afterwards and *out are slices of it. A member that is missing is {NULL, 0}. Others are read
// over.
[[nodiscard]] bool dcap_collateral_read(struct dcap_collateral *out, uint8_t *text, size_t len, struct dcap_fault *f);
// What the part of a kind is made from.
struct dcap_part_source dcap_collateral_source(const struct dcap_collateral *c, enum dcap_kind kind);
// Verifies the pieces that are there into *parts.
[[nodiscard]] bool dcap_collateral_verify(struct dcap_parts *parts, const struct dcap_collateral *c,
                                          struct dcap_trust *trust, uint64_t now, struct dcap_arena *arena,
                                          struct dcap_fault *f);
// How much memory is enough for a verification with a collateral object of Intel's usual size.
enum { DCAP_MEMORY = 96 << 10 };
