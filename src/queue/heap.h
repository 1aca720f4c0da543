// SPDX-License-Identifier: Apache-2.0
// A heap of what its nodes stand in: the lowest key first, and any node taken out at the price of a few steps. It keeps
// no memory of a node but its address.
#pragma once
#include "base/compat.h"

struct heap_node {
    uint64_t first, second; // the key
    size_t at;              // 0: in no heap
    void *of;               // what it stands in
};
struct heap { // all zeros: empty
    struct heap_node **nodes;
    size_t count, room;
};

// `n` is in no heap.
void heap_add(struct heap *h, struct heap_node *n, uint64_t first, uint64_t second);
void heap_remove(struct heap *h, struct heap_node *n); // of this heap, or of none
// What stands in the lowest node; NULL: nothing does.
void *heap_first(const struct heap *h);
// What stands in the i-th node, in no order; i < count.
void *heap_at(const struct heap *h, size_t i);
void heap_release(struct heap *h);
