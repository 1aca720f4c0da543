// SPDX-License-Identifier: Apache-2.0
// Every form of DER that is refused, and the one that is taken. A reader that is lax here takes two texts for one
// certificate, or leaves its bytes.
#include "base/test.h"

#include "dcap/forge_test.h"

static void lengths(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const struct {
        const char *hex;
        int content; // length, or -1: refused
    } rows[] = {
        {"0400", 0},
        {"0401aa", 1},
        {"0402aa", -1},
        {"04", -1},
        {"", -1},
        {"0480", -1}, // indefinite
        {"048000", -1},
        {"04800000", -1},
        {"04ff", -1},
        {"048101aa", -1},
        {"04817f", -1}, // short lengths in the long form
        {"0482000100", -1},
        {"04820080", -1}, // leading zeros
        {"0481", -1},
        {"048201", -1},
        {"0483010000", -1},
        {"0484ffffffff", -1},
        {"0484fffffffa", -1},
        {"0488ffffffffffffffff", -1},
        {"0483ffffff", -1},
        {"1f0100", -1},
        {"3f8100", -1},
        {"bf1f00", -1}, // tags of more than one byte
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes in = forge_hex(a, rows[i].hex), content = {0};
        uint8_t tag;
        bool ok = dcap_der_next(&tag, &content, &in);
        if (ok != (rows[i].content >= 0) || (ok && (tag != 4 || content.len != (size_t)rows[i].content || in.len)))
            fail_msg("%s", rows[i].hex);
    }
}

// Forms that are not the shortest, with all the content that they promise.
static void long_forms(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const struct {
        const char *head;
        size_t content;
    } forms[] = {
        {"0480", 128},
        {"04817f", 127},
        {"04820080", 128},
        {"048200ff", 255},
        {"0483000100", 256},
        {"048300ffff", 65535},
        {"0484000100ff", 65791},
        {"048401000000", 1u << 24},
        {"0489010000000000000080", 128},
        {"048801000000000000ff", 255},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct bytes head = forge_hex(a, forms[i].head), content;
        struct bytes in = FORGE_JOIN(a, head, {arena_calloc(a, forms[i].content, 1), forms[i].content});
        uint8_t tag;
        if (dcap_der_next(&tag, &content, &in))
            fail_msg("%s", forms[i].head);
    }
}

// The shortest and the longest content of each form.
static void sizes_of_forms(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const size_t sizes[] = {0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0x20000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t n = sizes[i];
        uint8_t *p = arena_calloc(a, n + 6, 1), tag;
        size_t head = n < 0x80 ? 0 : n < 0x100 ? 1 : n < 0x10000 ? 2 : 3;
        p[0] = DER_SEQUENCE, p[1] = (uint8_t)(head ? 0x80 + head : n);
        for (size_t k = 0; k < head; k++)
            p[2 + k] = (uint8_t)(n >> 8 * (head - 1 - k));
        struct bytes in = {p, 2 + head + n + 1}, content;
        assert_true(dcap_der_next(&tag, &content, &in));
        assert_int_equal(content.len, n);
        assert_int_equal(in.len, 1);
        in = (struct bytes){p, 2 + head + n - 1};
        assert_false(dcap_der_next(&tag, &content, &in));
        assert_int_equal(in.len, 2 + head + n - 1); // nothing is taken then
    }
}

static void numbers(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const struct {
        const char *hex;
        int64_t value; // -1: refused
    } rows[] = {
        {"020100", 0},          {"020101", 1},
        {"02017f", 127},        {"02020080", 128},
        {"020200ff", 255},      {"02020100", 256},
        {"0203010000", 65536},  {"020500ffffffff", 4294967295},
        {"0200", -1},           {"020005", -1},
        {"020180", -1},         {"0201ff", -1},
        {"02028000", -1}, // empty; negative
        {"02020001", -1},       {"0202007f", -1},
        {"0203000080", -1},                               // longer than needed
        {"02050100000000", -1}, {"0206ffffffffff00", -1}, // beyond 32 bits
        {"0a0101", -1},         {"220101", -1},
        {"0202", -1},           {"04017f", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes in = forge_hex(a, rows[i].hex);
        uint32_t n;
        bool ok = dcap_der_small(&n, &in, DER_INTEGER, UINT32_MAX);
        if (ok != (rows[i].value >= 0) || (ok && (n != rows[i].value || in.len)))
            fail_msg("%s", rows[i].hex);
        in = forge_hex(a, rows[i].hex);
        if (rows[i].value > 0)
            assert_false(dcap_der_small(&n, &in, DER_INTEGER, (uint32_t)rows[i].value - 1));
    }
    struct bytes in = forge_hex(a, "0a0102"), number;
    uint32_t n;
    assert_true(dcap_der_small(&n, &in, DER_ENUMERATED, 2));
    in = forge_hex(a, "021100ff000000000000000000000000000001");
    assert_true(dcap_der_unsigned(&number, &in, DER_INTEGER, 16));
    assert_int_equal(number.len, 16);
    assert_int_equal(number.ptr[0], 0xff);
    in = forge_hex(a, "021100ff000000000000000000000000000001");
    assert_false(dcap_der_unsigned(&number, &in, DER_INTEGER, 15));
}

static void truth(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const char *const wrong[] = {"010101", "0101fe", "0100", "0102ffff", "0201ff", "01"};
    bool b;
    struct bytes in = forge_hex(a, "0101ff010100");
    assert_true(dcap_der_boolean(&b, &in) && b);
    assert_true(dcap_der_boolean(&b, &in) && !b);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        in = forge_hex(a, wrong[i]);
        assert_false(dcap_der_boolean(&b, &in));
    }
}

static void times(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const struct {
        int tag;
        const char *text;
        int64_t seconds; // -1: refused
    } rows[] = {
        {DER_UTC_TIME, "700101000000Z", 0},
        {DER_UTC_TIME, "180521104510Z", 1526899510},
        {DER_UTC_TIME, "491231235959Z", 2524607999},
        {DER_UTC_TIME, "240229000000Z", 1709164800},
        {DER_UTC_TIME, "991231235959Z", 946684799},
        {DER_GENERALIZED_TIME, "20500101000000Z", 2524608000},
        {DER_GENERALIZED_TIME, "99991231235959Z", 253402300799},
        {DER_GENERALIZED_TIME, "20491231235959Z", -1}, // UTCTime's
        {DER_GENERALIZED_TIME, "20180521104510Z", -1},
        {DER_GENERALIZED_TIME, "20500101000000.5Z", -1},
        {DER_GENERALIZED_TIME, "500101000000Z", -1},
        {DER_UTC_TIME, "20500101000000Z", -1},
        {DER_UTC_TIME, "1805211045Z", -1}, // no seconds
        {DER_UTC_TIME, "180521104510", -1},
        {DER_UTC_TIME, "180521104510+", -1},
        {DER_UTC_TIME, "180521104510+0000", -1},
        {DER_UTC_TIME, "180521104510z", -1},
        {DER_UTC_TIME, "230229000000Z", -1},
        {DER_UTC_TIME, "180431000000Z", -1},
        {DER_UTC_TIME, "181301000000Z", -1},
        {DER_UTC_TIME, "180001000000Z", -1},
        {DER_UTC_TIME, "180100000000Z", -1},
        {DER_UTC_TIME, "180101240000Z", -1},
        {DER_UTC_TIME, "180101006000Z", -1},
        {DER_UTC_TIME, "180101000060Z", -1},
        {DER_UTC_TIME, "18010100000 Z", -1},
        {DER_UTC_TIME, "500101000000Z", -1}, // 1950: nothing that is verified here is that old
        {DER_UTC_TIME, "", -1},
        {DER_GENERALIZED_TIME, "Z", -1},
        {0x18 | 0x20, "20500101000000Z", -1},
        {DER_OCTET_STRING, "180521104510Z", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes in = FORGE_TLV(a, (unsigned)rows[i].tag, forge_text(rows[i].text));
        uint64_t t;
        bool ok = dcap_der_time(&t, &in);
        if (ok != (rows[i].seconds >= 0) || (ok && t != (uint64_t)rows[i].seconds))
            fail_msg("%s", rows[i].text);
    }
}

#define N "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define N_LESS_1 "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550"

static void signatures(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const struct {
        const char *hex, *raw; // r and s without the zeros before them; NULL: refused
    } rows[] = {
        {"3006020101020102", "0102"},
        {"3046022100" N_LESS_1 "022100" N_LESS_1, N_LESS_1 N_LESS_1},
        {"3026022100" N "020101", NULL},
        {"3026020101022100" N, NULL}, // the order itself
        {"3006020100020102", NULL},
        {"3006020101020100", NULL}, // zero
        {"3006020181020102", NULL},
        {"300702020001020102", NULL},           // negative; longer than needed
        {"3026022101" N_LESS_1 "020101", NULL}, // 33 bytes
        {"300602010102010200", NULL},
        {"3007020101020102 00", NULL}, // something behind
        {"3003020101", NULL},
        {"3106020101020102", NULL},
        {"0000", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t raw[64], want[64] = {0};
        bool ok = dcap_der_signature(raw, forge_hex(a, rows[i].hex));
        if (ok != (rows[i].raw != NULL))
            fail_msg("%s", rows[i].hex);
        if (!ok)
            continue;
        struct bytes both = forge_hex(a, rows[i].raw);
        memcpy(want + 32 - both.len / 2, both.ptr, both.len / 2);
        memcpy(want + 64 - both.len / 2, both.ptr + both.len / 2, both.len / 2);
        assert_memory_equal(raw, want, 64);
    }
}

static const struct CMUnitTest group[] = {
    cmocka_unit_test(lengths),    cmocka_unit_test(long_forms), cmocka_unit_test(sizes_of_forms),
    cmocka_unit_test(numbers),    cmocka_unit_test(truth),      cmocka_unit_test(times),
    cmocka_unit_test(signatures),
};
RUN_TESTS(group)
