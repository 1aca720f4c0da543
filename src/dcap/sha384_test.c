// SPDX-License-Identifier: Apache-2.0
// SHA-384 against OpenSSL's, of every length around the blocks' ends and in any pieces.
#include "base/test.h"

#include "dcap/sha384.h"
#include <openssl/sha.h>

static void every_length(void **state) {
    (void)state;
    uint8_t text[400], want[DCAP_SHA384_SIZE], got[DCAP_SHA384_SIZE];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 37 + 11);
    for (size_t len = 0; len <= sizeof text; len++) {
        for (size_t cut = 0; cut <= len; cut += 1 + len / 7) {
            struct dcap_sha384 h;
            dcap_sha384_init(&h);
            dcap_sha384_add(&h, text, cut);
            dcap_sha384_add(&h, text + cut, len - cut);
            dcap_sha384_end(&h, got);
            SHA384(text, len, want);
            assert_memory_equal(got, want, sizeof want);
        }
    }
}

static const struct CMUnitTest group[] = {cmocka_unit_test(every_length)};
RUN_TESTS(group)
