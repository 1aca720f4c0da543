// SPDX-License-Identifier: Apache-2.0
// Event logs: what holds against its own registers has its events counted, gives the memory back, and no longer holds
// when one bit of register 3 is another. Canary: the seeds reach both forms in both versions.
#include "base/arena.h"
#include "base/err.h"
#include "dcap/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    struct bytes text = {data, size};
    struct dcap_arena arena = {arena_alloc(a, 2 * size + 64), 2 * size + 64, 0};
    struct dcap_event_log first, log;
    struct dcap_fault f = {DCAP_OK, DCAP_PART_NOTHING, 0};
    uint8_t none[DCAP_RTMRS * DCAP_RTMR_SIZE] = {0};
    if (!dcap_replay(&first, text, none, &arena, &f) && f.code != DCAP_LOG_MISMATCH) {
        BUG_ON(f.part != DCAP_PART_EVENT_LOG);
        return 0;
    }
    BUG_ON(arena.used != 0);
    bool holds = dcap_replay(&log, text, first.rtmr[0], &arena, &f);
    BUG_ON(memcmp(&log, &first, sizeof log) != 0);
    BUG_ON(holds ? log.events[3] < 2 : f.code != DCAP_LOG_EVENT_MISSING);
    first.rtmr[3][size % DCAP_RTMR_SIZE] ^= 1;
    BUG_ON(dcap_replay(&log, text, first.rtmr[0], &arena, &f) || f.code != DCAP_LOG_MISMATCH);
    return 0;
}
