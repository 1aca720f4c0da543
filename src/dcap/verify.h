// SPDX-License-Identifier: Apache-2.0
// The verification of a quote by Intel's rules: what is it worth at a moment, by collateral of that moment? The answer
// is a verdict or a fault, never both; policy.h says whether a verdict is good enough.
#pragma once
#include "dcap/part.h"
#include "dcap/pck.h"
#include "dcap/qe_identity.h"
#include "dcap/tcb_info.h"

// What a quote showed of its platform once its signatures held. It is all that is judged by collateral, so whoever
// keeps it can have it judged again by later collateral, without a signature.
struct dcap_platform {
    uint8_t tee, ca;  // enum dcap_tee; enum dcap_ca
    bool two_modules; // a TD of version 1.5: `current` beside svns.tdx, of its launch
    uint8_t fmspc[6], pceid[2];
    struct dcap_svns svns;
    uint8_t current[16]; // TEE_TCB_SVN2
    uint16_t qe_svn;
    uint8_t pck_serial[20];       // of the PCK certificate, zeros before it
    uint64_t pck_from, pck_until; // when its chain is valid
};
enum { DCAP_ADVISORIES = 96 };
struct dcap_judgement {
    enum dcap_status status;                        // of all together; NONE unless everything held
    enum dcap_status platform, module, qe, current; // NONE where there is none; current: with the TDX module of today
    uint64_t date;                                  // tcbDate, the earliest of all levels
    uint64_t from, until;                 // when the same is true, as far as dates go; both still belong to it
    enum dcap_part from_part, until_part; // what begins last and ends first
    uint32_t tcb_eval, qe_eval;
    size_t advisory_count;
    struct bytes advisory[DCAP_ADVISORIES]; // in the parts, each once
    struct dcap_shorts shorts;              // what the platform lacks for the best level
};
struct dcap_verdict {
    struct dcap_quote quote; // slices into the quote; before the verdict they are claims
    struct dcap_platform platform;
    uint8_t ppid[16], platform_id[16]; // platform_id: zeros under the processor authority
    uint8_t sgx_type;
    struct dcap_judgement judgement;
};
struct dcap_parts {
    struct bytes root_crl, pck_crl, tcb_info, qe_identity; // see part.h
    struct bytes pck_chain;                                // PEM, for a quote that does not carry its own
};

// Verifies a quote at `now`. After false *v has what the quote claims as far as it was read, no status, and, with
// TCB_NOT_SUPPORTED, what the platform lacks.
[[nodiscard]] bool dcap_verify(struct dcap_verdict *v, struct bytes quote, const struct dcap_parts *parts,
                               struct dcap_trust *trust, uint64_t now, struct dcap_arena *arena, struct dcap_fault *f);
// The same in two steps, for whoever finds the parts by what the quote shows: opening it reads the quote and its
// certificates, whose path to the root holds then; pck.fmspc and chain.ca say which parts are asked for.
struct dcap_opened {
    struct dcap_quote quote;
    struct dcap_chain chain; // in the arena
    struct dcap_pck pck;
};
[[nodiscard]] bool dcap_open(struct dcap_opened *o, struct bytes quote, struct bytes pck_chain,
                             struct dcap_trust *trust, uint64_t now, struct dcap_arena *arena, struct dcap_fault *f);
[[nodiscard]] bool dcap_verify_opened(struct dcap_verdict *v, const struct dcap_opened *o,
                                      const struct dcap_parts *parts, const uint8_t root_key[64], uint64_t now,
                                      struct dcap_arena *arena, struct dcap_fault *f);
// What a platform is worth by these parts at `now`.
[[nodiscard]] bool dcap_judge(struct dcap_judgement *out, const struct dcap_platform *p, const struct dcap_parts *parts,
                              const uint8_t root_key[64], uint64_t now, struct dcap_fault *f);
