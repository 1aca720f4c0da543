// SPDX-License-Identifier: Apache-2.0
// The verifier says of every case what the table says. And nothing of it is believed under Intel's root.
#include "testpki/cases.h"

#include "base/test.h"
#include "codec/hex.h"
#include "dcap/collateral.h"
#include "dcap/policy_read.h"
#include "dcap/replay.h"

// What is left of the table when somebody breaks it is no table.
#define CASES_MIN 800
#define GOOD_MIN 150
#define LOGS_MIN 100

static _Alignas(8) uint8_t memory[1 << 18], policy_memory[1 << 14];
static unsigned seen, wrong, good, logs;

// "A,B" as a list; the name is one of it.
static bool named(const char *list, const char *name) {
    size_t n = strlen(name);
    for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',')
        if (strncmp(p, name, n) == 0 && (p[n] == ',' || !p[n]))
            return true;
    return false;
}
static unsigned length(const char *list) {
    unsigned n = *list != 0;
    for (const char *p = list; *p; p++)
        n += *p == ',';
    return n;
}

static void complain(const struct pki_case *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void complain(const struct pki_case *c, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    print_error("%s: ", c->name);
    vprint_error(fmt, ap);
    print_error("\n");
    va_end(ap);
    wrong++;
}

static bool run(struct dcap_verdict *v, struct arena *a, const struct pki_made *m, struct dcap_trust *trust,
                uint64_t at, struct dcap_fault *f) {
    struct dcap_collateral c;
    struct dcap_parts parts;
    struct dcap_arena lent = {memory, sizeof memory, 0};
    json_t *o = pki_collateral(a, m);
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    uint8_t *own = (uint8_t *)arena_strdup(a, text);
    size_t len = strlen(text);
    free(text);
    *v = (struct dcap_verdict){.sgx_type = 0};
    bool ok = dcap_collateral_read(&c, own, len, f) && dcap_collateral_verify(&parts, &c, trust, at, &lent, f) &&
              dcap_verify(v, (struct bytes){m->quote.ptr, m->quote.len}, &parts, trust, at, &lent, f);
    // The platform that the quote showed is judged alike without it, as a contract does with keys that it keeps.
    struct dcap_judgement again;
    if (ok && (!dcap_judge(&again, &v->platform, &parts, trust->root_key, at, f) ||
               again.status != v->judgement.status || again.advisory_count != v->judgement.advisory_count))
        fail_msg("a platform is judged otherwise without its quote");
    return ok;
}

static void check_fault(const struct pki_case *c, const struct dcap_fault *f) {
    static const char *const parts[] = {
#define X(name, words) #name,
        DCAP_PARTS(X)
#undef X
    };
    if (!c->error)
        complain(c, "should be %s, but %s (%s)", c->status, dcap_code_name(f->code), parts[f->part]);
    else if ((strcmp(c->error, "*") != 0 && strcmp(c->error, dcap_code_name(f->code)) != 0) ||
             (c->part && strcmp(c->part, parts[f->part]) != 0))
        complain(c, "%s (%s) should be %s (%s)", dcap_code_name(f->code), parts[f->part], c->error,
                 c->part ? c->part : "any");
}

static void check_verdict(const struct pki_case *c, struct arena *a, const struct dcap_verdict *v) {
    struct dcap_policy policy;
    const struct dcap_judgement *j = &v->judgement;
    if (c->error) {
        complain(c, "%s should be the error %s", dcap_status_name(j->status), c->error);
        return;
    }
    if (strcmp(dcap_status_name(j->status), c->status) != 0)
        complain(c, "the status %s should be %s", dcap_status_name(j->status), c->status);
    for (size_t i = 0; i < j->advisory_count; i++) {
        const char *id = arena_text(a, slice_of(j->advisory[i].ptr, j->advisory[i].len));
        if (!named(c->advisories, id))
            complain(c, "the advisory %s is too many", id);
    }
    if (j->advisory_count != length(c->advisories))
        complain(c, "%zu advisories should be %s", j->advisory_count, c->advisories);
    struct dcap_arena lent = {policy_memory, sizeof policy_memory, 0};
    const char *why, *text = c->policy ? c->policy : "";
    if (!dcap_policy_read(&policy, &lent, (struct bytes){(const uint8_t *)text, strlen(text)}, &why))
        complain(c, "its policy: %s", why);
    struct dcap_refusals r = dcap_policy_judge(&policy, v);
    for (int i = 0; i < DCAP_REFUSAL_COUNT; i++)
        if ((r.mask >> i & 1) != named(c->refused, dcap_refusal_name((enum dcap_refusal)i)))
            complain(c, "the policy's %s should be among %s, and nothing else", dcap_refusal_name((enum dcap_refusal)i),
                     c->refused);
}

static void check_log(const struct pki_case *c, struct arena *a, const struct dcap_verdict *v) {
    struct dcap_event_log log;
    struct dcap_fault f = {.code = DCAP_OK};
    struct dcap_arena lent = {memory, sizeof memory, 0};
    const char *want = c->log_error ? c->log_error : dcap_code_name(DCAP_OK);
    bool ok = dcap_replay(&log, (struct bytes){(const uint8_t *)c->event_log, strlen(c->event_log)},
                          dcap_quote_at(&v->quote, DCAP_FIELD_RTMR0), &lent, &f);
    if (ok == (c->log_error != NULL) || strcmp(dcap_code_name(f.code), want) != 0)
        complain(c, "its event log gives %s, which should be %s", dcap_code_name(f.code), want);
    if (ok && strcmp(hex_text(a, slice_of(log.compose_hash, sizeof log.compose_hash)), PKI_COMPOSE_HASH) != 0)
        complain(c, "its event log shows another compose hash");
    logs++;
}

// What is good under its own root is nothing under Intel's.
static void check_intel(const struct pki_case *c, struct arena *a) {
    struct dcap_verdict v;
    struct dcap_fault f = {.code = DCAP_OK};
    struct dcap_trust trust;
    dcap_trust_intel(&trust);
    if (run(&v, a, &c->made, &trust, c->at, &f) || f.code != DCAP_UNTRUSTED_ROOT || v.judgement.status != DCAP_NONE)
        complain(c, "what the test PKI signs is not refused for its root");
}

static void check_case(void *ctx, struct arena *a, const struct pki_case *c) {
    struct dcap_verdict v;
    struct dcap_fault f = {.code = DCAP_OK};
    struct dcap_trust trust;
    (void)ctx;
    seen++;
    dcap_trust_root(&trust, c->made.root_key);
    if (run(&v, a, &c->made, &trust, c->at, &f)) {
        check_verdict(c, a, &v);
        if (c->event_log)
            check_log(c, a, &v);
        check_intel(c, a);
        good++;
    } else {
        if (v.judgement.status != DCAP_NONE)
            complain(c, "there is a status beside an error");
        check_fault(c, &f);
    }
}

static void every_case_is_judged_as_the_table_says(void **state) {
    (void)state;
    pki_cases(check_case, NULL);
    if (wrong)
        fail_msg("%u complaints about %u cases", wrong, seen);
    assert_true(seen >= CASES_MIN && good >= GOOD_MIN && logs >= LOGS_MIN);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_case_is_judged_as_the_table_says),
};
RUN_TESTS(tests)
