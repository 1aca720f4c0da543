// SPDX-License-Identifier: Apache-2.0
// The forms of quotes, and what a policy refuses: each attribute bit, each status, each measurement by its name.
#include "dcap/policy.h"
#include "dcap/vectors_test.h"

struct made {
    uint8_t bytes[8192];
    struct dcap_verdict v;
};

// A quote of this kind whose body is ours, and a verdict that it is up to date.
static void make(struct made *m, unsigned version, enum dcap_body type) {
    static const uint16_t sizes[] = {0, 384, 584, 648, 885};
    SCOPED_ARENA(a);
    struct bytes real = vector_quote(a, "qvl_tdx_v4_b0c06f.quote.bin");
    size_t at = 48, auth = 636 + 4299; // what stands behind the body in the real one
    *m = (struct made){.v.sgx_type = 0};
    memcpy(m->bytes, real.ptr, 48);
    m->bytes[0] = (uint8_t)version;
    m->bytes[4] = type == DCAP_BODY_SGX ? DCAP_SGX : DCAP_TDX;
    if (version == 5) {
        m->bytes[48] = (uint8_t)type;
        m->bytes[50] = (uint8_t)sizes[type];
        m->bytes[51] = (uint8_t)(sizes[type] >> 8);
        at = 54;
    }
    uint8_t *body = m->bytes + at;
    for (unsigned i = 0; i < sizes[type]; i++)
        body[i] = (uint8_t)(i * 7 + 1);
    if (type != DCAP_BODY_SGX) {
        memset(body + 120, 0, 8);
        body[123] = 0x10;
        body[128] = 3;
        memset(body + 600, 0, type > DCAP_BODY_TD10 ? 48 : 0);
        memset(body + 729, 0, type > DCAP_BODY_TD15 ? 48 : 0);
        memset(body + 829, 0, type > DCAP_BODY_TD15 ? 48 : 0);
    } else {
        body[48] = 5;
    }
    memcpy(body + sizes[type], real.ptr + 632, auth - 632 < real.len - 632 ? auth - 632 : real.len - 632);
    struct dcap_fault f = {.code = DCAP_OK};
    if (!dcap_quote_parse(&m->v.quote, (struct bytes){m->bytes, sizeof m->bytes}, &f))
        fail_msg("version %u, body %d: %s", version, type, dcap_code_name(f.code));
    m->v.judgement = (struct dcap_judgement){.status = DCAP_UP_TO_DATE, .tcb_eval = 18, .qe_eval = 17};
}

static uint8_t *field(struct made *m, enum dcap_field field) {
    struct bytes b = dcap_quote_field(&m->v.quote, field);
    return b.ptr ? m->bytes + (b.ptr - m->bytes) : NULL;
}

static uint32_t judge(const struct made *m, const struct dcap_policy *p) { return dcap_policy_judge(p, &m->v).mask; }
#define REFUSES(why) (1u << DCAP_REFUSE_##why)

// A bit of TDATTRIBUTES passes that the policy does not name, or is refused under another's name, or cannot be allowed.
static void each_attribute_bit(void **state) {
    (void)state;
    struct made m;
    struct dcap_policy p;
    make(&m, 4, DCAP_BODY_TD10);
    for (unsigned bit = 0; bit < 64; bit++) {
        uint32_t want = bit < 8     ? REFUSES(TD_DEBUG)
                        : bit == 28 ? REFUSES(TD_SEPT_VE_DISABLE)
                        : bit == 29 ? REFUSES(TD_MIGRATABLE)
                        : bit == 30 ? REFUSES(TD_PKS)
                        : bit == 31 ? REFUSES(TD_KL)
                        : bit == 63 ? REFUSES(TD_PERFMON)
                                    : REFUSES(TD_RESERVED);
        dcap_policy_default(&p);
        assert_int_equal(judge(&m, &p), 0);
        field(&m, DCAP_FIELD_TDATTRIBUTES)[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(judge(&m, &p), want);
        assert_int_equal(dcap_policy_judge(&p, &m.v).td_reserved,
                         want == REFUSES(TD_RESERVED) ? (uint64_t)1 << bit : 0);
        p.td_attributes |= (uint64_t)1 << bit;
        p.without_sept_ve = bit == 28;
        assert_int_equal(judge(&m, &p), 0);
        field(&m, DCAP_FIELD_TDATTRIBUTES)[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    field(&m, DCAP_FIELD_XFAM)[0] = 1;
    dcap_policy_default(&p);
    assert_int_equal(judge(&m, &p), REFUSES(TD_XFAM));
}

// A service TD passes in one of the fields where it is named; an enclave in debug mode passes.
static void service_td_and_debug(void **state) {
    (void)state;
    static const struct {
        enum dcap_body type;
        enum dcap_field field;
    } rows[] = {{DCAP_BODY_TD15, DCAP_FIELD_MR_SERVICETD},
                {DCAP_BODY_TD15EX, DCAP_FIELD_MR_SERVICETD},
                {DCAP_BODY_TD15EX, DCAP_FIELD_INIT_SERVICETD_HASH},
                {DCAP_BODY_TD15EX, DCAP_FIELD_SERVICETD_HASH}};
    struct made m;
    struct dcap_policy p;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make(&m, 5, rows[i].type);
        dcap_policy_default(&p);
        assert_int_equal(judge(&m, &p), 0);
        field(&m, rows[i].field)[47] = 1;
        assert_int_equal(judge(&m, &p), REFUSES(SERVICE_TD));
        p.service_td = true;
        assert_int_equal(judge(&m, &p), 0);
    }
    make(&m, 4, DCAP_BODY_SGX);
    dcap_policy_default(&p);
    assert_int_equal(judge(&m, &p), 0);
    field(&m, DCAP_FIELD_ATTRIBUTES)[0] |= 2;
    assert_int_equal(judge(&m, &p), REFUSES(SGX_DEBUG));
    p.sgx_debug = true;
    assert_int_equal(judge(&m, &p), 0);
}

// A status, an advisory or an old set passes that the policy does not accept; Revoked can be accepted.
static void statuses_and_advisories(void **state) {
    (void)state;
    struct made m;
    struct dcap_policy p;
    make(&m, 4, DCAP_BODY_TD10);
    for (unsigned s = DCAP_NONE; s < DCAP_STATUS_COUNT; s++) {
        m.v.judgement.status = (enum dcap_status)s;
        dcap_policy_default(&p);
        uint32_t want = s == DCAP_UP_TO_DATE ? 0 : s == DCAP_REVOKED ? REFUSES(TCB_REVOKED) : REFUSES(TCB_STATUS);
        assert_int_equal(judge(&m, &p), want);
        p.accept |= 1u << s;
        assert_int_equal(judge(&m, &p), s == DCAP_NONE ? REFUSES(TCB_STATUS) : s == DCAP_REVOKED ? want : 0);
    }
    m.v.judgement.status = DCAP_UP_TO_DATE;
    m.v.judgement.current = DCAP_REVOKED;
    assert_int_equal(judge(&m, &p), REFUSES(TCB_REVOKED));
    m.v.judgement.current = DCAP_NONE;
    static const struct bytes taken[] = {{(const uint8_t *)"INTEL-SA-00001", 14},
                                         {(const uint8_t *)"INTEL-SA-00002", 14}};
    m.v.judgement.advisory[0] = DCAP_LIT("INTEL-SA-00002");
    m.v.judgement.advisory[1] = DCAP_LIT("INTEL-SA-00003");
    m.v.judgement.advisory_count = 2;
    dcap_policy_default(&p);
    assert_int_equal(judge(&m, &p), REFUSES(TCB_ADVISORY));
    assert_true(dcap_bytes_eq(dcap_policy_judge(&p, &m.v).advisory, DCAP_LIT("INTEL-SA-00002")));
    p.advisories = taken;
    p.advisory_count = 2;
    assert_int_equal(judge(&m, &p), REFUSES(TCB_ADVISORY));
    assert_true(dcap_bytes_eq(dcap_policy_judge(&p, &m.v).advisory, DCAP_LIT("INTEL-SA-00003")));
    m.v.judgement.advisory_count = 1;
    assert_int_equal(judge(&m, &p), 0);
    p.min_tcb_eval = 18;
    p.min_qe_eval = 17;
    assert_int_equal(judge(&m, &p), 0);
    p.min_tcb_eval = 19;
    assert_int_equal(judge(&m, &p), REFUSES(TCB_EVAL));
    p.min_qe_eval = 18;
    assert_int_equal(judge(&m, &p), REFUSES(TCB_EVAL) | REFUSES(QE_EVAL));
}

// A measurement that is named is not compared, or one value of several is the only one that is.
static void measurements(void **state) {
    (void)state;
    struct made m;
    struct dcap_policy p;
    uint8_t other[48] = {0};
    make(&m, 5, DCAP_BODY_TD15);
    dcap_policy_default(&p);
    for (unsigned i = 0; i < DCAP_FIELD_COUNT; i++) {
        struct bytes has = dcap_quote_field(&m.v.quote, (enum dcap_field)i);
        struct dcap_pin pins[] = {{(enum dcap_field)i, {other, has.len ? has.len : 16}}, {(enum dcap_field)i, has}};
        if (i == DCAP_FIELD_MR_SERVICETD || i > DCAP_FIELD_MR_SERVICETD)
            other[0] = 1;
        p.pins = pins;
        p.pin_count = 1;
        if (has.len > sizeof other)
            continue;
        assert_int_equal(judge(&m, &p), REFUSES(MEASUREMENT));
        assert_int_equal(dcap_policy_judge(&p, &m.v).field, i);
        p.pin_count = 2;
        assert_int_equal(judge(&m, &p), has.ptr ? 0 : REFUSES(MEASUREMENT)); // one that such a quote lacks is not had
    }
}

// A field of a body is taken from another place. Places are those of Intel's documents, in whole quotes.
static void field_places(void **state) {
    (void)state;
    static const struct {
        unsigned version;
        enum dcap_body type;
        enum dcap_field field;
        size_t at, len;
        const char *name;
    } rows[] = {
        {4, DCAP_BODY_TD10, DCAP_FIELD_TEE_TCB_SVN, 48, 16, "tee_tcb_svn"},
        {4, DCAP_BODY_TD10, DCAP_FIELD_MRSEAM, 64, 48, "mrseam"},
        {4, DCAP_BODY_TD10, DCAP_FIELD_SEAMATTRIBUTES, 160, 8, "seam_attributes"},
        {4, DCAP_BODY_TD10, DCAP_FIELD_MRTD, 184, 48, "mrtd"},
        {4, DCAP_BODY_TD10, DCAP_FIELD_RTMR3, 520, 48, "rtmr3"},
        {4, DCAP_BODY_TD10, DCAP_FIELD_TD_REPORT_DATA, 568, 64, "report_data"},
        {5, DCAP_BODY_TD15, DCAP_FIELD_RTMR3, 526, 48, "rtmr3"},
        {5, DCAP_BODY_TD15, DCAP_FIELD_TEE_TCB_SVN2, 638, 16, "tee_tcb_svn2"},
        {5, DCAP_BODY_TD15, DCAP_FIELD_MR_SERVICETD, 654, 48, "mr_servicetd"},
        {5, DCAP_BODY_TD15EX, DCAP_FIELD_SERVICETD_ATTRIBUTES, 54 + 877, 8, "servicetd_attributes"},
        {4, DCAP_BODY_SGX, DCAP_FIELD_MRENCLAVE, 112, 32, "mrenclave"},
        {4, DCAP_BODY_SGX, DCAP_FIELD_SGX_REPORT_DATA, 368, 64, "report_data"},
        {4, DCAP_BODY_TD10, DCAP_FIELD_MR_SERVICETD, 0, 0, "mr_servicetd"},
        {4, DCAP_BODY_TD10, DCAP_FIELD_MRENCLAVE, 0, 0, "mrenclave"},
        {4, DCAP_BODY_SGX, DCAP_FIELD_MRTD, 0, 0, "mrtd"},
    };
    struct made m;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make(&m, rows[i].version, rows[i].type);
        struct bytes b = dcap_quote_field(&m.v.quote, rows[i].field);
        assert_int_equal(b.len, rows[i].len);
        assert_ptr_equal(b.ptr, rows[i].len ? m.bytes + rows[i].at : NULL);
        assert_string_equal(dcap_field_name(rows[i].field), rows[i].name);
        assert_int_equal(dcap_quote_report_data(&m.v.quote).len, 64);
        assert_int_equal(m.v.quote.signed_bytes.len, m.v.quote.body.ptr + m.v.quote.body.len - m.bytes);
    }
}

// A header or a length that is wrong is read on; each fails by its name.
static void forms_of_quotes(void **state) {
    (void)state;
    static const struct {
        unsigned version, at;
        uint8_t value;
        enum dcap_code code;
    } rows[] = {
        {4, 0, 2, DCAP_QUOTE_VERSION},         {4, 0, 6, DCAP_QUOTE_VERSION},     {4, 1, 1, DCAP_QUOTE_VERSION},
        {4, 2, 3, DCAP_QUOTE_KEY_TYPE},        {4, 3, 1, DCAP_QUOTE_KEY_TYPE},    {4, 4, 0x80, DCAP_QUOTE_TEE_TYPE},
        {4, 7, 1, DCAP_QUOTE_TEE_TYPE},        {4, 12, 0, DCAP_QUOTE_VENDOR},     {4, 27, 0, DCAP_QUOTE_VENDOR},
        {4, 0, 3, DCAP_QUOTE_TEE_TYPE},        {4, 0, 5, DCAP_QUOTE_BODY},        {4, 764, 5, DCAP_QUOTE_CERTIFICATION},
        {4, 764, 7, DCAP_QUOTE_CERTIFICATION}, {4, 766, 0, DCAP_QUOTE_FORMAT},    {4, 769, 255, DCAP_QUOTE_FORMAT},
        {4, 635, 255, DCAP_QUOTE_FORMAT},      {4, 633, 0, DCAP_QUOTE_FORMAT},    {4, 1219, 255, DCAP_QUOTE_FORMAT},
        {4, 1218, 33, DCAP_QUOTE_FORMAT},      {4, 1257, 255, DCAP_QUOTE_FORMAT}, {5, 48, 2, DCAP_QUOTE_BODY},
        {5, 48, 5, DCAP_QUOTE_BODY},           {5, 48, 1, DCAP_QUOTE_BODY},       {5, 49, 1, DCAP_QUOTE_BODY},
        {5, 50, 0, DCAP_QUOTE_BODY},           {5, 53, 1, DCAP_QUOTE_BODY},       {5, 4, 0, DCAP_QUOTE_BODY},
        {5, 48, 0, DCAP_QUOTE_BODY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct made m;
        struct dcap_fault f = {.code = DCAP_OK};
        make(&m, rows[i].version, rows[i].version == 5 ? DCAP_BODY_TD15 : DCAP_BODY_TD10);
        m.bytes[rows[i].at] = rows[i].value;
        if (dcap_quote_parse(&m.v.quote, (struct bytes){m.bytes, sizeof m.bytes}, &f) || f.code != rows[i].code)
            fail_msg("version %u, byte %u = %u: %s, not %s", rows[i].version, rows[i].at, rows[i].value,
                     dcap_code_name(f.code), dcap_code_name(rows[i].code));
        assert_int_equal(f.part, DCAP_PART_QUOTE);
    }
}

// A refusal has no name or sentence.
static void refusals(void **state) {
    (void)state;
    for (unsigned r = 0; r < DCAP_REFUSAL_COUNT; r++) {
        assert_true(strlen(dcap_refusal_name((enum dcap_refusal)r)) > 3);
        const char *s = dcap_refusal_sentence((enum dcap_refusal)r);
        assert_int_equal(s[strlen(s) - 1], '.');
    }
    assert_string_equal(dcap_refusal_name(DCAP_REFUSE_MEASUREMENT), "MEASUREMENT");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_attribute_bit),
    cmocka_unit_test(service_td_and_debug),
    cmocka_unit_test(statuses_and_advisories),
    cmocka_unit_test(measurements),
    cmocka_unit_test(field_places),
    cmocka_unit_test(forms_of_quotes),
    cmocka_unit_test(refusals),
};
RUN_TESTS(tests)
