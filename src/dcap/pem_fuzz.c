// SPDX-License-Identifier: Apache-2.0
// PEM: with CR before each LF, and a NUL behind, it means the same. Canary: the seeds reach two certificates.
#include "base/arena.h"
#include "base/err.h"
#include "dcap/pem.h"

enum { MAX = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    struct dcap_arena one = {arena_alloc(a, size + 64), size + 64, 0}, two = {arena_alloc(a, size + 64), size + 64, 0};
    struct bytes der[MAX], again[MAX];
    size_t n, m, len = 0;
    if (!dcap_pem_certificates(der, &n, &one, (struct bytes){data, size}, MAX, false))
        return 0;
    uint8_t *text = arena_alloc(a, 2 * size + 1);
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\n' && data[i - 1] != '\r')
            text[len++] = '\r';
        text[len++] = data[i];
    }
    text[len++] = 0;
    BUG_ON(!dcap_pem_certificates(again, &m, &two, (struct bytes){text, len}, MAX, true) || m != n);
    for (size_t i = 0; i < n; i++)
        BUG_ON(!dcap_bytes_eq(der[i], again[i]));
    return 0;
}
