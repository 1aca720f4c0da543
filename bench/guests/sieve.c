// SPDX-License-Identifier: Apache-2.0
// Primes below 20 million.
#include <stdio.h>

#define N 20000000
static char composite[N];

int main(void) {
    unsigned count = 0;
    for (unsigned i = 2; i < N; i++) {
        if (composite[i])
            continue;
        count++;
        for (unsigned long long j = (unsigned long long)i * i; j < N; j += i)
            composite[j] = 1;
    }
    printf("%u\n", count);
    return 0;
}
