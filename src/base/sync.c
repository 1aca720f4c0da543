// SPDX-License-Identifier: Apache-2.0
#include "base/sync.h"

#include "base/clock.h"
#include <errno.h>

void cond_init(pthread_cond_t *c) {
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(c, &clock);
    pthread_condattr_destroy(&clock);
}

uint64_t deadline_in(uint64_t ms) {
    uint64_t now = clock_mono_ms();
    return ms < NO_DEADLINE - now ? now + ms : NO_DEADLINE;
}

bool cond_wait_until(pthread_cond_t *c, pthread_mutex_t *m, uint64_t deadline_ms) {
    struct timespec t = {(time_t)(deadline_ms / 1000), (long)(deadline_ms % 1000) * 1000000};
    if (deadline_ms == NO_DEADLINE)
        return pthread_cond_wait(c, m) == 0;
    return pthread_cond_timedwait(c, m, &t) != ETIMEDOUT;
}
