// SPDX-License-Identifier: Apache-2.0
// TCB info of any text: its part is the same each time; whoever has everything reaches a level where there is one; and
// raising an SVN never makes a platform reach less. Canary: the seeds reach levels and modules.
#include "base/err.h"
#include "dcap/tcb_info.h"

static _Alignas(8) uint8_t memory[2][1 << 18];

static bool put(struct bytes *part, unsigned which, struct bytes text) {
    struct dcap_arena arena = {memory[which], sizeof memory[which], 0};
    struct dcap_writer w = dcap_write_into(&arena);
    struct dcap_fault f = {.code = DCAP_OK};
    bool ok = dcap_tcb_info_put(&w, text, &f);
    BUG_ON(ok == (f.code != DCAP_OK));
    *part = dcap_written(&w);
    return ok;
}

// A platform from the text's own bytes, so that the fuzzer chooses it.
static struct dcap_svns svns_of(struct bytes text) {
    struct dcap_svns s = {.pce = 11};
    for (size_t i = 0; i < 32; i++)
        (i < 16 ? s.sgx : s.tdx)[i % 16] = (uint8_t)(text.ptr[i * text.len / 32] % 8);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes text = {data, size}, part, again;
    if (!put(&part, 0, text))
        return 0;
    BUG_ON(!put(&again, 1, text) || !dcap_bytes_eq(part, again));
    struct dcap_level level, higher;
    struct dcap_shorts shorts = {.count = 0};
    struct dcap_svns s = svns_of(text), all = {.pce = UINT16_MAX};
    memset(all.sgx, 255, 16);
    memset(all.tdx, 255, 16);
    BUG_ON(!dcap_levels_match(&level, &shorts, dcap_tcb_info_levels(part), &all) || shorts.count);
    for (struct bytes id; dcap_advisory_next(&id, &level.advisories);)
        BUG_ON(!id.len || id.ptr < part.ptr || id.ptr + id.len > part.ptr + part.len);
    bool reached = dcap_levels_match(&level, NULL, dcap_tcb_info_levels(part), &s);
    for (unsigned i = 0; reached && i < 32; i++) {
        struct dcap_svns more = s;
        (i < 16 ? more.sgx : more.tdx)[i % 16] = 255;
        BUG_ON(!dcap_levels_match(&higher, NULL, dcap_tcb_info_levels(part), &more));
    }
    for (unsigned version = 0; version < 256; version++) {
        struct dcap_module m;
        struct dcap_svns most = {.isv = UINT16_MAX};
        dcap_tcb_info_module(&m, part, (uint8_t)version);
        BUG_ON(version && m.known && !dcap_levels_match(&level, NULL, m.levels, &most));
    }
    return 0;
}
