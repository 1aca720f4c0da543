// SPDX-License-Identifier: Apache-2.0
// What levels mean: TCB info and QE identity of many kinds, made without signatures, and platforms that are judged by
// them.
#include "base/test.h"

#include "base/arena.h"
#include "dcap/policy.h"

static const uint8_t root_key[64] = {7};
static _Alignas(8) uint8_t memory[1 << 16];

// --- texts

struct level_text {
    const char *sgx, *tdx; // "[3,3,...]" by svns(); NULL: none
    unsigned pce;
    const char *status, *more; // more: ',"advisoryIDs":[...]'
};

// 16 components, the ones that are not given 0.
static const char *svns(struct arena *a, const char *first) {
    char *out = arena_printf(a, "[");
    const char *at = first;
    for (int i = 0; i < 16; i++) {
        out = arena_printf(a, "%s%s{\"svn\":%ld,\"category\":\"BIOS\"}", out, i ? "," : "",
                           *at ? strtol(at, (char **)&at, 10) : 0);
        at += *at == ',';
    }
    return arena_printf(a, "%s]", out);
}

static const char *levels_text(struct arena *a, const struct level_text *l, size_t n) {
    const char *out = "";
    for (size_t i = 0; i < n; i++)
        out = arena_printf(a,
                           "%s%s{\"tcb\":{\"sgxtcbcomponents\":%s,\"pcesvn\":%u%s%s},\"tcbDate\":\"20%02zu-01-01T00:00:"
                           "00Z\",\"tcbStatus\":\"%s\"%s}",
                           out, i ? "," : "", svns(a, l[i].sgx), l[i].pce, l[i].tdx ? ",\"tdxtcbcomponents\":" : "",
                           l[i].tdx ? svns(a, l[i].tdx) : "", 30 - i, l[i].status, l[i].more ? l[i].more : "");
    return out;
}

static const char zeros96[] =
    "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000";

static const char *info_text(struct arena *a, const char *id, const char *modules, const char *levels) {
    return arena_printf(
        a,
        "{\"id\":\"%s\",\"version\":3,\"issueDate\":\"2025-06-01T00:00:00Z\",\"nextUpdate\":\"2025-07-01T00:00:00Z\","
        "\"fmspc\":\"00A067110000\",\"pceId\":\"0000\",\"tcbType\":0,\"tcbEvaluationDataNumber\":17,"
        "\"tdxModule\":{\"mrsigner\":\"%s\",\"attributes\":\"0000000000000000\",\"attributesMask\":"
        "\"FFFFFFFFFFFFFFFF\"}%s%s%s,"
        "\"tcbLevels\":[%s]}",
        id, zeros96, *modules ? ",\"tdxModuleIdentities\":[" : "", modules, *modules ? "]" : "", levels);
}

static const char *module_text(struct arena *a, const char *id, const char *levels) {
    return arena_printf(a,
                        "{\"id\":\"%s\",\"mrsigner\":\"%s\",\"attributes\":\"0000000000000000\",\"attributesMask\":"
                        "\"FFFFFFFFFFFFFFFF\",\"tcbLevels\":[%s]}",
                        id, zeros96, levels);
}

static const char *svn_level(struct arena *a, unsigned svn, const char *status, const char *more) {
    return arena_printf(a, "{\"tcb\":{\"isvsvn\":%u},\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"%s\"%s}", svn,
                        status, more);
}

static const char *qe_text(struct arena *a, const char *id, const char *levels) {
    return arena_printf(
        a,
        "{\"id\":\"%s\",\"version\":2,\"issueDate\":\"2025-06-02T00:00:00Z\",\"nextUpdate\":\"2025-07-02T00:00:00Z\","
        "\"tcbEvaluationDataNumber\":18,\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\","
        "\"attributes\":\"11000000000000000000000000000000\",\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\","
        "\"mrsigner\":\"DC9E2A7C6F948F17474E34A7FC43ED030F7C1563F1BABDDF6340C82E0E54A8C5\",\"isvprodid\":2,"
        "\"tcbLevels\":[%s]}",
        id, levels);
}

// --- parts, as dcap_part_verify leaves them

static struct bytes finish(struct bytes part) {
    struct dcap_part_head h;
    memcpy(&h, part.ptr, sizeof h);
    memcpy(h.magic, "dp1", 3);
    h.from = h.issued;
    h.until = h.next_update;
    h.from_part = h.until_part = (uint8_t)dcap_kind_part((enum dcap_kind)h.kind);
    memcpy(h.root, root_key, 32);
    h.signer[19] = 77;
    memcpy((uint8_t *)(uintptr_t)part.ptr, &h, sizeof h);
    return part;
}

static enum dcap_code put(struct bytes *part, struct dcap_arena *arena, const char *text, enum dcap_kind kind) {
    struct dcap_writer w = dcap_write_into(arena);
    struct dcap_fault f = {.code = DCAP_OK};
    struct bytes b = {(const uint8_t *)text, strlen(text)};
    bool ok = kind == DCAP_KIND_TCB_INFO ? dcap_tcb_info_put(&w, b, &f) : dcap_qe_identity_put(&w, b, &f);
    assert_int_equal(ok, f.code == DCAP_OK);
    if (ok)
        *part = finish(dcap_written(&w));
    return f.code;
}

static struct bytes crl(struct dcap_arena *arena, enum dcap_kind kind, uint8_t serial) {
    struct dcap_part_head h = {
        .kind = (uint8_t)kind, .ca = DCAP_CA_PLATFORM, .issued = 1748736000 + 3 * 86400, .next_update = 1751500800};
    uint8_t entry[DCAP_SERIAL_SIZE] = {0};
    entry[DCAP_SERIAL_SIZE - 1] = serial;
    struct dcap_writer w = dcap_write_into(arena);
    dcap_put(&w, &h, sizeof h);
    dcap_put(&w, root_key, 64);
    dcap_put(&w, entry, serial ? sizeof entry : 0);
    return finish(dcap_written(&w));
}

enum { NOW = 1750330571 };
struct set {
    struct dcap_arena arena;
    struct dcap_parts parts;
    struct dcap_platform platform;
};

static void set_up(struct set *s, const char *info, const char *qe) {
    *s = (struct set){.arena = {memory, sizeof memory, 0}};
    s->parts.root_crl = crl(&s->arena, DCAP_KIND_ROOT_CRL, 0);
    s->parts.pck_crl = crl(&s->arena, DCAP_KIND_PCK_CRL, 0);
    assert_int_equal(put(&s->parts.tcb_info, &s->arena, info, DCAP_KIND_TCB_INFO), DCAP_OK);
    assert_int_equal(put(&s->parts.qe_identity, &s->arena, qe, DCAP_KIND_QE_IDENTITY), DCAP_OK);
    s->platform = (struct dcap_platform){.tee = DCAP_TDX,
                                         .ca = DCAP_CA_PLATFORM,
                                         .fmspc = {0x00, 0xa0, 0x67, 0x11},
                                         .svns.pce = 11,
                                         .qe_svn = 4,
                                         .pck_from = 1,
                                         .pck_until = NOW + 86400 * 365};
    s->platform.pck_serial[19] = 42;
}

static enum dcap_code judge(struct dcap_judgement *j, const struct set *s, uint64_t now) {
    struct dcap_fault f = {.code = DCAP_OK};
    bool ok = dcap_judge(j, &s->platform, &s->parts, root_key, now, &f);
    assert_int_equal(ok, f.code == DCAP_OK);
    assert_int_equal(ok, j->status != DCAP_NONE);
    return f.code;
}

// --- tests

// A component is masked by another one; the first level in the text is taken for the highest; the PCE's SVN is compared
// the wrong way round; below all levels something is a status.
static void platforms(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const struct level_text l[] = {
        {"1,0,0", "0,0,2", 5, "OutOfDate", ",\"advisoryIDs\":[\"INTEL-SA-1\",\"INTEL-SA-2\"]"},
        {"3,3,2", "0,0,5", 11, "UpToDate", NULL},
        {"2,2,2", "0,0,5", 11, "SWHardeningNeeded", ",\"advisoryIDs\":[\"INTEL-SA-3\"]"},
        {"3,3,2", "0,0,5", 10, "ConfigurationNeeded", ",\"advisoryIDs\":[]"},
    };
    static const struct {
        uint8_t sgx[3], tdx2;
        uint16_t pce;
        enum dcap_status want;
        unsigned shorts;
    } rows[] = {
        {{3, 3, 2}, 5, 11, DCAP_UP_TO_DATE, 0},       {{255, 3, 2}, 255, 65535, DCAP_UP_TO_DATE, 0},
        {{3, 3, 2}, 5, 10, DCAP_CONFIGURATION, 1},    {{2, 255, 255}, 255, 11, DCAP_SW_HARDENING, 1},
        {{255, 2, 2}, 255, 11, DCAP_SW_HARDENING, 1}, {{255, 1, 255}, 255, 11, DCAP_OUT_OF_DATE, 1},
        {{3, 3, 1}, 5, 11, DCAP_OUT_OF_DATE, 1},      {{3, 3, 2}, 4, 11, DCAP_OUT_OF_DATE, 1},
        {{3, 3, 2}, 5, 9, DCAP_OUT_OF_DATE, 1},       {{3, 3, 2}, 1, 11, DCAP_NONE, 1},
        {{0, 255, 255}, 255, 65535, DCAP_NONE, 1},    {{3, 3, 2}, 5, 4, DCAP_NONE, 1},
    };
    const char *info = info_text(a, "TDX", "", levels_text(a, l, 4));
    struct set s;
    set_up(&s, info, qe_text(a, "TD_QE", svn_level(a, 4, "UpToDate", "")));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dcap_judgement j;
        memcpy(s.platform.svns.sgx, rows[i].sgx, 3);
        s.platform.svns.tdx[2] = rows[i].tdx2;
        s.platform.svns.pce = rows[i].pce;
        enum dcap_code code = judge(&j, &s, NOW);
        assert_int_equal(code, rows[i].want ? DCAP_OK : DCAP_TCB_NOT_SUPPORTED);
        if (j.status != rows[i].want || j.shorts.count < rows[i].shorts || (!rows[i].shorts && j.shorts.count))
            fail_msg("row %zu: %s with %u too low", i, dcap_status_name(j.status), j.shorts.count);
        if (j.status == DCAP_OUT_OF_DATE)
            assert_int_equal(j.advisory_count, 2);
    }
}

// Components 0 and 1 of a TDX platform count where the module has version 0 and nowhere else (Intel's rule); all others
// do.
static void first_two_components(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const struct level_text l[] = {{"0", "5,3,3", 0, "UpToDate", NULL}};
    const char *modules = arena_printf(a, "%s,%s", module_text(a, "TDX_01", svn_level(a, 2, "UpToDate", "")),
                                       module_text(a, "tdx_0A", svn_level(a, 2, "UpToDate", "")));
    struct set s;
    struct dcap_judgement j;
    set_up(&s, info_text(a, "TDX", modules, levels_text(a, l, 1)),
           qe_text(a, "TD_QE", svn_level(a, 4, "UpToDate", "")));
    static const struct {
        uint8_t tdx[3];
        enum dcap_code want;
    } rows[] = {
        {{5, 0, 3}, DCAP_TCB_NOT_SUPPORTED},        {{4, 0, 3}, DCAP_TCB_NOT_SUPPORTED}, {{2, 1, 3}, DCAP_OK},
        {{1, 1, 3}, DCAP_TDX_MODULE_NOT_SUPPORTED}, {{9, 1, 2}, DCAP_TCB_NOT_SUPPORTED}, {{2, 10, 3}, DCAP_OK},
        {{9, 3, 9}, DCAP_TDX_MODULE_MISMATCH},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        memcpy(s.platform.svns.tdx, rows[i].tdx, 3);
        enum dcap_code code = judge(&j, &s, NOW);
        if (code != rows[i].want)
            fail_msg("row %zu: %s", i, dcap_code_name(code));
    }
}

// Platform, enclave and module are merged by another table than Intel's.
static void merging(void **state) {
    (void)state;
    static const enum dcap_status platform[] = {DCAP_UP_TO_DATE,    DCAP_SW_HARDENING,
                                                DCAP_CONFIGURATION, DCAP_CONFIGURATION_AND_SW_HARDENING,
                                                DCAP_OUT_OF_DATE,   DCAP_OUT_OF_DATE_CONFIGURATION,
                                                DCAP_REVOKED};
    static const enum dcap_status out_of_date[] = {DCAP_OUT_OF_DATE,
                                                   DCAP_OUT_OF_DATE,
                                                   DCAP_OUT_OF_DATE_CONFIGURATION,
                                                   DCAP_OUT_OF_DATE_CONFIGURATION,
                                                   DCAP_OUT_OF_DATE,
                                                   DCAP_OUT_OF_DATE_CONFIGURATION,
                                                   DCAP_REVOKED};
    static const char *const component[] = {"UpToDate", "OutOfDate", "Revoked"};
    SCOPED_ARENA(a);
    for (unsigned p = 0; p < 7; p++) {
        for (unsigned q = 0; q < 3; q++) {
            for (unsigned m = 0; m < 3; m++) {
                struct set s;
                struct dcap_judgement j;
                struct level_text l = {"0", "0", 0, dcap_status_name(platform[p]), ",\"advisoryIDs\":[\"A\",\"B\"]"};
                set_up(
                    &s,
                    info_text(a, "TDX",
                              module_text(a, "TDX_03", svn_level(a, 1, component[m], ",\"advisoryIDs\":[\"B\",\"C\"]")),
                              levels_text(a, &l, 1)),
                    qe_text(a, "TD_QE", svn_level(a, 4, component[q], ",\"advisoryIDs\":[\"D\",\"A\"]")));
                s.platform.svns.tdx[0] = 1;
                s.platform.svns.tdx[1] = 3;
                assert_int_equal(judge(&j, &s, NOW), DCAP_OK);
                bool revoked = p == 6 || q == 2 || m == 2;
                enum dcap_status want = revoked ? DCAP_REVOKED : q == 1 || m == 1 ? out_of_date[p] : platform[p];
                assert_int_equal(j.status, want);
                assert_int_equal(j.platform, platform[p]);
                assert_int_equal(j.advisory_count, 4);
                assert_int_equal(j.date, 1710288000); // the module's and the enclave's
                struct dcap_policy all = {.accept = UINT32_MAX, .any_advisory = true};
                assert_int_equal(dcap_policy_judge_tcb(&all, &j).mask, revoked ? 1u << DCAP_REFUSE_TCB_REVOKED : 0);
            }
        }
    }
}

// A TD that was launched under an old module and runs under a good one gets another status than Intel gives it.
static void relaunch(void **state) {
    (void)state;
    for (unsigned launch = DCAP_UP_TO_DATE; launch < DCAP_STATUS_COUNT; launch++) {
        for (unsigned current = DCAP_UP_TO_DATE; current < DCAP_STATUS_COUNT; current++) {
            enum dcap_status want = (enum dcap_status)launch;
            bool good = current <= DCAP_CONFIGURATION_AND_SW_HARDENING;
            bool configure = launch == DCAP_OUT_OF_DATE_CONFIGURATION || current == DCAP_CONFIGURATION ||
                             current == DCAP_CONFIGURATION_AND_SW_HARDENING;
            if ((launch == DCAP_OUT_OF_DATE || launch == DCAP_OUT_OF_DATE_CONFIGURATION) && good)
                want = configure ? DCAP_RELAUNCH_AND_CONFIGURATION : DCAP_RELAUNCH;
            assert_int_equal(dcap_status_relaunch((enum dcap_status)launch, (enum dcap_status)current), want);
        }
    }
    SCOPED_ARENA(a);
    static const struct level_text l[] = {{"0", "0,0,5", 0, "UpToDate", NULL}, {"0", "0,0,3", 0, "OutOfDate", NULL}};
    struct set s;
    struct dcap_judgement j;
    set_up(&s, info_text(a, "TDX", "", levels_text(a, l, 2)), qe_text(a, "TD_QE", svn_level(a, 4, "UpToDate", "")));
    s.platform.two_modules = true;
    static const struct {
        uint8_t launch, current;
        enum dcap_status want;
    } rows[] = {{5, 5, DCAP_UP_TO_DATE}, {3, 5, DCAP_RELAUNCH}, {3, 3, DCAP_OUT_OF_DATE},
                {5, 3, DCAP_UP_TO_DATE}, {5, 2, DCAP_NONE},     {2, 5, DCAP_NONE}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        s.platform.svns.tdx[2] = rows[i].launch;
        s.platform.current[2] = rows[i].current;
        assert_int_equal(judge(&j, &s, NOW), rows[i].want ? DCAP_OK : DCAP_TCB_NOT_SUPPORTED);
        assert_int_equal(j.status, rows[i].want);
    }
}

// A kept platform is judged by parts that are not its own, not in force, or that revoke it.
static void kept_platforms(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const struct level_text l[] = {{"0", "0", 0, "UpToDate", NULL}};
    const char *info = info_text(a, "TDX", "", levels_text(a, l, 1)),
               *qe = qe_text(a, "TD_QE", svn_level(a, 4, "UpToDate", ""));
    struct set s, other;
    struct dcap_judgement j;
    set_up(&s, info, qe);
    assert_int_equal(judge(&j, &s, NOW), DCAP_OK);
    assert_int_equal(j.tcb_eval, 17);
    assert_int_equal(j.qe_eval, 18);
    assert_int_equal(j.from, 1748995200);
    assert_int_equal(j.from_part, DCAP_PART_ROOT_CRL);
    assert_int_equal(j.until, 1751328000);
    assert_int_equal(j.until_part, DCAP_PART_TCB_INFO);
    assert_int_equal(judge(&j, &s, 1748995200), DCAP_OK);
    assert_int_equal(judge(&j, &s, 1748995199), DCAP_CRL_NOT_YET_VALID);
    assert_int_equal(judge(&j, &s, 1751328000), DCAP_OK);
    assert_int_equal(judge(&j, &s, 1751328001), DCAP_EXPIRED);
    s.platform.pck_until = NOW - 1;
    assert_int_equal(judge(&j, &s, NOW), DCAP_CERT_EXPIRED);
    s.platform.pck_until = NOW;
    s.platform.pck_from = NOW + 1;
    assert_int_equal(judge(&j, &s, NOW), DCAP_CERT_NOT_YET_VALID);
    s.platform.pck_from = NOW;
    assert_int_equal(judge(&j, &s, NOW), DCAP_OK);
#define WITH(change, code)                                                                                             \
    other = s;                                                                                                         \
    other.arena.used = 1 << 15;                                                                                        \
    change;                                                                                                            \
    assert_int_equal(judge(&j, &other, NOW), code)
    WITH(other.platform.fmspc[5] = 1, DCAP_FMSPC_MISMATCH);
    WITH(other.platform.pceid[1] = 1, DCAP_PCEID_MISMATCH);
    WITH(other.platform.tee = DCAP_SGX, DCAP_TCB_INFO_TEE);
    WITH(other.platform.ca = DCAP_CA_PROCESSOR, DCAP_CRL_ISSUER);
    WITH(other.platform.qe_svn = 3, DCAP_QE_NOT_SUPPORTED);
    WITH(other.parts.pck_crl = crl(&other.arena, DCAP_KIND_PCK_CRL, 42), DCAP_CERT_REVOKED);
    WITH(other.parts.pck_crl = crl(&other.arena, DCAP_KIND_PCK_CRL, 77), DCAP_OK);             // another certificate's
    WITH(other.parts.root_crl = crl(&other.arena, DCAP_KIND_ROOT_CRL, 77), DCAP_CERT_REVOKED); // the signers
    WITH(other.parts.root_crl = crl(&other.arena, DCAP_KIND_ROOT_CRL, 42), DCAP_OK); // the leaf is not the root's
    WITH(other.parts.root_crl = s.parts.pck_crl, DCAP_PART_FORMAT);
    WITH(other.parts.tcb_info = s.parts.qe_identity, DCAP_PART_FORMAT);
    WITH(other.parts.qe_identity.len = 135, DCAP_PART_FORMAT);
    WITH(other.parts.tcb_info.len = 0, DCAP_PART_MISSING);
    WITH(assert_int_equal(put(&other.parts.qe_identity, &other.arena, qe_text(a, "QE", svn_level(a, 4, "UpToDate", "")),
                              DCAP_KIND_QE_IDENTITY),
                          DCAP_OK),
         DCAP_QE_IDENTITY_ID);
    static const uint8_t other_root[64] = {8};
    struct dcap_fault f;
    assert_false(dcap_judge(&j, &s.platform, &s.parts, other_root, NOW, &f));
    assert_int_equal(f.code, DCAP_UNTRUSTED_ROOT);
}

// A kept part that was cut off or damaged is read beyond its end, or found to be whole.
static void damaged_parts(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const struct level_text l[] = {{"1", "0,0,1", 0, "UpToDate", NULL},
                                          {"0", "0", 0, "OutOfDate", ",\"advisoryIDs\":[\"ABC\"]"}};
    struct set s;
    struct dcap_judgement j;
    struct dcap_fault f;
    set_up(&s, info_text(a, "TDX", module_text(a, "TDX_01", svn_level(a, 0, "UpToDate", "")), levels_text(a, l, 2)),
           qe_text(a, "TD_QE", svn_level(a, 0, "OutOfDate", "")));
    s.platform.svns.tdx[1] = 1;
    struct bytes *parts[] = {&s.parts.root_crl, &s.parts.pck_crl, &s.parts.tcb_info, &s.parts.qe_identity};
    for (unsigned p = 0; p < 4; p++) {
        struct bytes whole = *parts[p];
        for (size_t len = 0; len < whole.len; len++) {
            uint8_t *cut = malloc(len ? len : 1);
            assert_non_null(cut);
            memcpy(cut, whole.ptr, len);
            *parts[p] = (struct bytes){cut, len};
            (void)!dcap_judge(&j, &s.platform, &s.parts, root_key, NOW, &f);
            free(cut);
        }
        for (size_t at = 0; at < whole.len; at++) {
            uint8_t *changed = malloc(whole.len);
            assert_non_null(changed);
            memcpy(changed, whole.ptr, whole.len);
            changed[at] ^= 0xff;
            *parts[p] = (struct bytes){changed, whole.len};
            if (dcap_judge(&j, &s.platform, &s.parts, root_key, NOW, &f))
                assert_true(j.status < DCAP_STATUS_COUNT);
            free(changed);
        }
        *parts[p] = whole;
    }
}

// Texts that are signed and yet no TCB info or identity: each is refused by its name.
static void bad_texts(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    const struct level_text good = {"3", "0,0,5", 11, "UpToDate", NULL};
    struct level_text two[2] = {good, good};
    const char *levels = levels_text(a, &good, 1), *qe = svn_level(a, 4, "UpToDate", "");
    const char *info = info_text(a, "TDX", "", levels);
    struct bytes part;
    struct dcap_arena arena = {memory, sizeof memory, 0};
#define INFO(text, code) assert_int_equal(put(&part, &arena, text, DCAP_KIND_TCB_INFO), code)
#define QE(text, code) assert_int_equal(put(&part, &arena, text, DCAP_KIND_QE_IDENTITY), code)
    INFO(info, DCAP_OK);
    INFO(info_text(a, "SGX", "", levels), DCAP_OK);
    INFO(info_text(a, "tdx", "", levels), DCAP_TCB_INFO_TEE);
    INFO(info_text(a, "TDX", "", ""), DCAP_TCB_LEVELS);
    INFO(info_text(a, "TDX", "", levels_text(a, two, 2)), DCAP_TCB_LEVELS);
    two[1].tdx = NULL;
    two[1].pce = 10;
    INFO(info_text(a, "TDX", "", levels_text(a, two, 2)), DCAP_TCB_COMPONENTS);
    INFO(info_text(a, "SGX", "", levels_text(a, two, 2)), DCAP_OK);
    two[1].status = "Fine";
    INFO(info_text(a, "SGX", "", levels_text(a, two, 2)), DCAP_TCB_STATUS);
    two[1].status = "TDRelaunchAdvised";
    INFO(info_text(a, "SGX", "", levels_text(a, two, 2)), DCAP_TCB_STATUS);
    two[1].status = "UpToDate";
    two[1].sgx = "256";
    INFO(info_text(a, "SGX", "", levels_text(a, two, 2)), DCAP_JSON_VALUE);
    two[1].sgx = "3";
    two[1].more = ",\"advisoryIDs\":[7]";
    INFO(info_text(a, "SGX", "", levels_text(a, two, 2)), DCAP_JSON_VALUE);
    two[1].more = ",\"advisoryIDs\":[\"\"]";
    INFO(info_text(a, "SGX", "", levels_text(a, two, 2)), DCAP_JSON_VALUE);
    two[1].more = ",\"pcesvn\":1,\"tcbStatus\":\"UpToDate\"";
    INFO(info_text(a, "SGX", "", levels_text(a, two, 2)), DCAP_JSON_DUPLICATE);
    INFO(info_text(a, "TDX", module_text(a, "TDX_01", ""), levels), DCAP_TCB_LEVELS);
    INFO(info_text(a, "TDX", module_text(a, "TDX_01", arena_printf(a, "%s,%s", qe, qe)), levels), DCAP_TCB_LEVELS);
    INFO(info_text(a, "TDX", arena_printf(a, "%s,%s", module_text(a, "TDX_01", qe), module_text(a, "TDX_01", qe)),
                   levels),
         DCAP_TCB_LEVELS);
    INFO(info_text(a, "TDX", module_text(a, "TDX_01", svn_level(a, 1, "ConfigurationNeeded", "")), levels),
         DCAP_TCB_STATUS);
    QE(qe_text(a, "TD_QE", qe), DCAP_OK);
    QE(qe_text(a, "QVE", qe), DCAP_QE_IDENTITY_ID);
    QE(qe_text(a, "QE", ""), DCAP_TCB_LEVELS);
    QE(qe_text(a, "QE", arena_printf(a, "%s,%s", qe, svn_level(a, 4, "OutOfDate", ""))), DCAP_TCB_LEVELS);
    QE(qe_text(a, "QE", svn_level(a, 65536, "UpToDate", "")), DCAP_JSON_VALUE);
    QE(qe_text(a, "QE", svn_level(a, 1, "OutOfDateConfigurationNeeded", "")), DCAP_TCB_STATUS);
}

// Changes to a good TCB info; what ends in a bracket is changed in its last place.
static const struct {
    const char *from, *to;
    enum dcap_code code;
} changes[] = {
    {"\"version\":3", "\"version\":2", DCAP_TCB_INFO_VERSION},
    {"\"tcbType\":0", "\"tcbType\":1", DCAP_TCB_INFO_TYPE},
    {"\"fmspc\":\"00A067110000\"", "\"fmspc\":\"00A0671100\"", DCAP_JSON_VALUE},
    {"\"tdxModule\":", "\"tdxModula\":", DCAP_JSON_MEMBER},
    {"\"pcesvn\":11", "\"pcesvn\":65536", DCAP_JSON_VALUE},
    {"{\"svn\":3,", "{\"svn\":3,\"svn\":3,", DCAP_JSON_DUPLICATE},
    {"[{\"svn\":3,", "[{\"svn\":3},{\"svn\":3,", DCAP_TCB_COMPONENTS},
    {"\"sgxtcbcomponents\":[{\"svn\":3,\"category\":\"BIOS\"},", "\"sgxtcbcomponents\":[", DCAP_TCB_COMPONENTS},
    {"\"sgxtcbcomponents\"", "\"sgxtcbcomponent\"", DCAP_JSON_MEMBER},
    {"\"issueDate\":\"2025-06-01T", "\"issueDate\":\"2025-06-31T", DCAP_JSON_VALUE},
    {"]}", "]} ", DCAP_OK},
    {"]}", "]},", DCAP_JSON_FORMAT},
};

// A signed text is taken although one place of it is wrong, or refused for another reason than its own.
static void changed_texts(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    const struct level_text good = {"3", "0,0,5", 11, "UpToDate", NULL};
    const char *info = info_text(a, "TDX", "", levels_text(a, &good, 1));
    struct bytes part;
    struct dcap_arena arena = {memory, sizeof memory, 0};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const char *at = strstr(info, changes[i].from);
        assert_non_null(at);
        for (const char *last = at; changes[i].from[0] == ']' && (last = strstr(last + 1, changes[i].from));)
            at = last;
        enum dcap_code code =
            put(&part, &arena,
                arena_printf(a, "%.*s%s%s", (int)(at - info), info, changes[i].to, at + strlen(changes[i].from)),
                DCAP_KIND_TCB_INFO);
        if (code != changes[i].code)
            fail_msg("%s: %s, not %s", changes[i].to, dcap_code_name(code), dcap_code_name(changes[i].code));
        arena.used = 0;
    }
}

// A quoting enclave's report is taken for Intel's although one field is another's.
static void quoting_enclaves(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct dcap_arena arena = {memory, sizeof memory, 0};
    struct bytes part;
    uint8_t report[384] = {0};
    const char *text = qe_text(a, "TD_QE", svn_level(a, 4, "UpToDate", ""));
    QE(text, DCAP_OK);
    report[48] = 0x15; // the mask leaves bit 2 to the enclave
    report[256] = 2;
    assert_true(dcap_hex_decode(report + 128,
                                DCAP_LIT("DC9E2A7C6F948F17474E34A7FC43ED030F7C1563F1BABDDF6340C82E0E54A8C5"), 32));
    static const struct {
        unsigned at;
        uint8_t bits;
        enum dcap_code code;
    } rows[] = {{48, 0x04, DCAP_OK},
                {48, 0x02, DCAP_QE_DEBUG},
                {48, 0x01, DCAP_QE_ATTRIBUTES},
                {48, 0x20, DCAP_QE_ATTRIBUTES},
                {55, 0x80, DCAP_QE_ATTRIBUTES},
                {56, 0xff, DCAP_OK},
                {16, 0x01, DCAP_QE_MISCSELECT},
                {19, 0x80, DCAP_QE_MISCSELECT},
                {128, 0x01, DCAP_QE_MRSIGNER},
                {159, 0x80, DCAP_QE_MRSIGNER},
                {256, 0x01, DCAP_QE_ISVPRODID},
                {257, 0x01, DCAP_QE_ISVPRODID},
                {64, 0xff, DCAP_OK}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dcap_fault f = {.code = DCAP_OK};
        report[rows[i].at] ^= rows[i].bits;
        (void)!dcap_qe_identity_check(part, report, &f);
        assert_string_equal(dcap_code_name(f.code), dcap_code_name(rows[i].code));
        report[rows[i].at] ^= rows[i].bits;
    }
    // MISCSELECT's bytes stand in the text as they stand in the report.
    const char *at = strstr(text, "\"miscselect\":\"00000000");
    QE(arena_printf(a, "%.*s\"miscselect\":\"01000000%s", (int)(at - text), text, at + 22), DCAP_OK);
    struct dcap_fault f;
    assert_false(dcap_qe_identity_check(part, report, &f));
    report[16] = 1;
    assert_true(dcap_qe_identity_check(part, report, &f));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(platforms), cmocka_unit_test(first_two_components), cmocka_unit_test(merging),
    cmocka_unit_test(relaunch),  cmocka_unit_test(kept_platforms),       cmocka_unit_test(damaged_parts),
    cmocka_unit_test(bad_texts), cmocka_unit_test(changed_texts),        cmocka_unit_test(quoting_enclaves),
};
RUN_TESTS(tests)
