// SPDX-License-Identifier: Apache-2.0
// Real quotes and collateral of tests/vectors/dcap, for tests that run from the repository's root.
#pragma once
#include "base/test.h"

#include "base/file.h"
#include "dcap/collateral.h"

#define VECTORS "tests/vectors/dcap/"

static inline struct slice vector_bytes(struct arena *a, const char *name) {
    struct err e;
    struct slice bytes;
    assert_ok(file_read(a, arena_printf(a, VECTORS "%s", name), 1 << 20, &bytes, &e), &e);
    return bytes;
}
static inline struct bytes vector_quote(struct arena *a, const char *name) {
    struct slice s = vector_bytes(a, name);
    return (struct bytes){s.ptr, s.len};
}
static inline struct dcap_collateral vector_collateral(struct arena *a, const char *name) {
    struct slice s = vector_bytes(a, name);
    struct dcap_collateral c;
    struct dcap_fault f;
    uint8_t *own = arena_alloc(a, s.len);
    memcpy(own, s.ptr, s.len);
    if (!dcap_collateral_read(&c, own, s.len, &f))
        fail_msg("%s: %s", name, dcap_code_name(f.code));
    return c;
}
// The whole way, cold.
static inline bool vector_verify(struct dcap_verdict *v, struct bytes quote, const struct dcap_collateral *c,
                                 uint64_t now, struct dcap_trust *trust, uint8_t *memory, struct dcap_fault *f) {
    struct dcap_arena arena = {memory, DCAP_MEMORY, 0};
    struct dcap_parts parts;
    *v = (struct dcap_verdict){.sgx_type = 0};
    return dcap_collateral_verify(&parts, c, trust, now, &arena, f) &&
           dcap_verify(v, quote, &parts, trust, now, &arena, f);
}
