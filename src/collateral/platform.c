// SPDX-License-Identifier: Apache-2.0
#include "collateral/platform.h"

#include "base/err.h"
#include "codec/hex.h"
#include "dcap/chain.h"
#include "dcap/pck.h"
#include "dcap/quote.h"

#define LENT_BYTES (64u << 10)
#define PEM_CHAIN 5

static bool read_chain(struct quote_platform *out, const struct dcap_quote *q, struct dcap_trust *trust, uint64_t now,
                       struct dcap_arena *lent, struct dcap_fault *f) {
    struct dcap_chain chain;
    struct dcap_pck pck;
    if (q->certification != PEM_CHAIN)
        return dcap_fail(f, DCAP_QUOTE_CERTIFICATION, DCAP_PART_QUOTE);
    if (!dcap_chain_verify(&chain, lent, q->certification_data, DCAP_PART_PCK_CHAIN, trust, now, f) ||
        !dcap_pck_parse(&pck, chain.cert[0].platform, chain.ca, f))
        return false;
    hex_encode(out->fmspc, slice_of(pck.fmspc, 6));
    out->ca = chain.ca == DCAP_CA_PLATFORM ? "platform" : "processor";
    out->tdx = q->tee == DCAP_TDX;
    return true;
}

bool quote_platform_of(struct quote_platform *out, struct slice quote, struct dcap_trust *trust, uint64_t now,
                       struct dcap_fault *f) {
    struct dcap_quote q;
    if (!dcap_quote_parse(&q, (struct bytes){quote.ptr, quote.len}, f))
        return false;
    struct dcap_arena lent = {xmalloc(LENT_BYTES), LENT_BYTES, 0};
    bool ok = read_chain(out, &q, trust, now, &lent, f);
    free(lent.base);
    return ok;
}
