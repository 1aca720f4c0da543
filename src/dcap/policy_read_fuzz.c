// SPDX-License-Identifier: Apache-2.0
// Policies as strangers write them: what is read is within its bounds and accepts no revoked platform; what is not has
// a sentence. Canary: the seeds reach lists, flags, numbers, pins, and an unknown member.
#include "dcap/policy_read.h"

#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static _Alignas(8) uint8_t memory[8192];
    struct dcap_arena a = {memory, sizeof memory, 0};
    struct dcap_policy p;
    const char *why = NULL;
    if (!dcap_policy_read(&p, &a, (struct bytes){data, size}, &why)) {
        BUG_ON(!why || !why[0]);
        return 0;
    }
    BUG_ON(why || p.advisory_count > 64 || p.pin_count > 64);
    BUG_ON(p.accept >> DCAP_REVOKED & 1 || p.accept & 1u << DCAP_NONE || p.accept >> DCAP_STATUS_COUNT);
    for (size_t i = 0; i < p.advisory_count; i++)
        BUG_ON(p.advisories[i].ptr < data || p.advisories[i].ptr + p.advisories[i].len > data + size);
    for (size_t i = 0; i < p.pin_count; i++)
        BUG_ON(!p.pins[i].value.len || p.pins[i].field >= DCAP_FIELD_COUNT);
    return 0;
}
