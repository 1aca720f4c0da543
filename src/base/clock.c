// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

static uint64_t now_ns(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t clock_mono_us(void) { return now_ns(CLOCK_MONOTONIC) / 1000; }
uint64_t clock_mono_ms(void) { return now_ns(CLOCK_MONOTONIC) / 1000000; }
uint64_t clock_wall_ns(void) { return now_ns(CLOCK_REALTIME); }
uint64_t clock_wall_ms(void) { return now_ns(CLOCK_REALTIME) / 1000000; }

const char *clock_iso8601(uint64_t wall_ms, char out[static 32]) {
    time_t s = (time_t)(wall_ms / 1000);
    struct tm tm;
    gmtime_r(&s, &tm);
    size_t n = strftime(out, 24, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, 32 - n, ".%03uZ", (unsigned)(wall_ms % 1000));
    return out;
}
