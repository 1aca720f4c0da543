// SPDX-License-Identifier: Apache-2.0
// What a PCK certificate says about its platform: real ones, and every item missing, doubled, of a wrong size or sign.
#include "base/test.h"

#include "dcap/forge_test.h"
#include "dcap/pck.h"

static bool parse(struct dcap_pck *out, struct bytes extension, enum dcap_ca ca) {
    struct dcap_fault f = {DCAP_OK, DCAP_PART_NOTHING, 0};
    bool ok = dcap_pck_parse(out, extension, ca, &f);
    assert_int_equal(f.code, ok ? DCAP_OK : DCAP_PCK_FORMAT);
    assert_int_equal(f.part, ok ? DCAP_PART_NOTHING : DCAP_PART_PCK_CERT);
    return ok;
}

static struct bytes real_extension(struct arena *a, const char *quote) {
    struct dcap_arena arena = {arena_alloc(a, 8192), 8192, 0};
    struct bytes der[3];
    size_t n;
    struct dcap_cert c;
    struct dcap_fault f;
    assert_true(dcap_pem_certificates(der, &n, &arena, forge_quote_chain(a, quote), 3, true));
    assert_true(dcap_cert_parse(&c, der[0], DCAP_PART_PCK_CERT, &f));
    return c.platform;
}

static void real_ones(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct dcap_pck p;
    assert_true(parse(&p, real_extension(a, "qvl_tdx_v4_b0c06f.quote.bin"), DCAP_CA_PLATFORM));
    assert_memory_equal(p.ppid, forge_hex(a, "811dca2a26b952e85bb6448b097ba4fd").ptr, 16);
    assert_memory_equal(p.svn, forge_hex(a, "03030202040100050000000000000000").ptr, 16);
    assert_memory_equal(p.cpu_svn, p.svn, 16);
    assert_int_equal(p.pce_svn, 11);
    assert_memory_equal(p.pce_id, "\0\0", 2);
    assert_memory_equal(p.fmspc, forge_hex(a, "b0c06f000000").ptr, 6);
    assert_int_equal(p.sgx_type, 1);
    assert_memory_equal(p.platform_id, forge_hex(a, "07828474603e7019dc930775ffe8cdd2").ptr, 16);
    assert_true(p.dynamic_platform && p.cached_keys && p.smt);
    assert_true(parse(&p, real_extension(a, "qvl_sgx_v3_00a067110000.quote.bin"), DCAP_CA_PROCESSOR));
    assert_memory_equal(p.svn, forge_hex(a, "0b0b0202ff0100000000000000000000").ptr, 16); // 255 is 02 02 00 ff
    assert_int_equal(p.pce_svn, 13);
    assert_int_equal(p.sgx_type, 0);
    assert_memory_equal(p.fmspc, forge_hex(a, "00a067110000").ptr, 6);
    assert_null(p.platform_id);
    // Each under the other authority has items too few or too many.
    assert_false(parse(&p, real_extension(a, "qvl_tdx_v4_b0c06f.quote.bin"), DCAP_CA_PROCESSOR));
    assert_false(parse(&p, real_extension(a, "qvl_sgx_v3_00a067110000.quote.bin"), DCAP_CA_PLATFORM));
}

static void truncated(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct bytes whole = real_extension(a, "qvl_tdx_v4_b0c06f.quote.bin");
    struct dcap_pck p;
    for (size_t len = 0; len < whole.len; len++) {
        struct bytes cut = forge_cut(whole, len);
        assert_false(parse(&p, cut, DCAP_CA_PLATFORM));
        forge_drop(cut);
    }
    assert_false(parse(&p, FORGE_JOIN(a, whole, DCAP_LIT("\0")), DCAP_CA_PLATFORM));
}

// --- one thing wrong at a time

#define ARC "2a864886f84d010d01"
enum { TOP = 7, TCB = 18, CONFIGURATION = 3 };
struct items {
    struct bytes top[TOP + 2], tcb[TCB + 2], configuration[CONFIGURATION + 2]; // by number - 1; one more may be given
};

static struct bytes item(struct arena *a, const char *oid, const char *value) {
    return FORGE_TLV(a, DER_SEQUENCE, forge_oid(a, oid), forge_hex(a, value));
}

static struct items good(struct arena *a) {
    struct items i = {0};
    i.top[0] = item(a, ARC "01", "0410000102030405060708090a0b0c0d0e0f");
    for (int n = 1; n <= 16; n++)
        i.tcb[n - 1] = item(a, arena_printf(a, ARC "02%02x", n), arena_printf(a, "0201%02x", n));
    i.tcb[16] = item(a, ARC "0211", "02020102");
    i.tcb[17] = item(a, ARC "0212", "0410f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    i.top[2] = item(a, ARC "03", "04020304");
    i.top[3] = item(a, ARC "04", "0406a0a1a2a3a4a5");
    i.top[4] = item(a, ARC "05", "0a0102");
    i.top[5] = item(a, ARC "06", "0410101112131415161718191a1b1c1d1e1f");
    for (int n = 1; n <= 3; n++)
        i.configuration[n - 1] = item(a, arena_printf(a, ARC "07%02x", n), n == 2 ? "010100" : "0101ff");
    return i;
}

static struct bytes extension(struct arena *a, const struct items *i) {
    struct items all = *i;
    if (!all.top[1].ptr)
        all.top[1] = FORGE_TLV(a, DER_SEQUENCE, forge_oid(a, ARC "02"), forge_tlv(a, DER_SEQUENCE, all.tcb, TCB + 2));
    if (!all.top[6].ptr)
        all.top[6] = FORGE_TLV(a, DER_SEQUENCE, forge_oid(a, ARC "07"),
                               forge_tlv(a, DER_SEQUENCE, all.configuration, CONFIGURATION + 2));
    return forge_tlv(a, DER_SEQUENCE, all.top, TOP + 2);
}

static void every_item(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct items i = good(a), reversed = {0};
    struct dcap_pck p;
    assert_true(parse(&p, extension(a, &i), DCAP_CA_PLATFORM));
    for (int n = 0; n < 16; n++) {
        assert_int_equal(p.ppid[n], n);
        assert_int_equal(p.svn[n], n + 1);
        assert_int_equal(p.cpu_svn[n], 0xf0 + n);
        assert_int_equal(p.platform_id[n], 0x10 + n);
    }
    assert_int_equal(p.pce_svn, 0x0102);
    assert_memory_equal(p.pce_id, "\x03\x04", 2);
    assert_memory_equal(p.fmspc, "\xa0\xa1\xa2\xa3\xa4\xa5", 6);
    assert_int_equal(p.sgx_type, 2);
    assert_true(p.dynamic_platform && !p.cached_keys && p.smt);
    // In any order, each once.
    for (int n = 0; n < TCB; n++)
        reversed.tcb[n] = i.tcb[TCB - 1 - n];
    for (int n = 0; n < TOP; n++)
        reversed.top[n] = i.top[n];
    assert_true(parse(&p, extension(a, &reversed), DCAP_CA_PLATFORM));
    for (int n = 0; n < CONFIGURATION; n++)
        reversed.configuration[n] = i.configuration[CONFIGURATION - 1 - n];
    assert_true(parse(&p, extension(a, &reversed), DCAP_CA_PLATFORM));
    assert_int_equal(p.svn[15], 16);
}

static void without_and_twice(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct dcap_pck p;
    for (int n = 0; n < TOP; n++) {
        struct items less = good(a);
        less.top[n] = (struct bytes){(const uint8_t *)"", 0};
        if (parse(&p, extension(a, &less), DCAP_CA_PLATFORM) || parse(&p, extension(a, &less), DCAP_CA_PROCESSOR))
            fail_msg("without item %d", n + 1);
        struct items twice = good(a);
        twice.top[TOP] = n == 1 || n == 6
                             ? FORGE_TLV(a, DER_SEQUENCE, forge_oid(a, n == 1 ? ARC "02" : ARC "07"),
                                         n == 1 ? forge_tlv(a, DER_SEQUENCE, twice.tcb, TCB) : forge_hex(a, "3000"))
                             : twice.top[n];
        if (parse(&p, extension(a, &twice), DCAP_CA_PLATFORM))
            fail_msg("item %d twice", n + 1);
    }
    for (int n = 0; n < TCB; n++) {
        struct items less = good(a), twice = good(a);
        less.tcb[n] = forge_hex(a, "");
        twice.tcb[TCB] = twice.tcb[n];
        if (parse(&p, extension(a, &less), DCAP_CA_PLATFORM) || parse(&p, extension(a, &twice), DCAP_CA_PLATFORM))
            fail_msg("TCB item %d", n + 1);
    }
    for (int n = 0; n < CONFIGURATION; n++) {
        struct items less = good(a), twice = good(a);
        less.configuration[n] = forge_hex(a, "");
        twice.configuration[CONFIGURATION] = twice.configuration[n];
        assert_true(parse(&p, extension(a, &less), DCAP_CA_PLATFORM)); // these may be missing
        assert_false(parse(&p, extension(a, &twice), DCAP_CA_PLATFORM));
    }
    struct items none = good(a);
    none.top[6] = item(a, ARC "07", "3000");
    assert_true(parse(&p, extension(a, &none), DCAP_CA_PLATFORM));
    assert_false(p.dynamic_platform || p.cached_keys || p.smt);
    struct items processor = good(a);
    processor.top[5] = processor.top[6] = forge_hex(a, "");
    assert_true(parse(&p, extension(a, &processor), DCAP_CA_PROCESSOR));
    assert_false(parse(&p, extension(a, &processor), DCAP_CA_PLATFORM));
}

struct row {
    char list; // t(op), s(vn) or c(onfiguration)
    int number;
    const char *oid, *value;
};
static const struct row rows[] = {
    {'t', 1, ARC "01", "040f000102030405060708090a0b0c0d0e"},
    {'t', 1, ARC "01", "0411000102030405060708090a0b0c0d0e0f10"},
    {'t', 1, ARC "01", "0210000102030405060708090a0b0c0d0e0f"},
    {'t', 1, ARC "01", "0410000102030405060708090a0b0c0d0e0f0500"},
    {'t', 1, ARC "0101", "0410000102030405060708090a0b0c0d0e0f"}, // numbers longer than they are
    {'s', 1, ARC "020101", "020101"},
    {'c', 1, ARC "070101", "0101ff"},
    {'t', 2, ARC "02", "0400"},
    {'t', 3, ARC "03", "0401aa"},
    {'t', 3, ARC "03", "0403aabbcc"},
    {'t', 4, ARC "04", "0405a0a1a2a3a4"},
    {'t', 4, ARC "04", "0407a0a1a2a3a4a5a6"},
    {'t', 5, ARC "05", "0a0103"},
    {'t', 5, ARC "05", "0a0180"},
    {'t', 5, ARC "05", "020101"},
    {'t', 5, ARC "05", "0a0100 0a0100"},
    {'t', 6, ARC "06", "040f000102030405060708090a0b0c0d0e"},
    {'t', 7, ARC "07", "0400"},
    {'t', 8, ARC "08", "0400"}, // an item that nobody knows
    {'t', 8, ARC "00", "0400"},
    {'t', 8, ARC "0101", "0400"},
    {'t', 8, ARC "ff", "0400"},
    {'t', 8, "2a864886f84d010d02", "0400"},
    {'t', 8, ARC, "0400"},
    {'s', 1, ARC "0201", "02020100"}, // 256
    {'s', 1, ARC "0201", "0201ff"},   // negative
    {'s', 1, ARC "0201", "02020001"},
    {'s', 1, ARC "0201", "0200"},
    {'s', 1, ARC "0201", "0a0101"},
    {'s', 1, ARC "0201", "020101 00"},
    {'s', 1, ARC "0301", "020101"},
    {'s', 1, ARC "02", "020101"},
    {'s', 17, ARC "0211", "0203010000"}, // 65536
    {'s', 17, ARC "0211", "0202ffff"},
    {'s', 18, ARC "0212", "040f000102030405060708090a0b0c0d0e"},
    {'s', 19, ARC "0213", "020101"},
    {'s', 19, ARC "0200", "020101"},
    {'s', 19, ARC "0220", "020101"},
    {'s', 19, ARC "0221", "020101"},
    {'c', 1, ARC "0701", "010101"},
    {'c', 1, ARC "0701", "0101ff0101ff"},
    {'c', 1, ARC "0701", "0201ff"},
    {'c', 4, ARC "0704", "0101ff"},
    {'c', 4, ARC "0700", "0101ff"},
};

static void wrong_values(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        SCOPED_ARENA(a);
        struct items x = good(a);
        struct bytes *list = rows[i].list == 't' ? x.top : rows[i].list == 's' ? x.tcb : x.configuration;
        list[rows[i].number - 1] = item(a, rows[i].oid, rows[i].value);
        struct dcap_pck p;
        if (parse(&p, extension(a, &x), DCAP_CA_PLATFORM))
            fail_msg("%s %s", rows[i].oid, rows[i].value);
    }
    SCOPED_ARENA(a);
    struct items x = good(a);
    struct dcap_pck p;
    x.tcb[0] = item(a, ARC "0201", "020200ff");
    x.tcb[16] = item(a, ARC "0211", "020300ffff");
    assert_true(parse(&p, extension(a, &x), DCAP_CA_PLATFORM));
    assert_int_equal(p.svn[0], 255);
    assert_int_equal(p.pce_svn, 65535);
}

static const struct CMUnitTest group[] = {
    cmocka_unit_test(real_ones),         cmocka_unit_test(truncated),    cmocka_unit_test(every_item),
    cmocka_unit_test(without_and_twice), cmocka_unit_test(wrong_values),
};
RUN_TESTS(group)
