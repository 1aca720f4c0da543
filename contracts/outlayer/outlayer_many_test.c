// SPDX-License-Identifier: Apache-2.0
// Many secrets of one account: each is stored and removed at the same cost, lists are paged, nothing is lost.
#include "kit/kit.h"
#include <stdio.h>

#define MANY 10000
#define BLOB ",\"encrypted_secrets_base64\":\"AAAA\",\"access\":\"AllowAll\""

static const char *name_of(int i) {
    static char name[64];
    snprintf(name, sizeof name, "\"repo\":\"github.com/a/r%d\",\"profile\":\"p%d\"", i % 100, i);
    return name;
}

// Pages of a list must add up to all of it: a hole or a row that is shown twice would hide a secret from its owner.
static void all_rows_are_in_the_pages(size_t expected) {
    size_t seen = 0;
    for (size_t from = 0; from < expected + 500; from += 500) {
        char args[200];
        snprintf(args, sizeof args, "{\"account_id\":\"" ALICE "\",\"from_index\":%zu,\"limit\":500}", from);
        assert_true(mock_view("list_user_secrets", args));
        json_t *page = parsed(mock.value);
        seen += json_array_size(page);
        json_decref(page);
    }
    assert_int_equal(seen, expected);
}

static void many_secrets(void **state) {
    (void)state;
    char args[300];
    uint64_t usage = mock.usage;
    u128 paid = 0, back = 0;
    for (int i = 0; i < MANY; i++) {
        snprintf(args, sizeof args, "{%s" BLOB "}", name_of(i));
        calls("store_secrets", ALICE, NEAR, args);
        assert_int_equal(mock.receipt_count, 1);
        paid += NEAR - mock.receipts[0].amount;
    }
    all_rows_are_in_the_pages(MANY);
    for (int i = 0; i < MANY; i++) { // in an order of its own: 919 is prime
        snprintf(args, sizeof args, "{%s}", name_of(i * 919 % MANY));
        calls("delete_secrets", ALICE, 0, args);
        back += mock.receipts[0].amount;
        if (i == MANY / 2)
            all_rows_are_in_the_pages(MANY / 2 - 1);
    }
    assert_true(paid == back);
    assert_int_equal(mock.usage, usage);
}

int main(void) {
    const struct CMUnitTest tests[] = {TEST(many_secrets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
