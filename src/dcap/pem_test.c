// SPDX-License-Identifier: Apache-2.0
// PEM that is taken, and every way in which a text says more or something else than its certificates.
#include "base/test.h"

#include "dcap/forge_test.h"
#include "dcap/pem.h"

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END "-----END CERTIFICATE-----"
#define CRLF(text) "-----BEGIN CERTIFICATE-----\r\n" text "\r\n-----END CERTIFICATE-----\r\n"

static uint8_t memory[8192];

static long read_pem(struct bytes *out, struct bytes text, size_t max, bool nul_tail) {
    struct dcap_arena arena = {memory, sizeof memory, 0};
    size_t count;
    return dcap_pem_certificates(out, &count, &arena, text, max, nul_tail) ? (long)count : -1;
}

struct row {
    const char *text;
    size_t len;
    bool nul_tail;
    const char *der; // of the certificates, one after the other, in hexadecimal; NULL: refused
};
static const struct row rows[] = {
#define ROW(text, nul_tail, der)                                                                                       \
    { text, sizeof(text) - 1, nul_tail, der }
    ROW(BEGIN "AQID\n" END, false, "010203"),
    ROW(BEGIN "AQID\n" END "\n", false, "010203"),
    ROW(BEGIN "AQ==\n" END "\n", false, "01"),
    ROW(BEGIN "AQI=\n" END "\n" BEGIN "Aw==\n" END "\n", false, "010203"),
    ROW(BEGIN "AQID\nBAUG\n" END "\n", false, "010203040506"),
    ROW(BEGIN "+/+/\n" END "\n", false, "fbffbf"),
    ROW(CRLF("AQID\r\nBAUG") CRLF("Bw=="), false, "01020304050607"),
    ROW(BEGIN "AQID\n" END "\n\0", true, "010203"),
    ROW(BEGIN "AQID\n" END "\0", true, "010203"),
    ROW(BEGIN "AQID\n" END "\n", true, "010203"),
    // a NUL where none belongs, or a second one
    ROW(BEGIN "AQID\n" END "\n\0", false, NULL),
    ROW(BEGIN "AQID\n" END "\nx", true, NULL),
    ROW(BEGIN "AQID\n" END "x", true, NULL),
    ROW(BEGIN "AQID\n" END "\n\0\0", true, NULL),
    ROW("\0" BEGIN "AQID\n" END "\n", true, NULL),
    ROW(BEGIN "AQID\n" END "\n\0" BEGIN "AQID\n" END "\n", true, NULL),
    ROW("\0", true, NULL),
    // text around
    ROW("", false, NULL),
    ROW("\n", false, NULL),
    ROW(" " BEGIN "AQID\n" END "\n", false, NULL),
    ROW("Subject: x\n" BEGIN "AQID\n" END "\n", false, NULL),
    ROW(BEGIN "AQID\n" END "\n\n", false, NULL),
    ROW(BEGIN "AQID\n" END "\nx", false, NULL),
    ROW(BEGIN "AQID\n" END " \n", false, NULL),
    ROW(BEGIN "AQID\n" END "\n\n" BEGIN "AQID\n" END "\n", false, NULL),
    ROW(BEGIN "AQID\n" END BEGIN "AQID\n" END "\n", false, NULL),
    // the lines of the frame
    ROW("-----BEGIN CERTIFICATE----- AQID\n" END "\n", false, NULL),
    ROW("-----BEGIN X509 CRL-----\nAQID\n-----END X509 CRL-----\n", false, NULL),
    ROW("-----BEGIN TRUSTED CERTIFICATE-----\nAQID\n-----END TRUSTED CERTIFICATE-----\n", false, NULL),
    ROW(BEGIN "AQID\n-----END X509 CRL-----\n", false, NULL),
    ROW(BEGIN "AQID" END "\n", false, NULL),
    ROW(BEGIN "AQID\n", false, NULL),
    ROW(BEGIN "AQID\n-----END CERTIFICATE----", false, NULL),
    ROW(BEGIN BEGIN "AQID\n" END "\n" END "\n", false, NULL),
    // base64
    ROW(BEGIN "AQI\n" END "\n", false, NULL),
    ROW(BEGIN "AQIDA\n" END "\n", false, NULL),
    ROW(BEGIN "AQ=\n" END "\n", false, NULL),
    ROW(BEGIN "A===\n" END "\n", false, NULL),
    ROW(BEGIN "====\n" END "\n", false, NULL),
    ROW(BEGIN "AR==\n" END "\n", false, NULL), // bits that nobody reads
    ROW(BEGIN "AQJ=\n" END "\n", false, NULL),
    ROW(BEGIN "AQ=D\n" END "\n", false, NULL),
    ROW(BEGIN "AQ==AQID\n" END "\n", false, NULL), // padding that is not at the end
    ROW(BEGIN "AQ==\nAQID\n" END "\n", false, NULL),
    ROW(BEGIN "AQ D\n" END "\n", false, NULL),
    ROW(BEGIN " AQID\n" END "\n", false, NULL),
    ROW(BEGIN "AQID \n" END "\n", false, NULL),
    ROW(BEGIN "AQID\r" END "\n", false, NULL),
    ROW(BEGIN "AQ\nID\n" END "\n", false, NULL), // a line's end inside a group
    ROW(BEGIN "AQID\n\nBAUG\n" END "\n", false, NULL),
    ROW(BEGIN "\nAQID\n" END "\n", false, NULL),
    ROW(BEGIN "AQ-_\n" END "\n", false, NULL),
    ROW(BEGIN "AQ[D\n" END "\n", false, NULL),
    ROW(BEGIN "AQ@D\n" END "\n", false, NULL),
    ROW(BEGIN "AQ`D\n" END "\n", false, NULL),
    ROW(BEGIN "AQ{D\n" END "\n", false, NULL),
    ROW(BEGIN "AQ.D\n" END "\n", false, NULL),
    ROW(BEGIN "AQ:D\n" END "\n", false, NULL),
    ROW(BEGIN "AQ\xc1"
              "D\n" END "\n",
        false, NULL),
};

static void taken_and_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        SCOPED_ARENA(a);
        struct bytes out[4];
        long n = read_pem(out, (struct bytes){(const uint8_t *)rows[i].text, rows[i].len}, 4, rows[i].nul_tail);
        if ((n > 0) != (rows[i].der != NULL))
            fail_msg("%s", rows[i].text);
        if (n > 0 && !dcap_bytes_eq(forge_join(a, out, (size_t)n), forge_hex(a, rows[i].der)))
            fail_msg("%s", rows[i].text);
    }
}

// More certificates, or larger ones, than there is room for are refused rather than cut off.
static void room(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct bytes one = forge_pem(a, DCAP_LIT("a certificate")), three = FORGE_JOIN(a, one, one, one), out[4];
    assert_int_equal(read_pem(out, three, 3, false), 3);
    assert_int_equal(read_pem(out, three, 2, false), -1);
    for (size_t size = 0; size < three.len; size++) {
        struct dcap_arena arena = {memory, size, 0};
        size_t count;
        assert_int_equal(dcap_pem_certificates(out, &count, &arena, three, 3, false), size >= three.len / 4 * 3);
    }
}

// What OpenSSL writes comes back, of every length; each text that is cut off, and each character that is another one,
// is refused or gives other bytes: no two texts of the same length mean the same.
static void each_text_once(void **state) {
    (void)state;
    for (size_t len = 1; len < 200; len++) {
        SCOPED_ARENA(a);
        uint8_t der[200];
        for (size_t i = 0; i < len; i++)
            der[i] = (uint8_t)(i * 73 + len);
        struct bytes text = forge_pem(a, (struct bytes){der, len}), out[2];
        assert_int_equal(read_pem(out, text, 2, false), 1);
        assert_true(dcap_bytes_eq(out[0], (struct bytes){der, len}));
        if (len < 46 || len > 51) // with one line and with two
            continue;
        for (size_t n = 0; n + 1 < text.len; n++) {
            struct bytes cut = forge_cut(text, n);
            assert_int_equal(read_pem(out, cut, 2, false), -1);
            forge_drop(cut);
        }
        uint8_t *changed = arena_alloc(a, text.len);
        memcpy(changed, text.ptr, text.len);
        for (size_t i = 0; i < text.len; i++) {
            for (unsigned c = 0; c < 256; c++) {
                changed[i] = (uint8_t)c;
                if (c != text.ptr[i] && read_pem(out, (struct bytes){changed, text.len}, 2, true) == 1 &&
                    dcap_bytes_eq(out[0], (struct bytes){der, len}) && i + 1 < text.len)
                    fail_msg("character %zu as %u", i, c);
            }
            changed[i] = text.ptr[i];
        }
    }
}

static void one_line_is_read_where_it_stands(void **state) {
    (void)state;
    static const struct {
        const char *text, *bytes;
    } good[] = {{"", ""}, {"QQ==", "A"}, {"QUI=", "AB"}, {"QUJD", "ABC"}, {"QUJDRA==", "ABCD"}};
    static const char *const bad[] = {
        "Q", "QQ", "QQ=", "QQ=A", "QR==", "QUJ=", "QQ==QQ==", "QUJD\n", "QU-D", "Q=JD", "===="};
    struct bytes bytes;
    uint8_t text[16];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        size_t n = strlen(good[i].text);
        memcpy(text, good[i].text, n);
        assert_true(dcap_base64_decode(&bytes, text, (struct bytes){text, n}));
        assert_int_equal(bytes.len, strlen(good[i].bytes));
        assert_memory_equal(bytes.ptr, good[i].bytes, bytes.len);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t n = strlen(bad[i]);
        memcpy(text, bad[i], n);
        if (dcap_base64_decode(&bytes, text, (struct bytes){text, n}))
            fail_msg("%s is taken", bad[i]);
    }
}

static const struct CMUnitTest group[] = {
    cmocka_unit_test(taken_and_refused),
    cmocka_unit_test(room),
    cmocka_unit_test(each_text_once),
    cmocka_unit_test(one_line_is_read_where_it_stands),
};
RUN_TESTS(group)
