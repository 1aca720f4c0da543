// SPDX-License-Identifier: Apache-2.0
#include "executor/refusals.h"

#include "base/err.h"
#include <pthread.h>

struct kept {
    struct hash wasm;
    uint64_t used; // 0: free
    struct refusal refusal;
};

struct refusals {
    pthread_mutex_t lock; // guards what follows
    uint64_t uses;
    struct kept kept[REFUSALS_MAX];
};

struct refusals *refusals_new(void) {
    struct refusals *r = xcalloc(1, sizeof *r);
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

void refusals_free(struct refusals *r) {
    if (!r)
        return;
    pthread_mutex_destroy(&r->lock);
    free(r);
}

// With the lock held: its place, or the one to be taken for it.
static struct kept *place_of(struct refusals *r, const struct hash *wasm) {
    struct kept *oldest = &r->kept[0];
    for (struct kept *k = r->kept; k < r->kept + REFUSALS_MAX; k++) {
        if (k->used && hash_eq(&k->wasm, wasm))
            return k;
        if (k->used < oldest->used)
            oldest = k;
    }
    return oldest;
}

bool refusals_find(struct refusals *r, const struct hash *wasm, uint64_t budget_ms, struct refusal *out) {
    pthread_mutex_lock(&r->lock);
    struct kept *k = place_of(r, wasm);
    bool found = k->used && hash_eq(&k->wasm, wasm) && budget_ms <= k->refusal.took_ms;
    if (found) {
        k->used = ++r->uses;
        *out = k->refusal;
    }
    pthread_mutex_unlock(&r->lock);
    return found;
}

void refusals_keep(struct refusals *r, const struct hash *wasm, const struct refusal *n) {
    pthread_mutex_lock(&r->lock);
    struct kept *k = place_of(r, wasm);
    // A shorter try says nothing new.
    if (!k->used || !hash_eq(&k->wasm, wasm) || n->took_ms >= k->refusal.took_ms)
        *k = (struct kept){*wasm, k->used, *n};
    k->used = ++r->uses;
    pthread_mutex_unlock(&r->lock);
}
