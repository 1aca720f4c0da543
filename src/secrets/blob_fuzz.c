// SPDX-License-Identifier: Apache-2.0
// Sealed blobs and the plaintexts in them, of any bytes: what cannot be opened is refused; secrets that are read,
// printed and read again are the same.
#include "secrets/scope.h"
#include "secrets/values.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    static const uint8_t secret[HPKE_KEY] = {1};
    const struct scope s = {
        .network = "devnet", .contract = "c.near", .owner = "a.near", .repo = "h/o/n", .profile = "p"};
    struct hpke_pair pair;
    struct secrets one, two;
    struct slice plain, json, input = slice_of(data, size);
    uint32_t generation;
    struct err e;
    hpke_pair_of(&pair, secret);
    if (blob_generation(input, &generation, &e))
        BUG_ON(blob_open(a, &s, &pair, input, &plain, &e)); // nobody guesses a MAC
    if (!secrets_parse(&one, a, input, &e))
        return 0;
    if (!secrets_print(a, &one, &json, &e)) // escapes may have been shorter than what they stand for
        return 0;
    BUG_ON(!secrets_parse(&two, a, json, &e) || one.count != two.count);
    for (size_t i = 0; i < one.count; i++)
        BUG_ON(strcmp(one.items[i].name, two.items[i].name) != 0 ||
               strcmp(one.items[i].value, two.items[i].value) != 0);
    return 0;
}
