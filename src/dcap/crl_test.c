// SPDX-License-Identifier: Apache-2.0
// Revocation lists: Intel's real ones are read as OpenSSL reads them; a list of another issuer, with something wrong in
// it or out of its time revokes nothing and is refused.
#include "base/test.h"

#include "dcap/forge_test.h"
#include <openssl/x509.h>

enum { NOW = 1737000000 }; // 2025-01-16

static enum dcap_code parse(struct dcap_crl *out, struct bytes der) {
    struct dcap_fault f = {DCAP_OK, DCAP_PART_NOTHING, 0};
    bool ok = dcap_crl_parse(out, der, DCAP_PART_PCK_CRL, &f);
    assert_int_equal(ok, f.code == DCAP_OK);
    assert_int_equal(f.part, ok ? DCAP_PART_NOTHING : DCAP_PART_PCK_CRL);
    return f.code;
}

// Parsed and verified.
static enum dcap_code judge(struct bytes der, const struct dcap_cert *issuer, uint64_t now) {
    struct dcap_crl crl;
    struct dcap_fault f = {DCAP_OK, DCAP_PART_NOTHING, 0};
    if (!dcap_crl_parse(&crl, der, DCAP_PART_ROOT_CRL, &f))
        return f.code;
    bool ok = dcap_crl_verify(&crl, issuer, now, DCAP_PART_ROOT_CRL, &f);
    assert_int_equal(ok, f.code == DCAP_OK);
    assert_int_equal(f.part, ok ? DCAP_PART_NOTHING : DCAP_PART_ROOT_CRL);
    return f.code;
}

static struct bytes serials_of(struct arena *a, const struct dcap_crl *crl) {
    struct dcap_arena arena = {arena_alloc(a, crl->count * 20 + 8), crl->count * 20 + 8, 0};
    struct dcap_writer w = dcap_write_into(&arena);
    dcap_crl_put_serials(&w, crl);
    return dcap_written(&w);
}

// --- Intel's

static struct bytes member_hex(struct arena *a, const char *vector, const char *member) {
    struct bytes text = forge_member(a, vector, member);
    uint8_t *out = arena_alloc(a, text.len / 2 + 1);
    assert_true(dcap_hex_decode(out, text, text.len / 2));
    return (struct bytes){out, text.len / 2};
}

// The authority that stands first in a real issuer chain, or the root at its end.
static struct dcap_cert issuer_in(struct arena *a, const char *vector, size_t place) {
    struct bytes der[2];
    size_t n;
    struct dcap_arena arena = {arena_alloc(a, 4096), 4096, 0};
    struct dcap_cert c;
    struct dcap_fault f;
    assert_true(dcap_pem_certificates(der, &n, &arena, forge_member(a, vector, "pck_crl_issuer_chain"), 2, false));
    assert_true(dcap_cert_parse(&c, der[place], DCAP_PART_PCK_CA, &f));
    return c;
}

static const struct {
    const char *vector;
    size_t entries;
    uint64_t this_update, next_update; // of the PCK list
} real[] = {
    {"qvl_tdx_v4_b0c06f.collateral.json", 44, 1750327235, 1752919235},
    {"mpc_tdx_v4_b0c06f_1b075a77b.collateral.json", 51, 0, 0},
    {"qvl_tdx_v5_90c06f_nolevel.collateral.json", 57, 0, 0},
    {"aut_tdx_v4_00806f_feb25.collateral.json", 44, 0, 0},
    {"qvl_sgx_v3_00a067110000.collateral.json", 0, 0, 0},
};

static void real_ones(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof real / sizeof *real; i++) {
        SCOPED_ARENA(a);
        struct dcap_cert ca = issuer_in(a, real[i].vector, 0), root = issuer_in(a, real[i].vector, 1);
        struct bytes pck = member_hex(a, real[i].vector, "pck_crl"), top = member_hex(a, real[i].vector, "root_ca_crl");
        struct dcap_crl crl;
        assert_int_equal(parse(&crl, top), DCAP_OK);
        assert_int_equal(crl.count, 0);
        assert_int_equal(judge(top, &root, crl.this_update), DCAP_OK);
        assert_int_equal(judge(top, &root, crl.next_update + 1), DCAP_CRL_EXPIRED);
        assert_int_equal(judge(top, &ca, crl.this_update),
                         DCAP_CRL_ISSUER); // the root's list never serves as the other
        assert_int_equal(parse(&crl, pck), DCAP_OK);
        assert_int_equal(crl.count, real[i].entries);
        if (real[i].this_update) {
            assert_int_equal(crl.this_update, real[i].this_update);
            assert_int_equal(crl.next_update, real[i].next_update);
        }
        assert_int_equal(judge(pck, &ca, crl.this_update), DCAP_OK);
        assert_int_equal(judge(pck, &ca, crl.next_update), DCAP_OK);
        assert_int_equal(judge(pck, &ca, crl.next_update + 1), DCAP_CRL_EXPIRED);
        assert_int_equal(judge(pck, &ca, crl.this_update - 1), DCAP_CRL_NOT_YET_VALID);
        assert_int_equal(judge(pck, &root, crl.this_update), DCAP_CRL_ISSUER);
        struct bytes serials = serials_of(a, &crl);
        assert_int_equal(serials.len, real[i].entries * DCAP_SERIAL_SIZE);
        assert_false(dcap_serials_have(serials, ca.serial));
        const unsigned char *p = pck.ptr;
        X509_CRL *x = d2i_X509_CRL(NULL, &p, (long)pck.len);
        STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(x);
        for (int k = 0; k < sk_X509_REVOKED_num(list); k++) {
            uint8_t bytes[20];
            BIGNUM *bn = ASN1_INTEGER_to_BN(X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(list, k)), NULL);
            struct bytes serial = {bytes, (size_t)BN_bn2bin(bn, bytes)};
            BN_free(bn);
            assert_true(dcap_serials_have(serials, serial));
            bytes[19] ^= 1;
            assert_false(dcap_serials_have(serials, serial));
        }
        X509_CRL_free(x);
    }
}

// The processors' list is none of the platforms'.
static void of_the_other_authority(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct dcap_cert platforms = issuer_in(a, real[0].vector, 0), processors = issuer_in(a, real[4].vector, 0);
    assert_int_equal(judge(member_hex(a, real[0].vector, "pck_crl"), &processors, 1751624924), DCAP_CRL_ISSUER);
    assert_int_equal(judge(member_hex(a, real[4].vector, "pck_crl"), &platforms, 1751624924), DCAP_CRL_ISSUER);
}

static void every_bit_and_cut(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const char *const members[] = {"pck_crl", "root_ca_crl"};
    for (size_t m = 0; m < 2; m++) {
        struct dcap_cert issuer = issuer_in(a, real[0].vector, m);
        struct bytes der = member_hex(a, real[0].vector, members[m]);
        uint8_t *bytes = (uint8_t *)(uintptr_t)der.ptr;
        assert_int_equal(judge(der, &issuer, 1751624924), DCAP_OK);
        for (size_t bit = 0; bit < der.len * 8; bit++) {
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (judge(der, &issuer, 1751624924) == DCAP_OK)
                fail_msg("%s: bit %zu", members[m], bit);
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        struct dcap_crl crl;
        for (size_t len = 0; len < der.len; len++) {
            struct bytes cut = forge_cut(der, len);
            assert_int_not_equal(parse(&crl, cut), DCAP_OK);
            forge_drop(cut);
        }
        assert_int_equal(parse(&crl, FORGE_JOIN(a, der, DCAP_LIT("\0"))), DCAP_CRL_FORMAT);
    }
}

// --- one thing wrong at a time

struct world {
    EVP_PKEY *key, *other;
};

typedef void change(struct arena *a, struct forge_crl *c, const struct world *w);
#define CHANGE(name, body)                                                                                             \
    static void name([[maybe_unused]] struct arena *a, struct forge_crl *c, [[maybe_unused]] const struct world *w) {  \
        body;                                                                                                          \
    }
#define SWAP(name, field, hex) CHANGE(name, c->field = forge_hex(a, hex))
#define ENTRIES(name, ...) CHANGE(name, c->entries = FORGE_TLV(a, DER_SEQUENCE, __VA_ARGS__))
CHANGE(nothing, (void)c)
SWAP(version_1, version, "")
SWAP(version_0, version, "020100")
SWAP(version_3, version, "020102")
SWAP(inner_other, algorithm, "300a06082a8648ce3d040303")
SWAP(outer_other, outer_algorithm, "300a06082a8648ce3d040303")
SWAP(outer_null, outer_algorithm, "300c06082a8648ce3d0403020500")
SWAP(without_next_update, next_update, "")
SWAP(behind_extensions, behind, "0500")
SWAP(behind_list, tail, "00")
SWAP(unused_bits, unused_bits, "01")
SWAP(without_extensions, extensions, "")
SWAP(extensions_tag, extensions, "a3023000")
SWAP(without_number, number, "")
SWAP(without_issuer_id, issuer_id, "")
SWAP(empty_entries, entries, "3000")
CHANGE(number_negative, c->number = forge_extension(a, "551d14", "", forge_hex(a, "020181")))
CHANGE(number_padded, c->number = forge_extension(a, "551d14", "", forge_hex(a, "02020001")))
CHANGE(number_behind, c->number = forge_extension(a, "551d14", "", forge_hex(a, "02010100")))
CHANGE(number_long, c->number = forge_extension(a, "551d14", "",
                                                forge_hex(a, "021501000000000000000000000000000000000000"
                                                             "000000")))
CHANGE(number_twice, c->more = c->number)
CHANGE(delta, c->more = forge_extension(a, "551d1b", FORGE_CRITICAL, forge_hex(a, "020101")))
CHANGE(distribution_point, c->more = forge_extension(a, "551d1c", FORGE_CRITICAL, forge_hex(a, "30038101ff")))
CHANGE(unknown_plain, c->more = forge_extension(a, "2a0304", "", forge_hex(a, "0400")))
ENTRIES(one, forge_entry(a, "05", ""))
ENTRIES(one_with_reason, forge_entry(a, "05", FORGE_REASON))
ENTRIES(zero, forge_entry(a, "00", ""))
ENTRIES(negative, forge_entry(a, "81", ""))
ENTRIES(padded, forge_entry(a, "0005", ""))
ENTRIES(of_21_bytes, forge_entry(a, "010000000000000000000000000000000000000000", ""))
ENTRIES(of_another_issuer, forge_entry(a, "05", "300f300d0603551d1d0101ff04033001aa"))
ENTRIES(critical_reason, forge_entry(a, "05", "300f300d0603551d150101ff04030a0101"))
ENTRIES(behind_reason, forge_entry(a, "05", FORGE_REASON "0500"))
ENTRIES(no_date, forge_hex(a, "3003020105"))
ENTRIES(open_entry, forge_hex(a, "3004020105"))
ENTRIES(good_then_open, forge_entry(a, "05", ""), forge_hex(a, "30"))
CHANGE(by_other, c->signer = w->other)
CHANGE(of_other_name, c->issuer = forge_name(a, "Intel SGX PCK Processor CA"))
CHANGE(of_other_key, c->issuer_id = forge_issuer_id(a, w->other))
CHANGE(expired, c->next_update = forge_utc(a, "250115000000Z"))
CHANGE(in_future, c->this_update = forge_utc(a, "250117000000Z"))
CHANGE(dates_exchanged, struct bytes t = c->this_update; c->this_update = c->next_update; c->next_update = t)

static struct dcap_cert issuer_with(struct arena *a, const struct world *w, const char *usage) {
    static const char name[] = "Intel SGX PCK Platform CA";
    struct forge_cert spec = forge_cert(a, w->key, name, w->key, name, usage, "30060101ff020100");
    struct dcap_cert c;
    struct dcap_fault f;
    assert_true(dcap_cert_parse(&c, forge_cert_der(a, &spec), DCAP_PART_PCK_CA, &f));
    return c;
}

struct row {
    const char *name;
    change *change;
    enum dcap_code code;
};
static const struct row rows[] = {
#define ROW(change, code)                                                                                              \
    { #change, change, DCAP_##code }
    ROW(nothing, OK),
    ROW(version_1, CRL_FORMAT),
    ROW(version_0, CRL_FORMAT),
    ROW(version_3, CRL_FORMAT),
    ROW(inner_other, CRL_ALGORITHM),
    ROW(outer_other, CRL_ALGORITHM),
    ROW(outer_null, CRL_ALGORITHM),
    ROW(without_next_update, CRL_FORMAT),
    ROW(behind_extensions, CRL_FORMAT),
    ROW(behind_list, CRL_FORMAT),
    ROW(unused_bits, CRL_FORMAT),
    ROW(without_extensions, CRL_EXTENSION),
    ROW(extensions_tag, CRL_FORMAT),
    ROW(without_number, CRL_EXTENSION),
    ROW(without_issuer_id, CRL_EXTENSION),
    ROW(empty_entries, CRL_FORMAT),
    ROW(number_negative, CRL_FORMAT),
    ROW(number_padded, CRL_FORMAT),
    ROW(number_behind, CRL_FORMAT),
    ROW(number_long, CRL_FORMAT),
    ROW(number_twice, CRL_EXTENSION),
    ROW(delta, CRL_EXTENSION),
    ROW(distribution_point, CRL_EXTENSION),
    ROW(unknown_plain, OK),
    ROW(one, OK),
    ROW(one_with_reason, OK),
    ROW(zero, OK),
    ROW(negative, CRL_FORMAT),
    ROW(padded, CRL_FORMAT),
    ROW(of_21_bytes, CRL_FORMAT),
    ROW(of_another_issuer, CRL_EXTENSION),
    ROW(critical_reason, CRL_EXTENSION),
    ROW(behind_reason, CRL_FORMAT),
    ROW(no_date, CRL_FORMAT),
    ROW(open_entry, CRL_FORMAT),
    ROW(good_then_open, CRL_FORMAT),
    ROW(by_other, CRL_SIGNATURE),
    ROW(of_other_name, CRL_ISSUER),
    ROW(of_other_key, CRL_ISSUER),
    ROW(expired, CRL_EXPIRED),
    ROW(in_future, CRL_NOT_YET_VALID),
    ROW(dates_exchanged, CRL_NOT_YET_VALID),
};

static void one_thing_wrong(void **state) {
    const struct world *w = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        SCOPED_ARENA(a);
        struct dcap_cert issuer = issuer_with(a, w, "03020106");
        struct forge_crl spec = forge_crl(a, w->key, "Intel SGX PCK Platform CA");
        rows[i].change(a, &spec, w);
        enum dcap_code code = judge(forge_crl_der(a, &spec), &issuer, NOW);
        if (code != rows[i].code)
            fail_msg("%s: %s", rows[i].name, dcap_code_name(code));
        issuer = issuer_with(a, w, "03020204"); // certificates only
        if (rows[i].code == DCAP_OK)
            assert_int_equal(judge(forge_crl_der(a, &spec), &issuer, NOW), DCAP_CERT_NOT_CA);
    }
}

// Serial numbers are compared as numbers: of every length, with a high bit or without.
static void serials(void **state) {
    const struct world *w = *state;
    SCOPED_ARENA(a);
    struct forge_crl spec = forge_crl(a, w->key, "Intel SGX PCK Platform CA");
    spec.entries =
        FORGE_TLV(a, DER_SEQUENCE, forge_entry(a, "05", ""), forge_entry(a, "00ff", FORGE_REASON),
                  forge_entry(a, "00efae6e9715fca13b87e333e8261ed6d990a926ad", FORGE_REASON), forge_entry(a, "00", ""));
    struct dcap_crl crl;
    assert_int_equal(parse(&crl, forge_crl_der(a, &spec)), DCAP_OK);
    assert_int_equal(crl.count, 4);
    assert_true(dcap_bytes_eq(crl.number, DCAP_LIT("\x07")));
    struct bytes list = serials_of(a, &crl);
    assert_int_equal(list.len, 80);
    static const struct {
        const char *serial;
        bool listed;
    } numbers[] = {
        {"05", true},
        {"ff", true},
        {"0000000000000000000000000000000000000005", true},
        {"0000000000000000000000000000000000000006", false},
        {"efae6e9715fca13b87e333e8261ed6d990a926ad", true},
        {"", false},
        {"0500", false},
        {"06", false},
        {"ae6e9715fca13b87e333e8261ed6d990a926ad", false},
        {"efae6e9715fca13b87e333e8261ed6d990a926", false},
        {"01efae6e9715fca13b87e333e8261ed6d990a926ad", false},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (dcap_serials_have(list, forge_hex(a, numbers[i].serial)) != numbers[i].listed)
            fail_msg("%s", numbers[i].serial);
    }
    assert_false(dcap_serials_have((struct bytes){list.ptr, 19}, forge_hex(a, "05")));
}

static int set_up(void **state) {
    static struct world w;
    w = (struct world){EVP_EC_gen("P-256"), EVP_EC_gen("P-256")};
    *state = &w;
    return w.key && w.other ? 0 : -1;
}

static int tear_down(void **state) {
    struct world *w = *state;
    EVP_PKEY_free(w->key);
    EVP_PKEY_free(w->other);
    return 0;
}

static const struct CMUnitTest group[] = {
    cmocka_unit_test(real_ones),
    cmocka_unit_test(of_the_other_authority),
    cmocka_unit_test(every_bit_and_cut),
    cmocka_unit_test_setup_teardown(one_thing_wrong, set_up, tear_down),
    cmocka_unit_test_setup_teardown(serials, set_up, tear_down),
};
RUN_TESTS(group)
