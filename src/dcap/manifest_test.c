// SPDX-License-Identifier: Apache-2.0
// Every real quote of tests/vectors/dcap with the collateral of its time gives the status that an independent checker
// found, at a moment of its window, at both ends of it, and no status a second before or after.
#include "dcap/vectors_test.h"

struct vector {
    struct bytes name, quote, collateral, expect, expect_error, platform, module, qe, advisories;
    uint32_t from, until, at, tcb_eval, qe_eval;
};
static char *text(struct arena *a, struct bytes b) { return arena_printf(a, "%.*s", (int)b.len, (const char *)b.ptr); }

static void assert_name(const char *what, const char *who, const char *got, struct bytes want) {
    if (!dcap_bytes_eq((struct bytes){(const uint8_t *)got, strlen(got)}, want))
        fail_msg("%s: %s is %s, not %.*s", who, what, got, (int)want.len, (const char *)want.ptr);
}

static bool take_advisory(struct dcap_json *j, void *out) {
    struct dcap_judgement *got = out;
    struct bytes id;
    if (!dcap_json_text(&id, j))
        return false;
    for (size_t i = 0; i < got->advisory_count; i++) {
        if (dcap_bytes_eq(got->advisory[i], id)) {
            got->advisory[i] = got->advisory[--got->advisory_count];
            return true;
        }
    }
    return dcap_json_fail(j, DCAP_JSON_VALUE, 0);
}

static void assert_advisories(const char *who, struct dcap_judgement j, struct bytes want) {
    static const struct dcap_json_each each = {take_advisory};
    struct dcap_fault f;
    struct dcap_json in = {want.ptr, want.ptr + want.len, &f, DCAP_PART_NOTHING, NULL, 0, 0};
    if (!dcap_json_array(&j, &in, &each))
        fail_msg("%s: an advisory is missing of %.*s", who, (int)want.len, (const char *)want.ptr);
    if (j.advisory_count)
        fail_msg("%s: %zu advisories too many", who, j.advisory_count);
}

static bool worth(struct dcap_verdict *v, struct bytes quote, const struct dcap_collateral *c, uint64_t at,
                  struct dcap_fault *f) {
    static _Alignas(8) uint8_t memory[DCAP_MEMORY];
    struct dcap_trust trust;
    dcap_trust_intel(&trust);
    return vector_verify(v, quote, c, at, &trust, memory, f);
}

static bool is_date(enum dcap_code c, bool late) {
    return late ? c == DCAP_EXPIRED || c == DCAP_CRL_EXPIRED || c == DCAP_CERT_EXPIRED
                : c == DCAP_NOT_YET_VALID || c == DCAP_CRL_NOT_YET_VALID || c == DCAP_CERT_NOT_YET_VALID;
}

static void check_at(const char *who, const struct vector *w, struct bytes quote, const struct dcap_collateral *c,
                     uint64_t at) {
    struct dcap_verdict v;
    struct dcap_fault f = {.code = DCAP_OK};
    bool ok = worth(&v, quote, c, at, &f);
    bool in_window = at >= w->from && at <= w->until;
    if (!ok && v.judgement.status != DCAP_NONE)
        fail_msg("%s: an error beside a status", who);
    if (!in_window) {
        if (ok || !is_date(f.code, at > w->until))
            fail_msg("%s at %llu, outside of its window: %s", who, (unsigned long long)at, dcap_code_name(f.code));
        // A second outside, only what bounds the window can be wrong.
        if (at + 1 == w->from || at == (uint64_t)w->until + 1)
            assert_int_equal(f.detail, at < w->from ? w->from : w->until);
        return;
    }
    if (dcap_status_of(w->expect) == DCAP_NONE) {
        assert_name("the error", who, ok ? "none" : dcap_code_name(f.code), w->expect);
        assert_true(v.judgement.shorts.count > 0);
        return;
    }
    if (!ok)
        fail_msg("%s at %llu: %s, %s (%llu)", who, (unsigned long long)at, dcap_part_words(f.part),
                 dcap_code_sentence(f.code), (unsigned long long)f.detail);
    assert_name("the status", who, dcap_status_name(v.judgement.status), w->expect);
    assert_name("the platform's status", who, dcap_status_name(v.judgement.platform), w->platform);
    assert_name("the module's status", who, dcap_status_name(v.judgement.module), w->module);
    assert_name("the enclave's status", who, dcap_status_name(v.judgement.qe), w->qe);
    assert_advisories(who, v.judgement, w->advisories);
    assert_int_equal(v.judgement.from, w->from);
    assert_int_equal(v.judgement.until, w->until);
    if (w->tcb_eval) {
        assert_int_equal(v.judgement.tcb_eval, w->tcb_eval);
        assert_int_equal(v.judgement.qe_eval, w->qe_eval);
    }
}

static bool take_vector(struct dcap_json *j, void *out) {
    static const struct dcap_json_member members[] = {
        DCAP_JSON_OPTIONAL(struct vector, name, "name", DCAP_JSON_ESCAPED, 0),
        DCAP_JSON_REQUIRED(struct vector, quote, "quote", DCAP_JSON_ESCAPED, 0),
        DCAP_JSON_OPTIONAL(struct vector, collateral, "collateral", DCAP_JSON_ESCAPED, 0),
        DCAP_JSON_OPTIONAL(struct vector, expect, "expect", DCAP_JSON_ESCAPED, 0),
        DCAP_JSON_OPTIONAL(struct vector, expect_error, "expect_error", DCAP_JSON_ESCAPED, 0),
        DCAP_JSON_OPTIONAL(struct vector, platform, "platform_status", DCAP_JSON_ESCAPED, 0),
        DCAP_JSON_OPTIONAL(struct vector, module, "module_status", DCAP_JSON_ESCAPED, 0),
        DCAP_JSON_OPTIONAL(struct vector, qe, "qe_status", DCAP_JSON_ESCAPED, 0),
        DCAP_JSON_OPTIONAL(struct vector, advisories, "advisory_ids", DCAP_JSON_RAW, 0),
        DCAP_JSON_OPTIONAL(struct vector, from, "not_before", DCAP_JSON_NUMBER, 0),
        DCAP_JSON_OPTIONAL(struct vector, until, "not_after", DCAP_JSON_NUMBER, 0),
        DCAP_JSON_OPTIONAL(struct vector, at, "check_at", DCAP_JSON_NUMBER, 0),
        DCAP_JSON_OPTIONAL(struct vector, tcb_eval, "tcb_eval", DCAP_JSON_NUMBER, 0),
        DCAP_JSON_OPTIONAL(struct vector, qe_eval, "qe_eval", DCAP_JSON_NUMBER, 0)};
    static const struct dcap_json_shape shape = {members, sizeof members / sizeof *members, NULL};
    struct vector w = {.from = 0};
    SCOPED_ARENA(a);
    if (!dcap_json_object(&w, j, &shape))
        return false;
    if (!w.at)
        return true; // a quote without collateral of its own, or with another root: below
    struct dcap_collateral c = vector_collateral(a, text(a, w.collateral));
    struct bytes quote = vector_quote(a, text(a, w.quote));
    const char *who = arena_printf(a, "%s with %s", text(a, w.quote), text(a, w.collateral));
    const uint64_t moments[] = {w.at, w.from, w.until, (uint64_t)w.from - 1, (uint64_t)w.until + 1, 0, UINT64_MAX};
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++)
        check_at(who, &w, quote, &c, moments[i]);
    ++*(unsigned *)out;
    return true;
}

static void all_vectors(void **state) {
    (void)state;
    struct lists {
        unsigned seen;
    } seen = {0};
    static const struct dcap_json_each each = {take_vector};
    static const void *const more[] = {&each};
    static const struct dcap_json_member members[] = {
        DCAP_JSON_REQUIRED(struct lists, seen, "vectors", DCAP_JSON_EACH, 0),
        DCAP_JSON_REQUIRED(struct lists, seen, "cross", DCAP_JSON_EACH, 0),
        DCAP_JSON_REQUIRED(struct lists, seen, "negative", DCAP_JSON_RAW, 0)};
    static const struct dcap_json_shape shape = {members, 2, more};
    struct dcap_fault f;
    SCOPED_ARENA(a);
    struct bytes manifest = vector_quote(a, "manifest.json");
    if (!dcap_json_document(&seen, manifest, &shape, DCAP_PART_NOTHING, &f))
        fail_msg("manifest.json: %s %llu", dcap_code_name(f.code), (unsigned long long)f.detail);
    assert_int_equal(seen.seen, 25);
}

// The manifest's negative list: other platforms' collateral, and a root of somebody's own.
static void negatives(void **state) {
    (void)state;
    static const struct {
        const char *quote, *collateral;
        uint64_t at;
        enum dcap_code code;
        enum dcap_part part;
    } rows[] = {
        {"qvl_sgx_v3_00a067110000.quote.bin", "qvl_tdx_v4_b0c06f.collateral.json", 1751624191, DCAP_CRL_ISSUER,
         DCAP_PART_PCK_CRL},
        {"qvl_tdx_v4_b0c06f.quote.bin", "near_tdx_v4_20a06f_sep25.collateral.json", 1758093775, DCAP_FMSPC_MISMATCH,
         DCAP_PART_TCB_INFO},
        {"intel_test_root_tdx.quote.bin", "intel_test_root_tdx.collateral.json", 1751624191, DCAP_UNTRUSTED_ROOT,
         DCAP_PART_PCK_CRL_CHAIN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        SCOPED_ARENA(a);
        struct dcap_collateral c = vector_collateral(a, rows[i].collateral);
        struct dcap_verdict v;
        struct dcap_fault f = {.code = DCAP_OK};
        assert_false(worth(&v, vector_quote(a, rows[i].quote), &c, rows[i].at, &f));
        assert_string_equal(dcap_code_name(f.code), dcap_code_name(rows[i].code));
        assert_string_equal(dcap_part_words(f.part), dcap_part_words(rows[i].part));
        assert_int_equal(v.judgement.status, DCAP_NONE);
    }
}

// A part that is verified by itself, calls apart from the others, is another one than in one go; or one is taken
// without its signature, its chain, or the root's list.
static void one_part_at_a_time(void **state) {
    (void)state;
    static _Alignas(8) uint8_t together[DCAP_MEMORY], apart[DCAP_MEMORY];
    SCOPED_ARENA(a);
    struct dcap_collateral c = vector_collateral(a, "qvl_tdx_v4_b0c06f.collateral.json");
    struct dcap_arena one = {together, sizeof together, 0}, other = {apart, sizeof apart, 0};
    struct dcap_parts parts;
    struct dcap_trust trust;
    struct dcap_fault f;
    const uint64_t at = 1751624191;
    dcap_trust_intel(&trust);
    assert_true(dcap_collateral_verify(&parts, &c, &trust, at, &one, &f));
    const struct bytes all[] = {parts.root_crl, parts.pck_crl, parts.tcb_info, parts.qe_identity};
    for (unsigned i = 0; i < 4; i++) {
        enum dcap_kind kind = (enum dcap_kind)(DCAP_KIND_ROOT_CRL + i);
        struct dcap_part_source from = dcap_collateral_source(&c, kind), less = from;
        struct bytes part, none = {NULL, 0};
        dcap_trust_intel(&trust);
        assert_true(dcap_part_verify(&part, kind, &from, all[0], &trust, at, &other, &f));
        assert_true(dcap_bytes_eq(part, all[i]));
        less.chain.len = 0;
        assert_false(dcap_part_verify(&part, kind, &less, all[0], &trust, at, &other, &f));
        assert_int_equal(f.code, DCAP_PART_MISSING);
        less = from;
        less.text.len = 0;
        assert_false(dcap_part_verify(&part, kind, &less, all[0], &trust, at, &other, &f));
        assert_int_equal(f.code, DCAP_PART_MISSING);
        less = from;
        less.signature = NULL;
        assert_int_equal(dcap_part_verify(&part, kind, &less, all[0], &trust, at, &other, &f), i < 2);
        assert_int_equal(dcap_part_verify(&part, kind, &from, none, &trust, at, &other, &f), i == 0);
        assert_int_equal(dcap_part_verify(&part, kind, &from, all[1], &trust, at, &other, &f), i == 0);
        other.used = 0;
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(one_part_at_a_time),
    cmocka_unit_test(all_vectors),
    cmocka_unit_test(negatives),
};
RUN_TESTS(tests)
