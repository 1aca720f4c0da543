// SPDX-License-Identifier: Apache-2.0
// QE identities of any text: the part is the same each time, an SVN that reaches a level is one that the level asks for
// or more, and a report of zeros is judged without a step outside. Canary: the seeds reach a level.
#include "base/err.h"
#include "dcap/qe_identity.h"

static _Alignas(8) uint8_t memory[2][1 << 18];

static bool put(struct bytes *part, unsigned which, struct bytes text) {
    struct dcap_arena arena = {memory[which], sizeof memory[which], 0};
    struct dcap_writer w = dcap_write_into(&arena);
    struct dcap_fault f = {.code = DCAP_OK};
    bool ok = dcap_qe_identity_put(&w, text, &f);
    BUG_ON(ok == (f.code != DCAP_OK));
    *part = dcap_written(&w);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t report[384];
    struct bytes text = {data, size}, part, again;
    if (!put(&part, 0, text))
        return 0;
    BUG_ON(!put(&again, 1, text) || !dcap_bytes_eq(part, again));
    struct dcap_level level;
    struct dcap_fault f = {.code = DCAP_OK};
    struct dcap_svns most = {.isv = UINT16_MAX};
    struct bytes levels = dcap_qe_identity_levels(part);
    BUG_ON(!dcap_levels_match(&level, NULL, levels, &most) || level.status == DCAP_NONE);
    BUG_ON(!*dcap_status_name(level.status));
    bool ok = dcap_qe_identity_check(part, report, &f);
    BUG_ON(ok == (f.code != DCAP_OK));
    return 0;
}
