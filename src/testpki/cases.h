// SPDX-License-Identifier: Apache-2.0
// The table of cases: a good quote with good collateral, and one change at a time, each with what a verifier must say
// to it. Written as JSON by build/help/dcap-cases, so that the same table is run natively, in the contract, in node and
// in a browser.
#pragma once
#include "testpki/testpki.h"

#define PKI_COMPOSE_HASH "00112233445566778899aabbccddeeff0123456789abcdeffedcba9876543210"

struct pki_case {
    const char *name;
    struct pki_made made;
    uint64_t at; // the time of the verification, in seconds
    // Either a status and the advisories ("A,B" in any order), or an error and its part. Names are those of
    // dcap/code.h without the prefix; the error "*" stands for any.
    const char *status, *advisories, *error, *part;
    const char *policy;    // JSON; NULL: the default one
    const char *refused;   // with a status: what the policy refuses by, "A,B" in any order; "": nothing
    const char *event_log; // JSON beside the quote; NULL: none
    const char *log_error; // why it does not count; NULL: it does, and shows the compose hash PKI_COMPOSE_HASH
};
typedef void (*pki_case_fn)(void *ctx, struct arena *a, const struct pki_case *c);
// Calls fn for each case, in order. The arena is emptied after each.
void pki_cases(pki_case_fn fn, void *ctx);
