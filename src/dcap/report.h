// SPDX-License-Identifier: Apache-2.0
// One verification from what people hold to what they read: a quote, its collateral, a policy and a moment in, and what
// came of it as JSON out. `outlayer verify-quote --json` prints it and dcap.wasm answers with it, so that both say the
// same to the byte. docs/attestation.md has the members.
#pragma once
#include "dcap/collateral.h"
#include "dcap/policy.h"

struct dcap_question {
    struct bytes quote;
    struct dcap_collateral collateral; // what is missing is {NULL, 0}
    struct dcap_fault unread;          // why the collateral could not be read; DCAP_OK: it could
    const struct dcap_policy *policy;
    struct dcap_trust *trust;
    uint64_t now;
};

// name, sentence: the steps of a verification, in their order
#define DCAP_STEPS(X)                                                                                                  \
    X(FORM, "The quote has a known form.")                                                                             \
    X(COLLATERAL, "The collateral is there and can be read.")                                                          \
    X(ROOT_CRL, "The root's revocation list is signed and of this time.")                                              \
    X(PCK_CRL, "The platform authority's revocation list is signed and of this time.")                                 \
    X(TCB_INFO, "The TCB info is signed and of this time.")                                                            \
    X(QE_IDENTITY, "The quoting enclave's identity is signed and of this time.")                                       \
    X(CHAIN, "The platform's certificate leads to the root key that is trusted.")                                      \
    X(ENCLAVE, "The platform signed its quoting enclave's report, which vouches for the quote's key.")                 \
    X(SIGNATURE, "That key signed the quote.")                                                                         \
    X(BELONGS, "The collateral is this platform's, whose certificate is not revoked.")                                 \
    X(LEVEL, "Platform, TDX module and quoting enclave are ones that Intel describes.")                                \
    X(POLICY, "The policy accepts what they are worth.")

enum dcap_step {
#define X(name, sentence) DCAP_STEP_##name,
    DCAP_STEPS(X)
#undef X
        DCAP_STEP_COUNT
};

// The values are exit statuses of `outlayer verify-quote`.
enum dcap_outcome { DCAP_ACCEPTED = 0, DCAP_NOT_ACCEPTED = 1, DCAP_NOT_CHECKABLE = 3 };

struct dcap_checked {
    bool good;               // everything held; a policy may refuse it all the same
    struct dcap_fault fault; // otherwise
    enum dcap_step step;     // where it ended, DCAP_STEP_COUNT: nowhere
    struct dcap_verdict v;   // unless good: what the quote claims, as far as it could be read
    struct dcap_refusals refused;
    struct bytes tcb_info; // the text by which short SVNs have their names
    uint64_t now;
    bool simulated; // by another root than Intel's
};
// Verifies and judges. The result points into the quote, the collateral and the arena.
void dcap_check(struct dcap_checked *out, struct dcap_arena *a, const struct dcap_question *q);
enum dcap_outcome dcap_outcome(const struct dcap_checked *c);
const char *dcap_outcome_name(const struct dcap_checked *c); // "accepted", "refused", "false", "not_checkable"

// The report, one line with its end, in the arena. {NULL, 0} where the arena is too small for it.
[[nodiscard]] struct bytes dcap_report(struct dcap_arena *a, const struct dcap_checked *c);
