// SPDX-License-Identifier: Apache-2.0
// Condition variables with an end. All of this project's run on the monotonic clock, so that a wall clock that is set
// while a thread waits neither ends its wait nor prolongs it. `make check` refuses others.
#pragma once
#include "base/compat.h"
#include <pthread.h>

#define NO_DEADLINE UINT64_MAX

void cond_init(pthread_cond_t *c);
// The moment of clock_mono_ms() that is `ms` from now; NO_DEADLINE where that is beyond all counting.
uint64_t deadline_in(uint64_t ms);
// Waits, as pthread_cond_wait does, for a signal or for `deadline_ms` (a moment of clock_mono_ms(), or NO_DEADLINE).
// false: the moment has passed. true may come without a signal, so the caller looks at its condition again.
bool cond_wait_until(pthread_cond_t *c, pthread_mutex_t *m, uint64_t deadline_ms);
