// SPDX-License-Identifier: Apache-2.0
// What Intel wrote into a platform's PCK certificate about it (extension 1.2.840.113741.1.13.1).
#pragma once
#include "dcap/chain.h"

struct dcap_pck {
    const uint8_t *ppid; // 16
    uint8_t svn[16];     // of the SGX TCB's components
    uint16_t pce_svn;
    const uint8_t *cpu_svn; // 16
    const uint8_t *pce_id;  // 2
    const uint8_t *fmspc;   // 6
    uint8_t sgx_type;       // 0 standard, 1 scalable, 2 scalable with integrity
    // Of platforms whose certificate is the platform authority's:
    const uint8_t *platform_id; // 16; NULL under the processor authority
    bool dynamic_platform, cached_keys, smt;
};
// The items of a certificate under that authority, each once.
[[nodiscard]] bool dcap_pck_parse(struct dcap_pck *out, struct bytes extension, enum dcap_ca ca, struct dcap_fault *f);
