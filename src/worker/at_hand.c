// SPDX-License-Identifier: Apache-2.0
#include "worker/at_hand.h"

#include "worker/module_cache.h"
#include <pthread.h>

struct at_hand {
    pthread_mutex_t lock;             // guards what follows
    uint64_t marks[SOURCE_MARKS_MAX]; // the last one first
    size_t count;
};

struct at_hand *at_hand_new(const char *dir) {
    SCOPED_ARENA(a);
    struct at_hand *h = xcalloc(1, sizeof *h);
    struct build_record records[SOURCE_MARKS_MAX];
    pthread_mutex_init(&h->lock, NULL);
    for (size_t n = module_cache_recent(dir, a, records, SOURCE_MARKS_MAX); n--;)
        at_hand_note(h, source_mark(records[n].repo, records[n].commit, records[n].target));
    return h;
}

void at_hand_free(struct at_hand *h) {
    if (!h)
        return;
    pthread_mutex_destroy(&h->lock);
    free(h);
}

void at_hand_note(struct at_hand *h, uint64_t mark) {
    size_t at = 0;
    if (!mark)
        return;
    pthread_mutex_lock(&h->lock);
    while (at < h->count && h->marks[at] != mark)
        at++;
    if (at == h->count && h->count < SOURCE_MARKS_MAX)
        h->count++;
    if (at == SOURCE_MARKS_MAX) // the one that was run longest ago makes room
        at--;
    memmove(h->marks + 1, h->marks, at * sizeof *h->marks);
    h->marks[0] = mark;
    pthread_mutex_unlock(&h->lock);
}

const char *at_hand_text(struct at_hand *h, struct arena *a) {
    pthread_mutex_lock(&h->lock);
    const char *text = source_marks_text(a, h->marks, h->count);
    pthread_mutex_unlock(&h->lock);
    return text;
}
