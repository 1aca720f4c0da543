// SPDX-License-Identifier: Apache-2.0
// The whole verification, with real collateral: of all inputs only the two real quotes hold, whatever stands behind
// them. Canary: the seeds are these, so both hold.
#include "base/arena.h"
#include "base/file.h"
#include "dcap/collateral.h"

struct subject {
    const char *quote, *collateral;
    uint64_t at;
    struct slice real;
    struct dcap_parts parts;
    struct dcap_trust trust;
    _Alignas(8) uint8_t memory[DCAP_MEMORY];
};
static struct subject subjects[] = {
    {.quote = "qvl_tdx_v4_b0c06f", .collateral = "qvl_tdx_v4_b0c06f", .at = 1751624191},
    {.quote = "qvl_sgx_v3_00a067110000", .collateral = "qvl_sgx_v3_00a067110000", .at = 1751624924},
};

static void prepare(struct subject *s) {
    static struct arena *kept;
    struct err e;
    struct slice object;
    struct dcap_collateral c;
    struct dcap_fault f;
    struct dcap_arena arena = {s->memory, sizeof s->memory, 0};
    if (!kept)
        kept = arena_new();
    if (s->real.len)
        return;
    BUG_ON(!file_read(kept, arena_printf(kept, "tests/vectors/dcap/%s.quote.bin", s->quote), 1 << 20, &s->real, &e));
    BUG_ON(!file_read(kept, arena_printf(kept, "tests/vectors/dcap/%s.collateral.json", s->collateral), 1 << 20,
                      &object, &e));
    uint8_t *own = arena_alloc(kept, object.len);
    memcpy(own, object.ptr, object.len);
    dcap_trust_intel(&s->trust);
    BUG_ON(!dcap_collateral_read(&c, own, object.len, &f));
    BUG_ON(!dcap_collateral_verify(&s->parts, &c, &s->trust, s->at, &arena, &f));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static _Alignas(8) uint8_t memory[DCAP_MEMORY];
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        struct subject *s = &subjects[i];
        prepare(s);
        struct dcap_arena arena = {memory, sizeof memory, 0};
        struct dcap_trust trust = s->trust;
        struct dcap_verdict v;
        struct dcap_fault f = {.code = DCAP_OK};
        bool ok = dcap_verify(&v, (struct bytes){data, size}, &s->parts, &trust, s->at, &arena, &f);
        BUG_ON(ok != (v.judgement.status != DCAP_NONE) || ok == (f.code != DCAP_OK));
        struct dcap_quote q;
        if (!ok || !dcap_quote_parse(&q, (struct bytes){s->real.ptr, s->real.len}, &f))
            continue;
        size_t end = s->real.len - q.trailing;
        BUG_ON(size < end || memcmp(data, s->real.ptr, end) != 0);
    }
    return 0;
}
