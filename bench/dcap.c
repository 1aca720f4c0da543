// SPDX-License-Identifier: Apache-2.0
// What the verification of a quote costs beside its P-256 checks, which nobody can save: cold (a collateral object and
// a quote, all nine signatures), and with collateral that was verified before (three). The checks are recorded while
// the verification makes them and made again alone, in turns with it.
#include "base/file.h"
#include "dcap/backend.h"
#include "dcap/collateral.h"
#include <stdlib.h>

enum { ROUNDS = 51, REPEATS = 20, CHECKS_MAX = 32 };
static struct check { uint8_t key[64], digest[32], sig[64]; } checks[CHECKS_MAX];
static unsigned check_count;

// The linker puts this before the back end's own (bench/Local.mk).
bool __real_dcap_p256_verify(const uint8_t key[64], const uint8_t digest[32], const uint8_t sig[64]);
bool __wrap_dcap_p256_verify(const uint8_t key[64], const uint8_t digest[32], const uint8_t sig[64]);
bool __wrap_dcap_p256_verify(const uint8_t key[64], const uint8_t digest[32], const uint8_t sig[64]) {
    if (check_count < CHECKS_MAX) {
        struct check *c = &checks[check_count++];
        memcpy(c->key, key, 64);
        memcpy(c->digest, digest, 32);
        memcpy(c->sig, sig, 64);
    }
    return __real_dcap_p256_verify(key, digest, sig);
}

static void checks_alone(unsigned n) {
    for (unsigned i = 0; i < n; i++)
        BUG_ON(!__real_dcap_p256_verify(checks[i].key, checks[i].digest, checks[i].sig));
}

struct subject {
    struct slice quote, object;
    uint8_t *text;
    uint64_t at;
    struct dcap_trust trust;
    struct dcap_parts parts;
};
static _Alignas(8) uint8_t memory[DCAP_MEMORY], kept[DCAP_MEMORY];

static void verify(struct subject *s, const struct dcap_parts *parts, struct dcap_trust *trust, size_t used) {
    static struct dcap_verdict v;
    struct dcap_arena arena = {memory, sizeof memory, used};
    struct dcap_fault f;
    BUG_ON(!dcap_verify(&v, (struct bytes){s->quote.ptr, s->quote.len}, parts, trust, s->at, &arena, &f));
    BUG_ON(v.judgement.status != DCAP_UP_TO_DATE);
}

static void cold(struct subject *s) {
    struct dcap_collateral c;
    struct dcap_parts parts;
    struct dcap_trust trust;
    struct dcap_arena arena = {memory, sizeof memory, 0};
    struct dcap_fault f;
    memcpy(s->text, s->object.ptr, s->object.len);
    dcap_trust_intel(&trust);
    BUG_ON(!dcap_collateral_read(&c, s->text, s->object.len, &f));
    BUG_ON(!dcap_collateral_verify(&parts, &c, &trust, s->at, &arena, &f));
    verify(s, &parts, &trust, arena.used);
}

static void prepare(struct subject *s) {
    static uint8_t text[1 << 16];
    struct dcap_collateral c;
    struct dcap_arena arena = {kept, sizeof kept, 0};
    struct dcap_fault f;
    BUG_ON(s->object.len > sizeof text);
    memcpy(text, s->object.ptr, s->object.len);
    dcap_trust_intel(&s->trust);
    BUG_ON(!dcap_collateral_read(&c, text, s->object.len, &f));
    BUG_ON(!dcap_collateral_verify(&s->parts, &c, &s->trust, s->at, &arena, &f));
    verify(s, &s->parts, &s->trust, 0); // so that the certificate's authority is known
    check_count = 0;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values) {
    qsort(values, ROUNDS, sizeof *values, compare);
    return values[ROUNDS / 2];
}

// Time of the processor: other work on the machine counts less.
static uint64_t now_ns(void) {
    struct timespec t;
    BUG_ON(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double each_us(uint64_t since) { return (double)(now_ns() - since) / 1000 / REPEATS; }

static void measure(struct subject *s, bool is_cold, const char *what) {
    double whole[ROUNDS], alone[ROUNDS];
    check_count = 0;
    is_cold ? cold(s) : verify(s, &s->parts, &s->trust, 0);
    unsigned n = check_count;
    for (unsigned r = 0; r < ROUNDS; r++) {
        uint64_t start = now_ns();
        for (unsigned i = 0; i < REPEATS; i++)
            is_cold ? cold(s) : verify(s, &s->parts, &s->trust, 0);
        whole[r] = each_us(start);
        start = now_ns();
        for (unsigned i = 0; i < REPEATS; i++)
            checks_alone(n);
        alone[r] = each_us(start);
    }
    double w = median(whole), a = median(alone);
    printf("   %-38s %7.1f us, its %u P-256 checks alone %7.1f us: %.2f times\n", what, w, n, a, w / a);
}

int main(void) {
    SCOPED_ARENA(a);
    struct subject s = {.at = 1751624191};
    struct err e;
    if (!file_read(a, "tests/vectors/dcap/qvl_tdx_v4_b0c06f.quote.bin", 1 << 20, &s.quote, &e) ||
        !file_read(a, "tests/vectors/dcap/qvl_tdx_v4_b0c06f.collateral.json", 1 << 20, &s.object, &e)) {
        fprintf(stderr, "%s\n", e.msg);
        return 1;
    }
    s.text = arena_alloc(a, s.object.len);
    prepare(&s);
    measure(&s, true, "a quote and its collateral, cold");
    measure(&s, false, "with collateral verified before");
    return 0;
}
