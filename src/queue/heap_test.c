// SPDX-License-Identifier: Apache-2.0
#include "queue/heap.h"

#include "base/test.h"
#include <stdlib.h>

#define NODES 300

// The lowest of those that are in, looked for one by one.
static struct heap_node *lowest(struct heap_node *nodes) {
    struct heap_node *best = NULL;
    for (size_t i = 0; i < NODES; i++)
        if (nodes[i].at && (!best || nodes[i].first < best->first ||
                            (nodes[i].first == best->first && nodes[i].second < best->second)))
            best = &nodes[i];
    return best;
}

// If this fails, somebody waits behind those who came later, or a lease ends when another's time is over.
static void the_lowest_is_first(void **state) {
    (void)state;
    struct heap h = {0};
    struct heap_node nodes[NODES] = {0};
    unsigned seed = 7;
    assert_null(heap_first(&h));
    for (int step = 0; step < 20000; step++) {
        size_t i = (size_t)rand_r(&seed) % NODES;
        nodes[i].of = &nodes[i];
        if (nodes[i].at)
            heap_remove(&h, &nodes[i]);
        else
            heap_add(&h, &nodes[i], (uint64_t)rand_r(&seed) % 20, i);
        assert_ptr_equal(heap_first(&h), lowest(nodes));
    }
    for (struct heap_node *n; (n = heap_first(&h));) {
        assert_ptr_equal(n, lowest(nodes));
        heap_remove(&h, n);
        heap_remove(&h, n); // it is in none
    }
    heap_release(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_lowest_is_first)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
