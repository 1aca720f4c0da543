// SPDX-License-Identifier: Apache-2.0
// For tests of dcap.wasm: what the same core says natively. Reads questions from standard input, each as four lengths
// of 32 bits (quote, collateral, policy, root key), a time of 64 bits, all little endian, and then the bytes; writes a
// line of JSON for each. With an argument it is a measurement: how many milliseconds each took.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "dcap/policy_read.h"
#include "dcap/report.h"

enum { INPUT_MAX = 8 << 20, WORK = 16 << 20 };

static uint8_t input[INPUT_MAX];

struct question {
    struct bytes quote, collateral, policy;
    const uint8_t *root_key;
    uint64_t at;
};

// Whether there is one more.
static bool next(struct question *q) {
    uint8_t head[24];
    if (fread(head, 1, sizeof head, stdin) != sizeof head)
        return false;
    struct dcap_cursor c = dcap_cursor_over((struct bytes){head, sizeof head});
    size_t n[4], all = 0;
    for (size_t i = 0; i < 4; i++)
        all += n[i] = (size_t)dcap_take_le(&c, 4);
    if (all > sizeof input || fread(input, 1, all, stdin) != all)
        abort();
    q->quote = (struct bytes){input, n[0]};
    q->collateral = (struct bytes){input + n[0], n[1]};
    q->policy = (struct bytes){q->collateral.ptr + n[1], n[2]};
    q->root_key = n[3] ? q->policy.ptr + n[2] : NULL;
    q->at = dcap_take_le(&c, 8);
    return true;
}

static struct bytes report(struct dcap_arena *a, const struct question *q) {
    struct dcap_policy policy;
    struct dcap_trust trust;
    struct dcap_checked checked;
    struct dcap_question asked = {.quote = q->quote, .policy = &policy, .trust = &trust, .now = q->at};
    uint8_t *text = dcap_arena_take(a, q->collateral.len);
    const char *why;
    if (!text || !dcap_policy_read(&policy, a, q->policy, &why))
        abort();
    memcpy(text, q->collateral.ptr, q->collateral.len);
    if (!q->collateral.len)
        dcap_fail(&asked.unread, DCAP_PART_MISSING, DCAP_PART_COLLATERAL);
    else
        (void)!dcap_collateral_read(&asked.collateral, text, q->collateral.len, &asked.unread);
    if (q->root_key)
        dcap_trust_root(&trust, q->root_key);
    else
        dcap_trust_intel(&trust);
    dcap_check(&checked, a, &asked);
    return dcap_report(a, &checked);
}

int main(int argc, char **argv) {
    (void)argv;
    uint8_t *memory = malloc(WORK);
    struct question q;
    while (memory && next(&q)) {
        struct dcap_arena a = {memory, WORK, 0};
        uint64_t begin = clock_mono_us();
        struct bytes text = report(&a, &q);
        if (argc > 1)
            printf("%.3f\n", (double)(clock_mono_us() - begin) / 1000);
        else
            fwrite(text.ptr, 1, text.len, stdout);
    }
    free(memory);
    return 0;
}
