// SPDX-License-Identifier: Apache-2.0
// Whether a verdict is good enough: what Intel leaves to whoever relies on a quote. A policy is data. It is judged
// after the verdict and changes nothing in it; each reason to refuse has a name.
#pragma once
#include "dcap/verify.h"

// name, sentence
#define DCAP_REFUSALS(X)                                                                                               \
    X(TCB_REVOKED, "Intel has revoked the platform, its quoting enclave or its TDX module.")                           \
    X(TCB_STATUS, "The policy does not accept this TCB status.")                                                       \
    X(TCB_ADVISORY, "An advisory of Intel applies to the platform that the policy does not accept.")                   \
    X(TCB_EVAL, "The TCB info is of an older set (tcbEvaluationDataNumber) than the policy's minimum.")                \
    X(QE_EVAL, "The QE identity is of an older set (tcbEvaluationDataNumber) than the policy's minimum.")              \
    X(SGX_DEBUG, "The enclave runs in debug mode, in which its memory is open.")                                       \
    X(TD_DEBUG, "The trust domain runs in a debug or profiling mode (TDATTRIBUTES bits 0 to 7).")                      \
    X(TD_RESERVED, "The trust domain has reserved bits of TDATTRIBUTES set.")                                          \
    X(TD_SEPT_VE_DISABLE, "The trust domain lacks SEPT_VE_DISABLE (TDATTRIBUTES bit 28).")                             \
    X(TD_MIGRATABLE, "The trust domain can be migrated (TDATTRIBUTES bit 29).")                                        \
    X(TD_PKS, "The trust domain uses supervisor protection keys (TDATTRIBUTES bit 30).")                               \
    X(TD_KL, "The trust domain uses Key Locker (TDATTRIBUTES bit 31).")                                                \
    X(TD_PERFMON, "The trust domain uses performance counters (TDATTRIBUTES bit 63).")                                 \
    X(TD_XFAM, "The trust domain lacks x87 or SSE state (XFAM bits 0 and 1), which each one has.")                     \
    X(SERVICE_TD, "A service TD is bound to the trust domain (MR_SERVICETD).")                                         \
    X(MEASUREMENT, "A measurement is none of those that the policy names.")

enum dcap_refusal {
#define X(name, sentence) DCAP_REFUSE_##name,
    DCAP_REFUSALS(X)
#undef X
        DCAP_REFUSAL_COUNT
};
const char *dcap_refusal_name(enum dcap_refusal r);
const char *dcap_refusal_sentence(enum dcap_refusal r);

#define DCAP_TD_SEPT_VE_DISABLE ((uint64_t)1 << 28)
#define DCAP_TD_MIGRATABLE ((uint64_t)1 << 29)
#define DCAP_TD_PKS ((uint64_t)1 << 30)
#define DCAP_TD_KL ((uint64_t)1 << 31)
#define DCAP_TD_PERFMON ((uint64_t)1 << 63)
#define DCAP_TD_DEBUG ((uint64_t)0xff)
// Those that a policy can accept, each by its name.
#define DCAP_TD_NAMED(X) X(DEBUG) X(MIGRATABLE) X(PKS) X(KL) X(PERFMON)

// A value that a field may have. A field that is named must have one of the values that are named for it.
struct dcap_pin {
    enum dcap_field field;
    struct bytes value;
};
struct dcap_policy {
    uint32_t accept;                // bits 1 << enum dcap_status. Revoked is refused whatever stands here
    const struct bytes *advisories; // ids that are accepted
    size_t advisory_count;
    bool any_advisory;
    uint32_t min_tcb_eval, min_qe_eval;
    uint64_t td_attributes; // which bits may be set
    bool without_sept_ve;   // SEPT_VE_DISABLE may be clear
    bool service_td;        // a service TD may be bound
    bool sgx_debug;
    const struct dcap_pin *pins;
    size_t pin_count;
};
// UpToDate without advisories; SEPT_VE_DISABLE and no other attribute; no service TD, no debug, no pin, no minimum.
void dcap_policy_default(struct dcap_policy *p);

struct dcap_refusals {
    uint32_t mask;         // bits 1 << enum dcap_refusal; 0: accepted
    struct bytes advisory; // of TCB_ADVISORY: the first one
    enum dcap_field field; // of MEASUREMENT: the first one
    uint64_t td_reserved;  // of TD_RESERVED: the bits
};
// All reasons against a verdict; a verdict without a status is refused.
struct dcap_refusals dcap_policy_judge(const struct dcap_policy *p, const struct dcap_verdict *v);
// The same for whoever has no pins.
struct dcap_refusals dcap_policy_judge_unpinned(const struct dcap_policy *p, const struct dcap_verdict *v);
// Only those against what a platform is worth, for a kept platform that was judged again.
struct dcap_refusals dcap_policy_judge_tcb(const struct dcap_policy *p, const struct dcap_judgement *j);
