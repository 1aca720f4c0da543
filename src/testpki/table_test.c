// SPDX-License-Identifier: Apache-2.0
// The table of cases, natively: each gives the status and advisories, or the error and its part, that it must, and what
// the default policy refuses. Parts that were verified judge the platform alike, as a contract does with keys that it
// keeps.
#include "base/test.h"

#include "dcap/collateral.h"
#include "dcap/policy.h"
#include "testpki/cases.h"

struct tally {
    unsigned cases, wrong, judged_again;
};
static _Alignas(8) uint8_t memory[DCAP_MEMORY];
static char got[1024];

static void say(const char *fmt, ...) PRINTF_LIKE(1, 2);
static void say(const char *fmt, ...) {
    size_t used = strlen(got);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(got + used, sizeof got - used, fmt, ap);
    va_end(ap);
}

static const char *const part_names[] = {
#define X(name, words) #name,
    DCAP_PARTS(X)
#undef X
};

// Whether two lists "A,B" have the same names.
static bool same_list(const char *a, const char *b) {
    size_t an = 0, bn = 0;
    for (const char *p = a; *p; p += strcspn(p, ","), p += *p == ',', an++) {
        const char *at = b;
        size_t n = strcspn(p, ",");
        while (*at && !(strcspn(at, ",") == n && strncmp(at, p, n) == 0))
            at += strcspn(at, ","), at += *at == ',';
        if (!*at)
            return false;
    }
    for (const char *p = b; *p; p += strcspn(p, ","), p += *p == ',')
        bn++;
    return an == bn;
}

static const char *advisories_of(struct arena *a, const struct dcap_judgement *j) {
    const char *out = "";
    for (size_t i = 0; i < j->advisory_count; i++)
        out = arena_printf(a, "%s%s%.*s", out, i ? "," : "", (int)j->advisory[i].len, (const char *)j->advisory[i].ptr);
    return out;
}

static const char *refusals_of(struct arena *a, uint32_t mask) {
    const char *out = "";
    for (unsigned r = 0; r < DCAP_REFUSAL_COUNT; r++) {
        if (mask >> r & 1)
            out = arena_printf(a, "%s%s%s", out, *out ? "," : "", dcap_refusal_name((enum dcap_refusal)r));
    }
    return out;
}

static bool as_expected(struct arena *a, const struct pki_case *c, bool ok, const struct dcap_verdict *v,
                        const struct dcap_fault *f) {
    *got = 0;
    if (!ok) {
        say("%s of %s (%llu)", dcap_code_name(f->code), part_names[f->part], (unsigned long long)f->detail);
        return c->error && v->judgement.status == DCAP_NONE &&
               (strcmp(c->error, "*") == 0 || strcmp(c->error, dcap_code_name(f->code)) == 0) &&
               (!c->part || strcmp(c->part, part_names[f->part]) == 0);
    }
    struct dcap_policy p;
    dcap_policy_default(&p);
    const char *advisories = advisories_of(a, &v->judgement);
    const char *refused = refusals_of(a, dcap_policy_judge(&p, v).mask);
    say("%s [%s] refused [%s]", dcap_status_name(v->judgement.status), advisories, refused);
    return !c->error && strcmp(c->status, dcap_status_name(v->judgement.status)) == 0 &&
           same_list(c->advisories, advisories) && same_list(pki_case_refused(a, c), refused);
}

static void run(void *ctx, struct arena *a, const struct pki_case *c) {
    struct tally *t = ctx;
    json_t *object = pki_collateral(a, &c->made);
    char *text = json_dumps(object, JSON_COMPACT);
    struct dcap_collateral collateral;
    struct dcap_trust trust;
    struct dcap_parts parts;
    struct dcap_arena arena = {memory, sizeof memory, 0};
    struct dcap_fault f = {.code = DCAP_OK};
    struct dcap_verdict v = {.sgx_type = 0};
    dcap_trust_root(&trust, c->made.root_key);
    bool ok = dcap_collateral_read(&collateral, (uint8_t *)text, strlen(text), &f) &&
              dcap_collateral_verify(&parts, &collateral, &trust, c->at, &arena, &f) &&
              dcap_verify(&v, (struct bytes){c->made.quote.ptr, c->made.quote.len}, &parts, &trust, c->at, &arena, &f);
    t->cases++;
    if (!as_expected(a, c, ok, &v, &f)) {
        t->wrong++;
        fprintf(stderr, "%s: %s; not %s%s %s%s\n", c->name, got, c->error ? c->error : c->status, c->error ? " of" : "",
                c->error ? (c->part ? c->part : "any part") : c->advisories, c->refused ? c->refused : "");
    }
    struct dcap_judgement again;
    if (ok && dcap_judge(&again, &v.platform, &parts, trust.root_key, c->at, &f) &&
        again.status == v.judgement.status && again.until == v.judgement.until)
        t->judged_again++;
    else if (ok)
        t->wrong++;
    free(text);
    json_decref(object);
}

static void every_case(void **state) {
    (void)state;
    struct tally t = {0};
    pki_cases(run, &t);
    if (t.wrong)
        fail_msg("%u of %u cases", t.wrong, t.cases);
    assert_true(t.cases > 800 && t.judged_again > 100);
}

// Nothing that is signed by this PKI holds under Intel's root.
static void refuse_under_intel(void *ctx, struct arena *a, const struct pki_case *c) {
    struct tally *t = ctx;
    json_t *object = pki_collateral(a, &c->made);
    char *text = json_dumps(object, JSON_COMPACT);
    struct dcap_collateral collateral;
    struct dcap_trust trust;
    struct dcap_parts parts;
    struct dcap_arena arena = {memory, sizeof memory, 0};
    struct dcap_fault f = {.code = DCAP_OK};
    dcap_trust_intel(&trust);
    if (dcap_collateral_read(&collateral, (uint8_t *)text, strlen(text), &f) &&
        dcap_collateral_verify(&parts, &collateral, &trust, c->at, &arena, &f))
        t->wrong++;
    t->cases++;
    free(text);
    json_decref(object);
}

static void nothing_under_intel(void **state) {
    (void)state;
    struct tally t = {0};
    pki_cases(refuse_under_intel, &t);
    assert_int_equal(t.wrong, 0);
    assert_true(t.cases > 800);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_case),
    cmocka_unit_test(nothing_under_intel),
};
RUN_TESTS(tests)
