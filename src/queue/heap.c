// SPDX-License-Identifier: Apache-2.0
#include "queue/heap.h"

#include "base/err.h"
#include <stdlib.h>

// nodes[0] is not used: the children of i are 2i and 2i+1.
#define ROOM_FIRST 64

static bool less(const struct heap_node *a, const struct heap_node *b) {
    return a->first != b->first ? a->first < b->first : a->second < b->second;
}

static void put(struct heap *h, size_t at, struct heap_node *n) {
    h->nodes[at] = n;
    n->at = at;
}

static void rise(struct heap *h, size_t at, struct heap_node *n) {
    for (; at > 1 && less(n, h->nodes[at / 2]); at /= 2)
        put(h, at, h->nodes[at / 2]);
    put(h, at, n);
}

static void sink(struct heap *h, size_t at, struct heap_node *n) {
    for (size_t child; (child = 2 * at) <= h->count; at = child) {
        if (child < h->count && less(h->nodes[child + 1], h->nodes[child]))
            child++;
        if (!less(h->nodes[child], n))
            break;
        put(h, at, h->nodes[child]);
    }
    put(h, at, n);
}

void heap_add(struct heap *h, struct heap_node *n, uint64_t first, uint64_t second) {
    BUG_ON(n->at);
    n->first = first;
    n->second = second;
    if (h->count + 1 >= h->room) {
        h->room = h->room ? 2 * h->room : ROOM_FIRST;
        h->nodes = xrealloc(h->nodes, h->room * sizeof(struct heap_node *));
    }
    rise(h, ++h->count, n);
}

void heap_remove(struct heap *h, struct heap_node *n) {
    size_t at = n->at;
    if (!at)
        return;
    n->at = 0;
    struct heap_node *last = h->nodes[h->count--];
    if (last == n)
        return;
    if (at > 1 && less(last, h->nodes[at / 2]))
        rise(h, at, last);
    else
        sink(h, at, last);
}

void *heap_first(const struct heap *h) { return h->count ? h->nodes[1]->of : NULL; }

void *heap_at(const struct heap *h, size_t i) { return h->nodes[i + 1]->of; }

void heap_release(struct heap *h) {
    free(h->nodes);
    *h = (struct heap){0};
}
