// SPDX-License-Identifier: Apache-2.0
// Certificates: real ones read as OpenSSL reads them; one thing wrong at a time is refused by its own code.
#include "base/test.h"

#include "dcap/forge_test.h"
#include <openssl/x509v3.h>

static enum dcap_code parse(struct dcap_cert *out, struct bytes der) {
    struct dcap_fault f = {DCAP_OK, DCAP_PART_NOTHING, 0};
    bool ok = dcap_cert_parse(out, der, DCAP_PART_PCK_CERT, &f);
    assert_int_equal(ok, f.code == DCAP_OK);
    assert_int_equal(f.part, ok ? DCAP_PART_NOTHING : DCAP_PART_PCK_CERT);
    return f.code;
}

static size_t real_certificates(struct arena *a, struct bytes *out, size_t max) {
    static const char *const quotes[] = {"qvl_tdx_v4_b0c06f.quote.bin", "qvl_sgx_v3_00a067110000.quote.bin",
                                         "gtg_tdx_v4_50806f_nolevel.quote.bin"};
    size_t n = 0, count;
    struct dcap_arena *arena = arena_calloc(a, 1, sizeof *arena);
    *arena = (struct dcap_arena){arena_alloc(a, 65536), 65536, 0};
    for (size_t i = 0; i < sizeof quotes / sizeof *quotes; i++, n += count)
        assert_true(dcap_pem_certificates(out + n, &count, arena, forge_quote_chain(a, quotes[i]), max - n, true));
    static const char *const members[] = {"qvl_tdx_v4_b0c06f", "aut_tdx_v4_00806f_feb25", "intel_test_root_tdx"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++, n += count) {
        struct bytes pem = forge_member(a, arena_printf(a, "%s.collateral.json", members[i]), "tcb_info_issuer_chain");
        assert_true(dcap_pem_certificates(out + n, &count, arena, pem, max - n, false));
    }
    return n;
}

static uint64_t seconds_of(const ASN1_TIME *t) {
    struct tm tm;
    assert_int_equal(ASN1_TIME_to_tm(t, &tm), 1);
    return (uint64_t)timegm(&tm);
}

static void assert_der(struct bytes got, unsigned char *want, int len) {
    assert_int_equal(got.len, len);
    assert_memory_equal(got.ptr, want, got.len);
    OPENSSL_free(want);
}

static void real_ones(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct bytes der[16];
    size_t n = real_certificates(a, der, 16);
    assert_int_equal(n, 15);
    for (size_t i = 0; i < n; i++) {
        struct dcap_cert c;
        const unsigned char *p = der[i].ptr;
        X509 *x = d2i_X509(NULL, &p, (long)der[i].len);
        assert_int_equal(parse(&c, der[i]), DCAP_OK);
        assert_int_equal(c.not_before, seconds_of(X509_get0_notBefore(x)));
        assert_int_equal(c.not_after, seconds_of(X509_get0_notAfter(x)));
        uint8_t serial[20];
        BIGNUM *bn = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
        assert_int_equal(BN_bn2bin(bn, serial), c.serial.len);
        assert_memory_equal(serial, c.serial.ptr, c.serial.len);
        BN_free(bn);
        assert_memory_equal(c.key, forge_key_bytes(a, X509_get0_pubkey(x)).ptr, 64);
        unsigned char *text = NULL;
        int len = i2d_X509_NAME(X509_get_issuer_name(x), &text);
        assert_der(c.issuer, text, len);
        text = NULL, len = i2d_X509_NAME(X509_get_subject_name(x), &text);
        assert_der(c.subject, text, len);
        text = NULL, len = i2d_re_X509_tbs(x, &text);
        assert_der(c.tbs, text, len);
        assert_int_equal(c.ca, X509_check_ca(x) == 1);
        assert_int_equal(c.path_limit, X509_get_pathlen(x) < 0 ? c.ca ? DCAP_NO_PATH_LIMIT : 0 : X509_get_pathlen(x));
        assert_int_equal(!!(c.usage & DCAP_MAY_SIGN), !!(X509_get_key_usage(x) & X509v3_KU_DIGITAL_SIGNATURE));
        assert_int_equal(!!(c.usage & DCAP_MAY_SIGN_CERTS), !!(X509_get_key_usage(x) & X509v3_KU_KEY_CERT_SIGN));
        assert_int_equal(!!(c.usage & DCAP_MAY_SIGN_CRLS), !!(X509_get_key_usage(x) & X509v3_KU_CRL_SIGN));
        const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(x);
        assert_memory_equal(c.key_id.ptr, ASN1_STRING_get0_data(id), c.key_id.len);
        id = X509_get0_authority_key_id(x);
        assert_int_equal(c.issuer_id.len, ASN1_STRING_length(id));
        assert_memory_equal(c.issuer_id.ptr, ASN1_STRING_get0_data(id), c.issuer_id.len);
        assert_int_equal(c.platform.len > 0, strstr((const char *)c.common_name.ptr, "SGX PCK Cert") != NULL && !c.ca &&
                                                 c.common_name.len == strlen("Intel SGX PCK Certificate"));
        X509_free(x);
    }
}

// No prefix of a certificate is one, nor is one with something behind it.
static void truncated(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct bytes der[16];
    size_t n = real_certificates(a, der, 16);
    struct dcap_cert c;
    for (size_t i = 0; i < n; i++) {
        for (size_t len = 0; len < der[i].len; len++) {
            struct bytes cut = forge_cut(der[i], len);
            assert_int_not_equal(parse(&c, cut), DCAP_OK);
            forge_drop(cut);
        }
        assert_int_equal(parse(&c, FORGE_JOIN(a, der[i], DCAP_LIT("\0"))), DCAP_CERT_FORMAT);
    }
}

// --- one thing wrong at a time

struct world {
    EVP_PKEY *ca, *leaf;
};

static struct forge_cert good(struct arena *a, const struct world *w) {
    return forge_cert(a, w->leaf, "Intel SGX PCK Certificate", w->ca, "Intel SGX PCK Platform CA", "030206c0", "3000");
}

typedef void change(struct arena *a, struct forge_cert *c);
#define CHANGE(name, body)                                                                                             \
    static void name([[maybe_unused]] struct arena *a, struct forge_cert *c) { body; }
#define SWAP(name, field, hex) CHANGE(name, c->field = forge_hex(a, hex))
#define EXTENSION(name, field, oid, critical, hex)                                                                     \
    CHANGE(name, c->field = forge_extension(a, oid, critical, forge_hex(a, hex)))

SWAP(version_1, version, "")
SWAP(version_2, version, "a003020101")
SWAP(version_4, version, "a003020103")
SWAP(version_long, version, "a00402020002")
SWAP(serial_negative, serial, "020181")
SWAP(serial_zero, serial, "020100")
SWAP(serial_padded, serial, "02020001")
SWAP(serial_21_bytes, serial, "0215 01 0000000000000000000000000000000000000000")
SWAP(serial_none, serial, "")
SWAP(inner_other, algorithm, "300a06082a8648ce3d040303")
SWAP(inner_null, algorithm, "300c06082a8648ce3d0403020500")
SWAP(outer_other, outer_algorithm, "300a06082a8648ce3d040303")
SWAP(outer_null, outer_algorithm, "300c06082a8648ce3d0403020500")
SWAP(outer_rsa, outer_algorithm, "300d06092a864886f70d01010b0500")
SWAP(issuer_octets, issuer, "0400")
SWAP(issuer_set_open, issuer, "3005310330ff00")
SWAP(unused_bits_1, unused_bits, "01")
SWAP(unused_bits_missing, unused_bits, "")
SWAP(signature_raw, signature, "01020304")
SWAP(signature_zero, signature, "3006020100020101")
SWAP(signature_behind, signature, "300602010102010100")
SWAP(something_behind, tail, "00")
SWAP(unique_id, behind, "810200aa")
SWAP(no_extensions, extensions, "")
SWAP(extensions_empty_tag, extensions, "a300")
SWAP(extensions_behind, extensions, "a303300000")
CHANGE(time_generalized,
       c->validity = FORGE_TLV(a, DER_SEQUENCE, FORGE_TLV(a, DER_GENERALIZED_TIME, forge_text("20200101000000Z")),
                               forge_utc(a, "300101000000Z")))
CHANGE(time_three, c->validity = FORGE_TLV(a, DER_SEQUENCE, forge_utc(a, "200101000000Z"),
                                           forge_utc(a, "300101000000Z"), forge_utc(a, "300101000000Z")))
CHANGE(time_one, c->validity = FORGE_TLV(a, DER_SEQUENCE, forge_utc(a, "200101000000Z")))
CHANGE(two_common_names,
       struct bytes one = FORGE_TLV(a, DER_SET,
                                    FORGE_TLV(a, DER_SEQUENCE, forge_oid(a, "550403"), forge_hex(a, "0c0141")));
       c->subject = FORGE_TLV(a, DER_SEQUENCE, one, one))
CHANGE(two_in_a_set, struct bytes one = FORGE_TLV(a, DER_SEQUENCE, forge_oid(a, "550403"), forge_hex(a, "0c0141"));
       c->subject = FORGE_TLV(a, DER_SEQUENCE, FORGE_TLV(a, DER_SET, one, one)))
CHANGE(key_compressed, c->public_key = FORGE_JOIN(a,
                                                  forge_hex(a, "3039301306072a8648ce3d020106082a8648ce3d030107032200"
                                                               "02"),
                                                  (struct bytes){forge_key_bytes(a, c->key).ptr, 32}))
CHANGE(key_p384_name, c->public_key = FORGE_JOIN(a,
                                                 forge_hex(a, "3056301006072a8648ce3d020106052b81040022034200"
                                                              "04"),
                                                 forge_key_bytes(a, c->key)))
CHANGE(key_short, c->public_key.len -= 3)
EXTENSION(unknown_critical, more, "2a0304", FORGE_CRITICAL, "0400")
EXTENSION(unknown_plain, more, "2a0304", "", "0400")
EXTENSION(critical_false_written, more, "2a0304", "010100", "0400")
EXTENSION(critical_other_true, more, "2a0304", "010101", "0400")
EXTENSION(policies_critical, more, "551d20", FORGE_CRITICAL, "3000")
EXTENSION(name_constraints_critical, more, "551d1e", FORGE_CRITICAL, "3000")
EXTENSION(crl_number_critical, more, "551d14", FORGE_CRITICAL, "020101")
EXTENSION(usage_trailing_zeros, usage, "551d0f", FORGE_CRITICAL, "030205c0")
EXTENSION(usage_unused_set, usage, "551d0f", FORGE_CRITICAL, "030207c0")
EXTENSION(usage_unused_8, usage, "551d0f", FORGE_CRITICAL, "030208c0")
EXTENSION(usage_none, usage, "551d0f", FORGE_CRITICAL, "030100")
EXTENSION(usage_zero, usage, "551d0f", FORGE_CRITICAL, "03020000")
EXTENSION(usage_long, usage, "551d0f", FORGE_CRITICAL, "030404c0c0f0")
EXTENSION(usage_octets, usage, "551d0f", FORGE_CRITICAL, "040206c0")
EXTENSION(constraints_false_written, constraints, "551d13", FORGE_CRITICAL, "3003010100")
EXTENSION(constraints_path_without_ca, constraints, "551d13", FORGE_CRITICAL, "3003020100")
EXTENSION(constraints_path_negative, constraints, "551d13", FORGE_CRITICAL, "30060101ff0201ff")
EXTENSION(constraints_path_huge, constraints, "551d13", FORGE_CRITICAL, "30080101ff0203010000")
EXTENSION(constraints_behind, constraints, "551d13", FORGE_CRITICAL, "30090101ff0201000201 00")
EXTENSION(key_id_bare, key_id, "551d0e", "", "aabb")
EXTENSION(issuer_id_empty, issuer_id, "551d23", "", "3000")
EXTENSION(issuer_id_no_bytes, issuer_id, "551d23", "", "30028000")
EXTENSION(issuer_id_more, issuer_id, "551d23", "", "30068001aa820101")
// What begins like a known one, or ends like it, is another one.
EXTENSION(usage_longer, more, "551d0f01", FORGE_CRITICAL, "030206c0")
EXTENSION(usage_of_other_arc, more, "2a1d0f", FORGE_CRITICAL, "030206c0")
EXTENSION(usage_of_next_arc, more, "551e0f", FORGE_CRITICAL, "030206c0")
EXTENSION(platform_shorter, more, "2a864886f84d010d", FORGE_CRITICAL, "3000")
EXTENSION(id_1, more, "551d01", FORGE_CRITICAL, "3000")
CHANGE(attribute_behind, c->subject = FORGE_TLV(a, DER_SEQUENCE,
                                                FORGE_TLV(a, DER_SET,
                                                          FORGE_TLV(a, DER_SEQUENCE, forge_oid(a, "550403"),
                                                                    forge_hex(a, "0c0141 0500")))))
CHANGE(attribute_without_value,
       c->subject = FORGE_TLV(a, DER_SEQUENCE,
                              FORGE_TLV(a, DER_SET, FORGE_TLV(a, DER_SEQUENCE, forge_oid(a, "550403")))))
CHANGE(twice_known, c->more = c->usage)
CHANGE(twice_unknown, struct bytes one = forge_extension(a, "2a0304", "", forge_hex(a, "0400"));
       c->more = FORGE_JOIN(a, one, forge_extension(a, "2a0305", "", forge_hex(a, "0400")), one))
CHANGE(many, for (int i = 0; i < 13; i++)
                 c->more = FORGE_JOIN(a, c->more,
                                      forge_extension(a, arena_printf(a, "2a03%02x", i), "", forge_hex(a, "0400"))))
CHANGE(no_value, c->more = FORGE_TLV(a, DER_SEQUENCE, forge_oid(a, "2a0304")))
CHANGE(value_behind, c->more = FORGE_TLV(a, DER_SEQUENCE, forge_oid(a, "2a0304"), forge_hex(a, "040004 00")))

struct row {
    const char *name;
    change *change;
    enum dcap_code code;
};
static const struct row rows[] = {
#define ROW(change, code)                                                                                              \
    { #change, change, DCAP_##code }
    ROW(version_1, CERT_FORMAT),
    ROW(version_2, CERT_FORMAT),
    ROW(version_4, CERT_FORMAT),
    ROW(version_long, CERT_FORMAT),
    ROW(serial_negative, CERT_FORMAT),
    ROW(serial_zero, CERT_FORMAT),
    ROW(serial_padded, CERT_FORMAT),
    ROW(serial_21_bytes, CERT_FORMAT),
    ROW(serial_none, CERT_FORMAT),
    ROW(inner_other, CERT_ALGORITHM),
    ROW(inner_null, CERT_ALGORITHM),
    ROW(outer_other, CERT_ALGORITHM),
    ROW(outer_null, CERT_ALGORITHM),
    ROW(outer_rsa, CERT_ALGORITHM),
    ROW(issuer_octets, CERT_FORMAT),
    ROW(issuer_set_open, CERT_FORMAT),
    ROW(unused_bits_1, CERT_FORMAT),
    ROW(unused_bits_missing, CERT_FORMAT),
    ROW(signature_raw, CERT_FORMAT),
    ROW(signature_zero, CERT_FORMAT),
    ROW(signature_behind, CERT_FORMAT),
    ROW(something_behind, CERT_FORMAT),
    ROW(unique_id, CERT_FORMAT),
    ROW(no_extensions, CERT_FORMAT),
    ROW(extensions_empty_tag, CERT_FORMAT),
    ROW(extensions_behind, CERT_FORMAT),
    ROW(time_generalized, CERT_FORMAT),
    ROW(time_three, CERT_FORMAT),
    ROW(time_one, CERT_FORMAT),
    ROW(two_common_names, CERT_FORMAT),
    ROW(two_in_a_set, CERT_FORMAT),
    ROW(key_compressed, CERT_KEY),
    ROW(key_p384_name, CERT_KEY),
    ROW(key_short, CERT_FORMAT),
    ROW(unknown_critical, CERT_EXTENSION),
    ROW(unknown_plain, OK),
    ROW(critical_false_written, CERT_FORMAT),
    ROW(critical_other_true, CERT_FORMAT),
    ROW(policies_critical, CERT_EXTENSION),
    ROW(name_constraints_critical, CERT_EXTENSION),
    ROW(crl_number_critical, CERT_EXTENSION),
    ROW(usage_trailing_zeros, CERT_FORMAT),
    ROW(usage_unused_set, CERT_FORMAT),
    ROW(usage_unused_8, CERT_FORMAT),
    ROW(usage_none, CERT_FORMAT),
    ROW(usage_zero, CERT_FORMAT),
    ROW(usage_long, CERT_FORMAT),
    ROW(usage_octets, CERT_FORMAT),
    ROW(constraints_false_written, CERT_FORMAT),
    ROW(constraints_path_without_ca, CERT_FORMAT),
    ROW(constraints_path_negative, CERT_FORMAT),
    ROW(constraints_path_huge, CERT_FORMAT),
    ROW(constraints_behind, CERT_FORMAT),
    ROW(key_id_bare, CERT_FORMAT),
    ROW(issuer_id_empty, CERT_FORMAT),
    ROW(issuer_id_no_bytes, CERT_FORMAT),
    ROW(issuer_id_more, CERT_FORMAT),
    ROW(usage_longer, CERT_EXTENSION),
    ROW(usage_of_other_arc, CERT_EXTENSION),
    ROW(usage_of_next_arc, CERT_EXTENSION),
    ROW(platform_shorter, CERT_EXTENSION),
    ROW(id_1, CERT_EXTENSION),
    ROW(attribute_behind, CERT_FORMAT),
    ROW(attribute_without_value, CERT_FORMAT),
    ROW(twice_known, CERT_EXTENSION),
    ROW(twice_unknown, CERT_EXTENSION),
    ROW(many, CERT_FORMAT),
    ROW(no_value, CERT_FORMAT),
    ROW(value_behind, CERT_FORMAT),
};

static void one_thing_wrong(void **state) {
    const struct world *w = *state;
    SCOPED_ARENA(a);
    struct dcap_cert c;
    struct forge_cert spec = good(a, w);
    assert_int_equal(parse(&c, forge_cert_der(a, &spec)), DCAP_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        spec = good(a, w);
        rows[i].change(a, &spec);
        enum dcap_code code = parse(&c, forge_cert_der(a, &spec));
        if (code != rows[i].code)
            fail_msg("%s: %s", rows[i].name, dcap_code_name(code));
    }
}

// A thousand SEQUENCEs in each other, where a name, an extension and the certificate itself belong.
static void bombs(void **state) {
    const struct world *w = *state;
    SCOPED_ARENA(a);
    struct bytes deep = forge_hex(a, "");
    for (int i = 0; i < 1000; i++)
        deep = FORGE_TLV(a, DER_SEQUENCE, deep);
    struct dcap_cert c;
    struct forge_cert spec = good(a, w);
    assert_int_equal(parse(&c, deep), DCAP_CERT_ALGORITHM);
    spec.issuer = deep;
    assert_int_equal(parse(&c, forge_cert_der(a, &spec)), DCAP_CERT_FORMAT);
    spec = good(a, w);
    spec.more = deep;
    assert_int_equal(parse(&c, forge_cert_der(a, &spec)), DCAP_CERT_FORMAT);
    spec = good(a, w);
    spec.more = forge_extension(a, "2a0304", "", deep);
    assert_int_equal(parse(&c, forge_cert_der(a, &spec)), DCAP_OK); // never opened
}

static int set_up(void **state) {
    static struct world w;
    w = (struct world){EVP_EC_gen("P-256"), EVP_EC_gen("P-256")};
    *state = &w;
    return w.ca && w.leaf ? 0 : -1;
}

static int tear_down(void **state) {
    struct world *w = *state;
    EVP_PKEY_free(w->ca);
    EVP_PKEY_free(w->leaf);
    return 0;
}

static const struct CMUnitTest group[] = {
    cmocka_unit_test(real_ones),
    cmocka_unit_test(truncated),
    cmocka_unit_test_setup_teardown(one_thing_wrong, set_up, tear_down),
    cmocka_unit_test_setup_teardown(bombs, set_up, tear_down),
};
RUN_TESTS(group)
