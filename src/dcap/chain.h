// SPDX-License-Identifier: Apache-2.0
// Certificate chains as Intel delivers them: PEM, leaf first, the root at the end. A chain has exactly as many
// certificates as its kind, which is named by the part that it is.
#pragma once
#include "dcap/cert.h"
#include "dcap/trust.h"

enum { DCAP_CHAIN_MAX = 3 };
enum dcap_ca { DCAP_CA_PROCESSOR, DCAP_CA_PLATFORM };

struct dcap_chain {
    struct dcap_cert cert[DCAP_CHAIN_MAX]; // leaf first
    size_t count;
    enum dcap_ca ca;                // of chains of PCK certificates and their lists: which authority
    uint64_t not_before, not_after; // when all of it is valid
};
// PCK_CHAIN: PCK certificate, authority, root (a NUL may follow). PCK_CRL_CHAIN: authority, root. TCB_INFO_CHAIN and
// QE_IDENTITY_CHAIN: TCB signer, root. Holds at `now`: names and key identifiers lead from each to the next, the root
// has the trusted key, each signature, date, role, subject and path length is right. Whether one of them is revoked is
// asked of the lists (crl.h). The arena keeps the DER; the fault's part is the certificate, or the chain. `trust`
// learns which certificates its root key has signed.
[[nodiscard]] bool dcap_chain_verify(struct dcap_chain *out, struct dcap_arena *arena, struct bytes pem,
                                     enum dcap_part kind, struct dcap_trust *trust, uint64_t now, struct dcap_fault *f);
