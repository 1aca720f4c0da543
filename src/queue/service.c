// SPDX-License-Identifier: Apache-2.0
#include "queue/service.h"

#define KNOWN_MS 300000 // an older sample says nothing of now
#define KNOWN_LEAST 32  // with fewer samples nothing is said: the next ones may be of another kind
#define HOPE 2          // so many times as much as was seen is believed to be served

void service_note(struct service *s, uint64_t now_ms, uint64_t took_ms, uint64_t held) {
    s->kept[s->count++ % SERVICE_KEPT] = (struct service_sample){now_ms, took_ms, held};
}

static int by_length(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

uint64_t service_each_us(const struct service *s, uint64_t now_ms, uint64_t held) {
    uint64_t took[SERVICE_KEPT], most = held ? held : 1;
    size_t n = 0;
    for (size_t i = 0; i < SERVICE_KEPT && i < s->count; i++) {
        const struct service_sample *x = &s->kept[i];
        if (now_ms - x->ended_ms > KNOWN_MS)
            continue;
        took[n++] = x->took_ms;
        most = x->held > most ? x->held : most;
    }
    if (n < KNOWN_LEAST)
        return 0;
    qsort(took, n, sizeof took[0], by_length);
    return took[n / 10] * 1000 / (most * HOPE);
}
