// SPDX-License-Identifier: Apache-2.0
// Answers of a chain: what json_parse_big accepts, printed and parsed again, is equal, and json_check takes it for
// JSON. Canary: the seeds reach a number of more than 18 digits.
#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    struct err e;
    SCOPED_JSON(one) = json_parse_big(slice_of(data, size), 1u << 20, &e);
    if (!one)
        return 0;
    BUG_ON(!json_check(slice_of(data, size), JSON_CHECK_DEPTH_MAX, &e) && e.code != ERR_LIMIT);
    SCOPED_JSON(two) = json_parse_big(slice_str(json_text(a, one)), 8u << 20, &e);
    BUG_ON(!two || !json_equal(one, two));
    return 0;
}
