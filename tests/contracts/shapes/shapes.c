// SPDX-License-Identifier: Apache-2.0
// Programs whose variables must not meet, for contracts/frames.pl: each export answers 1 if nothing was written over
// what is still in use, and `too_deep`, the last, must trap. tests/contract_shapes_test.py runs them.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define SHAPE(name)                                                                                                    \
    __attribute__((export_name(#name))) int shape_##name(void);                                                        \
    int shape_##name(void)
#define APART [[gnu::noinline]]
static volatile int zero; // the compiler does not know it

APART static void fill(void *p, int c, size_t n) {
    for (volatile char *at = p; n--; at++)
        *at = (char)c;
}

APART static int holds(const void *p, int c, size_t n) {
    for (const volatile char *at = p; n--; at++)
        if (*at != (char)c)
            return 0;
    return 1;
}

// --- what calls itself

APART static int itself(int n) {
    char own[16];
    fill(own, n, sizeof own);
    int below = n ? itself(n - 1) : 1;
    return below & holds(own, n, sizeof own);
}
SHAPE(itself) { return itself(20 + zero); }

static int odd(int n);
static int even(int n);
static int (*const steps[])(int) = {even, odd};
APART static int even(int n) {
    char own[24];
    fill(own, n, sizeof own);
    int below = n ? steps[n & 1](n - 1) : 1;
    return below & holds(own, n, sizeof own);
}
APART static int odd(int n) {
    char own[40];
    fill(own, -n, sizeof own);
    int below = n ? steps[n & 1](n - 1) : 1;
    return below & holds(own, -n, sizeof own);
}
SHAPE(by_table) { return even(9 + zero); }

static int (*volatile varied)(int, ...);
APART static int with_more(int n, ...) {
    char own[16];
    va_list more;
    va_start(more, n);
    int c = va_arg(more, int);
    va_end(more);
    fill(own, n, sizeof own);
    int below = n ? varied(n - 1, c) : 1;
    return below & holds(own, n, sizeof own) & (c == 7);
}
SHAPE(by_varied) {
    varied = with_more;
    return with_more(5 + zero, 7);
}

APART static int endless(int n) {
    char own[64];
    fill(own, n, sizeof own);
    int below = n ? endless(n - 1) : 1;
    return below & holds(own, n, sizeof own);
}
SHAPE(too_deep) { return endless(100 + zero); } // 6,400 bytes on a stack of 5,632

// --- what is live while others are called

APART static int leaf(int c) {
    char own[48];
    fill(own, c, sizeof own);
    return holds(own, c, sizeof own);
}
static int (*volatile called)(int) = leaf;
SHAPE(callee) {
    char own[48];
    fill(own, 1 + zero, sizeof own);
    return leaf(2) & called(3) & holds(own, 1, sizeof own);
}

struct wide {
    char c[40];
};
APART static int inner(struct wide a, struct wide b) {
    int is = holds(&a, 3, sizeof a) & holds(&b, 4, sizeof b);
    fill(&a, 9, sizeof a);
    fill(&b, 9, sizeof b);
    return is;
}
APART static int outer(struct wide b, struct wide a) {
    return inner(a, b) & inner(a, b) & holds(&a, 3, sizeof a) & holds(&b, 4, sizeof b);
}
SHAPE(by_value) {
    struct wide a, b;
    fill(&a, 3 + zero, sizeof a);
    fill(&b, 4, sizeof b);
    return outer(b, a);
}

APART static struct wide made(int c, const struct wide * not ) {
    struct wide w;
    fill(&w, c, sizeof w);
    return holds(not, 5, sizeof *not ) ? w : *not ;
}
SHAPE(result) {
    struct wide kept, got;
    fill(&kept, 5 + zero, sizeof kept);
    got = made(6, &kept);
    return holds(&kept, 5, sizeof kept) & holds(&got, 6, sizeof got);
}

// --- sizes and places

typedef unsigned _BitInt(24) three;
typedef unsigned _BitInt(72) nine;
SHAPE(odd_sizes) {
    char before[8], after[8];
    three a[5];
    nine b[3];
    fill(before, 1, sizeof before);
    fill(after, 2, sizeof after);
    for (int i = 0; i < 5; i++)
        ((volatile three *)a)[i] = (three)(i + zero);
    for (int i = 0; i < 3; i++)
        ((volatile nine *)b)[i] = (nine)(i + zero);
    return holds(before, 1, sizeof before) & holds(after, 2, sizeof after) & (a[4] == 4) & (b[2] == 2);
}

SHAPE(aligned) {
    char before[3];
    alignas(64) char own[64];
    fill(before, 1, sizeof before);
    fill(own, 2, sizeof own);
    uintptr_t volatile at = (uintptr_t)own;
    return (at + (uintptr_t)zero) % 64 == 0 && holds(before, 1, sizeof before);
}

SHAPE(fractions) {
    double d[2];
    float f[2];
    fill(d, 0, sizeof d);
    fill(f, 0, sizeof f);
    return d[zero] == 0 && f[1 + zero] == 0;
}
