// SPDX-License-Identifier: Apache-2.0
// When a request's time on chain is over, by the coordinator's clock, as far as watching blocks tells: how fast they
// come, and how far the chain's clock is from that one. It may be wrong by hours: what counts is the least that blocks
// were behind it lately. An end that is too late does no harm, as who serves the request asks the chain.
#pragma once
#include <stdint.h>

#define PACE_SPAN 100 // blocks

struct pace {             // zeros: nothing was seen
    uint64_t height, ns;  // where the span began
    uint64_t block_ms;    // 0: not known
    int64_t behind_ms[2]; // the least of this span, and of the one before
    uint64_t spans;
};
// A block, in the order of heights; now_ms: api_now_ms().
void pace_see(struct pace *p, uint64_t height, uint64_t ns, uint64_t now_ms);
// When the yield of a request ends that was made in a block of this time; pace_see has been called.
uint64_t pace_window_end(const struct pace *p, uint64_t ns);
