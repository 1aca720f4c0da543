// SPDX-License-Identifier: Apache-2.0
// SHA-384's constants, reckoned instead of kept: as a table they have 640 bytes, which each call pays for, and only a
// registration with an event log needs them (0.07 Tgas). They are the first 64 bits behind the point of the cube roots
// of the first 80 primes. A wrong one would give other digests: sha384_constants_test.c compares them with OpenSSL's,
// and so does, in the module, each log that is replayed in a test.
#include "dcap/sha384.h"
#include "model.h"

// Rounded down, of a number from 1 to 2^51: what is added to 2^52 stands in the last bits of the sum.
static uint64_t whole(double n) {
    uint64_t bits;
    n += 0x1p52 - 0.5;
    __builtin_memcpy(&bits, &n, sizeof bits);
    return bits << 12 >> 12;
}

// Newton's method, as far as a double goes. The root's first bits are `near`, a number of 2^-25; what its cube lacks of
// the prime (which times 2^75 is beyond 64 bits) is 3 * near * (near + more) * more and as good as nothing.
static uint64_t root(uint32_t prime) {
    double x = prime, more = 0;
    for (unsigned i = 0; i < 20; i++)
        x = (2 * x + prime / (x * x)) / 3;
    uint64_t near = whole(x * 0x1p25);
    for (unsigned i = 0; i < 2; i++)
        more = (double)(int64_t) - (near * near * near) / (3.0 * near * (near + more));
    return (near << 39) + whole(more * 0x1p39);
}

static bool is_prime(uint32_t n) {
    uint32_t d = 2;
    while (d * d <= n && n % d)
        d++;
    return d * d > n;
}

const uint64_t *dcap_sha384_constants(void) {
    static uint64_t constants[DCAP_SHA384_CONSTANTS];
    unsigned count = 0;
    for (uint32_t n = 2; !constants[DCAP_SHA384_CONSTANTS - 1]; n++)
        if (is_prime(n))
            constants[count++] = root(n);
    return constants;
}
