// SPDX-License-Identifier: Apache-2.0
// Time. Durations come from the monotonic clock, dates from the wall clock; never mix them.
#pragma once
#include "base/compat.h"

uint64_t clock_mono_us(void);
uint64_t clock_mono_ms(void);
uint64_t clock_wall_ns(void);
uint64_t clock_wall_ms(void);
// "2026-11-24T01:58:21.123Z"
const char *clock_iso8601(uint64_t wall_ms, char out[static 32]);
