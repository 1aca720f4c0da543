// SPDX-License-Identifier: Apache-2.0
// What an execution costs and how long its build may take.
//   cost          = base + floor(instructions / 10^6) * per_million + run ms * per_ms + build ms * per_compile_ms
//   required      = the same for the limits, without a build: what must be attached
//   build_seconds = floor((attached - required) / (1000 * per_compile_ms)), at least 10, at most MAX_BUILD_SECONDS, and
//                   at most what the blocks that the caller's gas pays for leave beside max_execution_seconds
//   charged       = min(cost of what was used, attached), where what was used counts at most up to the request's limits
//                   and build_seconds; nothing when the platform failed or nobody answered
#pragma once
#include "model.h"

#define DEFAULT_LIMITS ((struct limits){DEFAULT_INSTRUCTIONS, DEFAULT_MEMORY_MB, DEFAULT_EXECUTION_SECONDS})
#define FEE_MAX (1000000 * MILLI_NEAR) // of each price: 1000 NEAR

struct fees default_fees(void);

struct usage {
    uint64_t instructions, time_ms;
    struct maybe_u64 compile_time_ms;
};
struct yocto price_required(const struct fees *f, const struct limits *l); // stops when there is no such amount
uint32_t price_build_seconds(const struct request *q, struct yocto required, uint32_t extensions);
struct yocto price_charge(const struct request *q, const struct usage *u);
