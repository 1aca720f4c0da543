// SPDX-License-Identifier: Apache-2.0
#include "worker/pace.h"

#include "protocol/contract.h"

#define BLOCK_MS 600 // as long as it is not known, and the most that is counted on
#define KNOWN_BLOCKS 5

static void begin_span(struct pace *p, uint64_t height, uint64_t ns, int64_t behind_ms) {
    p->height = height;
    p->ns = ns;
    p->behind_ms[1] = p->spans ? p->behind_ms[0] : behind_ms;
    p->behind_ms[0] = behind_ms;
    p->spans++;
}

void pace_see(struct pace *p, uint64_t height, uint64_t ns, uint64_t now_ms) {
    int64_t behind_ms = (int64_t)(now_ms - ns / 1000000);
    if (!p->spans || height <= p->height || ns < p->ns) {
        begin_span(p, height, ns, behind_ms);
        return;
    }
    uint64_t blocks = height - p->height;
    if (blocks >= KNOWN_BLOCKS)
        p->block_ms = (ns - p->ns) / 1000000 / blocks;
    if (behind_ms < p->behind_ms[0])
        p->behind_ms[0] = behind_ms;
    if (blocks >= PACE_SPAN)
        begin_span(p, height, ns, behind_ms);
}

uint64_t pace_window_end(const struct pace *p, uint64_t ns) {
    uint64_t block_ms = p->block_ms && p->block_ms < BLOCK_MS ? p->block_ms : BLOCK_MS;
    int64_t behind_ms = p->behind_ms[0] < p->behind_ms[1] ? p->behind_ms[0] : p->behind_ms[1];
    return (uint64_t)((int64_t)(ns / 1000000) + behind_ms) + YIELD_BLOCKS * block_ms;
}
