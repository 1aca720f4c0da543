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
    uint8_t version;
    bool known;          // an identity was found, or it is of version 0 and the TCB info describes that
    struct bytes levels; // see dcap_svn_match; none for version 0
};
void dcap_tcb_info_module(struct dcap_module *out, struct bytes part, uint8_t version);

// What a platform has. The module's version is tdx[1]; above 0 its own levels say what it is worth, and the first two
// components of the platform's levels do not count.
struct dcap_svns {
    uint8_t sgx[16], tdx[16];
    uint16_t pce;
};
// One number that is lower than the best level asks for.
enum dcap_short_of { DCAP_SHORT_SGX, DCAP_SHORT_PCE, DCAP_SHORT_TDX, DCAP_SHORT_MODULE, DCAP_SHORT_QE };
struct dcap_short {
    uint8_t of, index; // enum dcap_short_of; which component
    uint16_t has, needs;
};
enum { DCAP_SHORTS = 35 };
struct dcap_shorts {
    uint8_t count;
    struct dcap_short s[DCAP_SHORTS];
};
void dcap_short_add(struct dcap_shorts *to, enum dcap_short_of of, unsigned index, uint16_t has, uint16_t needs);
// The highest level that the platform reaches, and what it lacks for the best one (where `shorts` is not NULL). False
// when it reaches none.
[[nodiscard]] bool dcap_tcb_info_match(struct dcap_level *out, struct dcap_shorts *shorts, struct bytes part,
                                       const struct dcap_svns *svns);
void dcap_tcb_info_platform(uint8_t fmspc[6], uint8_t pceid[2], struct bytes part);
