// SPDX-License-Identifier: Apache-2.0
#include "chain/index.h"

#include "base/test.h"

// Blocks and receipts are forgotten as history moves on: what stays must still be found after removals.
static void index_keeps_what_stays(void **state) {
    (void)state;
    struct hash_index x = {0};
    static int where;
    for (uint64_t i = 0; i < 5000; i++) {
        uint64_t crowded = i % 700; // many keys in few places
        struct hash h = sha256(slice_of(&i, sizeof i));
        memcpy(h.b, &crowded, sizeof crowded);
        assert_true(index_add(&x, &h, &where, i));
        assert_false(index_add(&x, &h, &where, i));
    }
    for (uint64_t round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < 5000; i++) {
            uint64_t crowded = i % 700;
            struct hash h = sha256(slice_of(&i, sizeof i));
            memcpy(h.b, &crowded, sizeof crowded);
            if (round == 0 && i % 3 == 0)
                index_remove(&x, &h, &where);
            const struct index_entry *found = index_find(&x, &h);
            assert_int_equal(found != NULL, i % 3 != 0);
            assert_true(!found || found->at == i);
        }
    }
    index_release(&x);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(index_keeps_what_stays)};
RUN_TESTS(tests)
