// SPDX-License-Identifier: Apache-2.0
// The PCK extension: what is taken under one authority is refused under the other, and points into the input. Canary:
// the seeds reach one of each.
#include "base/err.h"
#include "dcap/pck.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct dcap_pck p, other;
    struct dcap_fault f;
    struct bytes in = {data, size};
    bool processor = dcap_pck_parse(&p, in, DCAP_CA_PROCESSOR, &f);
    if (!processor && !dcap_pck_parse(&p, in, DCAP_CA_PLATFORM, &f))
        return 0;
    BUG_ON(processor && dcap_pck_parse(&other, in, DCAP_CA_PLATFORM, &f));
    BUG_ON(processor != (p.platform_id == NULL));
    const struct bytes parts[] = {{p.ppid, 16}, {p.cpu_svn, 16}, {p.pce_id, 2}, {p.fmspc, 6}, {p.platform_id, 16}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts - processor; i++)
        BUG_ON(parts[i].ptr < data || parts[i].ptr + parts[i].len > data + size);
    return 0;
}
