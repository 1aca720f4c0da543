// SPDX-License-Identifier: Apache-2.0
// The client against a server that behaves as collateral servers do on their good and bad days. The bodies are Intel's.
#include "base/test.h"

#include "base/clock.h"
#include "base/file.h"
#include "collateral/forms.h"
#include "collateral/pcs.h"
#include "http/test_server.h"
#include <pthread.h>

#define VECTORS "tests/vectors/dcap/"

// How the server answers for TCB info; the others are answered well.
enum mood {
    GOOD,
    GONE,
    LIMITED_ONCE,
    LIMITED_LONG,
    BROKEN_TWICE,
    BROKEN,
    UNKNOWN,
    HTML,
    HUGE,
    NO_CHAIN,
    BAD_CHAIN,
    SILENT
};

static struct {
    struct http_server *server;
    struct collateral c;
    struct slice numbers;
    struct arena *a;
    enum mood mood;
    unsigned calls;
    struct http_request *parked;
    char query[256];
} fake;

static void signed_body(struct http_request *r, const char *name, struct slice text, struct slice signature,
                        const char *header, struct slice chain) {
    struct arena *a = http_arena(r);
    if (fake.mood != NO_CHAIN || strcmp(name, "tcbInfo") != 0)
        http_add_header(r, header,
                        fake.mood == BAD_CHAIN && strcmp(name, "tcbInfo") == 0
                            ? "%zz"
                            : http_percent_encode(a, arena_text(a, chain)));
    char hex[129];
    for (size_t i = 0; i < 64; i++)
        snprintf(hex + 2 * i, 3, "%02x", signature.ptr[i]);
    http_reply(r, 200, "application/json",
               slice_str(arena_printf(a, "{\"%s\":%.*s,\"signature\":\"%s\"}", name, SLICE_FMT(text), hex)));
}

static void tcb(struct http_request *r, void *ctx) {
    (void)ctx;
    const char *set = http_query(r, "update"), *number = http_query(r, "tcbEvaluationDataNumber");
    snprintf(fake.query, sizeof fake.query, "%s %s %s", http_query(r, "fmspc"), set ? set : "-", number ? number : "-");
    unsigned call = ++fake.calls;
    switch (fake.mood) {
    case GOOD:
    case NO_CHAIN:
    case BAD_CHAIN: break;
    case GONE: http_reply(r, 410, NULL, (struct slice){0}); return;
    case LIMITED_ONCE:
    case LIMITED_LONG:
        if (fake.mood == LIMITED_ONCE && call > 1)
            break;
        http_add_header(r, "Retry-After", fake.mood == LIMITED_ONCE ? "1" : "3600");
        http_reply(r, 429, NULL, (struct slice){0});
        return;
    case BROKEN_TWICE:
    case BROKEN:
        if (fake.mood == BROKEN_TWICE && call > 2)
            break;
        http_reply(r, 500, "text/html", SLICE_LIT("<html>oops</html>"));
        return;
    case UNKNOWN: http_reply(r, 404, NULL, (struct slice){0}); return;
    case HTML: http_reply(r, 200, "text/html", SLICE_LIT("<html>log in</html>")); return;
    case HUGE: {
        char *big = arena_alloc(http_arena(r), PCS_ANSWER_MAX + 1);
        memset(big, ' ', PCS_ANSWER_MAX + 1);
        http_reply(r, 200, "application/json", slice_of(big, PCS_ANSWER_MAX + 1));
        return;
    }
    case SILENT: __atomic_store_n(&fake.parked, r, __ATOMIC_SEQ_CST); return;
    }
    signed_body(r, "tcbInfo", fake.c.tcb_info, fake.c.tcb_info_signature, "TCB-Info-Issuer-Chain",
                fake.c.tcb_info_issuer_chain);
}

static void qe(struct http_request *r, void *ctx) {
    (void)ctx;
    signed_body(r, "enclaveIdentity", fake.c.qe_identity, fake.c.qe_identity_signature,
                "SGX-Enclave-Identity-Issuer-Chain", fake.c.qe_identity_issuer_chain);
}

static void numbers(struct http_request *r, void *ctx) {
    (void)ctx;
    struct arena *a = http_arena(r);
    http_add_header(r, "TCB-Evaluation-Data-Numbers-Issuer-Chain",
                    http_percent_encode(a, arena_text(a, fake.c.tcb_info_issuer_chain)));
    http_reply(r, 200, "application/json", fake.numbers);
}

static void pckcrl(struct http_request *r, void *ctx) {
    (void)ctx;
    struct arena *a = http_arena(r);
    http_add_header(r, "SGX-PCK-CRL-Issuer-Chain", http_percent_encode(a, arena_text(a, fake.c.pck_crl_issuer_chain)));
    http_reply(r, 200, "application/pkix-crl", fake.c.pck_crl);
}

static void rootcrl(struct http_request *r, void *ctx) {
    (void)ctx;
    struct arena *a = http_arena(r);
    char *hex = arena_alloc(a, 2 * fake.c.root_ca_crl.len + 1);
    for (size_t i = 0; i < fake.c.root_ca_crl.len; i++)
        snprintf(hex + 2 * i, 3, "%02X", fake.c.root_ca_crl.ptr[i]);
    http_reply(r, 200, "text/plain", slice_str(hex));
}

static const struct http_route routes[] = {
    {HTTP_GET, "/tdx/certification/v4/tcb", tcb, 0, NULL, 0},
    {HTTP_GET, "/tdx/certification/v4/qe/identity", qe, 0, NULL, 0},
    {HTTP_GET, "/tdx/certification/v4/tcbevaluationdatanumbers", numbers, 0, NULL, 0},
    {HTTP_GET, "/sgx/certification/v4/pckcrl", pckcrl, 0, NULL, 0},
    {HTTP_GET, "/sgx/certification/v4/rootcacrl", rootcrl, 0, NULL, 0},
};

static int start(void **state) {
    (void)state;
    struct err e;
    fake.a = arena_new();
    assert_ok(collateral_load(&fake.c, fake.a, VECTORS "qvl_tdx_v4_b0c06f.collateral.json", &e), &e);
    assert_ok(file_read(fake.a, VECTORS "pcs_tdx_tcbevaluationdatanumbers.body.json", 1u << 20, &fake.numbers, &e), &e);
    fake.server = test_server(routes, ARRAY_LEN(routes), 2);
    return 0;
}

static int stop(void **state) {
    (void)state;
    http_server_stop(fake.server);
    arena_free(fake.a);
    return 0;
}

static const struct pcs_wish wish = {.tdx = true, .fmspc = "b0c06f000000", .ca = "platform", .set = "standard"};

static void ask(struct pcs_answer *out, struct arena *a, const struct pcs_wish *w, enum mood mood,
                const struct patience *p) {
    struct http_client *http = http_client_new();
    fake.mood = mood;
    fake.calls = 0;
    pcs_ask(out, a, http, arena_printf(a, "http://127.0.0.1:%u", http_server_port(fake.server)), w, p);
    http_client_free(http);
}

static struct patience for_ms(uint64_t ms) { return patience_within(&(const struct patience){0}, ms); }

static void everything(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct pcs_answer got;
    struct patience p = for_ms(60000);
    ask(&got, a, &wish, GOOD, &p);
    for (int i = 0; i < PCS_PIECES; i++)
        assert_ok(got.had[i], &got.why[i]);
    assert_int_equal(got.asked, PCS_PIECES);
    assert_string_equal(fake.query, "b0c06f000000 standard -");
    SCOPED_JSON(one) = collateral_json(&got.collateral, a);
    SCOPED_JSON(two) = collateral_json(&fake.c, a);
    assert_true(json_equal(one, two));
    struct signed_text served;
    struct err e;
    assert_ok(signed_text_read(&served, fake.numbers, "tcbEvaluationDataNumbers", &e), &e);
    assert_true(slice_eq(got.numbers.text, served.text));
    assert_true(slice_eq(got.numbers.issuer_chain, fake.c.tcb_info_issuer_chain));
    struct pcs_wish numbered = wish;
    numbered.set = "17";
    ask(&got, a, &numbered, GOOD, &p);
    assert_string_equal(fake.query, "b0c06f000000 - 17");
    ask(&got, a, &numbered, GONE, &p);
    assert_err(got.had[PCS_TCB_INFO], &got.why[PCS_TCB_INFO], ERR_NOT_FOUND, "TCB set 17 has been retired");
    assert_string_equal(got.why[PCS_TCB_INFO].hint, "take --set standard");
}

// Each way in which TCB info does not come: what is said, how often it was asked for, and that the other pieces came.
static void bad_days(void **state) {
    (void)state;
    static const struct {
        enum mood mood;
        enum err_code code;
        const char *says, *hint;
        unsigned calls;
    } cases[] = {
        {GONE, ERR_NOT_FOUND, "its TCB info is gone (status 410)", "", 1},
        {LIMITED_LONG, ERR_TOO_MANY, "come back later", "a pause of 3600 s", 1},
        {BROKEN, ERR_UNAVAILABLE, "status 500", "", 4},
        {UNKNOWN, ERR_NOT_FOUND, "no TCB info of this platform", "FMSPC b0c06f000000, CA platform", 1},
        {HTML, ERR_INVALID, "sent a bad TCB info: not valid JSON", "", 1},
        {HUGE, ERR_TOO_LARGE, "larger than 1048576 bytes", "", 1},
        {NO_CHAIN, ERR_INVALID, "a TCB info without its issuer chain", "", 1},
        {BAD_CHAIN, ERR_INVALID, "broken escape", "", 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        SCOPED_ARENA(a);
        struct pcs_answer got;
        struct patience p = for_ms(60000);
        ask(&got, a, &wish, cases[i].mood, &p);
        assert_err(got.had[PCS_TCB_INFO], &got.why[PCS_TCB_INFO], cases[i].code, cases[i].says);
        if (!strstr(got.why[PCS_TCB_INFO].hint, cases[i].hint))
            fail_msg("hint '%s' has no '%s'", got.why[PCS_TCB_INFO].hint, cases[i].hint);
        assert_int_equal(fake.calls, cases[i].calls);
        assert_false(collateral_has(&got.collateral, COLLATERAL_TCB_INFO));
        assert_true(got.had[PCS_QE_IDENTITY] && got.had[PCS_PCK_CRL] && got.had[PCS_ROOT_CRL] && got.had[PCS_NUMBERS]);
    }
}

static void trouble_that_passes(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct pcs_answer got;
    struct patience p = for_ms(60000);
    uint64_t before = clock_mono_ms();
    ask(&got, a, &wish, LIMITED_ONCE, &p);
    assert_ok(got.had[PCS_TCB_INFO], &got.why[PCS_TCB_INFO]);
    assert_int_equal(fake.calls, 2);
    assert_true(clock_mono_ms() - before >= 1000); // as long as it asked for
    ask(&got, a, &wish, BROKEN_TWICE, &p);
    assert_ok(got.had[PCS_TCB_INFO], &got.why[PCS_TCB_INFO]);
    assert_int_equal(fake.calls, 3);
}

static void *answer_parked(void *ctx) {
    (void)ctx;
    struct http_request *r;
    while (!(r = __atomic_exchange_n(&fake.parked, NULL, __ATOMIC_SEQ_CST)))
        sched_yield();
    while (!http_hung_up(r))
        sched_yield();
    http_reply_empty(r, 204);
    return NULL;
}

static atomic_bool cancelled;
static void *cancel_when_parked(void *ctx) {
    while (!__atomic_load_n(&fake.parked, __ATOMIC_SEQ_CST))
        sched_yield();
    cancelled = true;
    return answer_parked(ctx);
}

// A server that never answers, and an end that comes from outside: neither holds us longer than we have patience.
static void silence(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct pcs_answer got;
    pthread_t thread;
    struct patience p = for_ms(3000);
    pthread_create(&thread, NULL, answer_parked, NULL);
    uint64_t before = clock_mono_ms();
    ask(&got, a, &wish, SILENT, &p);
    pthread_join(thread, NULL);
    assert_err(got.had[PCS_TCB_INFO], &got.why[PCS_TCB_INFO], ERR_TIMEOUT, "did not answer in time");
    assert_err(got.had[PCS_ROOT_CRL], &got.why[PCS_ROOT_CRL], ERR_TIMEOUT, "did not answer in time");
    assert_true(clock_mono_ms() - before < 10000); // as long as one call may take by itself
    assert_true(got.had[PCS_NUMBERS]);

    struct patience until = {0, &cancelled};
    pthread_create(&thread, NULL, cancel_when_parked, NULL);
    ask(&got, a, &wish, SILENT, &until);
    pthread_join(thread, NULL);
    assert_err(got.had[PCS_TCB_INFO], &got.why[PCS_TCB_INFO], ERR_UNAVAILABLE, "given up");
}

static void nobody_there(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct pcs_answer got;
    struct http_client *http = http_client_new();
    for (uint64_t ms = 300; ms < 60000; ms *= 2) { // a busy machine may not come to ask for all pieces
        struct patience p = for_ms(ms);
        pcs_ask(&got, a, http, "http://127.0.0.1:1", &wish, &p);
        if (got.why[PCS_NUMBERS].code != ERR_TIMEOUT && got.why[PCS_TCB_INFO].code != ERR_TIMEOUT)
            break;
    }
    http_client_free(http);
    assert_err(got.had[PCS_NUMBERS], &got.why[PCS_NUMBERS], ERR_UNAVAILABLE, "cannot reach http://127.0.0.1:1");
    assert_err(got.had[PCS_TCB_INFO], &got.why[PCS_TCB_INFO], ERR_UNAVAILABLE, "cannot reach http://127.0.0.1:1");
}

static void addresses(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct pcs_addresses got;
    assert_ok(pcs_addresses_read(&got, a, NULL, &e), &e);
    assert_int_equal(got.count, 1);
    assert_string_equal(got.at[0], PCS_INTEL);
    assert_ok(pcs_addresses_read(&got, a,
                                 " https://one:8081/sgx/certification/v4/, ,http://two/,"
                                 "https://three/base/tdx/certification/v4",
                                 &e),
              &e);
    assert_int_equal(got.count, 3);
    assert_string_equal(got.at[0], "https://one:8081");
    assert_string_equal(got.at[1], "http://two");
    assert_string_equal(got.at[2], "https://three/base");
    assert_err(pcs_addresses_read(&got, a, "ftp://x", &e), &e, ERR_SETTINGS, "'ftp://x'");
    assert_err(pcs_addresses_read(&got, a, ",", &e), &e, ERR_SETTINGS, "no address");
    assert_err(pcs_addresses_read(
                   &got, a, "http://1,http://2,http://3,http://4,http://5,http://6,http://7,http://8,http://9", &e),
               &e, ERR_SETTINGS, "more than 8");
    uint64_t n;
    assert_ok(pcs_set_read("early", &n, &e) && n == 0, &e);
    assert_ok(pcs_set_read("20", &n, &e) && n == 20, &e);
    static const char *const bad[] = {"", "0", "latest", "20x", "-1", "99999999999"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_err(pcs_set_read(bad[i], &n, &e), &e, ERR_USAGE, "is no TCB set");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(everything), cmocka_unit_test(bad_days),     cmocka_unit_test(trouble_that_passes),
    cmocka_unit_test(silence),    cmocka_unit_test(nobody_there), cmocka_unit_test(addresses),
};
int main(void) { return cmocka_run_group_tests(tests, start, stop); }
