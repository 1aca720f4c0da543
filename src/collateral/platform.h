// SPDX-License-Identifier: Apache-2.0
// Which kind of platform a quote comes from, by the certificate in it: what collateral is asked for by.
#pragma once
#include "base/slice.h"
#include "dcap/code.h"
#include "dcap/trust.h"

struct quote_platform {
    bool tdx;
    char fmspc[13]; // 12 hexadecimal digits
    const char *ca; // "processor" or "platform"
};
// Only the chain of PCK certificates is verified, at `now`: the quote itself may still be anything.
[[nodiscard]] bool quote_platform_of(struct quote_platform *out, struct slice quote, struct dcap_trust *trust,
                                     uint64_t now, struct dcap_fault *f);
