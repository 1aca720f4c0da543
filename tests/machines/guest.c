// SPDX-License-Identifier: Apache-2.0
// A guest for tests/machines_test.py: does what its input says.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *volatile kept;

int main(void) {
    char word[64] = "";
    size_t n = fread(word, 1, sizeof word - 1, stdin);
    if (strcmp(word, "memory") == 0)
        for (;;) {
            char *p = malloc(1 << 20);
            if (!p)
                abort();
            memset(p, 1, 1 << 20);
            kept = p;
        }
    if (strcmp(word, "spin") == 0)
        for (volatile unsigned i = 0;; i++)
            ;
    if (strcmp(word, "flood") == 0)
        for (;;)
            puts("more and more and more and more and more and more and more and more");
    printf("you said %.*s", (int)n, word);
    return 0;
}
