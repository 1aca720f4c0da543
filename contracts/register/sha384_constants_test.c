// SPDX-License-Identifier: Apache-2.0
// The constants that are reckoned, against OpenSSL's digests: each block takes all 80, so a wrong one shows in each.
#include "dcap/sha384.h"
#include "kit/call.h"

#include <openssl/sha.h>

// The reckoned constants are not what the digest takes, or one of them is wrong.
static void digests_are_openssls(void **state) {
    (void)state;
    const uint64_t *k = dcap_sha384_constants();
    assert_true(k[0] == 0x428a2f98d728ae22 && k[DCAP_SHA384_CONSTANTS - 1] == 0x6c44198c4a475817);
    uint8_t text[300], want[DCAP_SHA384_SIZE], got[DCAP_SHA384_SIZE];
    for (size_t len = 0; len <= sizeof text; len++) {
        struct dcap_sha384 h;
        if (len)
            text[len - 1] = (uint8_t)(len * 37 + 11);
        dcap_sha384_init(&h);
        dcap_sha384_add(&h, text, len);
        dcap_sha384_end(&h, got);
        SHA384(text, len, want);
        assert_memory_equal(got, want, sizeof want);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(digests_are_openssls)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
