// SPDX-License-Identifier: Apache-2.0
// How fast executions are served, from those that ended lately: for telling which of those that wait cannot begin in
// their time. It errs towards hope: the quickest tenth of what ended speaks for all, the most that were held at a time
// counts as what workers can hold, and twice as many as that serves are believed to be served.
#pragma once
#include "base/compat.h"

#define HOPELESS_MS 2000 // how often what waits is looked at
// What came so short ago is not judged: of many that come at once to workers who were mostly idle, these are still
// taking theirs, and until they have, it looks as if few could be held at a time.
#define HOPELESS_WAITED_MS 5000
#define SERVICE_KEPT 64
struct service { // all zeros: nothing is known
    struct service_sample {
        uint64_t ended_ms, took_ms, held;
    } kept[SERVICE_KEPT];
    size_t count; // since the start
};

// One ended at now_ms (monotonic), took_ms after it was leased; with it so many were held.
void service_note(struct service *s, uint64_t now_ms, uint64_t took_ms, uint64_t held);
// Microseconds that go by for each that is served before another one, while so many are held; 0: too little is known.
uint64_t service_each_us(const struct service *s, uint64_t now_ms, uint64_t held);
