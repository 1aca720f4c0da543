// SPDX-License-Identifier: Apache-2.0
// TCB info of Intel, version 3: what the platforms of one FMSPC are worth, by their SVNs.
#pragma once
#include "dcap/level.h"
#include "dcap/part.h"
#include "dcap/quote.h"

// Writes the part of a TCB info: a head with its own dates, evaluation number and TEE, and its levels.
[[nodiscard]] bool dcap_tcb_info_put(struct dcap_writer *w, struct bytes text, struct dcap_fault *f);

// What is asked of a TDX module of some version.
struct dcap_module {
    uint8_t mrsigner[48], attributes[8];
    bool known;          // an identity was found, or it is of version 0 and the TCB info describes that
    struct bytes levels; // for dcap_levels_match; none for version 0
};
void dcap_tcb_info_module(struct dcap_module *out, struct bytes part, uint8_t version);
// The platforms' levels, for dcap_levels_match.
struct bytes dcap_tcb_info_levels(struct bytes part);
void dcap_tcb_info_platform(uint8_t fmspc[6], uint8_t pceid[2], struct bytes part);
