// SPDX-License-Identifier: Apache-2.0
// Conditions of any bytes: they are read or refused; what was read, written and read again, says the same.
#include "codec/json.h"
#include "secrets/access.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    struct access *c, *d;
    struct err e;
    bool matches;
    if (!access_parse(&c, a, slice_of(data, size), &e))
        return 0;
    SCOPED_JSON(j) = access_json(c);
    BUG_ON(!access_of_json(&d, a, j, &e));
    SCOPED_JSON(again) = access_json(d);
    BUG_ON(!json_equal(j, again) || strcmp(access_text(a, c), access_text(a, d)) != 0);
    if (c->kind == ACCESS_PATTERN)
        (void)access_match(c->text, "alice.near", &matches, &e);
    return 0;
}
